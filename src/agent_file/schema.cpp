#include "agent_file/schema.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "agent_file/shape.hpp"

namespace parley::agent_file {

namespace json = boost::json;
using Form = Shape::Form;
using Type = Option::Type;

namespace {

constexpr const char* kVariable = R"(\{\{.*\}\})";
constexpr const char* kDuration = R"(^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$)";
constexpr const char* kSize = R"(^[0-9]+(\.[0-9]+)?([kKMGT]B|[KMGT]iB|B)$)";

json::array strings(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.push_back(json::string(text));
  return array;
}

json::object any_of(json::array alternatives) {
  if (alternatives.size() == 1) return alternatives.front().as_object();
  return {{"anyOf", std::move(alternatives)}};
}

std::int64_t count(std::size_t bound) { return static_cast<std::int64_t>(bound); }

json::value rounded(double bound) {
  if (bound == static_cast<double>(static_cast<std::int64_t>(bound))) return static_cast<std::int64_t>(bound);
  return bound;
}

void add_bounds(json::object& to, const Option& option, const char* least, const char* most) {
  if (option.minimum) to[least] = rounded(*option.minimum);
  if (option.maximum) to[most] = rounded(*option.maximum);
}

json::object text_schema(const Option& option) {
  json::object text = {{"type", "string"}};
  if (option.type == Type::uri) {
    const auto schemes = option.one_of.empty() ? std::vector<std::string>{"http", "https"} : option.one_of;
    std::string any;
    for (const auto& scheme : schemes) any += (any.empty() ? "" : "|") + scheme;
    text["pattern"] = json::string(fmt::format("^({}):|{}", any, kVariable));
    return text;
  }
  if (!option.one_of.empty()) return {{"enum", strings(option.one_of)}};
  if (option.type == Type::name) text["pattern"] = "^[A-Za-z0-9_-]{1,64}$|\\{\\{.*\\}\\}";
  add_bounds(text, option, "minLength", "maxLength");
  return text;
}

// A choice, a number, a duration: in their place may stand a variable.
json::object or_variable(json::object schema) {
  return any_of({std::move(schema), {{"type", "string"}, {"pattern", kVariable}}});
}

json::object type_schema(const Option& option) {
  switch (option.type) {
    case Type::text:
    case Type::line:
    case Type::name:
    case Type::uri:
    case Type::path:
      return option.type != Type::uri && !option.one_of.empty() ? or_variable(text_schema(option))
                                                                : text_schema(option);
    case Type::boolean: return or_variable({{"enum", {true, false, "on", "off"}}});
    case Type::integer:
    case Type::number: {
      json::object number = {{"type", option.type == Type::integer ? "integer" : "number"}};
      add_bounds(number, option, "minimum", "maximum");
      return or_variable(std::move(number));
    }
    case Type::duration: return or_variable({{"type", "string"}, {"pattern", kDuration}});
    case Type::size:
      return or_variable(any_of({{{"type", "string"}, {"pattern", kSize}}, {{"type", "integer"}, {"minimum", 0}}}));
    case Type::texts: {
      json::object list = {{"type", "array"},
                           {"items", option.one_of.empty() ? json::object{{"type", "string"}}
                                                           : json::object{{"enum", strings(option.one_of)}}}};
      add_bounds(list, option, "minItems", "maxItems");
      return list;
    }
    case Type::any: break;
  }
  return {};
}

json::object option_schema(const Option& option) {
  auto schema = type_schema(option);
  if (option.can_be_off) schema = any_of({std::move(schema), {{"enum", {"off", false, nullptr}}}});
  if (!option.otherwise.is_null()) schema["default"] = option.otherwise;
  return schema;
}

class Writer {
 public:
  explicit Writer(const ProviderRegistry& providers) : providers_(providers) {}

  // What several places refer to.
  json::object definitions() { return std::move(definitions_); }

  json::object write(const Shape& shape) {
    auto schema = form(shape);
    if (!shape.help.empty()) schema["description"] = json::string(shape.help);
    return schema;
  }

 private:
  json::object form(const Shape& shape) {
    switch (shape.form) {
      case Form::value: return option_schema(shape.value);
      case Form::mapping: return mapping(shape);
      case Form::names:
        return {{"type", "object"},
                {"propertyNames", names(shape)},
                {"maxProperties", count(shape.most)},
                {"additionalProperties", write(shape.parts.front())}};
      case Form::list:
        if (shape.key == "tools") return referred("tools", [&] { return list(shape); });
        return list(shape);
      case Form::either: {
        json::array all;
        for (const Shape& part : shape.parts) all.push_back(write(part));
        return any_of(std::move(all));
      }
      case Form::parameters:
        return {{"type", "object"}, {"properties", {{"type", {{"const", "object"}}}}}, {"required", {"type"}}};
      case Form::providers: {
        const auto single =
            referred(fmt::format("{}{}", to_string(shape.slot), shape.parts.empty() ? "" : "_of_session"),
                     [&] { return providers(shape); });
        return any_of({single,
                       {{"type", "array"},
                        {"items", single},
                        {"minItems", 1},
                        {"maxItems", count(ProviderRegistry::kMaxChain)},
                        {"description", "A fallback chain: tried in order."}}});
      }
    }
    return {};
  }

