// Arguments against their schema. The only file that includes valijson, whose headers are not written for our warnings.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wconversion"
#pragma clang diagnostic ignored "-Wshadow"
#pragma clang diagnostic ignored "-Wnon-virtual-dtor"
#pragma clang diagnostic ignored "-Woverloaded-virtual"
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wextra"
#endif
#define VALIJSON_USE_EXCEPTIONS 1  // without it, a schema that is none ends the process
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#include <algorithm>

#include <fmt/format.h>

#include <parley/tools.hpp>

namespace parley {
namespace {

constexpr std::size_t kMaxDepth = 16;      // of nesting in what an LLM sends
constexpr std::size_t kMaxPatternText = 1024;  // of a text that a pattern looks at
constexpr std::size_t kMaxComplaints = 3;  // it need not be told everything at once

// "day" for "<root>[day]".
std::string place(const std::vector<std::string>& context) {
  std::string path;
  for (const auto& part : context) {
    if (part == "<root>") continue;
    auto name = part;
    if (name.size() > 1 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
    path += path.empty() ? name : "." + name;
  }
  return path;
}

// Where valijson uses std::regex, which takes a stack frame for each character and backtracks.
bool uses_patterns(const boost::json::value& schema) {
  if (const auto* array = schema.if_array()) return std::ranges::any_of(*array, uses_patterns);
  const auto* object = schema.if_object();
  return object && std::ranges::any_of(*object, [](const auto& member) {
    return member.key() == "pattern" || member.key() == "patternProperties" || member.key() == "format" || uses_patterns(member.value());
  });
}

bool has_longer_text(const boost::json::value& value, std::size_t limit) {
  if (const auto* text = value.if_string()) return text->size() > limit;
  if (const auto* array = value.if_array()) return std::ranges::any_of(*array, [limit](const auto& v) { return has_longer_text(v, limit); });
  const auto* object = value.if_object();
  return object && std::ranges::any_of(*object, [limit](const auto& member) {
    return member.key().size() > limit || has_longer_text(member.value(), limit);
  });
}

}  // namespace

struct ArgumentChecker::Compiled {
  valijson::Schema schema;
  bool patterns = false;
};

Result<ArgumentChecker> ArgumentChecker::create(const boost::json::object& schema) {
  const auto* type = schema.if_contains("type");
  if (!type || *type != "object") {
    return fail(Errc::invalid_argument, R"(the parameters of a tool are a JSON schema with "type": "object")");
  }
  auto compiled = std::make_shared<Compiled>();
  try {
    const boost::json::value value(schema);
    compiled->patterns = uses_patterns(value);
    valijson::SchemaParser().populateSchema(valijson::adapters::BoostJsonAdapter(value), compiled->schema);
  } catch (const std::exception& error) {
    return fail(Errc::invalid_argument, fmt::format("the parameters of a tool are no JSON schema: {}", error.what()));
  }
  ArgumentChecker checker;
  checker.compiled_ = std::move(compiled);
  return checker;
}

Result<boost::json::object> ArgumentChecker::check(std::string_view arguments) const {
  if (arguments.size() > Tool::kMaxArguments) {
    return fail(Errc::invalid_argument, fmt::format("the arguments are longer than {} bytes", Tool::kMaxArguments));
  }
  if (arguments.find_first_not_of(" \t\r\n") == std::string_view::npos) arguments = "{}";  // many LLMs write nothing for none
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  auto value = boost::json::parse(arguments, error, {}, options);
  if (error) return fail(Errc::invalid_argument, fmt::format("the arguments are not valid JSON: {}", error.message()));
  if (!value.is_object()) return fail(Errc::invalid_argument, "the arguments must be a JSON object");

  if (compiled_->patterns && has_longer_text(value, kMaxPatternText)) {
    return fail(Errc::invalid_argument, fmt::format("no text may be longer than {} bytes", kMaxPatternText));
  }

  valijson::ValidationResults results;
  bool valid = false;
  try {
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valid = validator.validate(compiled_->schema, valijson::adapters::BoostJsonAdapter(value), &results);
  } catch (const std::exception& e) {
    return fail(Errc::invalid_argument, fmt::format("the arguments cannot be checked: {}", e.what()));
  }
  if (valid) return std::move(value).as_object();
  std::string complaints;
  valijson::ValidationResults::Error complaint;
  for (std::size_t i = 0; i < kMaxComplaints && results.popError(complaint); ++i) {
    const auto where = place(complaint.context);
    complaints += fmt::format("{}{}{}{}", complaints.empty() ? "" : " ", where, where.empty() ? "" : ": ", complaint.description);
  }
  return fail(Errc::invalid_argument, std::move(complaints));
}

}  // namespace parley
