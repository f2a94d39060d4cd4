// What the parts of Messages stand on: the way out, the counters, and one voice for what is refused.
//
// Thread: the loop's only.
// Bound:  kMaxUnattended packets that nobody waits for; what finds them full is dropped and counted as refused.
// Ending: close() cuts it off from the room; whoever still holds it gets Errc::closing.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <parley/async/channel.hpp>

#include "livekit/room/messages.hpp"
#include "livekit/room/messages_packet.hpp"

namespace parley::livekit {

// What a log line is about; one of each in Messages::kLogEvery.
enum class Complaint : std::uint8_t { packet, stream, rpc, count };

class MessagesCore {
 public:
  static constexpr std::size_t kMaxUnattended = 64;
  static constexpr Duration kSendWithin = 7s;  // of what nobody waits for

  MessagesCore(Loop& loop, DataPort& port, Logger logger) : loop_(loop), port_(&port), logger_(std::move(logger)) {}

  Loop& loop() const noexcept { return loop_; }
  TimePoint now() const noexcept { return loop_.now(); }
  DataPort* port() const noexcept { return port_; }  // null: closed
  const Logger& logger() const noexcept { return logger_; }
  Messages::Counters& counters() noexcept { return counters_; }
  void close() noexcept;

  // The error, counted and, if it is its turn, logged.
  std::unexpected<Error> refuse(Complaint about, Errc code, std::string sentence);
  std::unexpected<Error> malformed(std::string sentence);
  void ignore() noexcept { ++counters_.ignored; }

  // Errc::closing, or what the room says; Errc::invalid_argument: longer than a packet may be.
  static Task<Result<void>> publish(std::shared_ptr<MessagesCore> core, rtc::DataKind kind, proto::DataPacket packet, Deadline deadline);

  // Reliable, in order, when there is time; for the last words of what is gone. run() sends it.
  void send_unattended(const proto::DataPacket& packet);
  static Task<void> run(std::shared_ptr<MessagesCore> core);

 private:
  struct Voice {
    TimePoint next_line{};
    std::uint64_t unsaid = 0;
  };
  void complain(Complaint about, const std::string& sentence);

  Loop& loop_;
  DataPort* port_;
  Logger logger_;
  Messages::Counters counters_;
  std::array<Voice, static_cast<std::size_t>(Complaint::count)> voices_;
  Channel<std::string> unattended_{kMaxUnattended};
};

}  // namespace parley::livekit
