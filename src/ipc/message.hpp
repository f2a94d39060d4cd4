// What supervisor, zygote and job tell each other, as plain values.
//
// Each side treats the other as possibly dead, slow or lying: parse() checks every length, number and identifier and
// says in one sentence what is wrong; nothing that it lets through can be larger than the bounds below.
//
// Thread: any; no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <parley/async/stop.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "ipc/room_job.hpp"

namespace parley::ipc {

constexpr std::size_t kMaxMessageBytes = 192 * KiB;  // one packet of the socket, whose buffer holds 208 KiB
constexpr std::size_t kMaxSdpBytes = 64 * KiB;
constexpr std::size_t kMaxMetadataBytes = 64 * KiB;
constexpr std::size_t kMaxEventBytes = 64 * KiB;
constexpr std::size_t kMaxTeardownBytes = 64 * KiB;
constexpr std::size_t kMaxEventTypeBytes = 64;
constexpr std::size_t kMaxTextBytes = 1 * KiB;  // details and messages for people; longer ones are cut
constexpr Duration kMaxPromise = 10min;         // no phase of a job lasts longer

// A job's life, in order; it never goes back.
enum class Phase : std::uint8_t { starting, running, draining, closing, hooks, disposing, finished };
std::string_view to_string(Phase phase) noexcept;

enum class JobKind : std::uint8_t {
  call,        // serves a call
  after_call,  // does the work after a call whose own job could not
};

// ---- supervisor to job

struct Begin {
  std::string call_id;
  std::string attempt_id;
  std::string metadata_json;  // one JSON object
  std::optional<RoomJob> room{};  // it goes there, and is offered nothing
};
struct Offer {
  std::uint64_t request = 0;
  std::string sdp;
  Duration budget{};  // the answer is wanted within
};
struct Stop {
  StopReason reason;
  bool forced = false;
};
// The worker is going away: calls may finish, for so long.
struct Drain {
  Duration grace{};
};
// To a job that dialled in again: the supervisor knows it, and has its events up to here.
struct Welcome {
  std::uint64_t have_event = 0;
};
using ToJob = std::variant<Begin, Offer, Stop, Drain, Welcome>;

// ---- job to supervisor

struct Hello {
  std::string call_id;
  std::string attempt_id;
  Phase phase = Phase::starting;
  std::optional<Duration> leave_within;  // the promise in force
  std::optional<RoomPlace> room{};       // of a call in a LiveKit room
};
struct Answer {
  std::uint64_t request = 0;
  Result<std::string> sdp;
};
struct JobEvent {
  std::uint64_t id = 0;  // from 1, counted per call
  std::string type;
  std::string data_json;  // one JSON object on one line
};
// A promise: this phase will have been left by then. `running` makes none.
struct PhaseChange {
  Phase phase = Phase::starting;
  std::optional<Duration> leave_within;
};
struct Turns {
  std::uint64_t turns = 0;
};
struct AttemptEnd {
  StopReason reason;
  bool clean = false;
  std::string teardown_json;  // one JSON object
};
struct AfterCallDone {
  bool done = false;
  Duration retry_in{};  // if not done: when another try makes sense
};
// What became of the copies of its journal's records; at its end, where there is a mirror.
struct MirrorReport {
  std::uint64_t records = 0;
  std::uint64_t lost = 0;
  std::uint64_t failures = 0;
};
// Whom in its room the call is with; an empty identity: nobody (any more).
struct Linked {
  std::string identity;
  std::string kind;  // "standard", "sip", ...

  bool operator==(const Linked&) const = default;
};
// It joins its room anew just now: LiveKit then takes the job of its earlier self back, which means nothing.
struct Rejoining {
  bool now = false;

  bool operator==(const Rejoining&) const = default;
};
using FromJob = std::variant<Hello, Answer, JobEvent, PhaseChange, Turns, AttemptEnd, AfterCallDone, MirrorReport, Linked, Rejoining>;

// ---- supervisor and zygote

// With the job's end of the socket attached.
struct Spawn {
  std::uint64_t request = 0;
  JobKind kind = JobKind::call;
  std::string call_id;
  std::string attempt_id;
};
using ToZygote = std::variant<Spawn>;

struct Ready {
  std::uint32_t threads = 1;
  std::string thread_names;  // of those that should not be there
  bool forks = true;         // false: jobs are started by exec
};
// With the job's pidfd attached, unless `error` says why there is none.
struct Spawned {
  std::uint64_t request = 0;
  int pid = 0;
  std::string error;
};
using FromZygote = std::variant<Ready, Spawned>;

// ---- bytes

// What is longer than its bound is cut (texts) or is Errc::invalid_argument (SDP, JSON).
Result<std::string> serialize(const ToJob& message);
Result<std::string> serialize(const FromJob& message);
Result<std::string> serialize(const ToZygote& message);
Result<std::string> serialize(const FromZygote& message);

// Errc::protocol: what is wrong with it.
Result<ToJob> parse_to_job(std::string_view bytes);
Result<FromJob> parse_from_job(std::string_view bytes);
Result<ToZygote> parse_to_zygote(std::string_view bytes);
Result<FromZygote> parse_from_zygote(std::string_view bytes);

}  // namespace parley::ipc
