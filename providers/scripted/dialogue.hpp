// The scripted dialogue: answers from a file of intents, slots and wordings, without any language model.
//
// Pure and deterministic: the same file, seed, turns and times give the same answers. Whoever keeps a call's history can
// get the state back by going through its turns again.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "providers/scripted/slots.hpp"
#include "yaml/mistakes.hpp"

namespace parley {

namespace scripted {
struct DialogueFile;
}

// Where a call's dialogue stands. A plain value: copy it to try an answer and forget it again.
struct DialogueState {
  std::uint64_t seed = 0;
  std::map<std::size_t, std::size_t> uses;  // of each answer's wordings
  std::string form;                         // being filled in; empty: none
  std::string asked;                        // the slot that was asked for
  std::string last_filled;                  // the slot that was filled in last
  bool confirming = false;
  std::string finished;  // the last form that was filled in; a correction opens it again
  std::map<std::string, scripted::SlotValue, std::less<>> slots;
  std::set<std::string, std::less<>> skipped;
  std::string question;  // a yes or no is expected to it
  std::string last_said;
  int misses = 0;
  std::vector<std::size_t> awaited;  // tool calls without a result yet, oldest first
  boost::json::value result;         // of the last tool
};

// What surrounds a turn.
struct DialogueContext {
  std::chrono::local_time<std::chrono::minutes> now;  // where the business is
  std::span<const std::string> tools;                 // that may be called in this turn
};

struct DialogueToolCall {
  std::string tool;
  boost::json::object arguments;
};

struct DialogueReply {
  std::string text;  // may be empty: nothing to say
  std::vector<DialogueToolCall> calls;
  Duration first_token{};  // for tests and demonstrations: wait this long before the first piece,
  Duration token{};        // and this long between two
  std::string intent;      // what was understood; empty: nothing, or an answer to a question
};

// Thread: any; it never changes. Bound: kMaxSpokenWords of a turn are looked at; a file has at most 1 MiB.
class Dialogue {
 public:
  // Mistakes in the file are told all at once, one a line: "reception.dialogue.yaml:12:5: expected ...".
  static Result<Dialogue> load(const std::string& path);
  // What load() would refuse it for; a mistake without a place: the file cannot be read.
  static yaml::Mistakes mistakes_in(const std::string& path);
  // `name` stands for the file in errors.
  static Result<Dialogue> parse(std::string_view yaml, const std::string& name);

  // Seed 0 uses wordings in the order of the file; others begin elsewhere in each list.
  DialogueState begin(std::uint64_t seed = 0) const;

  // The agent speaks first.
  DialogueReply open(DialogueState& state) const;
  // The caller said something.
  DialogueReply respond(DialogueState& state, std::string_view said, const DialogueContext& context) const;
  // A tool that a reply called has returned; the reply may be empty.
  DialogueReply tool_returned(DialogueState& state, std::string_view tool, const boost::json::value& result,
                              bool is_error, const DialogueContext& context) const;

  // Every tool that the file may call: what the agent should offer.
  std::vector<std::string> tools() const;

 private:
  explicit Dialogue(std::shared_ptr<const scripted::DialogueFile> file) : file_(std::move(file)) {}

  std::shared_ptr<const scripted::DialogueFile> file_;
};

// A reply as an LLM would stream it: words with the space behind them. Joined, they are the text.
std::vector<std::string> reply_pieces(std::string_view text);

}  // namespace parley
