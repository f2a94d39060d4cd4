#include "session/tool_runner.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/within.hpp>

namespace parley {
namespace {

std::string names_of(const std::vector<Tool>& tools) {
  std::string names;
  for (const auto& tool : tools) names += (names.empty() ? "" : ", ") + tool.definition.name;
  return names.empty() ? "none" : names;
}

std::string as_text(const boost::json::value& value) {
  auto text = value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
  if (text.size() <= Tool::kMaxResult) return text;
  auto end = Tool::kMaxResult;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + fmt::format(" ... (cut after {} bytes)", end);
}

Result<boost::json::object> check(const boost::json::object& schema, std::string_view arguments) {
  const auto checker = ArgumentChecker::create(schema);
  if (!checker) return fail(checker.error());
  return checker->check(arguments);
}

Task<Result<ToolResult>> call(const Tool& tool, RunContext& context, boost::json::object arguments) {
  try {
    co_return co_await tool.run(context, std::move(arguments));
  } catch (const Stopped&) {
    throw;
  } catch (const std::exception& error) {
    co_return fail(Errc::internal, error.what());
  } catch (...) {
    co_return fail(Errc::internal, "the tool failed in an unknown way");
  }
}

}  // namespace

ToolRunner::~ToolRunner() {
  for (const auto& run : runs_) run->scope_.reset();  // its task holds the run
}

std::shared_ptr<ToolRun> ToolRunner::start(FunctionCall function_call, std::shared_ptr<const Agent> agent,
                                           std::unique_ptr<RunContext> context) {
  reap();
  auto run = std::make_shared<ToolRun>();
  run->call_ = std::move(function_call);
  const auto now = parent_.loop().now();
  const auto tool = std::ranges::find(agent->tools, run->call_.name, [](const Tool& t) { return t.definition.name; });
  if (tool == agent->tools.end()) {
    finish(*run, fail(Errc::not_found, fmt::format("there is no tool \"{}\"; there is: {}", run->call_.name, names_of(agent->tools))), now);
    return run;
  }
  auto arguments = check(tool->definition.parameters, run->call_.arguments);
  if (!arguments) {
    finish(*run, fail(std::move(arguments.error())), now);
    return run;
  }
  if (runs_.size() >= kMaxRunning) {
    finish(*run, fail(Errc::overloaded, "too many tools are running: try again later"), now);
    return run;
  }
  run->survives_ = tool->outlives_interruption;
  run->scope_ = std::make_unique<Scope>(parent_, "tool." + tool->definition.name);
  runs_.push_back(run);
  auto spawned = run->scope_->spawn("run", ToolRunner::run(*this, run, std::move(agent), *tool, std::move(context), std::move(*arguments)));
  if (!spawned) finish(*run, fail(std::move(spawned.error())), now);
  return run;
}

// `agent` keeps the tool alive, and whatever its function captured.
Task<void> ToolRunner::run(ToolRunner& self, std::shared_ptr<ToolRun> run, std::shared_ptr<const Agent>, const Tool& tool,
                           std::unique_ptr<RunContext> context, boost::json::object arguments) {
  auto& loop = co_await this_loop();
  const auto began = loop.now();
  const auto deadline = loop.in(tool.timeout_after);
  auto result = co_await within(deadline, call(tool, *context, std::move(arguments)));
  // Not a timeout of something that it asked: of that it tells itself.
  if (!result && result.error().code() == Errc::timeout && deadline.passed(loop.now())) {
    result = fail(Errc::timeout, fmt::format("the tool did not answer within {} s", to_seconds(tool.timeout_after)));
  }
  self.finish(*run, std::move(result), began);
}

void ToolRunner::finish(ToolRun& run, Result<ToolResult> result, TimePoint began) {
  run.took_ = parent_.loop().now() - began;
  run.output_ = {.call_id = run.call_.id, .name = run.call_.name, .output = {}, .is_error = !result.has_value()};
  if (result) {
    run.result_ = std::move(*result);
    run.output_.output = as_text(run.result_.value);
  } else {
    run.output_.output = result.error().message();
    parent_.loop().logger().warn("tool {} failed: {}", run.call_.name, result.error().message());
  }
  run.done_.set();
  if (run.abandoned_) listener_.late_tool_result(run);
}

bool ToolRunner::has(std::string_view call_id) const noexcept {
  return std::ranges::any_of(runs_, [&](const auto& run) { return run->call().id == call_id; });
}

bool ToolRunner::abandon(ToolRun& run) {
  if (run.done()) return false;
  if (run.survives_) {
    run.abandoned_ = true;
    return true;
  }
  run.scope_->request_stop({StopCause::replaced, "the caller interrupted"});
  return false;
}

void ToolRunner::request_stop(const StopReason& reason) noexcept {
  for (const auto& run : runs_) run->scope_->request_stop(reason);
}

// Those whose task has ended; it may be the one that asks.
void ToolRunner::reap() {
  std::erase_if(runs_, [](const auto& run) {
    if (run->scope_->tasks() > 0) return false;
    run->scope_.reset();
    return true;
  });
}

}  // namespace parley
