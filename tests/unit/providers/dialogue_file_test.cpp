#include "providers/scripted/dialogue_file.hpp"

#include <gmock/gmock.h>

#include <random>

#include "providers/scripted/dialogue.hpp"

namespace parley::scripted {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kSmall = R"(dialogue: 1
fallback: Pardon?
intents:
  - name: bye
    phrases: bye
    say: Goodbye.
)";

std::string mistakes(const std::string& yaml) {
  const auto file = DialogueFile::parse(yaml, "d.yaml");
  return file ? "" : file.error().message();
}

TEST(DialogueFile, TheSmallest_IsAccepted) { EXPECT_EQ(mistakes(kSmall), ""); }

TEST(DialogueFile, EachMistake_IsToldWithItsPlaceAndWhatWasExpected) {
  const struct {
    const char* yaml;
    const char* mistake;
  } cases[] = {
      {"", "d.yaml:1:1: expected a dialogue as a mapping"},
      {"[1, 2", "expected YAML"},
      {"intents: [{name: a, say: b}]\nfallback: x", "expected \"dialogue: 1\", the version of the format"},
      {"dialogue: 2\nintents: [{name: a, say: b}]\nfallback: x",
       "d.yaml:1:11: expected dialogue, the version of the format, as a whole number from 1 to 1"},
      {"dialogue: 1\nfallback: x", "expected intents, a list of what the caller may want"},
      {"dialogue: 1\nintents: [{name: a, say: b}]", "expected fallback"},
      {"dialogue: 1\nfallback: x\nintents: {}", "d.yaml:3:10: expected intents as a list"},
      {"dialogue: 1\nfallback: x\nintents:\n- name: a\n  sai: b", "d.yaml:5:3: expected one of name, phrases, say"},
      {"dialogue: 1\nfallback: x\nintents:\n- say: b", "d.yaml:4:3: expected name"},
      {"dialogue: 1\nfallback: x\nintents:\n- name: a\n  phrases: hi",
       "d.yaml:4:3: expected say, call, form, repeat, cancel or pause in the intent \"a\""},
      {"dialogue: 1\nfallback: x\nintents:\n- {name: a, say: b}\n- {name: a, say: c}",
       "d.yaml:5:10: expected another name, \"a\" is taken"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b, phrases: [ok, '-no']}]",
       "expected a phrase with a word that must occur"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: []}]",
       "expected say in an intent as a list of 1 to 500 entries"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: {x: y}}]", "expected say in an intent as a text"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b, expects: q}]",
       "expected the name of a question of this file, found \"q\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, form: f}]",
       "expected the name of a form of this file, found \"f\""},
      {"dialogue: 1\nfallback: {say: x, then: y}\nintents: [{name: a, say: b}]",
       "d.yaml:2:26: expected the name of an intent of this file, found \"y\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: 'Hello {{nobody}}'}]", "found \"nobody\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: 'Hello {{nobody'}]", "expected }} after every {{"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b, timing: {token: 5}}]",
       "expected token as a duration like 300ms or 1.5s"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b, timing: {token: 5h}}]", "expected token as a duration"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b, repeat: perhaps}]",
       "expected repeat as true or false, found \"perhaps\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, call: {with: {}}}]", "expected tool"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x}}",
       "expected slots, a list of what to ask for"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {slots: [{name: n, type: name, ask: x}]}}",
       "expected done"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x, slots: [{name: n, type: colour, "
       "ask: x}]}}",
       "expected a type: day, time, people, name, phone, choice or text, found \"colour\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x, slots: [{name: n, type: day}]}}",
       "expected ask, the question for \"n\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x, slots: [{name: n, type: day, ask: "
       "x, closed: moonday}]}}",
       "expected a day of the week like monday, found \"moonday\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x, slots: [{name: n, type: time, "
       "ask: x, from: '25:00'}]}}",
       "expected a time of day like \"19:30\", found \"25:00\""},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x, slots: [{name: n, type: day, ask: "
       "x, max: 4}]}}",
       "expected max only in slots of type people"},
      {"dialogue: 1\nfallback: x\nintents: [{name: a, say: b}]\nforms: {f: {done: x, slots: [{name: n, type: choice, "
       "ask: x}]}}",
       "expected choices"},
  };
  for (const auto& [yaml, mistake] : cases)
    EXPECT_THAT(mistakes(yaml), AllOf(HasSubstr("d.yaml:"), HasSubstr(mistake))) << yaml;
}

