#include "agent_file/checker.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <parley/base/utf8.hpp>
#include <parley/tools.hpp>

#include "agent_file/template.hpp"

namespace parley::agent_file {

namespace json = boost::json;
using yaml::Node;
using Form = Shape::Form;
using Type = Option::Type;

namespace {

bool is_text(const Option& option) {
  return option.type == Type::text || option.type == Type::line || option.type == Type::name ||
         option.type == Type::uri || option.type == Type::path || option.type == Type::texts ||
         option.type == Type::any;
}

// What comes from a call must not lead elsewhere.
bool is_encoded(const Option& option) {
  const bool is_telephone =
      std::ranges::any_of(option.one_of, [](const auto& scheme) { return scheme == "tel" || scheme == "sip"; });
  return option.type == Type::path || (option.type == Type::uri && !is_telephone);
}

std::string inner(const std::string& path, std::string_view key) {
  constexpr std::size_t kMostShown = 64;
  const std::string shown = valid_utf8(std::string(key.substr(0, kMostShown)));
  return path.empty() ? shown : path + "." + shown;
}
std::string inner(const std::string& path, std::size_t index) { return fmt::format("{}[{}]", path, index); }

std::vector<std::string> keys_of(const Shape& shape) {
  std::vector<std::string> keys;
  for (const Shape& part : shape.parts) keys.push_back(part.key);
  return keys;
}

std::string expectation_of(const Shape& shape) {
  switch (shape.form) {
    case Form::value: return expectation(shape.value);
    case Form::mapping:
      return shape.parts.empty() ? "a mapping" : fmt::format("a mapping with {}", fmt::join(keys_of(shape), ", "));
    case Form::names: return "a mapping of names";
    case Form::list: return "a list";
    case Form::providers: return fmt::format("a {} provider", to_string(shape.slot));
    case Form::parameters: return "a JSON schema of an object";
    case Form::either: break;
  }
  std::string all;
  std::vector<std::string> chosen;
  for (const Shape& part : shape.parts) {
    if (!part.chosen_by.empty()) chosen.push_back(part.chosen_by);
  }
  for (const Shape& part : shape.parts) {
    if (!part.chosen_by.empty()) continue;
    all += (all.empty() ? "" : ", or ") + expectation_of(part);
  }
  return chosen.empty() ? all : fmt::format("{}, or a mapping with {}", all, fmt::join(chosen, " or "));
}

}  // namespace

std::string resolved_path(const std::string& folder, const std::string& path) {
  if (folder.empty() || path.starts_with('/')) return path;
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

std::optional<json::value> value_of(const Node& node, const Option& option, bool is_file) {
  const bool computed = !node.source.empty();
  std::string text = node.text;
  if (is_file && node.is_scalar() && text.find("{{") != std::string::npos) {
    const auto parsed = Template::parse(text);
    if (!parsed || parsed->has_variables()) return std::nullopt;
    std::vector<std::string> missing;
    text = parsed->fill([](const auto&) { return std::nullopt; }, missing);
  }
  if (!node.is_scalar()) return node.to_json();
  if (computed) return is_text(option) ? json::value(json::string(text)) : yaml::plain_value(text);
  return node.style == Node::Style::plain ? yaml::plain_value(text) : json::value(json::string(text));
}

void Checker::check(Node& root) {
  check(root, file_shape(), {}, {});
  check_together(root);
}

void Checker::check(Node& node, const Shape& shape, const std::string& path, Around around) {
  around.fixed = around.fixed || shape.fixed;
  around.holds_secrets = around.holds_secrets || shape.holds_secrets;
  switch (shape.form) {
    case Form::value: check_value(node, shape.value, path, around); return;
    case Form::mapping: return check_mapping(node, shape, path, around);
    case Form::names: return check_names(node, shape, path, around);
    case Form::list: return check_list(node, shape, path, around);
    case Form::either: return check_either(node, shape, path, around);
    case Form::providers: return check_providers(node, shape, path);
    case Form::parameters: return check_parameters(node, path, around);
  }
}

void Checker::check_mapping(Node& node, const Shape& shape, const std::string& path, Around around,
                            const std::vector<std::string>& other_keys) {
  if (!node.is_mapping())
    return wrong(node, path, fmt::format("expected {}, found {}", expectation_of(shape), yaml::described(node)));
  auto keys = keys_of(shape);
  const auto own = keys.size();
  keys.insert(keys.end(), other_keys.begin(), other_keys.end());
  for (Node& entry : node.entries) {
    const auto part = std::ranges::find(shape.parts, entry.key, &Shape::key);
    if (part != shape.parts.end()) {
      check(entry, *part, inner(path, entry.key), around);
    } else {
      mistakes_.add({entry.key_place, inner(path, entry.key), unknown_name("key", entry.key, keys)});
    }
  }
  keys.resize(own);
  for (const Shape& part : shape.parts) {
    if (part.required && !node[part.key])
      wrong(node, inner(path, part.key), fmt::format("missing: expected {}", expectation_of(part)));
  }
  if (shape.exactly_one.empty()) return;
  const auto there =
      std::ranges::count_if(shape.exactly_one, [&](const auto& key) { return static_cast<bool>(node[key]); });
  if (there != 1)
    wrong(node, path,
          fmt::format("expected {}, found {}", fmt::join(shape.exactly_one, " or "), there == 0 ? "neither" : "both"));
}

void Checker::check_either(Node& node, const Shape& shape, const std::string& path, Around around) {
  std::vector<std::string> others;
  const Shape* fitting = nullptr;
  for (const Shape& part : shape.parts) {
    if (!part.chosen_by.empty()) others.push_back(part.chosen_by);
    const bool chosen = part.chosen_by.empty() ? !fitting : static_cast<bool>(node[part.chosen_by]);
    if (part.form == Form::mapping && node.is_mapping() && chosen) fitting = &part;
    if (part.form == Form::list && node.is_list()) fitting = &part;
    if (part.form == Form::value && (node.is_scalar() || (node.is_null() && part.value.can_be_off))) fitting = &part;
  }
  if (!fitting)
    return wrong(node, path, fmt::format("expected {}, found {}", expectation_of(shape), yaml::described(node)));
  const bool bare = fitting->form == Form::value && std::ranges::find(others, node.text) != others.end() &&
                    std::ranges::find(fitting->value.one_of, node.text) == fitting->value.one_of.end();
  if (bare) {
    const auto part = std::ranges::find(shape.parts, node.text, &Shape::chosen_by);
    return wrong(node, path,
                 fmt::format("expected {}: {{{}: ...}}, found \"{}\" alone", node.text,
                             fmt::join(keys_of(part->parts.front()), ", "), node.text));
  }
  around.fixed = around.fixed || fitting->fixed;
  around.holds_secrets = around.holds_secrets || fitting->holds_secrets;
  if (fitting->form == Form::mapping)
    return check_mapping(node, *fitting, path, around,
                         fitting->chosen_by.empty() ? others : std::vector<std::string>());
  check(node, *fitting, path, around);
}

void Checker::check_list(Node& node, const Shape& shape, const std::string& path, Around around) {
  if (!node.is_list()) return wrong(node, path, fmt::format("expected a list, found {}", yaml::described(node)));
  if (node.items.size() < shape.least || node.items.size() > shape.most) {
    return wrong(
        node, path,
        fmt::format("expected a list of {} to {} entries, found {}", shape.least, shape.most, node.items.size()));
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) check(node.items[i], shape.parts.front(), inner(path, i), around);
}

void Checker::check_names(Node& node, const Shape& shape, const std::string& path, Around around) {
  if (!node.is_mapping())
    return wrong(node, path, fmt::format("expected a mapping of names, found {}", yaml::described(node)));
  if (node.entries.size() > shape.most)
    return wrong(node, path, fmt::format("expected at most {} entries, found {}", shape.most, node.entries.size()));
  for (Node& entry : node.entries) {
    if (const auto mistake = mistake_in({.type = Type::name}, json::string(entry.key)))
      mistakes_.add({entry.key_place, inner(path, entry.key), *mistake});
    check(entry, shape.parts.front(), inner(path, entry.key), around);
  }
}

void Checker::check_parameters(Node& node, const std::string& path, Around around) {
  if (!node.is_mapping())
    return wrong(node, path, fmt::format("expected a JSON schema with type: object, found {}", yaml::described(node)));
  expand_all(node, {.type = Type::any}, path, around);
  if (const auto checker = ArgumentChecker::create(node.to_json().as_object()); !checker)
    wrong(node, path, checker.error().message());
}

bool Checker::check_value(Node& node, const Option& option, const std::string& path, Around around) {
  if (node.is_list() || node.is_mapping()) {
    expand_all(node, option, path, around);
  } else if (!expand(node, option, path, around)) {
    return false;
  }
  const auto value = value_of(node, option, environment_ != nullptr);
  if (!value) return false;
  const auto mistake = mistake_in(option, *value);
  if (!mistake) return true;
  // What a variable gave may be secret: it is not told.
  const std::string message =
      node.source.empty() ? *mistake
                          : fmt::format("expected {}, which {} does not give", expectation(option), node.source);
  if (message.starts_with('[')) {  // an entry of a list
    const auto end = message.find("]: ");
    wrong(node, path + message.substr(0, end + 1), message.substr(end + 3));
  } else {
    wrong(node, path, message);
  }
  return false;
}

void Checker::expand_all(Node& node, const Option& option, const std::string& path, Around around) {
  if (node.is_scalar()) expand(node, option, path, around);
  for (std::size_t i = 0; i < node.items.size(); ++i) expand_all(node.items[i], option, inner(path, i), around);
  for (Node& entry : node.entries) expand_all(entry, option, inner(path, entry.key), around);
}

bool Checker::expand(Node& node, const Option& option, const std::string& path, Around around) {
  if (!environment_ || !node.is_scalar()) return true;
  if (option.secret && node.text.find("{{") == std::string::npos) keep_secret(node.text);
  if (node.text.find("{{") == std::string::npos) return true;
  auto parsed = Template::parse(node.text);
  if (!parsed) {
    wrong(node, path, parsed.error().message());
    return false;
  }
  bool whole = true;
  for (Piece& piece : parsed->pieces()) {
    if (piece.variable.empty()) continue;
    if (const auto mistake = mistake_in_variable(piece.variable)) {
      wrong(node, path, *mistake);
      whole = false;
    } else if (!is_settled(piece.variable)) {
      if (around.fixed)
        wrong(node, path,
              fmt::format("{} is not known here, before any call: only env.* and secret.* are", piece.variable));
      piece.encoded = is_encoded(option);
      whole = false;
    } else if (auto value = environment_->value(piece.variable)) {
      if (is_secret(piece.variable) || option.secret || around.holds_secrets || option.type == Type::uri)
        keep_secret(*value);
      piece = {.text = std::move(*value)};
    } else if (piece.otherwise) {
      piece = {.text = *piece.otherwise};
    } else {
      wrong(node, path, value.error().message());
      whole = false;
    }
  }
  if (node.source.empty()) node.source = node.text;
  node.style = Node::Style::quoted;
  node.text = parsed->to_text();
  if (whole && option.secret) keep_secret(text_option(*value_of(node, option, true)));
  return whole;
}

}  // namespace parley::agent_file
