#include "agent_file/tree.hpp"

#include <algorithm>

#include "agent_file/agent_file.hpp"
#include "agent_file/template.hpp"
#include "agent_file/variables.hpp"

namespace parley::agent_file {

namespace json = boost::json;
using yaml::Node;

namespace {

class Filler {
 public:
  Filler(const Template::Lookup& lookup, std::vector<std::string>& missing) : lookup_(lookup), missing_(missing) {}

  bool fill(Node& node) {
    if (node.text.find("{{") != std::string::npos) {
      if (const auto parsed = Template::parse(node.text)) node.text = parsed->fill(lookup_, missing_);
      bytes_ += node.text.size();
    }
    if (bytes_ > AgentFile::kMaxFilled) return false;
    return std::ranges::all_of(node.items, [this](Node& item) { return fill(item); }) &&
           std::ranges::all_of(node.entries, [this](Node& entry) { return fill(entry); });
  }

 private:
  const Template::Lookup& lookup_;
  std::vector<std::string>& missing_;
  std::size_t bytes_ = 0;
};

// As templates that stand for themselves.
void make_literal(Node& node) {
  if (node.text.find("{{") != std::string::npos) {
    Template literal;
    literal.pieces().push_back({.text = node.text});
    node.text = literal.to_text();
  }
  for (Node& item : node.items) make_literal(item);
  for (Node& entry : node.entries) make_literal(entry);
}

}  // namespace

bool fill_in_all(Node& node, const json::object& call, std::vector<std::string>& missing) {
  const Template::Lookup lookup = [&call](const std::string& variable) { return value_in_call(call, variable); };
  return Filler(lookup, missing).fill(node);
}

bool fill_in_defaults(Node& node) {
  std::vector<std::string> missing;
  const Template::Lookup nothing = [](const std::string&) { return std::nullopt; };
  return Filler(nothing, missing).fill(node) && missing.empty();
}

void merge_patch(Node& target, const json::object& patch) {
  if (!target.is_mapping()) target = {.kind = Node::Kind::mapping, .key = target.key};
  for (const auto& [key, value] : patch) {
    Node* there = target.find(key);
    if (value.is_null()) {
      if (there) target.entries.erase(target.entries.begin() + (there - target.entries.data()));
      continue;
    }
    if (!there) {
      there = &target.entries.emplace_back();
      there->key = key;
    }
    if (const auto* object = value.if_object()) {
      merge_patch(*there, *object);
    } else {
      const std::string name = there->key;
      *there = Node::from_json(value);
      make_literal(*there);
      there->key = name;
    }
  }
}

}  // namespace parley::agent_file
