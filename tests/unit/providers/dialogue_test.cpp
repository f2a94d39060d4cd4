#include "providers/scripted/dialogue.hpp"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace parley {
namespace {

using namespace std::chrono;

// A Saturday.
constexpr auto kNow = local_days{2026y / November / 21} + 18h;

Dialogue dialogue_of(const std::string& yaml) {
  auto dialogue = Dialogue::parse(yaml, "test.yaml");
  EXPECT_TRUE(dialogue) << dialogue.error().message();
  return dialogue.value();
}

TEST(Dialogue, Opening_IsSaidWithoutATurn) {
  const auto dialogue = dialogue_of("dialogue: 1\nopening: [Hi!, Hello!]\nfallback: x\nintents: [{name: a, say: b}]");
  auto state = dialogue.begin();
  EXPECT_EQ(dialogue.open(state).text, "Hi!");
  EXPECT_EQ(dialogue.open(state).text, "Hello!");
}

TEST(Dialogue, Timing_IsTheAnswersOwnOrTheFiles) {
  const auto dialogue = dialogue_of(R"(
dialogue: 1
timing: {first_token: 50ms, token: 10ms}
fallback: x
intents:
  - {name: slow, phrases: slow, say: "All right.", timing: {first_token: 2s, token: 300ms}}
  - {name: plain, phrases: plain, say: "Sure."}
)");
  auto state = dialogue.begin();
  const DialogueContext context{kNow, {}};
  EXPECT_EQ(dialogue.respond(state, "slow", context).first_token, 2s);
  EXPECT_EQ(dialogue.respond(state, "slow", context).token, 300ms);
  EXPECT_EQ(dialogue.respond(state, "plain", context).first_token, 50ms);
  EXPECT_EQ(dialogue.respond(state, "nothing", context).token, 10ms);
}

TEST(Dialogue, AToolsResult_IsUsedInTheAnswer) {
  const auto dialogue = dialogue_of(R"(
dialogue: 1
fallback: Hm.
intents:
  - name: weather
    phrases: weather
    say: "Let me look."
    call:
      tool: weather
      with: {place: "Rome", days: 2}
      then: "It is {{result.now.sky}} and {{ result.now.degrees }} degrees{{result.nothing}}."
      error: "The sky is out of order: {{result}}"
)");
  auto state = dialogue.begin();
  const std::vector<std::string> tools = {"weather"};
  const DialogueContext context{kNow, tools};
  const auto reply = dialogue.respond(state, "what is the weather", context);
  EXPECT_EQ(reply.text, "Let me look.");
  ASSERT_EQ(reply.calls.size(), 1U);
  EXPECT_EQ(boost::json::serialize(reply.calls[0].arguments), R"({"place":"Rome","days":2})");
  auto copy = state;
  EXPECT_EQ(dialogue
                .tool_returned(state, "weather", boost::json::parse(R"({"now": {"sky": "clear", "degrees": 21}})"),
                               false, context)
                .text,
            "It is clear and 21 degrees.");
  EXPECT_EQ(dialogue.tool_returned(copy, "weather", boost::json::value("no answer"), true, context).text,
            "The sky is out of order: no answer");
  EXPECT_EQ(dialogue.tool_returned(state, "weather", {}, false, context).text, "") << "nobody waits for it any more";
  EXPECT_EQ(dialogue.tools(), tools);
}

TEST(Dialogue, ChoiceTextPhoneAndOptionalSlots_AreFilledIn) {
  const auto dialogue = dialogue_of(R"(
dialogue: 1
fallback: Hm.
intents:
  - {name: order, phrases: order, form: order}
forms:
  order:
    slots:
      - name: size
        type: choice
        ask: Small or large?
        choices: [{value: small, phrases: small|little}, {value: large, phrases: [large|big, the_whole]}]
      - {name: phone, type: phone, ask: "Which number?"}
      - {name: note, type: text, ask: "Anything to add?", optional: true}
    confirm: "{{size}}, {{phone}}, {{note}}?"
    done:
      say: Done.
      call: {tool: order, with: {size: "{{size}}", phone: "{{phone}}", note: "{{note}}", line: "{{size}} for {{phone}}"}}
)");
  const std::vector<std::string> tools = {"order"};
  const DialogueContext context{kNow, tools};
  const auto say = [&](DialogueState& state, const char* text) { return dialogue.respond(state, text, context); };

  auto state = dialogue.begin();
  EXPECT_EQ(say(state, "I want to order a big one").text, "Which number?");
  EXPECT_EQ(say(state, "five five five, oh one double zero").text, "Anything to add?");
  EXPECT_EQ(say(state, "Ring the bell twice").text, "large, 5 5 5, 0 1 0 0, Ring the bell twice?");
  const auto reply = say(state, "yes");
  ASSERT_EQ(reply.calls.size(), 1U);
  EXPECT_EQ(boost::json::serialize(reply.calls[0].arguments),
            R"({"size":"large","phone":"5550100","note":"Ring the bell twice","line":"large for 5 5 5, 0 1 0 0"})");

  auto without = dialogue.begin();
  say(without, "order");
  say(without, "the little one");
  say(without, "555 0100");
  EXPECT_EQ(say(without, "no").text, "small, 5 5 5, 0 1 0 0, ?");
  EXPECT_FALSE(say(without, "yes").calls[0].arguments.contains("note"));
}

TEST(Dialogue, AFormWithoutConfirmation_IsDoneWhenAllIsKnown) {
  const auto dialogue = dialogue_of(R"(
dialogue: 1
fallback: Hm.
intents: [{name: call, phrases: call_back, form: call}]
forms: {call: {slots: [{name: who, type: name, ask: "Who?"}], done: "Thank you, {{who}}."}}
)");
  auto state = dialogue.begin();
  const DialogueContext context{kNow, {}};
  EXPECT_EQ(dialogue.respond(state, "call back please", context).text, "Who?");
  EXPECT_EQ(dialogue.respond(state, "Ann", context).text, "Thank you, Ann.");
}

TEST(ReplyPieces, Joined_AreTheText) {
  EXPECT_THAT(reply_pieces("Hello,  my dear caller."), testing::ElementsAre("Hello,  ", "my ", "dear ", "caller."));
  EXPECT_TRUE(reply_pieces("").empty());
}

}  // namespace
}  // namespace parley