TEST(DialogueFile, SeveralMistakes_AreToldAtOnce) {
  const auto all = mistakes("dialogue: 3\nintents:\n- {nam: a}\n- {name: b, say: 1, say: 2}\n");
  EXPECT_THAT(all, AllOf(HasSubstr("d.yaml:1:11"), HasSubstr("one of name, phrases"), HasSubstr("fallback")));
  EXPECT_GE(std::ranges::count(all, '\n'), 3);
}

TEST(DialogueFile, EndlessMistakes_AreBounded) {
  std::string yaml = "dialogue: 1\nfallback: x\nintents:\n";
  for (int i = 0; i < 400; ++i) yaml += "- {nix: 1}\n";
  EXPECT_THAT(mistakes(yaml), AllOf(HasSubstr("\nand 1150 more"), testing::SizeIs(testing::Lt(8000U))));
}

TEST(DialogueFile, HugeAndDeepFiles_AreRefused) {
  EXPECT_THAT(mistakes(std::string(DialogueFile::kMaxBytes + 1, 'a')), HasSubstr("at most"));
  EXPECT_NE(mistakes(std::string(50'000, '[')), "");
  EXPECT_NE(mistakes("a: &a [x, x]\nb: &b [*a, *a]\ndialogue: *b"), "");
}

TEST(DialogueFile, EveryCutAndManyChanges_AreErrorsOrAccepted) {
  const std::string whole = std::string(kSmall) +
                            "forms:\n  f:\n    slots: [{name: n, type: people, ask: 'How many?', min: 1, max: 3}]\n    "
                            "done: {say: '{{n}}', call: {tool: t, with: {n: '{{n}}'}}}\n";
  ASSERT_EQ(mistakes(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) mistakes(whole.substr(0, size));
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string changed = whole;
    for (int i = 0; i < 3; ++i) changed[random() % changed.size()] = static_cast<char>(random());
    mistakes(changed);
  }
}

TEST(DialogueFile, TimingAndArguments_AreRead) {
  const auto file = DialogueFile::parse(std::string(kSmall) + R"(  - name: pay
    phrases: pay
    timing: {first_token: 300ms, token: 0.02s}
    call: {tool: pay, with: {amount: 12, text: "12", now: true, what: dinner}}
)",
                                        "d.yaml");
  ASSERT_TRUE(file) << file.error().message();
  const auto& intent = *file->intent("pay");
  EXPECT_EQ(intent.answer.timing->first_token, 300ms);
  EXPECT_EQ(intent.answer.timing->token, 20ms);
  const auto& call = file->calls.at(*intent.answer.call);
  EXPECT_TRUE(call.with[0].second.is_int64());
  EXPECT_TRUE(call.with[1].second.is_string());
  EXPECT_TRUE(call.with[2].second.is_bool());
  EXPECT_TRUE(call.with[3].second.is_string());
}

TEST(DialogueFile, AMissingFile_SaysWhereToNameIt) {
  const auto dialogue = Dialogue::load("/nowhere/x.yaml");
  ASSERT_FALSE(dialogue);
  EXPECT_THAT(dialogue.error().message(),
              AllOf(HasSubstr("/nowhere/x.yaml"), HasSubstr("No such file"), HasSubstr("llm.dialogue")));
}

}  // namespace
}  // namespace parley::scripted
