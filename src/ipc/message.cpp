#include "ipc/message.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include <parley/base/ids.hpp>

// Generated code is not held to our warnings.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include "messages.pb.h"
#pragma clang diagnostic pop

namespace parley::ipc {

namespace {

std::unexpected<Error> broken(std::string_view what) { return fail(Errc::protocol, std::string(what)); }

std::string cut(std::string_view text) { return std::string(text.substr(0, kMaxTextBytes)); }

std::uint64_t to_wire_ms(Duration duration) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0));
}

Duration from_wire_ms(std::uint64_t ms) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(kMaxPromise).count());
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, kMax)));
}

// One object on one line, as our own writer makes it; deep checks are left to those who read into it.
bool looks_like_object(std::string_view json) noexcept {
  return json.size() >= 2 && json.front() == '{' && json.back() == '}' &&
         std::ranges::none_of(json, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool is_name(std::string_view text) noexcept {
  const auto ok = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'; };
  return !text.empty() && text.size() <= kMaxEventTypeBytes && std::ranges::all_of(text, ok);
}

void put(const StopReason& reason, wire::Reason& out) {
  out.set_cause(static_cast<std::uint32_t>(reason.cause));
  out.set_detail(cut(reason.detail));
}

Result<StopReason> take(const wire::Reason& in) {
  if (in.cause() > static_cast<std::uint32_t>(StopCause::room_closed)) return broken("unknown stop cause");
  return StopReason{static_cast<StopCause>(in.cause()), cut(in.detail())};
}

Result<Phase> take_phase(std::uint32_t value) {
  if (value > static_cast<std::uint32_t>(Phase::finished)) return broken("unknown phase");
  return static_cast<Phase>(value);
}

// On the wire 0 means: no promise.
std::uint64_t put_promise(const std::optional<Duration>& promise) {
  return promise ? std::max<std::uint64_t>(to_wire_ms(*promise), 1) : 0;
}
std::optional<Duration> take_promise(std::uint64_t ms) {
  if (ms == 0) return std::nullopt;
  return from_wire_ms(ms);
}

Result<void> check_ids(std::string_view call_id, std::string_view attempt_id) {
  if (!is_id(call_id)) return broken("not a call id");
  if (!is_id(attempt_id)) return broken("not an attempt id");
  return {};
}

template <class Message>
Result<std::string> to_bytes(const Message& message) {
  std::string bytes;
  if (!message.SerializeToString(&bytes)) return fail(Errc::invalid_argument, "a text is not UTF-8");
  if (bytes.size() > kMaxMessageBytes) return fail(Errc::invalid_argument, fmt::format("a message of {} bytes is too long", bytes.size()));
  return bytes;
}

template <class Message>
Result<Message> from_bytes(std::string_view bytes) {
  if (bytes.size() > kMaxMessageBytes) return broken("longer than any message");
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return broken("not a message");
  return message;
}

std::unexpected<Error> too_long(std::string_view what, std::size_t size, std::size_t bound) {
  return fail(Errc::invalid_argument, fmt::format("{} of {} bytes is longer than {}", what, size, bound));
}

// ---- a LiveKit room

// A field, its name for people, and its bound; an id is no file name here, and may hold what LiveKit lets it hold.
struct RoomText {
  std::string_view what;
  const std::string& text;
  std::size_t max;
};

Result<void> within_bounds(std::initializer_list<RoomText> texts) {
  for (const auto& [what, text, max] : texts) {
    if (text.size() > max) return too_long(what, text.size(), max);
  }
  return {};
}

Result<void> check(const RoomPlace& place) {
  if (place.job_id.empty() || place.room_name.empty()) return fail(Errc::invalid_argument, "a room job without its id or its room");
  return within_bounds({{"a job's id", place.job_id, kMaxRoomNameBytes},
                        {"a room's name", place.room_name, kMaxRoomNameBytes},
                        {"a room's id", place.room_sid, kMaxRoomNameBytes},
                        {"an identity", place.agent_identity, kMaxRoomNameBytes}});
}

Result<void> check(const RoomJob& job) {
  if (auto ok = check(place_of(job)); !ok) return ok;
  if (job.attributes.size() > kMaxRoomAttributes) return too_long("a job's attributes", job.attributes.size(), kMaxRoomAttributes);
  std::size_t attributes = 0;
  for (const auto& [name, value] : job.attributes) attributes += name.size() + value.size();
  if (attributes > kMaxRoomAttributeBytes) return too_long("a job's attributes", attributes, kMaxRoomAttributeBytes);
  const auto metadata = job.room_metadata.size() + job.metadata.size();
  if (metadata > kMaxRoomMetadataBytes) return too_long("the metadata of room and dispatch", metadata, kMaxRoomMetadataBytes);
  return within_bounds({{"a server's address", job.url, kMaxRoomUrlBytes},
                        {"a token", job.token, kMaxRoomTokenBytes},
                        {"a token", job.api_token, kMaxRoomTokenBytes},
                        {"an agent's name", job.agent_name, kMaxRoomNameBytes},
                        {"an identity", job.participant_identity, kMaxRoomNameBytes}});
}

void put(const RoomJob& m, wire::RoomJob& out) {
  out.set_job_id(m.job_id);
  out.set_url(m.url);
  out.set_token(m.token);
  out.set_api_token(m.api_token);
  out.set_room_name(m.room_name);
  out.set_room_sid(m.room_sid);
  out.set_room_metadata(m.room_metadata);
  out.set_metadata(m.metadata);
  out.set_agent_identity(m.agent_identity);
  out.set_agent_name(m.agent_name);
  out.set_participant_identity(m.participant_identity);
  for (const auto& [name, value] : m.attributes) {
    auto& attribute = *out.add_attributes();
    attribute.set_name(name);
    attribute.set_value(value);
  }
  out.set_caller_was_there(m.caller_was_there);
}

Result<RoomJob> take(const wire::RoomJob& in) {
  if (static_cast<std::size_t>(in.attributes_size()) > kMaxRoomAttributes) return broken("too many attributes");
  RoomJob job{.job_id = in.job_id(), .url = in.url(), .token = in.token(), .api_token = in.api_token(), .room_name = in.room_name(),
              .room_sid = in.room_sid(), .room_metadata = in.room_metadata(), .metadata = in.metadata(),
              .agent_identity = in.agent_identity(), .agent_name = in.agent_name(),
              .participant_identity = in.participant_identity(), .attributes = {}, .caller_was_there = in.caller_was_there()};
  for (const auto& attribute : in.attributes()) job.attributes[attribute.name()] = attribute.value();
  if (auto ok = check(job); !ok) return broken(ok.error().message());
  return job;
}

// ---- supervisor to job

Result<void> put(const Begin& m, wire::ToJob& out) {
  if (m.room) {
    if (auto ok = check(*m.room); !ok) return ok;
    put(*m.room, *out.mutable_begin()->mutable_room());
  }
  if (m.metadata_json.size() > kMaxMetadataBytes) return too_long("metadata", m.metadata_json.size(), kMaxMetadataBytes);
  auto& begin = *out.mutable_begin();
  begin.set_call_id(m.call_id);
  begin.set_attempt_id(m.attempt_id);
  begin.set_metadata_json(m.metadata_json);
  return {};
}

Result<void> put(const Offer& m, wire::ToJob& out) {
  if (m.sdp.size() > kMaxSdpBytes) return too_long("an offer", m.sdp.size(), kMaxSdpBytes);
  auto& offer = *out.mutable_offer();
  offer.set_request(m.request);
  offer.set_sdp(m.sdp);
  offer.set_budget_ms(to_wire_ms(m.budget));
  return {};
}

Result<void> put(const Stop& m, wire::ToJob& out) {
  put(m.reason, *out.mutable_stop()->mutable_reason());
  out.mutable_stop()->set_forced(m.forced);
  return {};
}

Result<void> put(const Drain& m, wire::ToJob& out) {
  out.mutable_drain()->set_grace_ms(to_wire_ms(m.grace));
  return {};
}

Result<void> put(const Welcome& m, wire::ToJob& out) {
  out.mutable_welcome()->set_have_event(m.have_event);
  return {};
}

Result<ToJob> take(const wire::Begin& in) {
  if (auto ok = check_ids(in.call_id(), in.attempt_id()); !ok) return fail(ok.error());
  if (in.metadata_json().size() > kMaxMetadataBytes || !looks_like_object(in.metadata_json())) return broken("metadata is no JSON object");
  Begin begin{in.call_id(), in.attempt_id(), in.metadata_json()};
  if (in.has_room()) {
    auto room = take(in.room());
    if (!room) return fail(room.error());
    begin.room = std::move(*room);
  }
  return begin;
}

Result<ToJob> take(const wire::Offer& in) {
  if (in.sdp().size() > kMaxSdpBytes) return broken("an offer is too long");
  return Offer{in.request(), in.sdp(), from_wire_ms(in.budget_ms())};
}

// ---- job to supervisor

Result<void> put(const Hello& m, wire::FromJob& out) {
  auto& hello = *out.mutable_hello();
  hello.set_call_id(m.call_id);
  hello.set_attempt_id(m.attempt_id);
  hello.set_phase(static_cast<std::uint32_t>(m.phase));
  hello.set_leave_within_ms(put_promise(m.leave_within));
  if (m.room) {
    if (auto ok = check(*m.room); !ok) return ok;
    auto& room = *hello.mutable_room();
    room.set_job_id(m.room->job_id);
    room.set_room_name(m.room->room_name);
    room.set_room_sid(m.room->room_sid);
    room.set_agent_identity(m.room->agent_identity);
  }
  return {};
}

Result<void> put(const Answer& m, wire::FromJob& out) {
  auto& answer = *out.mutable_answer();
  answer.set_request(m.request);
  if (!m.sdp) {
    answer.set_error(static_cast<std::uint32_t>(m.sdp.error().code()) + 1);
    answer.set_message(cut(m.sdp.error().message()));
    return {};
  }
  if (m.sdp->size() > kMaxSdpBytes) return too_long("an answer", m.sdp->size(), kMaxSdpBytes);
  answer.set_sdp(*m.sdp);
  return {};
}

Result<void> put(const JobEvent& m, wire::FromJob& out) {
  if (m.data_json.size() > kMaxEventBytes) return too_long("an event", m.data_json.size(), kMaxEventBytes);
  auto& event = *out.mutable_event();
  event.set_id(m.id);
  event.set_type(m.type);
  event.set_data_json(m.data_json);
  return {};
}

Result<void> put(const PhaseChange& m, wire::FromJob& out) {
  out.mutable_phase()->set_phase(static_cast<std::uint32_t>(m.phase));
  out.mutable_phase()->set_leave_within_ms(put_promise(m.leave_within));
  return {};
}

Result<void> put(const Turns& m, wire::FromJob& out) {
  out.mutable_turns()->set_turns(m.turns);
  return {};
}

Result<void> put(const AttemptEnd& m, wire::FromJob& out) {
  if (m.teardown_json.size() > kMaxTeardownBytes) return too_long("a teardown report", m.teardown_json.size(), kMaxTeardownBytes);
  auto& end = *out.mutable_end();
  put(m.reason, *end.mutable_reason());
  end.set_clean(m.clean);
  end.set_teardown_json(m.teardown_json);
  return {};
}

Result<void> put(const AfterCallDone& m, wire::FromJob& out) {
  out.mutable_after_call()->set_done(m.done);
  out.mutable_after_call()->set_retry_in_ms(to_wire_ms(m.retry_in));
  return {};
}

Result<void> put(const MirrorReport& m, wire::FromJob& out) {
  out.mutable_mirror()->set_records(m.records);
  out.mutable_mirror()->set_lost(m.lost);
  out.mutable_mirror()->set_failures(m.failures);
  return {};
}

Result<void> put(const Linked& m, wire::FromJob& out) {
  if (auto ok = within_bounds({{"an identity", m.identity, kMaxRoomNameBytes}, {"a kind", m.kind, kMaxRoomNameBytes}}); !ok) return ok;
  out.mutable_linked()->set_identity(m.identity);
  out.mutable_linked()->set_kind(m.kind);
  return {};
}

Result<void> put(const Rejoining& m, wire::FromJob& out) {
  out.mutable_rejoining()->set_now(m.now);
  return {};
}

Result<FromJob> take(const wire::Hello& in) {
  if (auto ok = check_ids(in.call_id(), in.attempt_id()); !ok) return fail(ok.error());
  const auto phase = take_phase(in.phase());
  if (!phase) return fail(phase.error());
  Hello hello{in.call_id(), in.attempt_id(), *phase, take_promise(in.leave_within_ms())};
  if (in.has_room()) {
    hello.room = RoomPlace{in.room().job_id(), in.room().room_name(), in.room().room_sid(), in.room().agent_identity()};
    if (auto ok = check(*hello.room); !ok) return broken(ok.error().message());
  }
  return hello;
}

Result<FromJob> take(const wire::Linked& in) {
  Linked linked{in.identity(), in.kind()};
  if (auto ok = within_bounds({{"an identity", linked.identity, kMaxRoomNameBytes}, {"a kind", linked.kind, kMaxRoomNameBytes}}); !ok) {
    return broken(ok.error().message());
  }
  return linked;
}

Result<FromJob> take(const wire::Answer& in) {
  if (in.sdp().size() > kMaxSdpBytes) return broken("an answer is too long");
  if (in.error() == 0) return Answer{in.request(), in.sdp()};
  if (in.error() > static_cast<std::uint32_t>(Errc::internal) + 1) return broken("unknown error code");
  return Answer{in.request(), fail(static_cast<Errc>(in.error() - 1), cut(in.message()))};
}

Result<FromJob> take(const wire::Event& in) {
  if (in.id() == 0) return broken("an event without a number");
  if (!is_name(in.type())) return broken("not an event type");
  if (in.data_json().size() > kMaxEventBytes || !looks_like_object(in.data_json())) return broken("an event's data is no JSON object");
  return JobEvent{in.id(), in.type(), in.data_json()};
}

Result<FromJob> take(const wire::Phase& in) {
  const auto phase = take_phase(in.phase());
  if (!phase) return fail(phase.error());
  return PhaseChange{*phase, take_promise(in.leave_within_ms())};
}

Result<FromJob> take(const wire::AttemptEnd& in) {
  auto reason = take(in.reason());
  if (!reason) return fail(reason.error());
  if (in.teardown_json().size() > kMaxTeardownBytes || !looks_like_object(in.teardown_json())) return broken("a teardown report is no JSON object");
  return AttemptEnd{std::move(*reason), in.clean(), in.teardown_json()};
}

}  // namespace

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::starting: return "starting";
    case Phase::running: return "running";
    case Phase::draining: return "draining";
    case Phase::closing: return "closing";
    case Phase::hooks: return "hooks";
    case Phase::disposing: return "disposing";
    case Phase::finished: return "finished";
  }
  return "finished";
}

