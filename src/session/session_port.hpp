// What a session needs of whoever runs it: a job, or a test.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include <parley/async/stop.hpp>

namespace parley {

class SessionPort {
 public:
  // Something happened: docs/events.md. Never waits.
  virtual void emit(std::string_view type, boost::json::object data) = 0;
  virtual void remember(std::string_view key, boost::json::value value) = 0;
  // The end of a turn: a good moment to bring what was written to the disk.
  virtual void turn_ended() = 0;
  // The conversation is over by itself (goodbye, a limit, a failure, the caller left): it stops taking input and finishes
  // what it says. Whoever runs it closes it now. Once.
  virtual void end_requested(const StopReason& reason, bool forced) = 0;
  // What the caller has heard by now of one stretch of the agent's words: told as it plays, so that captions keep step. No
  // event: the history tells the same in the end.
  struct AgentWords {
    std::string_view speech_id;
    std::size_t part = 0;    // of the speech; parts follow one another
    std::string_view heard;  // grows, word by word
    bool final = false;      // that was all: said to its end, or cut
  };
  virtual void agent_words(const AgentWords&) {}
  // The close has come to this step: "speech", "last words", "on_exit", "session".
  virtual void closing_step(std::string_view) {}

 protected:
  ~SessionPort() = default;
};

}  // namespace parley
