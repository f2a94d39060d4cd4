#include <parley/async/close.hpp>

#include <fmt/format.h>

#include <parley/async/scope.hpp>
#include <parley/async/within.hpp>

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
  const bool worth_a_line = item.outcome != CloseOutcome::closed || items.size() < kMaxItems / 2;
  if (worth_a_line && items.size() < kMaxItems) items.push_back(std::move(item));
}

void CloseReport::add(std::string_view prefix, const CloseReport& part) {
  for (auto item : part.items) {
    if (items.size() >= kMaxItems) break;
    item.name = fmt::format("{}/{}", prefix, item.name);
    items.push_back(std::move(item));
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

// Lives in the frame of the body's task: whatever ends the task, those who wait are told.
struct CloseOnce::Run {
  explicit Run(CloseOnce& o, TimePoint b) : owner(&o), began(b) {}
  ~Run() {
    owner->task_ = nullptr;
    if (finished) return;
    owner->report_.add({.name = owner->name_, .outcome = CloseOutcome::forced, .took = {}, .detail = "its own owner was killed"});
    owner->done_.set();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  CloseOnce* owner;
  TimePoint began;
  bool finished = false;
};

CloseOnce::~CloseOnce() {
  if (task_) parent_.destroy(*task_);
}

Task<void> CloseOnce::run_body(Deadline deadline, Body body) {
  auto& loop = co_await this_loop();
  Run run(*this, loop.now());
  auto result = co_await within(deadline, body(deadline));
  if (result) {
    report_ = std::move(*result);
  } else {
    report_.add({.name = name_, .outcome = CloseOutcome::forced, .took = loop.now() - run.began, .detail = result.error().message()});
  }
  report_.took = loop.now() - run.began;
  run.finished = true;
  done_.set();
}

Task<CloseReport> CloseOnce::run(Deadline deadline, Body body) {
  if (!started_) {
    started_ = true;
    deadline_ = deadline;
    auto spawned = parent_.spawn_closing(name_, run_body(deadline, std::move(body)));
    if (spawned) {
      task_ = *spawned;
    } else {
      report_.add({.name = name_, .outcome = CloseOutcome::failed, .took = {}, .detail = spawned.error().message()});
      done_.set();
    }
  }
  // The body is bounded by its own deadline; only a more impatient caller needs another bound.
  const auto waited = co_await done_.wait(deadline < deadline_ ? deadline : Deadline::bounded_by_scope());
  CloseReport report = report_;
  if (!waited) report.finished = false;
  co_return report;
}

}  // namespace parley