Result<std::string> serialize(const ToJob& message) {
  wire::ToJob out;
  if (auto ok = std::visit([&](const auto& m) { return put(m, out); }, message); !ok) return fail(ok.error());
  return to_bytes(out);
}

Result<std::string> serialize(const FromJob& message) {
  wire::FromJob out;
  if (auto ok = std::visit([&](const auto& m) { return put(m, out); }, message); !ok) return fail(ok.error());
  return to_bytes(out);
}

Result<std::string> serialize(const ToZygote& message) {
  wire::ToZygote out;
  const auto& spawn = std::get<Spawn>(message);
  out.mutable_spawn()->set_request(spawn.request);
  out.mutable_spawn()->set_kind(static_cast<std::uint32_t>(spawn.kind));
  out.mutable_spawn()->set_call_id(spawn.call_id);
  out.mutable_spawn()->set_attempt_id(spawn.attempt_id);
  return to_bytes(out);
}

Result<std::string> serialize(const FromZygote& message) {
  wire::FromZygote out;
  if (const auto* ready = std::get_if<Ready>(&message)) {
    out.mutable_ready()->set_threads(ready->threads);
    out.mutable_ready()->set_thread_names(cut(ready->thread_names));
    out.mutable_ready()->set_forks(ready->forks);
  } else {
    const auto& spawned = std::get<Spawned>(message);
    out.mutable_spawned()->set_request(spawned.request);
    out.mutable_spawned()->set_pid(spawned.pid);
    out.mutable_spawned()->set_error(cut(spawned.error));
  }
  return to_bytes(out);
}

