#include "voice/voice_program.hpp"

#include <malloc.h>

#include <fmt/format.h>

#include "rtc/engine.hpp"
#include "session/pipeline_session.hpp"
#include "session/session_port.hpp"
#include "voice/recording_transport.hpp"

#include <parley/base/exception.hpp>

namespace parley::voice {

namespace {

// Of the time that a close has, what is kept for the goodbye to the caller.
constexpr Duration kLeave = 1s;

class VoiceProgram final : public job::JobProgram, private parley::JobContext, private SessionPort {
 public:
  VoiceProgram(job::JobContext& job, std::shared_ptr<const App> app, const rtc::WebRtcSettings& media, const RoomMedia& rooms)
      : job_(job),
        app_(std::move(app)),
        call_{job.call().call_id, job.call().attempt_id, job.call().metadata},
        options_(app_->defaults),
        engine_(job.logger()),
        close_(job.scope(), "voice"),
        app_scope_(job.scope(), "app") {
    const auto& room = job.call().room;
    if (!room) {
      direct_.emplace(job.scope(), engine_, media, job.logger());
    } else if (rooms.clients) {
      call_.room = room->room_name;
      call_.metadata = room_metadata(*room);
      room_.emplace(job.scope(), engine_, rooms, *room, options_.room, room_listener(), job.logger());
    }
  }

  ~VoiceProgram() override { kill_now(); }

  // job::JobProgram
  Task<Result<std::string>> answer(std::string offer, Deadline deadline) override {
    if (!direct_) co_return fail(Errc::refused, "this call is in a LiveKit room");
    auto answered = co_await direct_->answer(std::move(offer), deadline);
    if (!answered) co_return answered;
    if (!std::exchange(begun_, true)) begin();
    // It rings until the agent is there, or says that it does not take the call.
    if (!co_await decided_.wait(deadline)) co_return fail(Errc::timeout, "the agent was not ready in time");
    if (not_taken_) co_return fail(*not_taken_);
    co_return answered;
  }

  Task<Result<void>> join(Deadline deadline) override {
    if (!room_) co_return fail(Errc::refused, "this program cannot reach LiveKit servers");
    (void)app_scope_.spawn("caller", await_caller());
    (void)app_scope_.spawn("room", watch_room());
    co_return co_await room_->join(deadline);
  }

  void request_stop(StopReason reason, bool forced) noexcept override {
    stopping_ = true;
    ended_.set();
    if (session_) session_->request_stop(std::move(reason), forced ? Ending::forced : Ending::graceful);
  }

  Task<CloseReport> close(Deadline drain, Deadline deadline) override {
    return close_.run(deadline, [this, drain](Deadline d) { return close_body(drain, d); });
  }

  Task<CloseReport> dispose(Deadline deadline) override { return engine_.close(deadline); }

  void kill() noexcept override { kill_now(); }

  boost::json::object summary() override { return session_ ? session_->summary() : boost::json::object{}; }

 private:
  void begin() {
    (void)app_scope_.spawn("entrypoint", run_entrypoint());
    (void)app_scope_.spawn("start watch", watch_start());
  }

  // ---- in a room

  RoomWay::Listener room_listener() {
    RoomWay::Listener listener;
    listener.news.linked = [this](const std::string& identity, livekit::ParticipantKind kind) {
      job_.linked(identity, identity.empty() ? std::string() : std::string(livekit::to_string(kind)));
    };
    listener.news.rejoining = [this](bool now) { job_.rejoining(now); };
    listener.typed = [this](std::string text) { typed(std::move(text)); };
    return listener;
  }

  // It begins when the caller is there, which may be before we can be heard.
  Task<void> await_caller() {
    auto& loop = co_await this_loop();
    if (co_await room_->transport().linked().wait(loop.in(kCallerWithin))) {
      call_.participant = room_->caller();
      auto told = to_json(call_);
      job_.caller({{"participant", std::move(told["participant"])}, {"sip", std::move(told["sip"])}});
      if (!std::exchange(begun_, true)) begin();
    } else {
      job_.end_call({StopCause::caller_vanished, fmt::format("nobody came into the room within {:.0f} s", to_seconds(kCallerWithin))});
    }
  }

  // Also before there is a session that looks, and while it is busy.
  Task<void> watch_room() {
    (void)co_await room_->transport().ended().wait(Deadline::bounded_by_scope());
    job_.end_call(room_->transport().end_reason());
  }

  // What the caller types is answered as if it had been said, at once.
  void typed(std::string text) {
    if (!session_ || stopping_) return;
    session_->interrupt();
    (void)session_->generate_reply({.instructions = {}, .user_input = std::move(text)});
  }

  // ---- the application

  Task<void> run_entrypoint() {
    std::string why;
    try {
      co_await app_->entrypoint(*this);
      if (!decided_.is_set()) why = "the entrypoint returned without having started a session";
    } catch (const Stopped&) {
      throw;
    } catch (...) {
      why = fmt::format("the entrypoint failed: {}", describe_current_exception());
    }
    if (!why.empty()) fail_call(why);
  }

  Task<void> watch_start() {
    auto& loop = co_await this_loop();
    if (!co_await decided_.wait(loop.in(kStartWithin))) {
      fail_call(fmt::format("no session was started within {:.0f} s", to_seconds(kStartWithin)));
    }
  }

  void fail_call(const std::string& why) {
    job_.logger().error("{}", why);
    not_taken({Errc::internal, why});
    job_.end_call({StopCause::failure, why});
  }

