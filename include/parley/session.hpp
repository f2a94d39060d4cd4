// A session: one caller and the agents that talk to it, from the first word to the last.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include <parley/agent.hpp>
#include <parley/async/close.hpp>
#include <parley/async/stop.hpp>
#include <parley/base/log.hpp>
#include <parley/chat.hpp>
#include <parley/limits.hpp>
#include <parley/privacy.hpp>
#include <parley/providers.hpp>
#include <parley/retry.hpp>
#include <parley/room.hpp>
#include <parley/speech.hpp>
#include <parley/turns.hpp>

namespace parley {

struct SessionOptions {
  ProviderChoice providers{};
  VadOptions vad{};
  SttOptions stt{};
  TurnOptions turns{};
  LimitOptions limits{};
  FailureOptions failure{};
  RetryOptions retry{};
  std::optional<RecordingOptions> recording{};  // none: the call is not recorded
  RoomOptions room{};  // of a call in a LiveKit room
};

// How a call is to end.
enum class Ending {
  graceful,  // what is being said, and what waits to be said, is spoken to its end
  forced,    // silence at once
};

// What tools, hooks and applications may do with the conversation they are part of. Everything that ends a session may be
// called from inside it: from a tool, from a hook.
//
// Thread: the loop's only. Valid in hooks and tools until they end.
class Session {
 public:
  static constexpr std::size_t kMaxQueuedSpeeches = 32;
  static constexpr std::size_t kMaxDtmf = 64;

  virtual ~Session() = default;

  // Speaks a text. A handle that is done at once, with an error: the call ends, or kMaxQueuedSpeeches wait already.
  virtual SpeechHandle say(std::string text, SayOptions options = {}) = 0;
  // Lets the LLM say something. Refused as say() is.
  virtual SpeechHandle generate_reply(ReplyOptions options = {}) = 0;
  // Silences what is spoken and drops what waits. Protected speech stays, unless `force`.
  virtual void interrupt(bool force = false) = 0;

  // Another agent takes over once the present speech is done. Errc::not_found: a provider of its own does not exist;
  // Errc::closing: the call ends.
  virtual Result<void> update_agent(Agent agent) = 0;
  virtual const Agent& current_agent() const noexcept = 0;

  // What was said and done so far; of the agent's words those that the caller heard.
  virtual const ChatContext& history() const noexcept = 0;
  virtual UserState user_state() const noexcept = 0;
  virtual AgentState agent_state() const noexcept = 0;

  // Ends the call. Returns at once; the first reason wins, and forced wins over graceful.
  virtual void end(StopReason reason = {StopCause::agent_hung_up, {}}, Ending ending = Ending::graceful) = 0;

  // Passes the caller on ("tel:+15550100", "sip:desk@example.com") and, when that worked, ends the call. What is being said
  // is not waited for: see RunContext::wait_for_playout. Errc::refused: this call came on a way that cannot do it, or the
  // other side would not.
  virtual Task<Result<void>> transfer(std::string to) = 0;
  // Presses keys: 0-9, *, #, A-D, and 'w' for half a second's wait; at most kMaxDtmf. Errc::refused: as transfer();
  // Errc::invalid_argument names what is no key.
  virtual Task<Result<void>> send_dtmf(std::string keys) = 0;

  // For the record of the call, which the work after the call gets: see JobContext::remember.
  virtual void remember(std::string_view key, boost::json::value value) = 0;

  virtual const Logger& logger() const noexcept = 0;
};

}  // namespace parley