Result<ToJob> parse_to_job(std::string_view bytes) {
  const auto in = from_bytes<wire::ToJob>(bytes);
  if (!in) return fail(in.error());
  switch (in->body_case()) {
    case wire::ToJob::kBegin: return take(in->begin());
    case wire::ToJob::kOffer: return take(in->offer());
    case wire::ToJob::kStop: {
      auto reason = take(in->stop().reason());
      if (!reason) return fail(reason.error());
      return Stop{std::move(*reason), in->stop().forced()};
    }
    case wire::ToJob::kDrain: return Drain{from_wire_ms(in->drain().grace_ms())};
    case wire::ToJob::kWelcome: return Welcome{in->welcome().have_event()};
    case wire::ToJob::BODY_NOT_SET: break;
  }
  return broken("a message of an unknown kind");
}

Result<FromJob> parse_from_job(std::string_view bytes) {
  const auto in = from_bytes<wire::FromJob>(bytes);
  if (!in) return fail(in.error());
  switch (in->body_case()) {
    case wire::FromJob::kHello: return take(in->hello());
    case wire::FromJob::kAnswer: return take(in->answer());
    case wire::FromJob::kEvent: return take(in->event());
    case wire::FromJob::kPhase: return take(in->phase());
    case wire::FromJob::kTurns: return Turns{in->turns().turns()};
    case wire::FromJob::kEnd: return take(in->end());
    case wire::FromJob::kAfterCall: return AfterCallDone{in->after_call().done(), from_wire_ms(in->after_call().retry_in_ms())};
    case wire::FromJob::kMirror: return MirrorReport{in->mirror().records(), in->mirror().lost(), in->mirror().failures()};
    case wire::FromJob::kLinked: return take(in->linked());
    case wire::FromJob::kRejoining: return Rejoining{in->rejoining().now()};
    case wire::FromJob::BODY_NOT_SET: break;
  }
  return broken("a message of an unknown kind");
}

