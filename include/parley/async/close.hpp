// What an ending reports, and the one way in which an owner closes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <parley/async/event.hpp>
#include <parley/async/stop.hpp>
#include <parley/async/task.hpp>
#include <parley/base/time.hpp>

namespace parley {

class Scope;

enum class CloseOutcome {
  closed,     // ended by itself
  forced,     // destroyed at the deadline
  failed,     // ended by an error of its own
  abandoned,  // native, could not be destroyed; the process's end is its end
};

std::string_view to_string(CloseOutcome outcome) noexcept;

struct ClosedItem {
  std::string name;  // path: "session/tts/stream"
  CloseOutcome outcome = CloseOutcome::closed;
  Duration took{};
  std::string detail;  // for failed and abandoned: why
};

// What closed, when, and what did not. Bounded: past half of kMaxItems the clean ones are only counted.
struct CloseReport {
  static constexpr std::size_t kMaxItems = 256;

  std::vector<ClosedItem> items;
  std::size_t closed = 0;
  std::size_t forced = 0;
  std::size_t failed = 0;
  std::size_t abandoned = 0;
  bool finished = true;  // false: the caller's deadline came before the end; what is listed is what was known by then
  Duration took{};

  bool clean() const noexcept { return finished && forced == 0 && failed == 0 && abandoned == 0; }
  void add(ClosedItem item);
  void add(std::string_view prefix, const CloseReport& part);

 private:
  void list(ClosedItem item);
};

// One line for logs: "closed 12 in 3.1 ms; forced: session/tts/stream".
std::string to_string(const CloseReport& report);

// Rule 3 of the law of endings, for owners whose close is more than closing a scope: the body runs once, as a task of the
// parent scope, whoever asked first; every caller waits for the one report, and a caller that is destroyed drops out. The
// body is destroyed at the deadline; the one that it is given for its parts is a tenth earlier, at most 20 ms.
//
//   Task<CloseReport> Session::close(Deadline d) { return close_.run(d, [this](Deadline d) { return close_body(d); }); }
//
// A second caller with an earlier deadline gets what is known by then (`finished` false); the run goes on. An owner that
// is destroyed while it closes takes the body with it; its callers get a report that says so.
class CloseOnce {
 public:
  CloseOnce(Scope& parent, std::string name);
  ~CloseOnce();
  CloseOnce(const CloseOnce&) = delete;
  CloseOnce& operator=(const CloseOnce&) = delete;

  using Body = std::move_only_function<Task<CloseReport>(Deadline)>;
  Task<CloseReport> run(Deadline deadline, Body body);

  bool started() const noexcept { return state_->started; }
  const CloseReport* report() const noexcept { return state_->done.is_set() ? &state_->report : nullptr; }

 private:
  static constexpr Duration kLongestMargin = 20ms;

  class Run;
  struct State {  // shared with the callers: the first of them may destroy the owner before the others have their turn
    std::string name;
    bool started = false;
    Deadline deadline = Deadline::bounded_by_scope();
    TaskRoot* task = nullptr;  // the body, while it runs
    CloseReport report;
    Event done;
  };
  static Deadline for_parts(Deadline whole, TimePoint now) noexcept;
  static Task<void> run_body(std::unique_ptr<Run> run, Deadline deadline, Body body);

  Scope& parent_;
  std::shared_ptr<State> state_;
};

}  // namespace parley