  // Before the caller was answered: nothing happens later.
  void not_taken(Error why) {
    if (decided_.is_set()) return;
    not_taken_ = std::move(why);
    decided_.set();
  }

  Task<CloseReport> close_body(Deadline drain, Deadline deadline) {
    auto& loop = co_await this_loop();
    const auto began = loop.now();
    CloseReport report;
    const Deadline before_leaving(std::max(loop.now(), deadline.at() - kLeave));
    // The application's own tasks may speak as long as the session drains; then they have what time the session has.
    Scope beside(job_.scope(), "closing", 1);
    (void)beside.spawn("stop app", stop_app_at(drain));
    if (session_) report.add("session", co_await session_->close(drain, before_leaving));
    job_.closing_step("app");
    (void)co_await beside.close(before_leaving);
    report.add("app", co_await app_scope_.close(before_leaving));
    job_.closing_step("transport");
    if (recording_) recording_->finish();
    if (room_) {
      report.add("transport", co_await room_->close(deadline));
    } else if (direct_) {
      direct_->request_stop({StopCause::owner_closed, {}});
      report.add("transport", co_await direct_->close(deadline));
    }
    if (recording_) report.add("file", co_await recording_->close_recording(deadline));
    report.took = loop.now() - began;
    co_return report;
  }

  Task<void> stop_app_at(Deadline drain) {
    co_await sleep_until(drain.at());
    app_scope_.request_stop({StopCause::owner_closed, {}});
  }

  void kill_now() noexcept {
    app_scope_.kill();
    if (session_) session_->kill();
    if (recording_) recording_->finish();
    if (room_) room_->kill();
    if (direct_) direct_->kill();
  }

  // parley::JobContext
  const Call& call() const noexcept override { return call_; }
  const Logger& logger() const noexcept override { return job_.logger(); }
  SessionOptions& options() noexcept override { return options_; }

  Task<Result<void>> start(Agent agent) override {
    if (session_) co_return fail(Errc::internal, "the session was started already");
    if (stopping_) co_return fail(Errc::closing, "the call is over");
    if (room_) room_->transport().set_endings(options_.room.close_on_disconnect, options_.room.delete_on_close);
    auto& transport = way(co_await this_loop(), agent);
    session_ = std::make_unique<PipelineSession>(job_.scope(), static_cast<SessionPort&>(*this), transport, app_->providers, options_, job_.logger());
    auto started = session_->start(std::move(agent));
    if (!started) {
      fail_call(started.error().message());
      co_return started;
    }
    decided_.set();
    co_return started;
  }

  // What carries the call: the transport, or the recording before it.
  Transport& way(Loop& loop, const Agent& agent) {
    Transport& plain = room_ ? static_cast<Transport&>(room_->transport()) : *direct_;
    if (!options_.recording) return plain;
    auto emit_event = [this](std::string_view type, boost::json::object data) { job_.emit(type, std::move(data)); };
    recording_ = std::make_unique<RecordingTransport>(loop, plain, *options_.recording, agent.greeting, std::move(emit_event), job_.logger());
    return *recording_;
  }

  void refuse(std::string why) override {
    if (decided_.is_set()) return job_.logger().error("a call that was taken cannot be refused any more: {}", why);
    not_taken({Errc::refused, why});
    if (room_) job_.end_call({StopCause::refused, std::move(why)});  // of a call over WebRTC its offer's answer says so
  }

  Session& session() noexcept override { return *session_; }
  Task<void> wait_for_end() override { (void)co_await ended_.wait(Deadline::bounded_by_scope()); }
  Scope& scope() noexcept override { return app_scope_; }

  // SessionPort and parley::JobContext
  void remember(std::string_view key, boost::json::value value) override { job_.remember(key, std::move(value)); }
  void emit(std::string_view type, boost::json::object data) override {
    if (recording_) recording_->said(type, data);
    if (room_) room_->said(type, data);
    job_.emit(type, std::move(data));
  }
  void agent_words(const AgentWords& words) override {
    if (room_) room_->agent_words(words);
  }
  void turn_ended() override {
    job_.sync();
    // What a speech took and gave back lies scattered over the heap: a call is silent for a while now, and others are not.
    ::malloc_trim(0);
  }
  void end_requested(const StopReason& reason, bool) override { job_.end_call(reason); }
  void closing_step(std::string_view name) override { job_.closing_step(name); }

  job::JobContext& job_;
  std::shared_ptr<const App> app_;
  Call call_;
  SessionOptions options_;
  bool begun_ = false;
  bool stopping_ = false;
  Event decided_;  // the session was started, or the call is not taken
  std::optional<Error> not_taken_;
  Event ended_;
  rtc::Engine engine_;
  std::optional<rtc::WebRtcTransport> direct_;
  std::optional<RoomWay> room_;
  std::unique_ptr<RecordingTransport> recording_;
  std::unique_ptr<PipelineSession> session_;
  CloseOnce close_;
  Scope app_scope_;
};

}  // namespace

job::ProgramFactory voice_program(std::shared_ptr<const App> app, rtc::WebRtcSettings media, RoomMedia rooms) {
  return [app = std::move(app), media = std::move(media), rooms = std::move(rooms)](job::JobContext& job) -> std::unique_ptr<job::JobProgram> {
    return std::make_unique<VoiceProgram>(job, app, media, rooms);
  };
}

}  // namespace parley::voice
