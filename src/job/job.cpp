#include "job/job.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>
#include <parley/base/utf8.hpp>

namespace parley::job {

using ipc::ExitCode;
using ipc::Phase;

namespace {

// An interim result is replaced by the next one: worth showing, not worth keeping.
bool is_interim(const boost::json::object& data) {
  const auto* final = data.if_contains("is_final");
  return final && final->is_bool() && !final->get_bool();
}

// Nobody is there any more who could hear the end of the sentence. After a failure somebody is: the caller is told.
bool nobody_listens(StopCause cause) noexcept {
  return cause == StopCause::caller_hung_up || cause == StopCause::caller_vanished || cause == StopCause::replaced;
}

// The record's `call`, with the members of to_json(Call): what hooks fill into their addresses. Nobody is in the room yet.
// `livekit`: which job of which server's it is, for supervisors that come after.
boost::json::object started_call(const CallInfo& info) {
  boost::json::object call{{"id", info.call_id},
                           {"job_id", info.attempt_id},
                           {"room", nullptr},
                           {"participant", {{"identity", info.room ? info.room->participant_identity : ""}, {"attributes", boost::json::object()}}},
                           {"sip", boost::json::object()},
                           {"metadata", info.metadata}};
  if (info.room) {
    call["room"] = info.room->room_name;
    call["livekit"] = {{"job_id", info.room->job_id}, {"room_sid", info.room->room_sid}, {"agent_identity", info.room->agent_identity}};
  }
  return call;
}

std::optional<boost::json::object> as_object(std::string_view text) {
  boost::system::error_code error;
  auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

}  // namespace

Job::Job(Loop& loop, JobConfig config, JobPorts ports)
    : loop_(loop),
      config_(std::move(config)),
      ports_(std::move(ports)),
      info_{config_.identity.call_id, config_.identity.attempt_id, {}},
      logger_(loop.logger().with(log_field::kCall, info_.call_id).with(log_field::kJob, info_.attempt_id)),
      has_journal_(ports_.journal.file != nullptr),
      journal_(loop, ports_.writer, std::move(ports_.journal),
               {.call_id = info_.call_id, .attempt_id = info_.attempt_id, .redaction = config_.redaction, .mirror = ports_.mirror}),
      root_(loop, "job"),
      line_(root_, config_.identity, std::move(ports_.link), *ports_.dialer,
            [this] {
              if (phase() == Phase::starting && !info_.room) {
                request_end({StopCause::failure, "the supervisor was lost before the first answer"}, true);
              }
            }),
      promises_(loop, *ports_.dead_man, config_.deadlines,
                [this](Phase phase, std::optional<TimePoint> leave_by) { line_.phase(phase, leave_by); }),
      main_(root_, "main") {
  call_scope_.emplace(root_, "call");
  answers_.emplace(*call_scope_, "answers", kMaxOffersAtOnce);
}

Job::~Job() {
  main_.kill();
  if (program_) program_->kill();
  answers_.reset();
  program_.reset();
  call_scope_.reset();
}

void Job::start() {
  line_.start();
  (void)main_.spawn("live", live());
  (void)main_.spawn("turns", report_turns());
  if (config_.identity.kind == ipc::JobKind::call) {
    (void)main_.spawn("serve", serve());
    (void)main_.spawn("watch_start", watch_start());
  }
}

// The program's tasks do not run in main_, so that a call's failure never takes the one who ends it along.
Task<void> Job::live() {
  try {
    co_await live_in_order();
  } catch (const std::exception& thrown) {
    logger_.error("the job broke its own order: {}", thrown.what());
    exit_ = ExitCode::internal_error;
  }
  ports_.finish(exit_);
}

Task<void> Job::live_in_order() {
  if (config_.identity.kind == ipc::JobKind::call) {
    (void)co_await end_requested_.wait(Deadline::bounded_by_scope());
    co_await end_in_order();
  } else if (!has_journal_) {
    // Without the lock another process may be at it; without the records nobody knows what was done already.
    promises_.enter(Phase::hooks);
    line_.after_call({.done = false});
    exit_ = ExitCode::after_call_due;
  } else {
    journal_.append(record_type::kAttemptStarted, {{"kind", "after_call"}});
    if (!co_await work_after_call()) exit_ = ExitCode::after_call_due;
  }
  co_await finish();
}

Task<void> Job::report_turns() {
  for (;;) {
    co_await sleep_for(config_.deadlines.turn_report);
    promises_.turned();
    line_.turns(loop_.counters().turns);
  }
}

Task<void> Job::watch_start() {
  co_await sleep_for(config_.deadlines.start);
  if (phase() == Phase::starting) request_end({StopCause::failure, info_.room ? "the room was not joined in the time for starting" : "no offer was answered in the time for starting"}, true);
}

// ---- what the supervisor says

Task<void> Job::serve() {
  for (;;) {
    auto message = co_await line_.inbox().pop(Deadline::bounded_by_scope());
    if (!message) co_return;
    if (const auto* begin_message = std::get_if<ipc::Begin>(&*message)) begin(*begin_message);
    if (auto* offer = std::get_if<ipc::Offer>(&*message)) offered(std::move(*offer));
    if (const auto* stop = std::get_if<ipc::Stop>(&*message)) request_end(stop->reason, stop->forced || nobody_listens(stop->reason.cause));
    if (const auto* drain = std::get_if<ipc::Drain>(&*message)) {
      publish("worker_draining", {{"grace_ms", std::chrono::duration_cast<std::chrono::milliseconds>(drain->grace).count()}}, true);
    }
  }
}

void Job::begin(const ipc::Begin& begin) {
  if (program_ || ending_) return;
  if (auto metadata = as_object(begin.metadata_json)) info_.metadata = std::move(*metadata);
  if (begin.room) take_room(*begin.room);
  CallStarted started;
  started.info = started_call(info_);
  if (config_.hooks) started.hooks = config_.hooks->keys(info_.call_id);
  started.transcripts = config_.transcripts;
  journal_.append(record_type::kCallStarted, to_json(started));
  journal_.append(record_type::kAttemptStarted, {{"pid", config_.identity.pid}});
  journal_.request_sync();
  try {
    program_ = config_.program(*this);
  } catch (...) {
    request_end({StopCause::failure, "the call's program could not be made: " + describe_current_exception()}, true);
  }
  if (!program_ && !ending_) request_end({StopCause::failure, "there is no program for this call"}, true);
  if (!info_.room || ending_) return;
  if (auto joining = answers_->spawn("join", join(loop_.in(config_.deadlines.start))); !joining) on_started(joining);
}

void Job::take_room(const ipc::RoomJob& room) {
  info_.room = room;
  if (info_.metadata.empty()) {
    if (auto metadata = as_object(room.metadata)) info_.metadata = std::move(*metadata);
  }
  line_.in_room(ipc::place_of(room));
  logger_ = logger_.with(log_field::kRoom, room.room_name);
  logger_.info("this is job {} of {}", room.job_id, room.url);
}

void Job::offered(ipc::Offer offer) {
  const auto request = offer.request;
  const auto deadline = loop_.in(std::min(offer.budget, config_.deadlines.start));
  Result<void> started = fail(Errc::closing, "the call is ending");
  if (program_ && !ending_) started = answers_->spawn("answer", answer(std::move(offer), deadline));
  if (!started) line_.answer({request, fail(started.error())});
}

Task<void> Job::answer(ipc::Offer offer, Deadline deadline) {
  Result<std::string> sdp = fail(Errc::internal, "the program failed");
  try {
    sdp = co_await within(deadline, program_->answer(std::move(offer.sdp), deadline));
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    sdp = fail(Errc::internal, describe_current_exception());
  }
  if (sdp && sdp->size() > ipc::kMaxSdpBytes) sdp = fail(Errc::internal, "the program's answer is longer than any SDP");
  line_.answer({offer.request, sdp});
  if (!answered_) on_started(sdp ? Result<void>() : Result<void>(fail(sdp.error())));
}

Task<void> Job::join(Deadline deadline) {
  Result<void> joined = fail(Errc::internal, "the program failed");
  try {
    joined = co_await within(deadline, program_->join(deadline));
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    joined = fail(Errc::internal, describe_current_exception());
  }
  on_started(joined);
}

// The first offer was answered, the room was joined; or not, and why.
void Job::on_started(const Result<void>& result) {
  answered_ = true;
  if (result) {
    if (!ending_) promises_.enter(Phase::running);
    return;
  }
  const auto& why = result.error().message();
  const auto code = result.error().code();
  if (code == Errc::refused) return request_end({StopCause::refused, why}, true);
  if (info_.room && code == Errc::not_found) return request_end({StopCause::caller_hung_up, "the caller had left: " + why}, true);
  request_end({StopCause::failure, (info_.room ? "the room could not be joined: " : "the first offer could not be answered: ") + why}, true);
}

// ---- what the program says

void Job::emit(std::string_view type, boost::json::object data) {
  if (is_reserved_type(type)) {
    logger_.error("event {} dropped: names with a dot are the runtime's own", type);
    return;
  }
  publish(type, data, !is_interim(data));
}

void Job::publish(std::string_view type, const boost::json::object& data, bool journalled) {
  auto text = valid_utf8(boost::json::serialize(data));
  if (text.size() > kMaxEventBytes || type.size() > ipc::kMaxEventTypeBytes) {
    logger_.error("event {} dropped: {} bytes are more than {}", type.substr(0, ipc::kMaxEventTypeBytes), text.size(), kMaxEventBytes);
    return;
  }
  line_.event(std::string(type), std::move(text));
  if (journalled) journal_.append(type, data);
}

void Job::linked(std::string identity, std::string kind) {
  line_.linked({std::move(identity), std::move(kind)});
}

void Job::end_call(StopReason reason) {
  const bool forced = nobody_listens(reason.cause);
  request_end(std::move(reason), forced);
}

// ---- the end

void Job::request_end(StopReason reason, bool forced) {
  if (!ending_) {
    ending_ = true;
    reason_ = std::move(reason);
    reason_.detail = valid_utf8(std::move(reason_.detail));
    logger_.info("the call ends: {}{}{}", to_string(reason_.cause), reason_.detail.empty() ? "" : ", ", reason_.detail);
    end_requested_.set();
  } else if (!forced || forced_) {
    return;
  }
  forced_ = forced_ || forced;
  close_changed_.set();
}

void Job::terminate() {
  if (cut_) return;
  cut_ = loop_.now() + kTerminateBudget;
  exit_ = ExitCode::terminated;
  request_end({StopCause::shutdown, "the job was told to end at once"}, true);
  close_changed_.set();
}

Deadline Job::cut_or(Duration budget) const {
  const auto deadline = loop_.in(budget);
  return cut_ ? deadline.within(Deadline(*cut_)) : deadline;
}

void Job::note_failure(std::string_view step, std::string_view why) {
  logger_.error("{}: {}", step, why);
  teardown_.add({.name = std::string(step), .outcome = CloseOutcome::failed, .took = {}, .detail = std::string(why)});
}

}  // namespace parley::job
