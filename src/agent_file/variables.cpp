#include "agent_file/variables.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <parley/option.hpp>

namespace parley::agent_file {

namespace json = boost::json;

namespace {

constexpr std::string_view kNames[] = {"call.id", "job.id", "room.name", "participant.identity"};
constexpr std::string_view kFamilies[] = {"metadata.", "participant.attributes.", "sip.", "env.", "secret."};

std::string_view after(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view();
}

Result<std::string> read_secret(const std::string& folder, std::string_view name) {
  const std::string path = fmt::format("{}/{}", folder, name);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(Environment::kMaxSecret + 1, '\0');
  if (file) {
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (text.empty() && errno != 0)) {
    return fail(Errc::not_found, fmt::format("secret.{} cannot be read: {}: {}", name, path, std::strerror(errno)));
  }
  if (text.size() > Environment::kMaxSecret)
    return fail(Errc::invalid_argument,
                fmt::format("secret.{}: {} has more than {} bytes", name, path, Environment::kMaxSecret));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return fail(Errc::not_found, fmt::format("secret.{} is empty: {}", name, path));
  return text;
}

std::optional<std::string> as_text(const json::value* value) {
  if (!value || value->is_null()) return std::nullopt;
  if (const auto* number = value->if_double()) return fmt::format("{}", *number);  // "0.5": it may be spoken
  std::string text = value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

const json::value* member(const json::value* value, std::string_view key) {
  const auto* object = value ? value->if_object() : nullptr;
  return object ? object->if_contains(key) : nullptr;
}

// "order.customer.name"
const json::value* nested(const json::value* value, std::string_view path) {
  while (value && !path.empty()) {
    const auto dot = std::min(path.find('.'), path.size());
    value = member(value, path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

}  // namespace

Environment Environment::of_process(std::string secrets_folder) {
  const auto variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  if (secrets_folder.empty()) secrets_folder = variable("PARLEY_SECRETS").value_or("/run/secrets");
  return {variable, std::move(secrets_folder)};
}

Result<std::string> Environment::value(std::string_view variable_name) const {
  if (const auto name = after(variable_name, "secret."); !name.empty()) return read_secret(secrets_folder, name);
  const std::string name(after(variable_name, "env."));
  auto found = variable(name);
  if (found && !found->empty()) return std::move(*found);
  return fail(Errc::not_found, fmt::format("{} is {}: set it, or write {{{{env.{} | default: '...'}}}}", name,
                                           found ? "empty in the environment" : "not in the environment", name));
}

bool is_settled(std::string_view variable) noexcept {
  return variable.starts_with("env.") || variable.starts_with("secret.");
}
bool is_secret(std::string_view variable) noexcept { return variable.starts_with("secret."); }

std::optional<std::string> mistake_in_variable(const std::string& name) {
  if (std::ranges::find(kNames, std::string_view(name)) != std::end(kNames)) return std::nullopt;
  for (const auto family : kFamilies) {
    const auto rest = after(name, family);
    if (rest.empty()) continue;
    const bool whole = !rest.starts_with('.') && !rest.ends_with('.') && rest.find("..") == std::string_view::npos;
    if (whole) return std::nullopt;
  }
  std::vector<std::string> known(std::begin(kNames), std::end(kNames));
  // What stands behind the family's name is somebody's own, and no typing mistake.
  const auto dots = std::ranges::count(name, '.');
  for (const auto family : kFamilies) {
    std::size_t own = 0;
    for (auto i = 0; i < std::min(dots, std::ranges::count(family, '.')); ++i) own = name.find('.', own) + 1;
    known.push_back(std::string(family) + (own > 0 && own < name.size() ? name.substr(own) : "*"));
  }
  return unknown_name(fmt::format("variable \"{}\"", name), name, known);
}

std::optional<std::string> value_in_call(const json::object& call, std::string_view variable) {
  if (variable == "call.id") return as_text(call.if_contains("id"));
  if (variable == "job.id") return as_text(call.if_contains("job_id"));
  if (variable == "room.name") return as_text(call.if_contains("room"));
  if (variable == "participant.identity") return as_text(member(call.if_contains("participant"), "identity"));
  if (const auto name = after(variable, "participant.attributes."); !name.empty()) {
    return as_text(member(member(call.if_contains("participant"), "attributes"), name));
  }
  if (const auto name = after(variable, "sip."); !name.empty()) return as_text(member(call.if_contains("sip"), name));
  if (const auto path = after(variable, "metadata."); !path.empty())
    return as_text(nested(call.if_contains("metadata"), path));
  return std::nullopt;
}

}  // namespace parley::agent_file
