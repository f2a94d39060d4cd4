#include "livekit/worker/registration.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "net/retry_after.hpp"

namespace parley::livekit {

namespace {

constexpr std::size_t kMaxWords = 200;  // of the server's

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::string words_of(const net::ClientResponse& answer) {
  auto words = answer.body.substr(0, kMaxWords);
  while (!words.empty() && (words.back() == '\n' || words.back() == '\r')) words.pop_back();
  return words.empty() ? "no reason given" : valid_utf8(std::move(words));
}

}  // namespace

Registration::Registration(Scope& parent, std::string server, const AgentWorkerSettings& settings, JobDesk& desk,
                           AgentWorker::Counters& counters, Owner& owner)
    : loop_(parent.loop()),
      server_(std::move(server)),
      settings_(settings),
      desk_(desk),
      counters_(counters),
      owner_(owner),
      outgoing_(kMaxOutgoing),
      connection_(parent, "connection"),
      scope_(parent, "registration") {}

Registration::~Registration() = default;

Task<RegistrationEnd> Registration::run(net::WebSocketClient& sockets, net::WebSocketRequest request) {
  ++counters_.dials;
  auto socket = co_await sockets.connect(connection_, std::move(request), loop_.in(AgentWorker::kConnectWithin));
  if (!socket) co_return failed(std::move(socket.error()));
  socket_ = std::move(*socket);
  if (auto done = co_await register_worker(); !done) {
    lose(done.error());
  } else {
    for (auto [name, body] : {std::pair("read", &Registration::read), std::pair("tell", &Registration::tell_all),
                              std::pair("write", &Registration::write)}) {
      if (auto spawned = scope_.spawn(name, (this->*body)()); !spawned) lose(spawned.error());
    }
    (void)co_await ended_.wait(Deadline::bounded_by_scope());
  }
  co_await scope_.close(loop_.in(kGoodbyeWithin));
  co_await socket_->close(loop_.in(kGoodbyeWithin));
  co_return RegistrationEnd{.why = *why_, .registered = registered_};
}

Task<Result<void>> Registration::register_worker() {
  const auto deadline = loop_.in(AgentWorker::kRegisterWithin);
  const auto sent = co_await socket_->send({.binary = true, .data = wire::registration(settings_)}, deadline);
  if (!sent) co_return sent;
  for (;;) {
    const auto message = co_await socket_->receive(deadline);
    if (!message && message.error().code() == Errc::timeout) {
      co_return fail(Errc::timeout, fmt::format("the LiveKit server took the connection, and did not register the worker within {} s",
                                                to_seconds(AgentWorker::kRegisterWithin)));
    }
    if (!message) co_return fail(message.error());
    auto said = understand(*message);
    if (!said && broken_ >= kMaxBroken) co_return fail(said.error());
    if (!said || !std::holds_alternative<wire::Registered>(*said)) continue;
    registered_ = true;
    registered_at_ = heard_ = state_told_ = pinged_ = loop_.now();
    ++counters_.registrations;
    desk_.table().tell_again();
    owner_.on_registered(std::get<wire::Registered>(*said));
    co_return Result<void>{};
  }
}

// ---- what comes ----

Task<void> Registration::read() {
  for (;;) {
    const auto message = co_await socket_->receive(Deadline::bounded_by_scope());
    if (!message) co_return lose(message.error());
    heard_ = loop_.now();
    auto said = understand(*message);
    if (!said && broken_ >= kMaxBroken) co_return lose(said.error());
    if (!said) continue;
    auto answer = answer_to(std::move(*said));
    if (!answer) continue;
    if (!co_await outgoing_.push(std::move(*answer), loop_.in(kSendWithin))) {
      co_return lose({Errc::unavailable, "the LiveKit server does not take what is sent"});
    }
  }
}

Result<wire::ServerSays> Registration::understand(const net::WebSocketMessage& message) {
  Result<wire::ServerSays> said = fail(Errc::protocol, "the LiveKit server sent text where messages are binary");
  if (message.binary) said = wire::read(message.data);
  if (!said) {
    ++broken_;
    ++counters_.protocol_errors;
  }
  return said;
}

std::optional<std::string> Registration::answer_to(wire::ServerSays said) {
  using Answer = std::optional<std::string>;
  return std::visit(Overloaded{[this](const wire::Offer& offer) -> Answer {
                                 auto answer = desk_.offered(offer.job, loop_.now());
                                 state_changed();
                                 return answer;
                               },
                               [this](wire::Assignment& assignment) -> Answer {
                                 auto answer = desk_.assigned(std::move(assignment));
                                 state_changed();
                                 return answer;
                               },
                               [this](const wire::Termination& termination) -> Answer {
                                 desk_.terminated(termination.job_id);
                                 return {};
                               },
                               [this](const wire::Pong& pong) -> Answer {
                                 on_pong(pong.of);
                                 return {};
                               },
                               [this](const wire::GoAway& away) -> Answer {
                                 lose({Errc::unavailable, fmt::format("the LiveKit server asks to register elsewhere: {}",
                                                                      away.reason.substr(0, kMaxWords))});
                                 return {};
                               },
                               [](const wire::Registered&) -> Answer { return {}; }, [](const wire::Unknown&) -> Answer { return {}; }},
                    said);
}

void Registration::on_pong(std::int64_t of) {
  if (of > mark_) return;  // of no ping of ours
  desk_.table().confirmed(of);
  if (!flush_mark_ || of < *flush_mark_ || desk_.table().unconfirmed_ends() > 0) return;
  flush_mark_.reset();
  owner_.on_flushed();
}

// ---- what goes ----

void Registration::state_changed() noexcept {
  state_changed_ = true;
  wake_.set();
}

void Registration::flush() noexcept {
  flushing_ = true;
  state_changed();
}

TimePoint Registration::next_due() const {
  auto due = std::min({pinged_ + AgentWorker::kPingEvery, heard_ + AgentWorker::kSilence,
                       state_told_ + (state_changed_ ? kCoalesce : AgentWorker::kStatusEvery)});
  if (!healthy_) due = std::min(due, registered_at_ + AgentWorker::kHealthyAfter);
  if (const auto expiry = desk_.table().next_expiry()) due = std::min(due, *expiry);
  return due;
}

// Statuses first, then our state, then the ping: whose pong says that all of it was read.
std::vector<std::string> Registration::due_messages() {
  const auto now = loop_.now();
  std::vector<std::string> messages;
  const auto wall = loop_.clock().wall().time_since_epoch().count();
  const auto mark = std::max<std::int64_t>(wall, mark_ + 1);
  bool ping = flushing_ || now >= pinged_ + AgentWorker::kPingEvery;
  for (const auto& update : desk_.table().take_untold(mark)) {
    messages.push_back(wire::job_status(update.job_id, update.status, update.error));
    ping = ping || update.status != JobStatus::running;
    ++counters_.statuses;
  }
  if (flushing_ || seq_ == 0 || now >= state_told_ + (state_changed_ ? kCoalesce : AgentWorker::kStatusEvery)) {
    messages.push_back(wire::worker_state(desk_.state(++seq_)));
    state_changed_ = false;
    state_told_ = now;
  }
  if (ping) {
    messages.push_back(wire::ping(mark));
    if (flushing_) flush_mark_ = mark;
    flushing_ = false;
    mark_ = mark;
    pinged_ = now;
  }
  return messages;
}

Task<void> Registration::tell_all() {
  for (;;) {
    const auto now = loop_.now();
    if (now >= heard_ + AgentWorker::kSilence) {
      co_return lose({Errc::unavailable,
                      fmt::format("the LiveKit server fell silent: no sign of it for {} s", to_seconds(AgentWorker::kSilence))});
    }
    if (!healthy_ && now >= registered_at_ + AgentWorker::kHealthyAfter) {
      healthy_ = true;
      owner_.on_healthy();
    }
    if (desk_.release_expired(now)) state_changed_ = true;
    for (auto& message : due_messages()) {
      if (!co_await outgoing_.push(std::move(message), loop_.in(kSendWithin))) {
        co_return lose({Errc::unavailable, "the LiveKit server does not take what is sent"});
      }
    }
    (void)co_await wake_.wait(Deadline(next_due()));
    wake_.reset();
  }
}

Task<void> Registration::write() {
  for (;;) {
    auto message = co_await outgoing_.pop(Deadline::bounded_by_scope());
    if (!message) co_return;
    const auto sent = co_await socket_->send({.binary = true, .data = std::move(*message)}, loop_.in(kSendWithin));
    if (!sent) co_return lose(sent.error());
  }
}

// ---- the end ----

void Registration::lose(Error why) noexcept {
  if (!why_) why_ = std::move(why);
  ended_.set();
}

RegistrationEnd Registration::failed(net::WebSocketFailure failure) const {
  if (!failure.answer) return {.why = std::move(failure.error)};
  const auto& answer = *failure.answer;
  const int status = answer.head.status;
  const auto retry_after = net::retry_after(answer.head.fields);
  if (status == 401 || status == 403) {
    return {.why = {Errc::refused, fmt::format("the LiveKit server at {} refuses this worker ({}): look at LIVEKIT_API_KEY and "
                                               "LIVEKIT_API_SECRET: {}", server_, status, words_of(answer))},
            .retry_after = retry_after};
  }
  if (status == 404) {
    return {.why = {Errc::protocol, fmt::format("what answers at {} has no socket for workers (404): is it a LiveKit server?",
                                                server_)},
            .retry_after = retry_after};
  }
  return {.why = {Errc::unavailable, fmt::format("the LiveKit server at {} answers {}: {}", server_, status, words_of(answer))},
          .retry_after = retry_after};
}

}  // namespace parley::livekit
