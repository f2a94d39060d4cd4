#include "providers/scripted/dialogue.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "providers/scripted/conversation.hpp"
#include "providers/scripted/dialogue_file.hpp"

namespace parley {

namespace {

// At most one byte more than a dialogue may have.
Result<std::string> read_dialogue(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(scripted::DialogueFile::kMaxBytes + 1, '\0');
  if (file) {
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (text.empty() && errno != 0)) {
    return fail(Errc::not_found,
                fmt::format("the dialogue \"{}\" cannot be read ({}); give its path as llm.dialogue in the agent file",
                            path, std::strerror(errno)));
  }
  return text;
}

}  // namespace

Result<Dialogue> Dialogue::load(const std::string& path) {
  const auto text = read_dialogue(path);
  if (!text) return fail(text.error());
  return parse(*text, path);
}

yaml::Mistakes Dialogue::mistakes_in(const std::string& path) {
  yaml::Mistakes mistakes(path);
  if (const auto text = read_dialogue(path)) {
    (void)scripted::DialogueFile::parse(*text, mistakes);
  } else {
    mistakes.add({.message = text.error().message()});
  }
  return mistakes;
}

Result<Dialogue> Dialogue::parse(std::string_view yaml, const std::string& name) {
  auto file = scripted::DialogueFile::parse(yaml, name);
  if (!file) return fail(file.error());
  return Dialogue(std::make_shared<const scripted::DialogueFile>(std::move(*file)));
}

DialogueState Dialogue::begin(std::uint64_t seed) const {
  DialogueState state;
  state.seed = seed;
  return state;
}

DialogueReply Dialogue::open(DialogueState& state) const {
  const DialogueContext nowhere{{}, {}};
  return scripted::Conversation(*file_, state, nowhere).open();
}

DialogueReply Dialogue::respond(DialogueState& state, std::string_view said, const DialogueContext& context) const {
  return scripted::Conversation(*file_, state, context).respond(said);
}

DialogueReply Dialogue::tool_returned(DialogueState& state, std::string_view tool, const boost::json::value& result,
                                      bool is_error, const DialogueContext& context) const {
  return scripted::Conversation(*file_, state, context).tool_returned(tool, result, is_error);
}

std::vector<std::string> Dialogue::tools() const {
  std::set<std::string> names;
  for (const auto& call : file_->calls) names.insert(call.tool);
  return {names.begin(), names.end()};
}

std::vector<std::string> reply_pieces(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const auto space = text.find(' ');
    const auto next =
        space == std::string_view::npos ? text.size() : std::min(text.find_first_not_of(' ', space), text.size());
    pieces.emplace_back(text.substr(0, next));
    text.remove_prefix(next);
  }
  return pieces;
}

}  // namespace parley
