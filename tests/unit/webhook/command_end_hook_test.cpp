#include <gmock/gmock.h>

#include "process_fixture.hpp"
#include "webhook/end_hooks.hpp"

namespace parley::webhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LogOfHook final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override { text.append(line.message).append("\n"); }
  std::string text;
};

class CommandEndHook : public WithProcesses {
 protected:
  Result<void> try_once(std::vector<std::string> command, Duration time = 30s) {
    std::optional<Result<void>> out;
    const auto hook = command_end_hook({.command = std::move(command)});
    boost::json::object record{{"call", {{"id", "CA_1"}}}, {"outcome", "completed"}};
    EndHookContext context{.idempotency_key = "CA_1/on_end/2", .attempt = 1, .deadline = in(time), .logger = Logger(log), .scope = &scope()};
    run([](Task<Result<void>> task, std::optional<Result<void>>& o) -> Task<void> { o = co_await std::move(task); }(hook(std::move(record), std::move(context)), out));
    return out ? *out : fail(Errc::timeout, "no answer");
  }
  Result<void> try_script(std::string script, Duration time = 30s) { return try_once({"sh", "-c", std::move(script)}, time); }
  std::string error_of(const Result<void>& done) { return done ? "done" : done.error().message(); }

  std::shared_ptr<LogOfHook> log = std::make_shared<LogOfHook>();
};

TEST_F(CommandEndHook, RecordIsALineOnItsInput_AndTheEnvironmentSaysWhichCall) {
  const auto done = try_script(R"(read -r line; test "$line" = '{"call":{"id":"CA_1"},"outcome":"completed"}' &&
                                  test "$PARLEY_CALL_ID" = CA_1 && test "$PARLEY_IDEMPOTENCY_KEY" = CA_1/on_end/2)");
  EXPECT_EQ(error_of(done), "done");
  EXPECT_EQ(log->text, "");
}

TEST_F(CommandEndHook, OneThatFails_IsAnError_AndWhatItSaidIsInTheLog) {
  EXPECT_EQ(error_of(try_script("echo the disk is full >&2; exit 4")), "sh: it ended with exit code 4");
  EXPECT_THAT(log->text, HasSubstr("the disk is full"));
  EXPECT_THAT(error_of(try_script("kill -SEGV $$")), HasSubstr("signal 11"));
  EXPECT_THAT(error_of(try_once({"/nowhere/archive-call"})), HasSubstr("cannot be run: No such file"));
}

TEST_F(CommandEndHook, OneThatHangs_IsToldToEnd_BeforeTheTrysTimeIsOver) {
  const auto began = loop().now();
  EXPECT_THAT(error_of(try_script("echo hanging; exec sleep 1000", 2s)), AllOf(HasSubstr("had not ended after 1."), HasSubstr("SIGTERM")));
  EXPECT_GE(loop().now() - began, 1500ms);
  EXPECT_THAT(log->text, HasSubstr("hanging"));
}

TEST_F(CommandEndHook, OneThatEndsInOrderWhenTold_HasFailedAllTheSame) {
  EXPECT_THAT(error_of(try_script("trap 'exit 0' TERM; sleep 1000 & wait", 4s)), HasSubstr("told to end"));
}

TEST_F(CommandEndHook, OneThatDoesNotHearSigterm_IsKilled) {
  EXPECT_THAT(error_of(try_script("trap '' TERM; sleep 1000; sleep 1000", 2s)), HasSubstr("killed, for it did not hear SIGTERM"));
}

}  // namespace
}  // namespace parley::webhook