  static json::object names(const Shape& shape) {
    json::object name = {{"pattern", "^[A-Za-z0-9_-]{1,64}$"}};
    if (!shape.taken.empty()) name["not"] = {{"enum", strings(shape.taken)}};
    return name;
  }

  // Written once, under `name`.
  template <class Write>
  json::object referred(const std::string& name, Write write_it) {
    if (!definitions_.contains(name)) definitions_[name] = write_it();
    return {{"$ref", json::string("#/$defs/" + name)}};
  }

  json::object list(const Shape& shape) {
    json::object schema = {{"type", "array"}, {"items", write(shape.parts.front())}};
    if (shape.least > 0) schema["minItems"] = count(shape.least);
    schema["maxItems"] = count(shape.most);
    return schema;
  }

  json::object mapping(const Shape& shape) {
    json::object properties;
    json::array required;
    for (const Shape& part : shape.parts) {
      properties[part.key] = write(part);
      if (part.required) required.push_back(json::string(part.key));
    }
    json::object schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) schema["required"] = std::move(required);
    if (!shape.exactly_one.empty()) {
      json::array one;
      for (const auto& key : shape.exactly_one) one.push_back({{"required", {json::string(key)}}});
      schema["oneOf"] = std::move(one);
    }
    return schema;
  }

  json::object providers(const Shape& shape) {
    const auto names = providers_.names(shape.slot);
    json::array one = {{{"enum", strings(names)}, {"description", "The provider, with its defaults."}}};
    for (const auto& name : names) one.push_back(provider(shape, name));
    if (!shape.parts.empty()) one.push_back(mapping({.form = Form::mapping, .parts = shape.parts}));
    return any_of(std::move(one));
  }

  json::object provider(const Shape& shape, const std::string& name) {
    const auto* description = providers_.description(shape.slot, name);
    json::object properties = {{"provider", {{"const", json::string(name)}}}};
    json::array required = {"provider"};
    for (const Shape& part : shape.parts) properties[part.key] = write(part);
    if (description) {
      for (const Option& option : description->options) {
        auto schema = option_schema(option);
        if (!option.help.empty()) schema["description"] = json::string(option.help);
        properties[option.name] = std::move(schema);
        if (option.required) required.push_back(json::string(option.name));
      }
    }
    json::object schema = {
        {"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
    if (description) {
      schema["additionalProperties"] = false;
      if (!description->help.empty()) schema["description"] = json::string(description->help);
    }
    return schema;
  }

  const ProviderRegistry& providers_;
  json::object definitions_;
};

// On one line; numbers as people write them.
std::string compact(const json::value& value) {
  if (const auto* number = value.if_double()) return fmt::format("{}", *number);
  std::string text;
  if (const auto* array = value.if_array()) {
    for (const auto& one : *array) text += (text.empty() ? "" : ", ") + compact(one);
    return "[" + text + "]";
  }
  if (const auto* object = value.if_object()) {
    for (const auto& [key, one] : *object)
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", json::serialize(json::value(key)), compact(one));
    return "{" + text + "}";
  }
  return json::serialize(value);
}

// Short values on one line, others one entry a line.
void print(const json::value& value, std::size_t indent, std::string& to) {
  constexpr std::size_t kShort = 100;
  const std::string flat = compact(value);
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  if ((!object && !array) || flat.size() <= kShort) {
    to += flat;
    return;
  }
  const std::string blanks(indent + 2, ' ');
  to += object ? "{\n" : "[\n";
  bool first = true;
  const auto begin = [&] {
    to += first ? blanks : ",\n" + blanks;
    first = false;
  };
  if (object) {
    for (const auto& [key, one] : *object) {
      begin();
      to += json::serialize(json::value(key)) + ": ";
      print(one, indent + 2, to);
    }
  } else {
    for (const auto& one : *array) {
      begin();
      print(one, indent + 2, to);
    }
  }
  to += "\n" + std::string(indent, ' ') + (object ? "}" : "]");
}

}  // namespace

json::object schema(const ProviderRegistry& providers) {
  json::object result = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Parley agent file"}};
  Writer writer(providers);
  for (auto& [key, value] : writer.write(file_shape())) result[key] = std::move(value);
  result["$defs"] = writer.definitions();
  return result;
}

std::string schema_text(const ProviderRegistry& providers) {
  std::string text;
  print(schema(providers), 0, text);
  return text + "\n";
}

}  // namespace parley::agent_file
