// A call by POST /call, as browsers do: docs/http-api.md.
#pragma once

#include <optional>

#include "audio/rtcp_session.hpp"
#include "audio/rtp.hpp"
#include "bench/line.hpp"
#include "caller/http_call_server.hpp"
#include "rtc/peer_connection.hpp"

namespace parley::bench {

class WhipLine final : public Line {
 public:
  WhipLine(Scope& parent, rtc::Engine& engine, net::HttpClient& client, ExitWatch& exits, const Place& place,
           Random& random, OnAudio on_audio);
  ~WhipLine() override;

  Task<Result<void>> connect() override;
  bool down() const noexcept override { return connection_.down(); }
  void send(const SpeechFrame& frame, TimePoint now) override;
  void skip() override { packetizer_->silence(kTransportFrameSamples); }
  Task<Result<void>> hang_up() override;
  void drop() noexcept override { connection_.kill(); }

 private:
  Task<Result<void>> exchange(Deadline deadline);
  Task<void> receive();
  void received(Kept packet);

  Loop& loop_;
  net::HttpClient& client_;
  ExitWatch& exits_;
  const Place& place_;
  Random& random_;
  OnAudio on_audio_;
  rtc::PeerConnection connection_;
  std::unique_ptr<caller::HttpCallServer> server_;
  std::optional<RtpPacketizer> packetizer_;
  std::optional<RtcpSession> rtcp_;
  std::optional<Reception> reception_;
  std::uint32_t packets_ = 0, octets_ = 0;
  Scope scope_;
};

}  // namespace parley::bench
