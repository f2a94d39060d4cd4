#include "ipc/inference_client.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::ipc {

namespace {

constexpr int kTries = 2;

std::unexpected<Error> closing() { return fail(Errc::closing, "the call is ending: nothing more is recognised"); }

}  // namespace

// A request that the process has. Lives in the frame of its task: whatever ends that, the process is told.
class InferenceClient::Waiting {
 public:
  Waiting(InferenceClient& client, std::shared_ptr<Link> link) : client_(client), link_(std::move(link)), id_(client.next_id_++) {
    client_.waiting_[id_] = this;
  }
  ~Waiting() {
    client_.waiting_.erase(id_);
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
  InferenceClient& client_;
  std::shared_ptr<Link> link_;
  std::uint64_t id_;
};

InferenceClient::InferenceClient(Scope& parent, std::unique_ptr<Dialer> dialer)
    : dialer_(std::move(dialer)), scope_(parent, "inference client") {}

InferenceClient::~InferenceClient() { kill(); }

Task<Result<std::string>> InferenceClient::recognize(std::vector<float> samples, Deadline deadline) {
  if (scope_.stopping()) co_return closing();
  if (requests_ >= kMaxWaiting) {
    co_return fail(Errc::overloaded, fmt::format("{} utterances of this call wait for the recogniser already", kMaxWaiting));
  }
  struct Count {
    std::size_t& count;
    explicit Count(std::size_t& c) : count(++c) {}
    ~Count() { --count; }
  } const count(requests_);
  ++counters_.requests;
  for (int i = 0; i < kTries; ++i) {
    bool lost = false;
    auto text = co_await try_once(samples, deadline, lost);
    if (!lost) co_return text;
    ++counters_.lost;
  }
  co_return fail(Errc::unavailable, "the inference process died twice over this utterance");
}

Task<Result<std::string>> InferenceClient::try_once(const std::vector<float>& samples, Deadline deadline, bool& lost) {
  auto& loop = scope_.loop();
  auto audio = make_inference_audio(samples);
  if (!audio) co_return fail(audio.error());
  auto link = co_await connect(deadline);
  if (!link) co_return fail(link.error());

  Waiting waiting(*this, *link);
  const RecognizeRequest request{.id = waiting.id(), .samples = samples.size(), .patience = deadline.left(loop.now())};
  Handles handles;
  handles.push_back(std::make_unique<FdHandle>(*std::move(audio)));
  if (auto sent = (*link)->send(serialize(ToInference(request)), std::move(handles)); !sent) {
    if (sent.error().code() == Errc::overloaded) co_return fail(sent.error());
    lose(*link);
    lost = true;
    co_return fail(sent.error());
  }
  waiting.sent = true;
  if (auto over = co_await waiting.over.wait(deadline); !over) {
    co_return fail(Errc::timeout, "the recogniser did not answer in time");
  }
  lost = waiting.lost;
  if (!waiting.answer) co_return closing();
  // A process that ends in order says so instead of answering: the next one may do it.
  lost = lost || (!*waiting.answer && waiting.answer->error().code() == Errc::closing);
  co_return *std::move(waiting.answer);
}

Task<Result<std::shared_ptr<Link>>> InferenceClient::connect(Deadline deadline) {
  auto& loop = scope_.loop();
  for (auto pause = kFirstRedial; !link_; pause = std::min(pause * 2, kLongestRedial)) {
    if (scope_.stopping()) co_return closing();
    auto dialled = dialer_->dial();
    if (dialled) {
      ++counters_.dials;
      link_ = *std::move(dialled);
      if (auto spawned = scope_.spawn("read", read(link_)); !spawned) {
        link_.reset();
        co_return fail(spawned.error());
      }
      break;
    }
    if (deadline.passed(loop.now())) co_return fail(Errc::unavailable, dialled.error().message());
    (void)co_await scope_.stop_event().wait(loop.in(pause).within(deadline));
  }
  co_return link_;
}

Task<void> InferenceClient::read(std::shared_ptr<Link> link) {
  // However this task ends, nobody waits for an answer on its link any more.
  struct Lose {
    InferenceClient& client;
    const std::shared_ptr<Link>& link;
    ~Lose() { client.lose(link); }
  } const on_exit{*this, link};
  for (;;) {
    auto packet = co_await link->receive(Deadline::bounded_by_scope());
    if (!packet) co_return;
    auto answer = parse_inference_answer(packet->bytes);
    if (!answer) {
      scope_.loop().logger().warn("inference: {}", answer.error().message());
      co_return;
    }
    answered(*std::move(answer));
  }
}

void InferenceClient::answered(InferenceAnswer answer) {
  const auto it = waiting_.find(answer.id);
  if (it == waiting_.end() || it->second->over.is_set()) return;  // its caller went away meanwhile
  it->second->answer = std::move(answer.text);
  it->second->over.set();
}

void InferenceClient::lose(const std::shared_ptr<Link>& link) noexcept {
  link->close();
  if (link_ == link) link_.reset();
  for (const auto& [id, waiting] : waiting_) {
    if (waiting->link() != link || waiting->over.is_set()) continue;
    waiting->lost = !scope_.stopping();
    if (waiting->lost) waiting->answer = fail(Errc::unavailable, "the inference process is gone");
    waiting->over.set();
  }
}

void InferenceClient::fail_all() noexcept {
  for (const auto& [id, waiting] : waiting_) waiting->over.set();
}

void InferenceClient::request_stop(StopReason reason) noexcept {
  scope_.request_stop(std::move(reason));
  fail_all();
}

Task<CloseReport> InferenceClient::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  return scope_.close(deadline);
}

void InferenceClient::kill() noexcept {
  fail_all();
  scope_.kill();
  if (const auto link = std::move(link_)) link->close();
}

}  // namespace parley::ipc
