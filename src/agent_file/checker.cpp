#include "agent_file/checker.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/algorithm/string/predicate.hpp>

#include <parley/base/utf8.hpp>
#include <parley/tools.hpp>

#include "agent_file/address.hpp"
#include "agent_file/template.hpp"
#include "base/nearest.hpp"

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

void add_forms(const Shape& part, std::vector<std::string>& forms);

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
  std::vector<std::string> forms;
  for (const Shape& part : shape.parts) add_forms(part, forms);
  const std::string last = std::move(forms.back());
  forms.pop_back();
  return fmt::format("{} or {}", fmt::join(forms, ", "), last);
}

// "{transfer: {to: ...}}": what must be in it, or, if nothing must, what can.
std::string outline(const Shape& mapping) {
  const bool any = std::ranges::any_of(mapping.parts, &Shape::required);
  std::vector<std::string> entries;
  for (const Shape& part : mapping.parts) {
    if (any && !part.required) continue;
    const bool is_chosen = part.key == mapping.chosen_by && part.form == Form::mapping;
    entries.push_back(fmt::format("{}: {}", part.key, is_chosen ? outline(part) : "..."));
  }
  return fmt::format("{{{}}}", fmt::join(entries, ", "));
}

// The ways in which one of several can be written.
void add_forms(const Shape& part, std::vector<std::string>& forms) {
  if (part.form == Form::value && !part.value.one_of.empty() && part.value.type != Type::uri) {
    forms.insert(forms.end(), part.value.one_of.begin(), part.value.one_of.end());
  } else if (part.form != Form::mapping) {
    forms.push_back(expectation_of(part));
  } else if (!part.exactly_one.empty()) {
    for (const auto& key : part.exactly_one) forms.push_back(fmt::format("{{{}: ...}}", key));
  } else if (part.chosen_by.empty() || !part.parts.front().parts.empty()) {  // otherwise its name alone says it
    forms.push_back(outline(part));
  }
}

bool is_taken(const std::string& name, const Shape& names) {
  return std::ranges::any_of(names.taken, [&](const auto& taken) { return boost::iequals(name, taken); });
}

// Of a choice among words, a word that is no variable and not among them.
bool is_none_of(const Node& node, const Option& option) {
  if (option.one_of.empty() || option.type == Type::uri || !node.is_scalar() || !node.source.empty()) return false;
  return node.text.find("{{") == std::string::npos && mistake_in(option, *value_of(node, option, false));
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
  if (is_none_of(node, fitting->value)) {
    auto names = fitting->value.one_of;
    names.insert(names.end(), others.begin(), others.end());
    const auto near = nearest(node.text, names);
    return wrong(node, path,
                 fmt::format("expected {}, found {}{}", expectation_of(shape), yaml::described(node),
                             near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
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
    if (is_taken(entry.key, shape))
      mistakes_.add({entry.key_place, inner(path, entry.key), "set by Parley: leave it out"});
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
  if (!mistake && !environment_ && !node.source.empty() && option.type == Type::uri) {
    if (const auto elsewhere = mistake_in_path(text_option(*value))) wrong(node, path, *elsewhere);
  }
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
  const auto encoding = encoding_in(option, *parsed);
  bool whole = true;
  bool good = true;
  for (Piece& piece : parsed->pieces()) {
    if (piece.variable.empty()) continue;
    if (const auto mistake = mistake_in_variable(piece.variable)) {
      wrong(node, path, *mistake);
      whole = good = false;
    } else if (!is_settled(piece.variable)) {
      if (around.fixed)
        wrong(node, path,
              fmt::format("{} is not known here, before any call: only env.* and secret.* are", piece.variable));
      piece.encoding = encoding;
      whole = false;
      good = good && !around.fixed;
    } else if (auto value = environment_->value(piece.variable)) {
      if (is_secret(piece.variable) || option.secret || around.holds_secrets || option.type == Type::uri)
        keep_secret(*value);
      piece = {.text = std::move(*value)};
    } else if (piece.otherwise) {
      piece = {.text = *piece.otherwise};
    } else {
      wrong(node, path, value.error().message());
      whole = good = false;
    }
  }
  if (good) {
    if (const auto mistake = mistake_before_path(option, *parsed)) wrong(node, path, *mistake);
  }
  if (node.source.empty()) node.source = node.text;
  node.style = Node::Style::quoted;
  node.text = parsed->to_text();
  if (whole && option.secret) keep_secret(text_option(*value_of(node, option, true)));
  return whole;
}

}  // namespace parley::agent_file
