// A caller that does what no browser does: it connects, and then sends nothing at all, or another codec than the one that
// was agreed on. Prints the call's id when it is connected, and ends with the connection or after so many seconds.
//
//   fault_caller URL nothing|pcmu SECONDS
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include <parley/audio/frame.hpp>

#include "async/real_loop.hpp"
#include "audio/rtp.hpp"
#include "caller/http_call_server.hpp"
#include "net/net_http_client.hpp"
#include "rtc/engine.hpp"
#include "rtc/peer_connection.hpp"

namespace parley {

namespace {

const rtc::LocalStream kStream{.ssrc = 0x5eed, .cname = "faults"};
constexpr std::uint8_t kPcmu = 0;                 // RFC 3551
constexpr std::size_t kPcmuSamples = 160;         // 20 ms at 8 kHz, a byte each
constexpr std::uint8_t kPcmuSilence = 0xff;

struct Wish {
  std::string url;
  bool pcmu = false;
  Duration longest{};
};

Task<Result<void>> connect(Loop& loop, rtc::PeerConnection& connection, caller::HttpCallServer& server) {
  const auto deadline = loop.in(10s);
  const auto local = co_await connection.offer(deadline);
  if (!local) co_return fail(local.error());
  const auto answer = co_await server.offer(rtc::write_offer(*local, kStream, 1), deadline);
  if (!answer) co_return fail(answer.error());
  const auto remote = rtc::read_answer(*answer);
  if (!remote) co_return fail(remote.error());
  if (auto accepted = co_await connection.accept(*remote, deadline); !accepted) co_return accepted;
  while (!connection.open()) {
    if (connection.down() || deadline.passed(loop.now())) co_return fail(Errc::unavailable, "no connection was made");
    (void)co_await connection.next(loop.in(kFrameDuration));
  }
  co_return Result<void>{};
}

Task<Result<void>> call(RealLoop& loop, Scope& scope, rtc::Engine& engine, const Wish& wish) {
  const auto client = net::make_http_client(loop, scope);
  auto server = caller::HttpCallServer::create(*client, wish.url, {});
  if (!server) co_return fail(server.error());
  rtc::PeerConnection connection(loop, engine, {.bind_address = "127.0.0.1"});
  if (auto connected = co_await connect(loop, connection, **server); !connected) co_return connected;
  fmt::print("{}\n", (*server)->call_id());
  std::fflush(stdout);
  RtpPacketizer packets({.ssrc = kStream.ssrc, .payload_type = kPcmu});
  const Bytes silence(kPcmuSamples, kPcmuSilence);
  const auto end = loop.in(wish.longest);
  for (auto tick = loop.now(); !connection.down() && !end.passed(loop.now()); tick += kFrameDuration) {
    if (wish.pcmu) {
      const auto packet = packets.packet(silence, kPcmuSamples, {});
      if (packet) (void)connection.send(*packet);
    }
    while (!connection.down() && co_await connection.next(Deadline(tick + kFrameDuration))) {
    }
  }
  (void)co_await connection.close(loop.in(2s));
  co_return Result<void>{};
}

Task<void> run(RealLoop& loop, Scope& scope, rtc::Engine& engine, const Wish& wish, int& code) {
  const auto done = co_await call(loop, scope, engine, wish);
  if (!done) {
    fmt::print(stderr, "{}\n", done.error().message());
    code = 3;
  }
  (void)co_await engine.close(loop.in(2s));
  loop.stop();
}

int run_caller(int argc, char** argv) {
  if (argc != 4) return 2;
  const Wish wish{.url = argv[1], .pcmu = std::string_view(argv[2]) == "pcmu", .longest = std::chrono::seconds(std::atoi(argv[3]))};
  RealLoop loop("caller", Logger(stderr_sink(LogFormat::text), LogLevel::warn));
  rtc::Engine engine;
  Scope scope(loop, "caller");
  int code = 0;
  if (!scope.spawn("run", run(loop, scope, engine, wish, code))) return 3;
  loop.run();
  return code;
}

}  // namespace

}  // namespace parley

int main(int argc, char** argv) { return parley::run_caller(argc, argv); }
