// One caller: a real WebRTC call by somebody who listens, speaks in turn, and sometimes interrupts.
//
// It replays packets that were made before, and keeps what comes without decoding it: whether the agent is speaking it
// knows from the level that each packet tells beside its sound (RFC 6464).
//
// Thread: the loop's only.
// Bound:  Plan::length, and each wait's own limit; packets for twice that time are kept, then the call is an error.
// Ending: run() hangs up when it is time. Destroying its task and then the caller drops the connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/scope.hpp>
#include <parley/audio/frame.hpp>

#include "audio/rtcp_session.hpp"
#include "audio/rtp.hpp"
#include "bench/hearing.hpp"
#include "bench/probes.hpp"
#include "bench/speech.hpp"
#include "caller/http_call_server.hpp"
#include "rtc/peer_connection.hpp"

namespace parley::bench {

struct Plan {
  std::string calls_url;   // http://127.0.0.1:8080
  std::string worker_url;  // http://127.0.0.1:8081/worker
  Duration length = 60s;
  double interrupts = 0.35;  // of the answers
};

struct CallLog {
  TimePoint posted{};
  TimePoint connected{};  // audio could flow
  TimePoint hung_up{};    // DELETE sent
  std::shared_ptr<const Exit> exit;
  std::vector<Said> said;
  std::vector<Kept> kept;
  Late ticks;
  std::string error;  // empty: none
};

class Caller {
 public:
  static constexpr Duration kConnectWithin = 15s;
  static constexpr Duration kGreetingWithin = 10s;
  static constexpr Duration kAnswerWithin = 15s;
  static constexpr Duration kExitWithin = 15s;

  Caller(Scope& parent, rtc::Engine& engine, net::HttpClient& client, ExitWatch& exits, const Speech& speech,
         const Plan& plan, Random random);
  ~Caller();

  Task<void> run();

  bool connected() const noexcept { return log_.connected != TimePoint{}; }
  bool hanging_up() const noexcept { return log_.hung_up != TimePoint{}; }
  const CallLog& log() const noexcept { return log_; }

 private:
  enum class Doing { listens, speaks, waits };

  Task<Result<void>> call();
  Task<Result<void>> connect();
  Task<Result<void>> find_process();
  Task<void> receive();
  Task<Result<void>> talk();
  Task<Result<void>> hang_up();

  Result<void> live(TimePoint now);
  void begin_to_speak(bool interrupts);
  void send_frame(TimePoint now);
  bool agent_speaks(TimePoint now) const noexcept;
  Duration some(Duration least, Duration most) noexcept;

  Loop& loop_;
  net::HttpClient& client_;
  ExitWatch& exits_;
  const Speech& speech_;
  const Plan& plan_;
  Random random_;
  rtc::PeerConnection connection_;
  std::unique_ptr<caller::HttpCallServer> server_;
  std::optional<RtpPacketizer> packetizer_;
  std::optional<RtcpSession> rtcp_;
  std::optional<Reception> reception_;
  std::uint32_t packets_ = 0, octets_ = 0;
  CallLog log_;

  Doing doing_ = Doing::waits;
  TimePoint since_{};                  // of what it is doing
  Duration patience_{};                // silence after which it speaks
  std::optional<Duration> interrupt_;  // so long after the agent began
  const Utterance* saying_ = nullptr;
  std::size_t next_frame_ = 0;
  TimePoint agent_began_{}, agent_last_{};  // loud packets
  Scope scope_;
};

}  // namespace parley::bench
