// From an offer to the end of its call.
#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/base/ids.hpp>
#include <parley/base/utf8.hpp>

#include "worker/supervisor_call.hpp"

namespace parley::worker {

using ipc::Phase;

namespace {

constexpr std::size_t kMaxShownTeardownBytes = 16 * KiB;  // an event is kept for a minute, for everyone who watches

// How the job ended, as it told it; null when it told nothing that can be read. Too long, and it is told of less that was
// not clean: how much there was, `forced` and `failed` say all the same.
boost::json::value teardown_of(const ipc::AttemptEnd& end) {
  boost::json::error_code ec;
  auto told = boost::json::parse(end.teardown_json, ec);
  auto* teardown = !ec && told.is_object() ? told.get_object().if_contains("teardown") : nullptr;
  if (!teardown || !teardown->is_object()) return nullptr;
  auto* items = teardown->get_object().if_contains("not_clean");
  while (boost::json::serialize(*teardown).size() > kMaxShownTeardownBytes) {
    if (!items || !items->is_array() || items->get_array().empty()) return nullptr;
    items->get_array().resize(items->get_array().size() / 2);
  }
  return std::move(*teardown);
}

std::string how(const ExitStatus& status) {
  if (status.signal) return fmt::format("its process was killed by signal {}", *status.signal);
  if (status.code) return fmt::format("its process ended with code {}", *status.code);
  return "its process is gone, nobody knows how";
}

}  // namespace

// ---- the desk

Result<void> Supervisor::may_begin() const {
  if (!serving_ || draining_) return fail(Errc::closing, "this worker takes no calls just now");
  if (inference_.is_unusable()) return fail(Errc::closing, "this worker ends: its inference process cannot use its model");
  return {};
}

Result<Supervisor::Call*> Supervisor::admit() {
  if (auto may = may_begin(); !may) return fail(may.error());
  if (!slots_.take(loop_.now())) {
    ++counters_.refused;
    return fail(Errc::overloaded, fmt::format("all slots are taken ({})", slots_.limit(loop_.now())));
  }
  auto& call = add_call(make_id(loop_.random(), "CA_"), make_id(loop_.random(), "AJ_"));
  call.has_slot = true;
  ++counters_.admitted;
  load_changed();
  return &call;
}

Supervisor::Call& Supervisor::add_call(std::string call_id, std::string attempt_id) {
  ++active_;
  auto call = std::make_unique<Call>(*this, ipc::JobIdentity{ipc::JobKind::call, call_id, std::move(attempt_id), 0});
  return *(calls_[call_id] = std::move(call));
}

double Supervisor::load() const noexcept {
  const auto slots = static_cast<double>(slots_.in_use()) / static_cast<double>(slots_.limit(loop_.now()));
  return std::min(std::max(slots, memory_use_), 1.0);
}

bool Supervisor::available() const noexcept {
  return may_begin() && zygote_.ready() && slots_.in_use() < slots_.limit(loop_.now());
}

Supervisor::Call* Supervisor::find(std::string_view call_id) const noexcept {
  const auto it = calls_.find(call_id);
  return it == calls_.end() ? nullptr : it->second.get();
}

namespace {

// A caller that stops waiting for its first answer has hung up.
template <class F>
class Unless {
 public:
  explicit Unless(F f) : f_(std::move(f)) {}
  ~Unless() {
    if (!released_) f_();
  }
  Unless(const Unless&) = delete;
  Unless& operator=(const Unless&) = delete;
  void release() { released_ = true; }

