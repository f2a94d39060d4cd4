// The tools that run: arguments checked, time bounded, and none lost sight of.
//
// A tool belongs to the reply whose LLM called it. When that reply is interrupted its tools are stopped, but for those that
// outlive an interruption: they run on, and what they bring enters the history.
//
// Thread: the loop's only.
// Bound:  kMaxRunning at once; each by its own timeout, at which it is destroyed where it waits.
// Ending: with its scope, whatever a tool does with a request to stop.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/agent.hpp>
#include <parley/async/scope.hpp>

namespace parley {

class ToolRunner;

// One call of a tool.
class ToolRun {
 public:
  const FunctionCall& call() const noexcept { return call_; }
  bool done() const noexcept { return done_.is_set(); }
  Event::Wait wait(Deadline deadline) noexcept { return done_.wait(deadline); }

  // Once done.
  const FunctionCallOutput& output() const noexcept { return output_; }
  const ToolResult& result() const noexcept { return result_; }  // of a successful one
  Duration took() const noexcept { return took_; }

 private:
  friend class ToolRunner;
  FunctionCall call_;
  FunctionCallOutput output_;
  ToolResult result_;
  Duration took_{};
  Event done_;
  bool survives_ = false;
  bool abandoned_ = false;  // its reply is over
  std::unique_ptr<Scope> scope_;
};

class ToolRunner {
 public:
  static constexpr std::size_t kMaxRunning = 16;

  class Listener {
   public:
    // A tool whose reply was interrupted has come to its end.
    virtual void late_tool_result(const ToolRun& run) = 0;

   protected:
    ~Listener() = default;
  };

  ToolRunner(Scope& parent, Listener& listener) : parent_(parent), listener_(listener) {}

  ~ToolRunner();
  ToolRunner(const ToolRunner&) = delete;
  ToolRunner& operator=(const ToolRunner&) = delete;

  // What cannot run (no such tool, wrong arguments, too many) is a run that is done at once, with an error as its output.
  // `context` makes what the tool sees of the call, and `agent` owns the tool.
  std::shared_ptr<ToolRun> start(FunctionCall call, std::shared_ptr<const Agent> agent, std::unique_ptr<RunContext> context);

  // One of this id runs, or has just ended.
  bool has(std::string_view call_id) const noexcept;

  // The reply is over. True: the run goes on, and is told about by the listener.
  bool abandon(ToolRun& run);

  // Everything is told to stop, survivors too: the call ends.
  void request_stop(const StopReason& reason) noexcept;

 private:
  void reap();
  static Task<void> run(ToolRunner& self, std::shared_ptr<ToolRun> run, std::shared_ptr<const Agent> agent, const Tool& tool,
                        std::unique_ptr<RunContext> context, boost::json::object arguments);
  void finish(ToolRun& run, Result<ToolResult> result, TimePoint began);

  Scope& parent_;
  Listener& listener_;
  std::list<std::shared_ptr<ToolRun>> runs_;
};

}  // namespace parley
