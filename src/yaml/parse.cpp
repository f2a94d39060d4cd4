#include <algorithm>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <parley/base/utf8.hpp>

#include "yaml/node.hpp"

namespace parley::yaml {
namespace {

Place place_of(const YAML::Mark& mark) { return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1}; }

// A bound was reached: there is no tree.
struct TooMuch {
  Place place;
  std::string message;
};

struct Size {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  std::size_t depth = 1;

  void hold(const Size& inner) {
    nodes += inner.nodes;
    bytes += inner.bytes;
    depth = std::max(depth, inner.depth + 1);
  }
};

Size size_of(const Node& node) {
  Size size{.bytes = node.text.size()};
  for (const Node& item : node.items) size.hold(size_of(item));
  for (const Node& entry : node.entries) {
    size.bytes += entry.key.size();
    size.hold(size_of(entry));
  }
  return size;
}

// Builds the tree out of the parser's events, and counts while it does.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Mistakes& mistakes) : mistakes_(mistakes) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish({.kind = Node::Kind::null, .place = place_of(mark)}, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node{.kind = Node::Kind::scalar, .place = place_of(mark), .text = value};
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      node.style = Node::Style::quoted;
    } else if (tag != "?" && !tag.empty()) {
      unknown_tag(node.place, tag);
    }
    if (valid_utf8(value) != value) mistakes_.add({node.place, {}, "expected UTF-8, found bytes that are none"});
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      mistakes_.add({place_of(mark), {}, "an alias cannot stand for something that it is part of"});
      return finish({.kind = Node::Kind::null, .place = place_of(mark)}, YAML::NullAnchor);
    }
    // Counted before it is copied: a few lines of aliases of aliases stand for billions.
    add(known->second.size, place_of(mark), known->second.size.depth);
    finish(known->second.node, YAML::NullAnchor, false);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin({.kind = Node::Kind::list, .place = place_of(mark)}, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin({.kind = Node::Kind::mapping, .place = place_of(mark)}, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Node> key{};  // read, its value is not
  };
  struct Anchored {
    Node node;
    Size size;
  };

  void begin(Node node, const std::string& tag, YAML::anchor_t anchor) {
    if (tag != "?" && tag != "!" && !tag.empty()) unknown_tag(node.place, tag);
    add({}, node.place, 1);
    open_.push_back({std::move(node), anchor});
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.anchor, false);
  }

  void finish(Node node, YAML::anchor_t anchor, bool counts = true) {
    if (counts) add({.bytes = node.text.size()}, node.place, 1);
    if (anchor != YAML::NullAnchor) {
      const auto size = size_of(node);
      add(size, node.place, size.depth);  // a copy is kept
      anchors_.insert_or_assign(anchor, Anchored{node, size});
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      add_entry(parent, std::move(node));
    }
  }

  void add_entry(Open& parent, Node value) {
    const Node key = std::move(*parent.key);
    parent.key.reset();
    if (!key.is_scalar()) {
      mistakes_.add({key.place,
                     {},
                     fmt::format("expected a name as key, found {}{}", described(key),
                                 key.is_mapping() ? ": {{...}} is to stand in quotes" : "")});
      return;
    }
    if (parent.node.entries.size() == kMaxKeys)
      throw TooMuch{key.place, fmt::format("expected at most {} keys in a mapping", kMaxKeys)};
    const auto same = std::ranges::find(parent.node.entries, key.text, &Node::key);
    if (same != parent.node.entries.end()) {
      mistakes_.add(
          {key.place,
           {},
           fmt::format("\"{}\" only once in a mapping, it stands in line {} already", key.text, same->key_place.line)});
      return;
    }
    if (value.is_null()) value.place = key.place;  // the parser looks for it on the next line
    value.key = key.text;
    value.key_place = key.place;
    parent.node.entries.push_back(std::move(value));
  }

  void unknown_tag(Place place, const std::string& tag) {
    mistakes_.add({place, {}, fmt::format("expected a value without a tag, found {}", tag.substr(0, 40))});
  }

  void add(const Size& size, Place place, std::size_t deeper) {
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if (nodes_ > kMaxNodes || bytes_ > kMaxTreeBytes) {
      throw TooMuch{place, fmt::format("expected at most {} values of {} MiB, aliases counted as what they stand for",
                                       kMaxNodes, kMaxTreeBytes / MiB)};
    }
    if (open_.size() + deeper > kMaxDepth)
      throw TooMuch{place, fmt::format("expected values nested at most {} deep", kMaxDepth)};
  }

  Mistakes& mistakes_;
  Node root_{.kind = Node::Kind::null, .place = {1, 1}};
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;  // of text
};

// The quote that is open at the end of a line's beginning; 0: none. It opens where a value begins: behind a letter it is an
// apostrophe.
char open_quote(std::string_view line) {
  constexpr std::string_view kBeforeValues = ":-[{,";
  char open = 0;
  char before = ':';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (open == '"' && c == '\\') {
      ++i;
    } else if (open != 0) {
      if (c == open) open = 0;
    } else if ((c == '"' || c == '\'') && kBeforeValues.find(before) != std::string_view::npos) {
      open = c;
    }
    if (c != ' ') before = c;
  }
  return open;
}

// What people run into most: a quote ends the text that it stands in, and a text without quotes cannot hold ": ".
std::string_view hint(std::string_view text, Place place) {
  for (int line = 1; line < place.line; ++line) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  text = text.substr(0, text.find('\n'));
  // With the one at whose first brace it broke.
  auto variable = text.substr(0, static_cast<std::size_t>(place.column) + 1).rfind("{{");
  if (variable == std::string_view::npos) variable = text.find("{{");
  if (variable == std::string_view::npos) return "";
  switch (open_quote(text.substr(0, variable))) {
    case '"': return " (inside double quotes it is {{name | default: '...'}}, with single ones)";
    case '\'': return " (inside single quotes it is {{name | default: \"...\"}}, with double ones)";
    default: return " (put the whole text in quotes: \"... {{name | default: '...'}}\")";
  }
}

// The first line up to `last` that is indented with a tab, which YAML does not take and editors do not show; 0: none.
int line_with_tab(std::string_view text, int last) {
  for (int line = 1; line <= last && !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto indent = text.substr(0, std::min(text.find_first_not_of(" \t"), end));
    if (indent.find('\t') != std::string_view::npos) return line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}

}  // namespace

std::optional<Node> parse(std::string_view text, Mistakes& mistakes) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(mistakes);
    parser.HandleNextDocument(builder);
    auto root = builder.take();
    Mistakes others;
    Builder next(others);
    if (parser.HandleNextDocument(next))
      mistakes.add({next.take().place, {}, "expected one document, found a second one behind \"---\""});
    return root;
  } catch (const TooMuch& error) {
    mistakes.add({error.place, {}, error.message});
  } catch (const YAML::Exception& error) {
    const auto place = place_of(error.mark);
    if (const int line = line_with_tab(text, place.line); line > 0) {
      mistakes.add({{line, 1}, {}, "expected YAML: this line is indented with a tab, use spaces"});
    } else {
      mistakes.add({place, {}, fmt::format("expected YAML: {}{}", valid_utf8(error.msg), hint(text, place))});
    }
  }
  return std::nullopt;
}

}  // namespace parley::yaml