 private:
  F f_;
  bool released_ = false;
};

}  // namespace

Task<Result<CallAnswer>> Supervisor::offer(std::string sdp, boost::json::object metadata, Deadline deadline) {
  auto metadata_json = boost::json::serialize(metadata);
  if (sdp.size() > ipc::kMaxSdpBytes) co_return fail(Errc::invalid_argument, "the offer is longer than any SDP");
  if (metadata_json.size() > ipc::kMaxMetadataBytes) co_return fail(Errc::invalid_argument, "the metadata is too long");
  const auto bounded = deadline.within(loop_.in(config_.deadlines.start));
  for (int left = kSpawnTries;; --left) {
    bool never_born = false;
    auto answer = co_await offer_once(sdp, metadata_json, bounded, never_born);
    if (!answer && never_born && left > 1 && !bounded.passed(loop_.now())) continue;  // as another call: nobody knows of the first
    if (!answer) ++counters_.unanswered;
    co_return answer;
  }
}

Task<Result<CallAnswer>> Supervisor::offer_once(const std::string& sdp, const std::string& metadata_json, Deadline deadline,
                                                bool& never_born) {
  auto admitted = admit();
  if (!admitted) co_return fail(admitted.error());
  const std::string call_id = (*admitted)->id();
  const auto asked_at = loop_.now();
  const auto pending = std::make_shared<Pending>();
  auto spawned = calls_scope_.spawn("call " + call_id, live(**admitted, {.metadata_json = metadata_json, .sdp = sdp, .first = pending}, deadline));
  if (!spawned) {
    free_slot(**admitted);
    --active_;
    calls_.erase(call_id);
    co_return fail(spawned.error());
  }
  Unless answered([this, call_id] {
    if (auto* call = find(call_id)) stop_call(*call, {StopCause::caller_hung_up, "nobody waited for the answer"}, true);
  });
  auto answer = co_await wait_answer(call_id, pending, deadline);
  never_born = pending->never_born;
  if (answer) {
    answered.release();
    metrics_.call_answered(loop_.now() - asked_at);
  }
  co_return answer;
}

Task<Result<CallAnswer>> Supervisor::wait_answer(std::string call_id, std::shared_ptr<Pending> pending, Deadline deadline) {
  if (!co_await pending->done.wait(deadline)) co_return fail(Errc::timeout, "the call was not answered in time");
  if (!pending->sdp) co_return fail(pending->sdp.error());
  co_return CallAnswer{std::move(call_id), std::move(*pending->sdp)};
}

Task<Result<CallAnswer>> Supervisor::reoffer(std::string call_id, std::string sdp, Deadline deadline) {
  auto* call = find(call_id);
  if (!call || call->gone_at || call->end || call->hung_up) co_return fail(Errc::not_found, "no such call");
  if (sdp.size() > ipc::kMaxSdpBytes) co_return fail(Errc::invalid_argument, "the offer is longer than any SDP");
  const auto pending = std::make_shared<Pending>();
  const auto request = call->expect(pending);
  const auto bounded = deadline.within(loop_.in(config_.deadlines.start));
  if (auto said = call->attempt.offer(request, std::move(sdp), bounded.left(loop_.now())); !said) {
    call->answer(request, fail(said.error()));
  }
  co_return co_await wait_answer(std::move(call_id), pending, bounded);
}

Result<void> Supervisor::hang_up(std::string_view call_id) {
  auto* call = find(call_id);
  if (!call) return fail(Errc::not_found, "no such call");
  if (!call->gone_at) stop_call(*call, {StopCause::caller_hung_up, {}}, true);
  return {};
}

void Supervisor::stop_call(Call& call, const StopReason& reason, bool forced) {
  call.hung_up = true;
  if (!call.gone_at) call.attempt.stop(reason, forced);
}

Result<std::unique_ptr<CallWatch>> Supervisor::watch(std::string_view call_id, std::uint64_t last_id) {
  auto* call = find(call_id);
  if (!call) return fail(Errc::not_found, "no such call");
  return call->events->watch(last_id);
}

// ---- a call's life

Task<void> Supervisor::live(Call& call, Beginning beginning, Deadline deadline) {
  auto link = system_.make_job_link();
  if (!link) {
    call.fail_pending(link.error());
    on_gone(call, {});
    co_return;
  }
  const auto request = beginning.first ? call.expect(beginning.first) : 0;
  call.attempt.attach(std::move(link->ours));
  // All of it waits in the socket for the job to be born.
  auto said = call.attempt.begin(beginning.metadata_json, beginning.room);
  if (said && beginning.first) said = call.attempt.offer(request, std::move(beginning.sdp), deadline.left(loop_.now()));
  if (draining_) call.attempt.drain(config_.drain_grace);
  const auto asked_at = loop_.now();
  auto process = said ? co_await zygote_.spawn(ipc::JobKind::call, call.id(), call.attempt.job().attempt_id, std::move(link->theirs), deadline)
                      : Result<std::unique_ptr<Process>>(fail(said.error()));
  if (process) {
    metrics_.job_born(loop_.now() - asked_at);
    co_await outlive(call, std::move(*process));
    co_return;
  }
  not_started(call, beginning, request, process.error());
}

void Supervisor::not_started(Call& call, Beginning& beginning, std::uint64_t request, const Error& why) {
  call.attempt.logger().error("the call was not started: {}", why.message());
  const bool never_born = why.code() == Errc::unavailable;
  if (const auto it = call.pending.find(request); it != call.pending.end()) it->second->never_born = never_born;
  call.fail_pending(why.within("the call could not be started"));
  call.attempt.abandon();
  // Perhaps it was born all the same, and nobody could tell us. It then ends by itself, for want of a supervisor; what it
  // leaves is looked for when it must be gone.
  const auto patience = config_.deadlines.start + config_.deadlines.after_call + config_.deadlines.kernel_slack();
  aftermath_.begin({.call_id = call.id(), .attempt_id = call.attempt.job().attempt_id,
                    .exit = {.detail = "lost while it was started"}, .create = false},
                   patience);
  if (never_born && begin_again(call, beginning)) call.room_ended = true;  // nobody need know of the first
  call.end = ipc::AttemptEnd{{StopCause::failure, "the call could not be started: " + why.message()}, false, "{}"};
  on_gone(call, {});
}

// Until the process is gone, whatever it takes.
Task<void> Supervisor::outlive(Call& call, std::unique_ptr<Process> process) {
  const auto exit = co_await call.attempt.run(std::move(process));
  const bool clean = exit.status.code == 0 || (call.end && !exit.status.signal);
  if (!clean) ++counters_.crashed;
  std::string detail = how(exit.status);
  if (!exit.blame.empty()) detail = fmt::format("ended by the supervisor: {}", exit.blame);
  if (!clean) call.attempt.logger().error("the call did not end in order: {}", detail);
  aftermath_.begin({.call_id = call.id(),
                    .attempt_id = call.attempt.job().attempt_id,
                    .exit = {.code = exit.status.code, .signal = exit.status.signal, .detail = std::move(detail)}});
  on_gone(call, exit);
}

void Supervisor::on_gone(Call& call, const AttemptExit& exit) {
  if (!call.end) {
    call.end = ipc::AttemptEnd{{StopCause::failure, exit.blame.empty() ? how(exit.status) : exit.blame}, false, "{}"};
  }
  finish_events(call);
  end_room(call);
  call.fail_pending({Errc::unavailable, "the call has ended"});
  free_slot(call);
  call.gone_at = loop_.now();
  if (call.awaited && std::exchange(call.awaited, false) && --expected_ == 0) all_dialled_.set();
  --active_;
  ++counters_.ended;
  gone_.set();
}

void Supervisor::free_slot(Call& call) {
  if (!std::exchange(call.has_slot, false)) return;
  slots_.release();
  load_changed();
}

// The last event of every call, however it ended.
void Supervisor::finish_events(Call& call) {
  if (call.events->closed()) return;
  const auto& end = *call.end;
  boost::json::object data{{"cause", to_string(end.reason.cause)}, {"detail", end.reason.detail}, {"clean", end.clean}};
  if (auto teardown = teardown_of(end); teardown.is_object()) data["teardown"] = std::move(teardown);
  call.events->add(call.events->last_id() + 1, "call_ended", valid_utf8(boost::json::serialize(data)));
  call.events->close();
}

}  // namespace parley::worker
