#include "worker/http_events.hpp"

#include <charconv>

#include "net/sse.hpp"
#include "worker/http_problem.hpp"

namespace parley::worker {

namespace {

std::string frame(const CallEvent& event) { return net::sse_event(std::to_string(event.id), event.type, event.data); }

class EventStream final : public net::BodySource {
 public:
  // `first` is told before what the watch has to say.
  EventStream(std::unique_ptr<CallWatch> watch, std::string first) : watch_(std::move(watch)), first_(std::move(first)) {}

  Task<Result<std::optional<std::string>>> next() override {
    if (!first_.empty()) co_return std::exchange(first_, {});
    auto& loop = co_await this_loop();
    const auto event = co_await watch_->next(loop.in(kKeepAlive));
    if (event) co_return frame(*event);
    switch (event.error().code()) {
      case Errc::timeout: co_return net::sse_comment("keep-alive");
      case Errc::closing:     // that was the last one
      case Errc::overloaded:  // too far behind: it may come back with its last id
        co_return std::nullopt;
      default: co_return fail(event.error());
    }
  }

 private:
  std::unique_ptr<CallWatch> watch_;
  std::string first_;
};

// Where a watcher was cut off; 0 at first. Nullopt: what it says is no number.
std::optional<std::uint64_t> last_event_id(const net::ServerRequest& request) {
  const auto text = request.head.fields.get("Last-Event-ID");
  std::uint64_t id = 0;
  if (text.empty()) return id;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace

Task<net::ServerResponse> watch_events(CallDesk& desk, std::string call_id, net::ServerRequest request) {
  const auto last_id = last_event_id(request);
  if (!last_id) co_return problem(400, "Last-Event-ID is not the id of an event");
  auto watch = desk.watch(call_id, *last_id);
  if (!watch) co_return problem_of(watch.error());
  auto& loop = co_await this_loop();
  // What is there already, without waiting: a call that has nothing more to tell gets no stream.
  const auto first = co_await (*watch)->next(loop.in(Duration::zero()));
  net::ServerResponse response;
  response.fields = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  if (!first && first.error().code() == Errc::closing) {
    response.status = 204;
    co_return response;
  }
  if (!first && first.error().code() != Errc::timeout) co_return problem_of(first.error());
  response.fields.add("Content-Type", "text/event-stream");
  response.fields.add("X-Accel-Buffering", "no");  // nginx would keep events back
  auto greeting = net::sse_retry(kComeBackAfterMs) + (first ? frame(*first) : std::string());
  response.stream = std::make_unique<EventStream>(std::move(*watch), std::move(greeting));
  co_return response;
}

}  // namespace parley::worker
