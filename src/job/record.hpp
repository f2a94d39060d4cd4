// The terminal record: what a call was, made from its journal alone, so that any process can make it after any crash.
//
//   {call, started_at, ended_at, ended_by, reason, transcript, tools, usage, latency, teardown, hooks, outcome,
//    detail, data, attempts, withheld, journal}
//
// Where it comes from: `call` is call.started's; transcript and tools are the items of conversation_item_added events,
// in the shape of ChatContext::to_json, unless a call.summary brings its own; usage and latency are the last ones
// reported (call.summary, or session_usage_updated); the end is the last attempt's. docs/journal.md lists every field.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <parley/async/close.hpp>

#include "job/journal_record.hpp"

namespace parley::job {

// The data of call.started: what a fresh process must know to finish the call.
struct CallStarted {
  boost::json::object info;        // agent, room, participant, sip, metadata, ...: the record's `call`
  std::vector<std::string> hooks;  // keys, in their order: HookRegistry::keys(call_id)
  bool transcripts = true;         // privacy.transcripts: off means that hooks get none and are told so
};
boost::json::object to_json(const CallStarted& started);

// The data of attempt.ending, attempt.ended and attempt.exited.
boost::json::object ending_json(const StopReason& reason);
boost::json::object ended_json(const CloseReport& teardown);
struct ProcessExit {
  std::string attempt_id;  // empty: the latest one's
  std::optional<int> code;
  std::optional<int> signal;
  std::string detail;  // for people: "killed by the supervisor: it did not leave `draining` by its promise"
};
boost::json::object to_json(const ProcessExit& exit);

// Where a hook stands, from the records.
struct HookState {
  std::string key;  // "<call id>/<name>/<n>": the idempotency key, the same for every try
  std::string name;
  std::size_t n = 1;
  unsigned tries = 0;  // started, whether or not it came to an end
  bool done = false;
  bool given_up = false;
  WallTime due{};                    // when it first became due, or the last record's time while nobody said so
  std::optional<WallTime> last_try;  // when the last try began
  std::string error;                 // of the last try that failed

  bool settled() const noexcept { return done || given_up; }
};

// Folds records into a record.
//
// Bound: at most kMaxTranscriptBytes, kMaxToolsBytes and kMaxDataBytes of JSON, then the oldest (of `data`: the newest)
//        goes and is counted in journal.dropped; so the record fits into kMaxRecordBytes.
class RecordBuilder {
 public:
  static constexpr std::size_t kMaxTranscriptBytes = 768 * KiB;
  static constexpr std::size_t kMaxToolsBytes = 256 * KiB;
  static constexpr std::size_t kMaxDataBytes = 256 * KiB;
  static constexpr std::size_t kMaxPartBytes = 64 * KiB;  // call, usage, latency, teardown: each
  static constexpr std::size_t kMaxHooks = 64;
  static constexpr std::size_t kMaxAttempts = 16;
  static constexpr std::size_t kMaxAfterCall = 64;  // remembered by id, the latest

  explicit RecordBuilder(std::string call_id) : call_id_(std::move(call_id)) {}

  void add(const JournalRecord& record);
  void add(const JournalContents& contents);

  // The record as it is known now.
  boost::json::object record() const;

  bool call_started() const noexcept { return call_started_; }
  bool over() const noexcept;  // the last attempt has ended or is known to be gone
  bool hooks_due() const noexcept { return hooks_due_; }
  bool terminal() const noexcept { return terminal_; }
  const std::vector<HookState>& hooks() const noexcept { return hooks_; }
  // The transcript so far, for a new attempt that takes the call over.
  boost::json::array transcript() const;

 private:
  // The latest items of a list, as many as fit.
  struct Items {
    explicit Items(std::size_t limit) : max_bytes(limit) {}
    void add(boost::json::object item, std::uint64_t& dropped);
    boost::json::array to_json() const;

    std::size_t max_bytes;
    std::size_t bytes = 0;
    std::deque<boost::json::object> list;
  };
  struct Attempt {
    std::string id;
    WallTime started{};
    std::optional<WallTime> ending;
    std::optional<WallTime> ended;
    std::optional<WallTime> exited;
    std::string cause, detail;
    boost::json::object teardown;
    boost::json::object exit;
  };

  Attempt& attempt(std::string_view id, WallTime time);
  HookState* hook(std::string_view key);
  void declare_hooks(const boost::json::object& data);
  void hooks_become_due(WallTime time);
  void on_call_started(const boost::json::object& data);
  void on_attempt(const JournalRecord& record);
  void on_hook(const JournalRecord& record);
  void on_caller(const boost::json::object& data);
  void on_summary(const boost::json::object& data);
  void on_remember(const boost::json::object& data);
  void on_event(const JournalRecord& record);
  void on_tool_output(const boost::json::object& item);
  void keep_part(std::string_view name, const boost::json::value& value);
  void describe_end(boost::json::object& out) const;
  boost::json::object teardown_json() const;
  boost::json::array hooks_json() const;
  boost::json::array attempts_json() const;

  std::string call_id_;
  bool call_started_ = false;
  bool transcripts_ = true;
  bool hooks_due_ = false;
  bool terminal_ = false;
  std::optional<WallTime> first_, last_;
  boost::json::object call_;
  boost::json::object parts_;  // usage, latency, and what a summary brought
  Items transcript_{kMaxTranscriptBytes};
  Items tools_{kMaxToolsBytes};
  boost::json::object data_;
  std::size_t data_bytes_ = 0;
  std::vector<Attempt> attempts_;
  std::deque<std::string> after_call_;  // processes that only did the work after the call: no attempts of it
  std::vector<HookState> hooks_;
  std::uint64_t dropped_ = 0, lost_ = 0, damaged_ = 0, missing_ = 0;
};

// The terminal record of a whole journal.
boost::json::object build_record(const JournalContents& contents, std::string_view call_id = {});

}  // namespace parley::job
