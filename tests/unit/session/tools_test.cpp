// Tools made of C++ functions: their schema, their arguments, what they return.
#include <parley/tools.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/world.hpp"
#include <parley/async/scope.hpp>

namespace parley {
namespace {

using ::testing::HasSubstr;

class Tools : public ::testing::Test, public RunContext {
 protected:
  // Runs a tool as a session would: checked arguments, and its answer.
  Result<ToolResult> run(const Tool& tool, std::string_view arguments) {
    const auto checker = ArgumentChecker::create(tool.definition.parameters);
    EXPECT_TRUE(checker) << checker.error().message();
    auto checked = checker->check(arguments);
    if (!checked) return fail(checked.error());
    std::optional<Result<ToolResult>> answer;
    sim::World world(1);
    auto& loop = world.add_loop("job");
    Scope scope(loop, "tools");
    (void)scope.spawn("tool", [](const Tool& t, RunContext& context, boost::json::object args, std::optional<Result<ToolResult>>& out) -> Task<void> {
      out = co_await t.run(context, std::move(args));
    }(tool, *this, std::move(*checked), answer));
    EXPECT_TRUE(world.run_until([&] { return answer.has_value(); }, 10s));
    return answer ? std::move(*answer) : fail(Errc::timeout, "no answer");
  }
  Session& session() noexcept override { std::abort(); }
  const std::string& tool_call_id() const noexcept override { return id_; }
  SpeechHandle speech() override { return SpeechHandle(std::make_shared<SpeechState>("s", SpeechPriority::normal, true)); }
  Result<void> say(std::string) override { std::abort(); }
  Task<void> wait_for_playout() override { co_return; }

  std::string id_ = "FC_1";
};

Tool book_table() {
  return tool("book_table", "Books a table.",
              [](std::string day, int people, std::optional<std::string> name) {
                return day + "/" + std::to_string(people) + "/" + name.value_or("nobody");
              },
              arg("day", "e.g. Friday"), arg("people", "how many").minimum(1).maximum(12), arg("name"));
}

TEST_F(Tools, SchemaIsMadeFromTheFunction) {
  const auto tool = book_table();
  EXPECT_EQ(tool.definition.parameters, boost::json::parse(R"({
    "type": "object",
    "properties": {"day": {"type": "string", "description": "e.g. Friday"},
                   "people": {"type": "integer", "description": "how many", "minimum": 1.0, "maximum": 12.0},
                   "name": {"type": "string"}},
    "additionalProperties": false,
    "required": ["day", "people"]})"));
}

TEST_F(Tools, ArgumentsReachTheFunction_AndItsAnswerTheLlm) {
  const auto answer = run(book_table(), R"({"day": "Friday", "people": 4})");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->value, "Friday/4/nobody");
  EXPECT_EQ(run(book_table(), R"({"people": 2, "name": "Rossi", "day": "Monday"})")->value, "Monday/2/Rossi");
}

TEST_F(Tools, WrongArguments_NeverReachTheFunction_AndTheErrorSaysWhatIsWrong) {
  const auto message_of = [this](std::string_view arguments) {
    const auto answer = run(book_table(), arguments);
    EXPECT_FALSE(answer) << arguments;
    return answer ? "" : answer.error().message();
  };
  EXPECT_THAT(message_of(R"({"people": 4})"), HasSubstr("day"));
  EXPECT_THAT(message_of(R"({"day": "Friday", "people": "four"})"), HasSubstr("people"));
  EXPECT_THAT(message_of(R"({"day": "Friday", "people": 0})"), HasSubstr("people"));
  EXPECT_THAT(message_of(R"({"day": "Friday", "people": 13})"), HasSubstr("people"));
  EXPECT_THAT(message_of(R"({"day": "Friday", "people": 2, "wine": true})"), HasSubstr("wine"));
  EXPECT_THAT(message_of(R"({"day": )"), HasSubstr("not valid JSON"));
  EXPECT_THAT(message_of(R"(["Friday", 4])"), HasSubstr("object"));
  EXPECT_THAT(message_of(R"({"day": "Friday", "people": 2.5})"), HasSubstr("people"));
}

TEST_F(Tools, HostileArguments_AreBounded) {
  const auto checker = ArgumentChecker::create(book_table().definition.parameters);
  ASSERT_TRUE(checker);
  EXPECT_FALSE(checker->check(std::string(Tool::kMaxArguments + 1, ' ')));
  EXPECT_FALSE(checker->check(std::string(1000, '[') + std::string(1000, ']')));
  EXPECT_FALSE(checker->check(std::string("\xff\xfe\x00{", 4)));
}

TEST_F(Tools, NumberTooLargeForTheFunctionsType_IsAnError_NotAWrap) {
  const auto small = tool("f", "f", [](std::int8_t n) { return static_cast<int>(n); }, arg("n"));
  EXPECT_FALSE(run(small, R"({"n": 300})"));
  EXPECT_EQ(run(small, R"({"n": -100})")->value, -100);
}

TEST_F(Tools, FunctionWithoutParameters_TakesNothing_HoweverTheLlmWritesNothing) {
  const auto now = tool("now", "The time.", [] { return "noon"; });
  for (const auto* nothing : {"{}", "", "  "}) EXPECT_EQ(run(now, nothing)->value, "noon");
}

TEST_F(Tools, EveryKindOfReturn_BecomesAnAnswer) {
  EXPECT_EQ(run(tool("f", "", [] {}), "")->value, "done");
  EXPECT_EQ(run(tool("f", "", [] { return std::vector<int>{1, 2}; }), "")->value, (boost::json::array{1, 2}));
  EXPECT_EQ(run(tool("f", "", []() -> Task<int> { co_return 7; }), "")->value, 7);
  EXPECT_EQ(run(tool("f", "", []() -> Task<void> { co_return; }), "")->value, "done");
  EXPECT_EQ(run(tool("f", "", []() -> Task<Result<std::string>> { co_return std::string("ok"); }), "")->value, "ok");
  EXPECT_EQ(run(tool("f", "", []() -> Result<void> { return {}; }), "")->value, "done");
  const auto refused = run(tool("f", "", []() -> Result<int> { return fail(Errc::refused, "closed on Monday"); }), "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "closed on Monday");
  EXPECT_TRUE(run(end_call(), "")->end_call);
}

TEST_F(Tools, ContextComesFirst_WhereTheFunctionWantsIt) {
  const auto who = tool("who", "", [](RunContext& call, std::vector<std::string> names) { return call.tool_call_id() + names.at(0); }, arg("names"));
  EXPECT_EQ(run(who, R"({"names": ["x"]})")->value, "FC_1x");
}

TEST_F(Tools, ParametersThatAreNoSchemaOfAnObject_AreRefused) {
  EXPECT_FALSE(ArgumentChecker::create({{"type", "string"}}));
  EXPECT_FALSE(ArgumentChecker::create({}));
  EXPECT_FALSE(ArgumentChecker::create({{"type", "object"}, {"properties", 7}}));
}

TEST(ToolArguments, TextsThatAPatternLooksAt_AreBounded) {
  const auto checker = ArgumentChecker::create(boost::json::parse(R"({"type": "object", "properties": {"code": {"type": "string", "pattern": "^(a|b)*$"}}})").as_object());
  ASSERT_TRUE(checker);
  EXPECT_TRUE(checker->check(R"({"code": "abba"})"));
  EXPECT_FALSE(checker->check(R"({"code": "abbax"})"));
  const auto refused = checker->check(R"({"code": ")" + std::string(20'000, 'a') + R"("})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "no text may be longer than 1024 bytes");
}

}  // namespace
}  // namespace parley
