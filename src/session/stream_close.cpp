#include "session/stream_close.hpp"

#include <parley/async/scope.hpp>
#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>

namespace parley {

Task<CloseReport> close_stream(ProviderStream& stream, Deadline deadline) {
  constexpr Duration kLongestMargin = 20ms;
  auto& loop = co_await this_loop();
  const auto began = loop.now();
  const auto margin = deadline.is_set() ? std::min(kLongestMargin, deadline.left(began) / 10) : Duration::zero();
  CloseReport report;
  try {
    auto closed = co_await within(deadline, stream.close(Deadline(deadline.at() - margin)));
    if (closed) co_return std::move(*closed);
    report.add({"stream", CloseOutcome::forced, loop.now() - began, "its close did not come to an end"});
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    report.add({"stream", CloseOutcome::failed, loop.now() - began, describe_current_exception()});
  }
  stream.kill();
  report.took = loop.now() - began;
  co_return report;
}

Task<CloseReport> close_stream_and_tasks(ProviderStream* stream, Scope& scope, Deadline deadline) {
  CloseReport report;
  if (stream) report.add("stream", co_await close_stream(*stream, deadline));
  report.add("tasks", co_await scope.close(deadline));
  co_return report;
}

}  // namespace parley
