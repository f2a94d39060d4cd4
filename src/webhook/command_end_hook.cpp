#include <csignal>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "async/real_loop.hpp"
#include "webhook/child_process.hpp"
#include "webhook/end_hooks.hpp"

namespace parley::webhook {

namespace {

// When a program is told to end, and when it is made to: both before the try's deadline.
struct CommandTimes {
  Deadline terminate;
  Deadline kill;
};
CommandTimes times_of(Deadline deadline, TimePoint now) {
  if (!deadline.is_set()) return {deadline, deadline};
  const auto grace = std::min<Duration>(kCommandGrace, deadline.left(now) / 4);
  return {Deadline(deadline.at() - grace), Deadline(deadline.at() - grace / 5)};
}

// "CA_x/on_end/1" is of the call CA_x.
std::string call_of(const std::string& idempotency_key) { return idempotency_key.substr(0, idempotency_key.find('/')); }

std::string describe(const ChildExit& exit) {
  if (exit.signal) return fmt::format("it was ended by signal {}", *exit.signal);
  return fmt::format("it ended with exit code {}", exit.code.value_or(0));
}

Task<Result<void>> run_to_its_end(ChildProcess& child, Deadline deadline) {
  auto& loop = co_await this_loop();
  const auto began = loop.now();
  const auto times = times_of(deadline, began);
  auto exit = co_await child.wait(times.terminate);
  if (exit) co_return exit->code == 0 ? Result<void>() : fail(Errc::refused, describe(*exit));
  if (exit.error().code() != Errc::timeout) co_return fail(exit.error());
  child.signal(SIGTERM);
  exit = co_await child.wait(times.kill);
  const auto* how = exit ? "told to end (SIGTERM)" : "killed, for it did not hear SIGTERM";
  if (!exit) {
    child.signal(SIGKILL);
    (void)co_await child.wait(deadline);
  }
  co_return fail(Errc::timeout, fmt::format("it had not ended after {:.3g} s and was {}", to_seconds(times.terminate.at() - began), how));
}

Task<Result<void>> run_command(std::shared_ptr<const agent_file::CommandHookSettings> settings, boost::json::object record, EndHookContext context) {
  auto* loop = context.scope ? dynamic_cast<RealLoop*>(&context.scope->loop()) : nullptr;
  if (!loop) co_return fail(Errc::internal, "a command needs a scope of a real process");
  const ChildCommand command{.words = settings->command,
                             .environment = {{"PARLEY_CALL_ID", call_of(context.idempotency_key)}, {"PARLEY_IDEMPOTENCY_KEY", context.idempotency_key}},
                             .input = boost::json::serialize(record) + "\n"};
  auto child = ChildProcess::start(*loop, *context.scope, command);
  if (!child) co_return fail(child.error());
  auto done = co_await run_to_its_end(**child, context.deadline);
  const auto said = (*child)->tail();
  if (!done && !said.empty()) context.logger.warn("{} said at its end:\n{}", settings->command[0], said);
  if (!done) co_return fail(done.error().within(settings->command[0]));
  co_return done;
}

}  // namespace

EndHook command_end_hook(agent_file::CommandHookSettings settings) {
  auto shared = std::make_shared<const agent_file::CommandHookSettings>(std::move(settings));
  return [shared = std::move(shared)](boost::json::object record, EndHookContext context) {
    return run_command(shared, std::move(record), std::move(context));
  };
}

}  // namespace parley::webhook
