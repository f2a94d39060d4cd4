#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent_file/checker.hpp"

namespace parley::agent_file {

namespace json = boost::json;
using yaml::Node;
using Type = Option::Type;

void Checker::check_providers(Node& node, const Shape& shape, const std::string& path) {
  if (!node.is_list()) return check_provider(node, shape, path, true);
  if (node.items.empty() || node.items.size() > ProviderRegistry::kMaxChain) {
    return wrong(node, path,
                 fmt::format("expected a fallback chain of 1 to {} providers, found {}", ProviderRegistry::kMaxChain,
                             node.items.size()));
  }
  for (std::size_t i = 0; i < node.items.size(); ++i)
    check_provider(node.items[i], shape, fmt::format("{}[{}]", path, i), i == 0);
}

void Checker::check_provider(Node& node, const Shape& shape, const std::string& path, bool first) {
  const Option name_option{.type = Type::line, .minimum = 1};
  Node* name = node.is_mapping() ? node.find("provider") : &node;
  const auto is_session_key = [&shape](const Node& entry) {
    return std::ranges::find(shape.parts, entry.key, &Shape::key) != shape.parts.end();
  };
  if (!name && first && !node.entries.empty() &&
      std::ranges::all_of(node.entries, is_session_key)) {  // the provider is Parley's own
    for (Node& entry : node.entries)
      check(entry, *std::ranges::find(shape.parts, entry.key, &Shape::key), path + "." + entry.key, {});
    return;
  }
  if (!name)
    return wrong(node, path + ".provider",
                 fmt::format("missing: expected the name of a {} provider: {}", to_string(shape.slot),
                             fmt::join(providers_.names(shape.slot), ", ")));
  if (node.is_list() || node.is_null())
    return wrong(node, path,
                 fmt::format("expected the name of a {} provider, or a mapping with it, found {}",
                             to_string(shape.slot), yaml::described(node)));
  const std::string name_path = node.is_mapping() ? path + ".provider" : path;
  if (!check_value(*name, name_option, name_path, {.fixed = true})) return;
  const std::string provider = text_option(*value_of(*name, name_option, environment_ != nullptr));
  const auto known = providers_.names(shape.slot);
  if (std::ranges::find(known, provider) == known.end()) {
    const std::string shown = name->source.empty() ? fmt::format("\"{}\"", provider.substr(0, 64)) : name->source;
    return wrong(*name, name_path,
                 unknown_name(fmt::format("{} provider {}", to_string(shape.slot), shown), provider, known));
  }
  if (!first) {
    for (const Shape& key : shape.parts) {
      if (const auto* entry = node.find(key.key))
        mistakes_.add({entry->key_place, path + "." + key.key,
                       "it belongs to the first provider of the chain, and holds for all of them"});
    }
  }
  check_options(node, shape, provider, path);
}

void Checker::check_options(Node& node, const Shape& shape, const std::string& name, const std::string& path) {
  const auto* description = providers_.description(shape.slot, name);
  std::vector<std::string> keys = {"provider"};
  for (const Shape& part : shape.parts) keys.push_back(part.key);
  if (description) {
    for (const Option& option : description->options) keys.push_back(option.name);
  }
  bool good = true;
  for (Node& entry : node.entries) {
    const std::string inner = fmt::format("{}.{}", path, entry.key.substr(0, 64));
    const auto part = std::ranges::find(shape.parts, entry.key, &Shape::key);
    if (entry.key == "provider") continue;
    if (part != shape.parts.end()) {
      check(entry, *part, inner, {});
      continue;
    }
    if (!description) {
      expand_all(entry, {.type = Type::any, .secret = entry.key == "api_key" || entry.key == "token"}, inner, {});
      continue;
    }
    const auto option = std::ranges::find(description->options, entry.key, &Option::name);
    if (option == description->options.end()) {
      mistakes_.add({entry.key_place, inner, unknown_name("key", entry.key, keys)});
      good = false;
    } else {
      good = check_value(entry, *option, inner, {}) && good;
    }
  }
  if (description && good) check_described(node, *description, path);
}

// What only all options together can tell: the absent ones, and what the provider itself says of them.
void Checker::check_described(Node& node, const ProviderDescription& description, const std::string& path) {
  bool whole = true;
  json::object options;
  for (const Option& option : description.options) {
    const Node& entry = node[option.name];
    if (option.required && !entry) {
      wrong(node, fmt::format("{}.{}", path, option.name), fmt::format("missing: expected {}", expectation(option)));
      whole = false;
    }
    if (!entry) continue;
    auto value = value_of(entry, option, environment_ != nullptr);
    if (!value) return;
    if (option.type == Type::path && !is_off(*value)) {
      value = json::string(resolved_path(folder_, text_option(*value)));
      files.push_back(text_option(*value));
    }
    options[option.name] = std::move(*value);
  }
  if (!whole || !description.check || !environment_) return;
  for (const auto& mistake : description.check(options)) {
    const Node& entry = node[mistake.option];
    mistakes_.add({entry ? entry.place : node.place,
                   mistake.option.empty() ? path : path + "." + mistake.option,
                   mistake.message,
                   mistake.file,
                   {mistake.line, mistake.column}});
  }
}

}  // namespace parley::agent_file
