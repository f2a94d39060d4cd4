// A call in the supervisor's table. Private to the supervisor's sources.
#pragma once

#include "worker/supervisor.hpp"

namespace parley::worker {

// Someone who waits for an answer: shared, because either side may go first.
struct Supervisor::Pending {
  Event done;
  bool never_born = false;  // the zygote died before it could start a job
  Result<std::string> sdp = fail(Errc::unavailable, "the call ended before it answered");
};

class Supervisor::Call final : public AttemptOwner {
 public:
  Call(Supervisor& supervisor, ipc::JobIdentity job)
      : attempt(supervisor.calls_scope_, supervisor.system_, supervisor.config_.deadlines, std::move(job), *this,
                supervisor.attempt_counters_, supervisor.config_.max_job_bytes),
        supervisor_(supervisor) {}

  const std::string& id() const noexcept { return attempt.job().call_id; }

  // What is asked and not answered yet: at most kMaxPending, then the oldest is given up.
  static constexpr std::size_t kMaxPending = 16;
  std::uint64_t expect(std::shared_ptr<Pending> one) {
    if (pending.size() >= kMaxPending) answer(pending.begin()->first, fail(Errc::overloaded, "too many offers at once"));
    const auto request = supervisor_.next_request_++;
    pending.emplace(request, std::move(one));
    return request;
  }
  void answer(std::uint64_t request, Result<std::string> sdp) {
    const auto it = pending.find(request);
    if (it == pending.end()) return;
    it->second->sdp = std::move(sdp);
    it->second->done.set();
    pending.erase(it);
  }
  void fail_pending(const Error& error) {
    while (!pending.empty()) answer(pending.begin()->first, fail(error));
  }

  void on_answer(ipc::Answer said) override { answer(said.request, std::move(said.sdp)); }
  void on_event(ipc::JobEvent event) override {
    if (event.id > events->last_id()) supervisor_.metrics_.event(event.type, event.data_json);
    events->add(event.id, std::move(event.type), std::move(event.data_json));
  }
  void on_phase(ipc::Phase phase) override {
    if (phase >= ipc::Phase::running && room && asked_at) {
      if (phase == ipc::Phase::running) supervisor_.metrics_.call_answered(supervisor_.loop_.now() - *asked_at);
      asked_at.reset();
    }
    if (phase >= ipc::Phase::hooks) supervisor_.free_slot(*this);
  }
  void on_end(ipc::AttemptEnd said) override {
    end = std::move(said);
    end_told = true;
    supervisor_.finish_events(*this);
    supervisor_.end_room(*this);
  }
  void on_after_call(ipc::AfterCallDone) override {}  // the journal knows
  void on_starved() override { supervisor_.slots_.starved(supervisor_.loop_.now()); }
  void on_linked(ipc::Linked told) override { linked = std::move(told); }
  void on_rejoining(bool now) override {
    rejoining = now;
    if (!now) rejoined_at = supervisor_.loop_.now();
  }

  std::shared_ptr<EventLog> events = std::make_shared<EventLog>();
  std::map<std::uint64_t, std::shared_ptr<Pending>> pending;
  std::optional<ipc::AttemptEnd> end;
  bool end_told = false;  // by its job
  bool has_slot = false;
  bool hung_up = false;
  bool awaited = false;               // adopted, and not heard of yet
  std::optional<TimePoint> gone_at;   // its process is gone
  std::optional<ipc::RoomPlace> room;  // it is in a LiveKit room
  ipc::Linked linked;
  bool rejoining = false;
  std::optional<TimePoint> rejoined_at;
  std::optional<TimePoint> asked_at;  // of a call in a room that is not there yet
  bool room_ended = false;            // its owner was told
  Attempt attempt;

 private:
  Supervisor& supervisor_;
};

}  // namespace parley::worker