Result<ToZygote> parse_to_zygote(std::string_view bytes) {
  const auto in = from_bytes<wire::ToZygote>(bytes);
  if (!in) return fail(in.error());
  if (!in->has_spawn()) return broken("a message of an unknown kind");
  const auto& spawn = in->spawn();
  if (auto ok = check_ids(spawn.call_id(), spawn.attempt_id()); !ok) return fail(ok.error());
  if (spawn.kind() > static_cast<std::uint32_t>(JobKind::after_call)) return broken("unknown kind of job");
  return Spawn{spawn.request(), static_cast<JobKind>(spawn.kind()), spawn.call_id(), spawn.attempt_id()};
}

Result<FromZygote> parse_from_zygote(std::string_view bytes) {
  const auto in = from_bytes<wire::FromZygote>(bytes);
  if (!in) return fail(in.error());
  if (in->has_ready()) return Ready{in->ready().threads(), cut(in->ready().thread_names()), in->ready().forks()};
  if (!in->has_spawned()) return broken("a message of an unknown kind");
  const auto& spawned = in->spawned();
  if (spawned.error().empty() && spawned.pid() <= 1) return broken("not a process id");
  return Spawned{spawned.request(), spawned.pid(), cut(spawned.error())};
}

}  // namespace parley::ipc
