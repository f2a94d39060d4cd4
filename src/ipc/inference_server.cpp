#include "ipc/inference_server.hpp"

#include <fmt/format.h>

#include <parley/async/blocking.hpp>

namespace parley::ipc {

InferenceServer::InferenceServer(Scope& parent, std::unique_ptr<Acceptor> acceptor, Recognize model,
                                 InferenceLimits limits)
    : loop_(parent.loop()),
      acceptor_(std::move(acceptor)),
      model_(std::make_shared<Recognize>(std::move(model))),
      limits_(limits),
      queue_(limits),
      idle_since_(loop_.now()),
      close_(parent, "inference"),
      accepting_(parent, "accept"),
      scope_(parent, "inference", limits.max_clients + 8) {
  model_idle_.set();
}

InferenceServer::~InferenceServer() = default;

void InferenceServer::start() {
  (void)accepting_.spawn("accept", accept(std::move(acceptor_)));
  (void)scope_.spawn("model", work());
}

// A client's place in the table, for as long as its task lives.
struct InferenceServer::Connection {
  Connection(InferenceServer& s, std::uint64_t n) : server(s), number(n) {}
  ~Connection() {
    server.queue_.drop_client(number);
    server.clients_.erase(number);
    if (server.clients_.empty()) server.idle_since_ = server.loop_.now();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  InferenceServer& server;
  std::uint64_t number;
};

// The name is this task's: once it is stopped, whoever dials reaches the next process, or nobody until that is there.
Task<void> InferenceServer::accept(std::unique_ptr<Acceptor> acceptor) {
  for (;;) {
    auto caller = co_await acceptor->accept(Deadline::bounded_by_scope());
    if (!caller) {
      loop_.logger().warn("a client could not be accepted: {}", caller.error().message());
      co_await sleep_for(kAcceptPause);
      continue;
    }
    if (clients_.size() >= limits_.max_clients) {
      ++counters_.refused;
      continue;  // its link closes here
    }
    ++counters_.clients;
    const auto number = next_client_++;
    const std::shared_ptr<Link> link = std::move(caller->link);
    clients_[number] = {link};
    if (!scope_.spawn(fmt::format("client {}", number), serve(number, link))) clients_.erase(number);
  }
}

Task<void> InferenceServer::serve(std::uint64_t client, std::shared_ptr<Link> link) {
  const Connection connection(*this, client);
  for (;;) {
    auto packet = co_await link->receive(Deadline::bounded_by_scope());
    if (!packet && packet.error().code() == Errc::closing) break;
    const auto taken = packet ? take(client, *std::move(packet)) : Result<void>(fail(packet.error()));
    if (!taken) {
      ++counters_.dropped;
      loop_.logger().warn("client {} was dropped: {}", client, taken.error().message());
      break;
    }
  }
  link->close();
}

Result<void> InferenceServer::take(std::uint64_t client, Packet packet) {
  const auto message = parse_to_inference(packet.bytes);
  if (!message) return fail(message.error());
  if (const auto* cancel = std::get_if<CancelRequest>(&*message)) {
    ++counters_.cancelled;
    queue_.cancel(client, cancel->id);
    return {};
  }
  if (packet.handles.size() != 1) return fail(Errc::protocol, "a request without its audio");
  auto* handle = dynamic_cast<FdHandle*>(packet.handles.front().get());
  if (!handle) return fail(Errc::protocol, "a request without its audio");
  take_request(client, std::get<RecognizeRequest>(*message), handle->take());
  return {};
}

void InferenceServer::take_request(std::uint64_t client, const RecognizeRequest& request, Fd audio) {
  ++counters_.requests;
  if (sending_away_) return send_away(client, request.id);
  answer_expired();  // what is not worth running takes nobody's place
  const auto queued = queue_.push({.client = client,
                                   .id = request.id,
                                   .deadline = loop_.in(request.patience),
                                   .samples = request.samples,
                                   .audio = std::move(audio)});
  if (!queued) {
    ++counters_.refused;
    return answer(client, request.id, fail(queued.error()));
  }
  work_.set();
}

void InferenceServer::answer_expired() {
  for (const auto& request : queue_.take_expired(loop_.now())) {
    ++counters_.expired;
    answer(request.client, request.id, fail(Errc::timeout, "its time was over before the recogniser came to it"));
  }
}

void InferenceServer::answer(std::uint64_t client, std::uint64_t id, Result<std::string> text) {
  const auto it = clients_.find(client);
  if (it == clients_.end()) return;
  const auto sent = it->second.link->send(serialize(InferenceAnswer{.id = id, .text = std::move(text)}));
  if (sent) return;
  // It does not read, or is gone: its task sees the end of the link.
  if (sent.error().code() == Errc::overloaded) ++counters_.dropped;
  it->second.link->close();
}

Task<void> InferenceServer::work() {
  for (;;) {
    answer_expired();
    auto next = stopping_ ? std::nullopt : queue_.start();
    if (!next) {
      work_.reset();
      (void)co_await work_.wait(Deadline::bounded_by_scope());
      continue;
    }
    co_await run_one(*std::move(next));
    if (stuck_.is_set()) co_return;
  }
}

Task<void> InferenceServer::run_one(QueuedInference request) {
  struct Finish {
    explicit Finish(InferenceServer& s) : server(s) { server.model_idle_.reset(); }
    ~Finish() {
      server.queue_.finish();
      server.model_idle_.set();
    }
    InferenceServer& server;
  } const finish(*this);
  const auto audio = std::make_shared<Fd>(std::move(request.audio));
  auto ran = co_await run_blocking<Result<std::string>>(
      loop_.in(limits_.max_run), [model = model_, audio, samples = request.samples]() -> Result<Result<std::string>> {
        auto read = read_inference_audio(audio->get(), samples);
        if (!read) return Result<std::string>(fail(read.error()));
        try {
          return (*model)(*read);
        } catch (const std::exception& error) {
          return Result<std::string>(fail(Errc::internal, fmt::format("the model threw: {}", error.what())));
        } catch (...) {
          return Result<std::string>(fail(Errc::internal, "the model threw something that is no std::exception"));
        }
      });
  if (!ran && ran.error().code() == Errc::timeout) {
    loop_.logger().error("the model did not answer within {:.0f} s: this process ends",
                         to_seconds(limits_.max_run));
    stuck_.set();
    co_return;
  }
  auto text = ran ? *std::move(ran) : Result<std::string>(fail(ran.error()));
  ++(text ? counters_.done : counters_.failed);
  if (queue_.running_wanted()) answer(request.client, request.id, std::move(text));
}

void InferenceServer::request_stop(StopReason reason) {
  if (std::exchange(stopping_, true)) return;
  loop_.logger().info("ending ({})", to_string(reason.cause));
  accepting_.request_stop(reason);
}

Task<CloseReport> InferenceServer::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  return close_.run(deadline, [this](Deadline d) { return close_body(d); });
}

Task<CloseReport> InferenceServer::close_body(Deadline deadline) {
  auto report = co_await accepting_.close(deadline);
  // Only now: whoever is sent away dials at once, and must not come back here.
  sending_away_ = true;
  for (const auto& request : queue_.take_expired(TimePoint::max())) send_away(request.client, request.id);
  // A model that hangs leaves the connections the time to end by themselves.
  constexpr Duration kForcingTime = 50ms;
  const auto left = deadline.left(loop_.now());
  if (!co_await model_idle_.wait(loop_.in(left - std::min(kForcingTime, left / 4)))) {
    report.add({"model", CloseOutcome::abandoned, left, "it has not answered"});
  }
  report.add("connections", co_await scope_.close(deadline));
  co_return report;
}

void InferenceServer::send_away(std::uint64_t client, std::uint64_t id) {
  answer(client, id, fail(Errc::closing, "the inference process is ending"));
}

}  // namespace parley::ipc
