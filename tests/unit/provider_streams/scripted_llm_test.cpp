#include "providers/scripted/scripted_llm.hpp"

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley {
namespace {

class ScriptedStreams : public ::testing::Test {
 protected:
  ScriptedStreams() : llm(*Dialogue::load(PARLEY_RECEPTION_DIALOGUE)), loop(world.add_loop("job")), scope(loop, "session") {
    for (const auto& tool : Dialogue::load(PARLEY_RECEPTION_DIALOGUE)->tools()) request.tools.push_back({tool, {}, {}});
  }

  static Task<void> collect(LlmStream& stream, std::string& text, std::vector<FunctionCall>& calls, bool& closed) {
    for (;;) {
      auto chunk = co_await stream.chunks().pop(Deadline::bounded_by_scope());
      if (!chunk) break;
      if (!*chunk) continue;
      if (const auto* piece = std::get_if<std::string>(&**chunk)) text += *piece;
      if (const auto* call = std::get_if<FunctionCall>(&**chunk)) calls.push_back(*call);
    }
    closed = true;
  }

  // The answer at the end of the history, which it joins.
  std::string answer() {
    std::string text;
    calls.clear();
    bool closed = false;
    auto stream = llm.chat(scope, request);
    EXPECT_TRUE(scope.spawn("collect", collect(*stream, text, calls, closed)));
    EXPECT_TRUE(world.run_until([&] { return closed; }, 1min)) << world.describe();
    if (!text.empty()) request.context.add(ChatRole::assistant, text);
    for (const auto& call : calls) request.context.items.emplace_back(call);
    return text;
  }

  std::string say(std::string text) {
    request.context.add(ChatRole::user, std::move(text));
    return answer();
  }

  sim::World world{1};
  ScriptedLlm llm;
  sim::SimLoop& loop;
  Scope scope;
  ChatRequest request;
  std::vector<FunctionCall> calls;
};

TEST_F(ScriptedStreams, TableIsBookedOverSeveralTurns_ByACallWithEverythingSaid) {
  say("i'd like to book a table");
  say("for four people");
  say("tomorrow");
  say("at seven in the evening");
  auto last = say("my name is Smith");
  if (calls.empty()) last = say("yes please");
  ASSERT_EQ(calls.size(), 1u) << last;
  EXPECT_EQ(calls[0].name, "book_table");
  EXPECT_NE(calls[0].arguments.find("4"), std::string::npos) << calls[0].arguments;
  request.context.items.emplace_back(FunctionCallOutput{calls[0].id, "book_table", R"({"booked":true})", false});
  EXPECT_NE(answer(), "");
}

TEST_F(ScriptedStreams, AnswerThrownAway_LeavesNoTrace) {
  say("i'd like to book a table for two");
  const auto before = request.context;
  const auto first = say("tomorrow at eight");
  request.context = before;
  EXPECT_EQ(say("tomorrow at eight"), first);
}

TEST_F(ScriptedStreams, Goodbye_EndsTheCall) {
  say("thank you, goodbye");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].name, "end_call");
}

}  // namespace
}  // namespace parley
