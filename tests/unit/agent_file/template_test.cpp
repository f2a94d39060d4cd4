#include <random>

#include <gmock/gmock.h>

#include "agent_file/template.hpp"

namespace parley::agent_file {
namespace {

std::string filled(const std::string& text, const std::map<std::string, std::string>& values = {}) {
  const auto parsed = Template::parse(text);
  if (!parsed) return "error: " + parsed.error().message();
  std::vector<std::string> missing;
  auto result = parsed->fill(
      [&](const std::string& name) {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
      },
      missing);
  for (const auto& name : missing) result += " missing:" + name;
  return result;
}

TEST(Template, VariablesBecomeTheirValues_WithOrWithoutBlanks) {
  EXPECT_EQ(filled("Hello {{name}}, {{ name }}.", {{"name", "Ada"}}), "Hello Ada, Ada.");
  EXPECT_EQ(filled("no variables, one { and } }}"), "no variables, one { and } }}");
  EXPECT_EQ(filled(""), "");
}

TEST(Template, WhatIsAbsentOrEmpty_IsItsDefault) {
  EXPECT_EQ(filled("{{a | default: \"x \\\"y\\\" \\\\\"}}"), "x \"y\" \\");
  EXPECT_EQ(filled("{{a|default:\"}}\"}}", {{"a", ""}}), "}}");
  EXPECT_EQ(filled("{{a | default: \"\"}}."), ".");
  EXPECT_EQ(filled("{{a | default: 'x \"y\" it\\'s'}}"), "x \"y\" it's");
}

TEST(Template, WhatIsAbsentWithoutDefault_IsNamedOnce) { EXPECT_EQ(filled("{{a}}{{b}}{{a}}"), " missing:a missing:b"); }

TEST(Template, AValueThatLooksLikeAVariable_StaysText) {
  EXPECT_EQ(filled("{{a}}", {{"a", "{{b}}"}, {"b", "no"}}), "{{b}}");
}

TEST(Template, ATextInBraces_IsItself) { EXPECT_EQ(filled("{{\"{{\"}}a}}"), "{{a}}"); }

TEST(Template, Mistakes_SayWhatWasExpected) {
  EXPECT_EQ(filled("{{a"), "error: expected }} after {{ and a");
  EXPECT_EQ(filled("{{a b}}"), "error: expected }} after {{ and a");
  EXPECT_EQ(filled("{{}}"), "error: expected the name of a variable behind {{");
  EXPECT_EQ(filled("{{a | upper}}"),
            "error: unknown filter \"upper\" of a; there is only default: {{a | default: '...'}}");
  EXPECT_EQ(filled("{{a | default: x}}"), "error: expected {{a | default: '...'}}, with the text in quotes");
  EXPECT_EQ(filled("{{a | default: \"x}}"), "error: expected a second quote between {{ and }}");
}

TEST(Template, FilledPartly_TheRestIsFilledLater_AndNothingTwice) {
  auto parsed = *Template::parse("{{env}}/{{call | default: \"{{x}}\"}}/{{other}}");
  parsed.fill_known([](const std::string& name) {
    return name == "env" ? std::optional<std::string>("{{call}} \"quoted\" \\") : std::nullopt;
  });
  EXPECT_EQ(filled(parsed.to_text(), {{"other", "o"}}), "{{call}} \"quoted\" \\/{{x}}/o");
}

TEST(Template, EncodedValues_StayInsideTheirPartOfAnAddress) {
  auto parsed = *Template::parse("https://x/{{a}}/{{b}}");
  for (auto& piece : parsed.pieces()) piece.encoding = Encoding::part_of_url;
  EXPECT_EQ(filled(parsed.to_text(), {{"a", "../q?x=1&y"}, {"b", ".."}}), "https://x/..%2Fq%3Fx%3D1%26y/%2E%2E");
}

TEST(Template, ValuesInATarget_KeepThePlusOfANumber) {
  auto parsed = *Template::parse("sip:{{a}}@x");
  for (auto& piece : parsed.pieces()) piece.encoding = Encoding::part_of_target;
  EXPECT_EQ(filled(parsed.to_text(), {{"a", "+1~5:@;"}}), "sip:+1%7E5%3A%40%3B@x");
}

TEST(Template, AnyText_IsRefusedOrComesBackTheSame) {
  std::mt19937 random(3);
  const std::string letters = "{{{}}}ab|\"' :\\d";
  int good = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += letters[random() % letters.size()];
    const auto once = Template::parse(text);
    if (!once) continue;
    ++good;
    const auto twice = Template::parse(once->to_text());
    ASSERT_TRUE(twice) << text;
    EXPECT_EQ(filled(once->to_text(), {{"a", "1"}}), filled(text, {{"a", "1"}})) << text;
  }
  EXPECT_GT(good, 1000);
}

}  // namespace
}  // namespace parley::agent_file
