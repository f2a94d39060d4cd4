#include <parley/async/close.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/scope.hpp>
#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>

namespace parley {

std::string_view to_string(CloseOutcome outcome) noexcept {
  switch (outcome) {
    case CloseOutcome::closed: return "closed";
    case CloseOutcome::forced: return "forced";
    case CloseOutcome::failed: return "failed";
    case CloseOutcome::abandoned: return "abandoned";
  }
  return "closed";
}

void CloseReport::add(ClosedItem item) {
  switch (item.outcome) {
    case CloseOutcome::closed: ++closed; break;
    case CloseOutcome::forced: ++forced; break;
    case CloseOutcome::failed: ++failed; break;
    case CloseOutcome::abandoned: ++abandoned; break;
  }
  list(std::move(item));
}

void CloseReport::list(ClosedItem item) {
  const bool worth_a_line = item.outcome != CloseOutcome::closed || items.size() < kMaxItems / 2;
  if (worth_a_line && items.size() < kMaxItems) items.push_back(std::move(item));
}

void CloseReport::add(std::string_view prefix, const CloseReport& part) {
  for (auto item : part.items) {
    item.name = fmt::format("{}/{}", prefix, item.name);
    list(std::move(item));
  }
  closed += part.closed;
  forced += part.forced;
  failed += part.failed;
  abandoned += part.abandoned;
  finished = finished && part.finished;
}

std::string to_string(const CloseReport& report) {
  auto line = fmt::format("closed {} in {:.1f} ms", report.closed, to_ms(report.took));
  for (const auto outcome : {CloseOutcome::forced, CloseOutcome::failed, CloseOutcome::abandoned}) {
    std::string names;
    for (const auto& item : report.items) {
      if (item.outcome == outcome) names += (names.empty() ? "" : ", ") + item.name;
    }
    if (!names.empty()) line += fmt::format("; {}: {}", to_string(outcome), names);
  }
  if (!report.finished) line += "; not finished";
  return line;
}

// Held by the body's task from before its first step: whatever ends the task, those who wait are told.
class CloseOnce::Run {
 public:
  Run(std::shared_ptr<State> state, TimePoint began) : state_(std::move(state)), began_(began) {}
  ~Run() {
    state_->task = nullptr;
    if (!finished_) add(CloseOutcome::forced, "it did not come to its end", began_);
    state_->done.set();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void finish(Result<CloseReport> result, TimePoint now) {
    finished_ = true;
    if (result) {
      state_->report = std::move(*result);
    } else {
      add(CloseOutcome::forced, result.error().message(), now);
    }
    state_->report.took = now - began_;
  }

  void fail(std::string why, TimePoint now) {
    finished_ = true;
    add(CloseOutcome::failed, std::move(why), now);
    state_->report.took = now - began_;
  }

 private:
  void add(CloseOutcome outcome, std::string why, TimePoint now) {
    state_->report.add({.name = state_->name, .outcome = outcome, .took = now - began_, .detail = std::move(why)});
  }

  std::shared_ptr<State> state_;
  TimePoint began_;
  bool finished_ = false;
};

CloseOnce::CloseOnce(Scope& parent, std::string name) : parent_(parent), state_(std::make_shared<State>()) {
  state_->name = std::move(name);
}

CloseOnce::~CloseOnce() {
  if (state_->task) parent_.destroy(*state_->task);
}

// What the body hands down ends this much before the body itself is cut off, so that it is still there to say what stuck.
Deadline CloseOnce::for_parts(Deadline whole, TimePoint now) noexcept {
  if (!whole.is_set()) return whole;
  return Deadline(whole.at() - std::min(kLongestMargin, whole.left(now) / 10));
}

Task<void> CloseOnce::run_body(std::unique_ptr<Run> run, Deadline deadline, Body body) {
  auto& loop = co_await this_loop();
  // An error of one ending is no reason to stop the parent, whose next steps are still to come: it goes into the report.
  try {
    auto result = co_await within(deadline, body(for_parts(deadline, loop.now())));
    run->finish(std::move(result), loop.now());
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    run->fail(describe_current_exception(), loop.now());
  }
}

Task<CloseReport> CloseOnce::run(Deadline deadline, Body body) {
  const auto state = state_;
  if (!state->started) {
    state->started = true;
    state->deadline = deadline;
    auto run = std::make_unique<Run>(state, parent_.loop().now());
    auto spawned = parent_.spawn_closing(state->name, run_body(std::move(run), deadline, std::move(body)));
    if (spawned) state->task = *spawned;
  }
  // The body is bounded by its own deadline; only a more impatient caller needs another bound.
  const auto waited = co_await state->done.wait(deadline < state->deadline ? deadline : Deadline::bounded_by_scope());
  CloseReport report = state->report;
  if (!waited) report.finished = false;
  co_return report;
}

}  // namespace parley
