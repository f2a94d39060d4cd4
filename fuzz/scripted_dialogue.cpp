// A dialogue file, and a conversation by it: the file, then, each after a line break and a byte 1, what the caller says.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "providers/scripted/dialogue.hpp"
#include "providers/scripted/dialogue_file.hpp"

using namespace parley;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

// What a file refers to is in it.
void check(const scripted::DialogueFile& file) {
  for (const auto& intent : file.intents) {
    expect(!intent.answer.call || *intent.answer.call < file.calls.size());
    expect(intent.answer.expects.empty() || file.questions.contains(intent.answer.expects));
    expect(intent.kind != scripted::Intent::Kind::form || file.form(intent.form));
  }
  for (const auto& [name, question] : file.questions) {
    expect(question.if_yes.empty() || file.intent(question.if_yes));
    expect(question.if_no.empty() || file.intent(question.if_no));
  }
  expect(file.fallback_then.empty() || file.intent(file.fallback_then));
}

void converse(const Dialogue& dialogue, std::string_view said) {
  constexpr auto kNow = std::chrono::local_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours(18);
  const auto tools = dialogue.tools();
  const DialogueContext context{kNow, tools};
  auto state = dialogue.begin(1);
  (void)dialogue.open(state);
  while (!said.empty()) {
    const auto end = std::min(said.find("\n\x01"), said.size());
    const auto reply = dialogue.respond(state, said.substr(0, end), context);
    std::size_t length = 0;
    for (const auto& piece : reply_pieces(reply.text)) length += piece.size();
    expect(length == reply.text.size());
    for (const auto& call : reply.calls) (void)dialogue.tool_returned(state, call.tool, {{"at", "six"}}, false, context);
    said.remove_prefix(std::min(end + 2, said.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(text.find("\n\x01"), text.size());
  const auto file = scripted::DialogueFile::parse(text.substr(0, end), "f");
  if (!file) {
    expect(file.error().message().starts_with("f:"));
    return 0;
  }
  check(*file);
  const auto dialogue = Dialogue::parse(text.substr(0, end), "f");
  expect(dialogue.has_value());
  if (end < text.size()) converse(*dialogue, text.substr(end + 2));
  return 0;
}
