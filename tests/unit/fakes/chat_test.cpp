#include "fakes/chat.hpp"

#include <set>

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace parley::fakes {
namespace {

namespace json = boost::json;

constexpr TimePoint kNow{1h};

ChatWish wish(std::string_view body) {
  auto parsed = ChatWish::parse(body);
  EXPECT_TRUE(parsed) << parsed.error();
  return parsed ? *parsed : ChatWish();
}

// The events of an answer with the times at which they come.
std::vector<std::pair<Duration, std::string>> events(const Options& options, const ChatWish& asked, std::uint64_t number = 1) {
  std::vector<std::pair<Duration, std::string>> all;
  ChatAnswer answer(options, asked, number, kNow);
  while (const auto due = answer.due()) {
    const auto event = answer.next(*due);
    EXPECT_TRUE(event);
    if (!event) break;
    all.emplace_back(*due - kNow, *event);
  }
  return all;
}

std::string text_of(const Options& options, const ChatWish& asked, std::uint64_t number) {
  return std::string(json::parse(ChatAnswer(options, asked, number, kNow).whole()).at_pointer("/choices/0/message/content").as_string());
}

const auto kHello = R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]})";

TEST(FakeChat, WordsComeOneByOne_AtTheirTimes_ThenTheUsage) {
  const Options options;
  const auto all = events(options, wish(kHello));
  ASSERT_GE(all.size(), 5u);
  EXPECT_EQ(all[0].first, options.first_token);
  EXPECT_EQ(all[1].first, options.first_token + options.token);
  EXPECT_EQ(all.back().second, "[DONE]");
  const auto usage = json::parse(all[all.size() - 2].second);
  EXPECT_TRUE(usage.at("choices").as_array().empty());
  EXPECT_EQ(usage.at_pointer("/usage/completion_tokens").to_number<std::size_t>(), all.size() - 3);
  EXPECT_EQ(json::parse(all[all.size() - 3].second).at_pointer("/choices/0/finish_reason"), "stop");
}

TEST(FakeChat, AnswersVary_AndAreTheSameForTheSameSeed) {
  const Options options, again;
  Options other;
  other.seed = 2;
  std::set<std::string> texts;
  int same = 0;
  for (std::uint64_t number = 0; number < 50; ++number) {
    const auto text = text_of(options, wish(kHello), number);
    texts.insert(text);
    EXPECT_EQ(text, text_of(again, wish(kHello), number));
    if (text == text_of(other, wish(kHello), number)) ++same;
  }
  EXPECT_GT(texts.size(), 30u);
  EXPECT_LT(same, 10);
}

const auto kTools = R"(,"tools":[{"type":"function","function":{"name":"book_table","parameters":{"type":"object",
  "properties":{"people":{"type":"integer"},"day":{"type":"string","format":"date"},"area":{"type":"string","enum":["inside","terrace"]}}}}}]})";

TEST(FakeChat, AskedToUseATool_ItCallsItOnce_WithArgumentsThatFit) {
  const auto asked = R"({"stream":true,"messages":[{"role":"system","content":"Always use the tool book_table first."},{"role":"user","content":"hi"})";
  const auto first = events({}, wish(std::string(asked) + "]" + kTools));
  const auto call = json::parse(first.at(0).second).at_pointer("/choices/0/delta/tool_calls/0/function");
  EXPECT_EQ(call.at("name"), "book_table");
  EXPECT_EQ(json::parse(std::string_view(call.at("arguments").as_string())), json::parse(R"({"people":4,"day":"2026-12-02","area":"inside"})"));
  EXPECT_EQ(json::parse(first.at(1).second).at_pointer("/choices/0/finish_reason"), "tool_calls");

  const auto after = wish(std::string(asked) + R"(,{"role":"assistant","content":null},{"role":"tool","tool_call_id":"1","content":"table 7"}])" + kTools);
  EXPECT_TRUE(after.tool.empty());
  EXPECT_TRUE(text_of({}, after, 1).starts_with("The answer is table 7. "));
}

TEST(FakeChat, RequestsThatAreNone_AreRefused) {
  for (const auto* bad : {"", "[]", "{}", R"({"messages":[]})", R"({"messages":[7]})"}) EXPECT_FALSE(ChatWish::parse(bad)) << bad;
}

}  // namespace
}  // namespace parley::fakes
