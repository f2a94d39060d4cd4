#include "ipc/inference_client.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include <parley/async/event.hpp>

#include "ipc/inference_wire.hpp"

namespace parley::ipc {

namespace {

constexpr int kTries = 2;

std::unexpected<Error> closing() { return fail(Errc::closing, "the call is ending: nothing more is recognised"); }

}  // namespace

struct InferenceClient::State : std::enable_shared_from_this<State> {
  State(Loop& l, std::unique_ptr<Dialer> d) : loop(l), dialer(std::move(d)) {}

  void answered(InferenceAnswer answer);
  void lose(const std::shared_ptr<Link>& lost_link) noexcept;
  void stop() noexcept;

  Loop& loop;
  std::unique_ptr<Dialer> dialer;
  Scope* scope = nullptr;  // null: the client is gone
  Event stopped;
  std::shared_ptr<Link> link;
  std::uint64_t next_id = 1;
  std::size_t requests = 0;  // now
  std::map<std::uint64_t, Waiting*> waiting;
  Counters counters;
};

// A request that the process has. Lives in the frame of its task: whatever ends that, the process is told.
class InferenceClient::Waiting {
 public:
  Waiting(State& state, std::shared_ptr<Link> link) : state_(state), link_(std::move(link)), id_(state.next_id++) {
    state_.waiting[id_] = this;
  }
  ~Waiting() {
    state_.waiting.erase(id_);
    if (sent && !over.is_set()) (void)link_->send(serialize(ToInference(CancelRequest{.id = id_})));
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  std::uint64_t id() const noexcept { return id_; }
  const std::shared_ptr<Link>& link() const noexcept { return link_; }

  bool sent = false;
  bool lost = false;
  std::optional<Result<std::string>> answer;
  Event over;

 private:
  State& state_;
  std::shared_ptr<Link> link_;
  std::uint64_t id_;
};

void InferenceClient::State::answered(InferenceAnswer answer) {
  const auto it = waiting.find(answer.id);
  if (it == waiting.end() || it->second->over.is_set()) return;  // its caller went away meanwhile
  it->second->answer = std::move(answer.text);
  it->second->over.set();
}

void InferenceClient::State::lose(const std::shared_ptr<Link>& lost_link) noexcept {
  lost_link->close();
  if (link == lost_link) link.reset();
  for (const auto& [id, request] : waiting) {
    if (request->link() != lost_link || request->over.is_set()) continue;
    request->lost = !stopped.is_set();
    request->over.set();
  }
}

void InferenceClient::State::stop() noexcept {
  stopped.set();
  for (const auto& [id, request] : waiting) request->over.set();
}

InferenceClient::InferenceClient(Scope& parent, std::unique_ptr<Dialer> dialer)
    : state_(std::make_shared<State>(parent.loop(), std::move(dialer))), scope_(parent, "inference client") {
  state_->scope = &scope_;
}

InferenceClient::~InferenceClient() {
  kill();
  state_->scope = nullptr;
}

const InferenceClient::Counters& InferenceClient::counters() const noexcept { return state_->counters; }

Task<Result<std::string>> InferenceClient::recognize(std::vector<float> samples, Deadline deadline) {
  return run(state_, std::move(samples), deadline);
}

Task<Result<std::string>> InferenceClient::run(StatePtr state, std::vector<float> samples, Deadline deadline) {
  if (state->requests >= kMaxWaiting) {
    co_return fail(Errc::overloaded,
                   fmt::format("{} utterances of this call wait for the recogniser already", kMaxWaiting));
  }
  struct Count {
    std::size_t& count;
    explicit Count(std::size_t& c) : count(++c) {}
    ~Count() { --count; }
  } const count(state->requests);
  ++state->counters.requests;
  for (int i = 0; i < kTries; ++i) {
    bool lost = false;
    auto text = co_await try_once(*state, samples, deadline, lost);
    if (!lost) co_return text;
    ++state->counters.lost;
  }
  co_return fail(Errc::unavailable, "the inference process died twice over this utterance");
}

Task<Result<std::string>> InferenceClient::try_once(State& state, const std::vector<float>& samples, Deadline deadline,
                                                    bool& lost) {
  auto audio = make_inference_audio(samples);
  if (!audio) co_return fail(audio.error());
  auto link = co_await connect(state, deadline);
  if (!link) co_return fail(link.error());

  Waiting waiting(state, *link);
  const RecognizeRequest request{
      .id = waiting.id(), .samples = samples.size(), .patience = deadline.left(state.loop.now())};
  Handles handles;
  handles.push_back(std::make_unique<FdHandle>(*std::move(audio)));
  if (auto sent = (*link)->send(serialize(ToInference(request)), std::move(handles)); !sent) {
    lost = sent.error().code() != Errc::overloaded;
    if (lost) state.lose(*link);
    co_return fail(sent.error());
  }
  waiting.sent = true;
  if (auto over = co_await waiting.over.wait(deadline); !over) {
    co_return fail(Errc::timeout, "the recogniser did not answer in time");
  }
  lost = waiting.lost;
  if (!waiting.answer) co_return closing();
  if (!*waiting.answer && waiting.answer->error().code() == Errc::closing && !state.stopped.is_set()) {
    // The process ends in order: the next one may do it. What else this one has of ours it still answers.
    lost = true;
    if (state.link == *link) state.link.reset();
  }
  co_return *std::move(waiting.answer);
}

Task<Result<std::shared_ptr<Link>>> InferenceClient::connect(State& state, Deadline deadline) {
  for (auto pause = kFirstRedial; !state.link || state.stopped.is_set(); pause = std::min(pause * 2, kLongestRedial)) {
    if (state.stopped.is_set() || !state.scope) co_return closing();
    auto dialled = state.dialer->dial();
    if (dialled) {
      ++state.counters.dials;
      state.link = *std::move(dialled);
      auto spawned = state.scope->spawn("read", read(state.shared_from_this(), state.link));
      if (spawned) break;
      state.link.reset();
      co_return fail(spawned.error());
    }
    if (deadline.passed(state.loop.now())) co_return fail(Errc::unavailable, dialled.error().message());
    (void)co_await state.stopped.wait(state.loop.in(pause).within(deadline));
  }
  co_return state.link;
}

Task<void> InferenceClient::read(StatePtr state, std::shared_ptr<Link> link) {
  // However this task ends, nobody waits for an answer on its link any more.
  struct Lose {
    State& state;
    const std::shared_ptr<Link>& link;
    ~Lose() { state.lose(link); }
  } const on_exit{*state, link};
  for (;;) {
    auto packet = co_await link->receive(Deadline::bounded_by_scope());
    if (!packet) co_return;
    auto answer = parse_inference_answer(packet->bytes);
    if (!answer) {
      state->loop.logger().with(log_field::kComponent, "inference").warn("hung up: {}", answer.error().message());
      co_return;
    }
    state->answered(*std::move(answer));
  }
}

void InferenceClient::request_stop(StopReason reason) noexcept {
  state_->stop();
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> InferenceClient::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  return scope_.close(deadline);
}

void InferenceClient::kill() noexcept {
  state_->stop();
  scope_.kill();
  if (const auto link = std::exchange(state_->link, nullptr)) link->close();
}

}  // namespace parley::ipc
