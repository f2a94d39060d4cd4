#include "bench/whip_line.hpp"

#include <fmt/format.h>

#include "rtc/description.hpp"

namespace parley::bench {

namespace {

std::uint32_t random_word(Random& random) { return static_cast<std::uint32_t>(random()); }

}  // namespace

WhipLine::WhipLine(Scope& parent, rtc::Engine& engine, net::HttpClient& client, ExitWatch& exits, const Place& place,
                   Random& random, OnAudio on_audio)
    : loop_(parent.loop()),
      client_(client),
      exits_(exits),
      place_(place),
      random_(random),
      on_audio_(std::move(on_audio)),
      connection_(loop_, engine, {.bind_address = "127.0.0.1"}),
      scope_(parent, "line") {}

WhipLine::~WhipLine() {
  scope_.kill();
  connection_.kill();
}

Task<Result<void>> WhipLine::connect() {
  const auto deadline = loop_.in(kConnectWithin);
  if (auto exchanged = co_await exchange(deadline); !exchanged) co_return exchanged;
  while (!connection_.open()) {
    if (connection_.down() || deadline.passed(loop_.now()))
      co_return fail(Errc::unavailable, "answered, but not connected");
    if (auto event = co_await connection_.next(deadline); event && !event->packet.empty())
      received({event->at, std::move(event->packet)});
  }
  log_.connected = loop_.now();
  if (auto found = co_await find_process(client_, exits_, place_.worker_url, "call_id", server_->call_id(), deadline);
      !found)
    co_return found;
  co_return scope_.spawn("receive", receive());
}

Task<Result<void>> WhipLine::exchange(Deadline deadline) {
  auto server = caller::HttpCallServer::create(client_, place_.calls_url, {});
  if (!server) co_return fail(server.error());
  server_ = std::move(*server);
  const auto local = co_await connection_.offer(deadline);
  if (!local) co_return fail(local.error());
  const rtc::LocalStream stream{.ssrc = random_word(random_) | 1U,
                                .cname = fmt::format("caller-{:08x}", random_word(random_))};
  auto offer = rtc::write_offer(*local, stream, random_());
  log_.posted = loop_.now();
  const auto answer = co_await server_->offer(std::move(offer), deadline);
  if (!answer) co_return fail(answer.error());
  const auto remote = rtc::read_answer(*answer);
  if (!remote) co_return fail(remote.error());
  packetizer_.emplace(RtpStreamSettings{.ssrc = stream.ssrc,
                                        .payload_type = remote->audio.opus,
                                        .audio_level_id = remote->audio.audio_level_id,
                                        .first_sequence = static_cast<std::uint16_t>(random_.below(1 << 15)),
                                        .first_timestamp = random_word(random_)});
  rtcp_.emplace(stream.ssrc, stream.cname, random_);
  co_return co_await connection_.accept(*remote, deadline);
}

Task<void> WhipLine::receive() {
  while (!connection_.down()) {
    auto event = co_await connection_.next(Deadline::bounded_by_scope());
    if (event && !event->packet.empty()) received({event->at, std::move(event->packet)});
  }
}

void WhipLine::received(Kept packet) {
  const ByteView bytes(packet.packet);
  if (is_rtcp(bytes)) {
    (void)rtcp_->received(bytes, packet.at, loop_.clock().wall(), reception_ ? &*reception_ : nullptr);
    return;
  }
  bool speaks = false;
  if (const auto rtp = parse_rtp(bytes)) {
    if (!reception_) reception_.emplace(rtp->ssrc, kTransportRate);
    reception_->packet(rtp->sequence, rtp->timestamp, packet.at);
    const auto level = rtp->audio_level(rtc::kAudioLevelId);
    speaks = level && -static_cast<float>(level->level) > kLoud;
  }
  on_audio_(std::move(packet), speaks);
}

void WhipLine::send(const SpeechFrame& frame, TimePoint now) {
  const auto packet =
      packetizer_->packet(frame.opus, kTransportFrameSamples, {frame.level, -static_cast<float>(frame.level) > kLoud});
  if (packet && connection_.send(*packet)) {
    ++packets_;
    octets_ += static_cast<std::uint32_t>(frame.opus.size());
  }
  const SenderStatus status{.rtp_timestamp = packetizer_->timestamp(), .packets = packets_, .octets = octets_};
  if (const auto report = rtcp_->poll(now, loop_.clock().wall(), status, reception_ ? &*reception_ : nullptr))
    connection_.send(*report);
}

Task<Result<void>> WhipLine::hang_up() {
  log_.hung_up = loop_.now();
  auto told = co_await server_->hang_up(loop_.in(kConnectWithin));
  connection_.kill();
  co_return told;
}

}  // namespace parley::bench
