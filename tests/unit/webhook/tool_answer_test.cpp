#include "webhook/tool_answer.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string why_not(std::string_view body) {
  const auto answer = read_tool_answer(body);
  return answer ? "accepted" : answer.error().message();
}

TEST(ToolAnswer, AnyJsonIsAResult_AndActionsMayBeLeftOut) {
  for (const auto* result : {"null", "7", "\"seven\"", "[1,2]", R"({"table":7})"}) {
    const auto answer = read_tool_answer(std::string(R"({"result": )") + result + "}");
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->result, boost::json::parse(result));
    EXPECT_TRUE(answer->actions.empty());
  }
}

TEST(ToolAnswer, ActionsKeepTheirOrder) {
  const auto answer = read_tool_answer(R"({"result": 1, "actions": [{"say": "One."}, {"say": "Two."}, {"transfer": {"to": "sip:desk@example.com"}}]})");
  ASSERT_TRUE(answer) << answer.error().message();
  ASSERT_EQ(answer->actions.size(), 3u);
  EXPECT_EQ(std::get<SayAction>(answer->actions[0]).words, "One.");
  EXPECT_EQ(std::get<SayAction>(answer->actions[1]).words, "Two.");
  EXPECT_EQ(std::get<TransferAction>(answer->actions[2]).to, "sip:desk@example.com");
  EXPECT_TRUE(std::holds_alternative<EndCallAction>(read_tool_answer(R"({"result": 1, "actions": [{"end_call": {}}]})")->actions[0]));
  EXPECT_EQ(std::get<HandoffAction>(read_tool_answer(R"({"result": 1, "actions": [{"handoff": {"agent": "sales"}}]})")->actions[0]).agent, "sales");
}

TEST(ToolAnswer, WhatIsNoAnswer_IsRefused_WithWhatIsWrong) {
  EXPECT_THAT(why_not(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(why_not("<html>"), HasSubstr("not valid JSON"));
  EXPECT_THAT(why_not("{\"result\": \"\xff\"}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(why_not("[1]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(why_not("{}"), HasSubstr("no `result`"));
  EXPECT_THAT(why_not(R"({"result": 1, "action": []})"), HasSubstr("unknown key \"action\""));
  EXPECT_THAT(why_not(R"({"result": 1, "actions": {"say": "x"}})"), HasSubstr("must be a list"));
}

TEST(ToolAnswer, WrongAction_IsNamedWithItsPlace) {
  const auto actions = [](std::string_view list) { return why_not(std::string(R"({"result": 1, "actions": )").append(list) + "}"); };
  EXPECT_THAT(actions(R"([{"say": "x"}, {"dance": {}}])"), AllOf(HasSubstr("actions[1]"), HasSubstr("\"dance\""), HasSubstr("unknown action")));
  EXPECT_THAT(actions(R"(["end_call"])"), AllOf(HasSubstr("actions[0]"), HasSubstr("one key")));
  EXPECT_THAT(actions(R"([{"say": "x", "end_call": {}}])"), HasSubstr("one key"));
  EXPECT_THAT(actions(R"([{"say": ""}])"), HasSubstr("must be a text"));
  EXPECT_THAT(actions(R"([{"say": {"words": "x"}}])"), HasSubstr("must be a text"));
  EXPECT_THAT(actions(R"([{"end_call": true}])"), HasSubstr("must be {}"));
  EXPECT_THAT(actions(R"([{"transfer": "tel:+1"}])"), AllOf(HasSubstr("\"transfer\""), HasSubstr("{to: \"...\"}")));
  EXPECT_THAT(actions(R"([{"transfer": {"to": "+15550100"}}])"), AllOf(HasSubstr("tel:+15550100"), HasSubstr("not \"+15550100\"")));
  EXPECT_THAT(actions(R"([{"transfer": {"to": "tel:"}}])"), HasSubstr("not \"tel:\""));
  EXPECT_THAT(actions(R"([{"transfer": {"to": "sip:a@b>\r\nX: y"}}])"), HasSubstr("not \"sip:a@b"));
  EXPECT_THAT(actions(R"([{"handoff": {"to": "sales"}}])"), HasSubstr("{agent: \"...\"}"));
  EXPECT_THAT(actions(R"([{"end_call": {}}, {"say": "Goodbye."}])"), AllOf(HasSubstr("actions[1]"), HasSubstr("nothing can come after")));
}

TEST(ToolAnswer, EverythingIsBounded) {
  EXPECT_THAT(why_not(R"({"result": ")" + std::string(ToolAnswer::kMaxBytes, 'x') + "\"}"), HasSubstr("more than"));
  EXPECT_THAT(why_not(R"({"result": )" + std::string(1000, '[') + std::string(1000, ']') + "}"), HasSubstr("not valid JSON"));
  std::string many;
  for (std::size_t i = 0; i <= ToolAnswer::kMaxActions; ++i) many += std::string(i ? "," : "") + R"({"say": "x"})";
  EXPECT_THAT(why_not(R"({"result": 1, "actions": [)" + many + "]}"), HasSubstr("more than 8"));
  EXPECT_THAT(why_not(R"({"result": 1, "actions": [{"say": ")" + std::string(ToolAnswer::kMaxWords + 1, 'x') + "\"}]}"), HasSubstr("more than 4096 bytes"));
  EXPECT_THAT(why_not(R"({"result": 1, "actions": [{"handoff": {"agent": ")" + std::string(300, 'x') + "\"}}]}"), HasSubstr("more than 256 bytes"));
}

}  // namespace
}  // namespace parley::webhook
