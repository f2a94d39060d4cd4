#include "fakes/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

namespace parley::fakes {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptPause = std::chrono::milliseconds(50);  // when the machine has no descriptor left

struct Counted {
  explicit Counted(Stats& s) : stats(s) {
    ++stats.connections;
    ++stats.connections_open;
  }
  ~Counted() { --stats.connections_open; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  Stats& stats;
};

asio::awaitable<void> counted(Server& server, tcp::socket socket) {
  const Counted count(server.stats());
  co_await serve(server, std::move(socket));
}

}  // namespace

TimePoint Server::now() { return SystemClock().now(); }

std::uint16_t Server::listen(asio::io_context& io, const std::string& address, std::uint16_t port) {
  const tcp::endpoint at(asio::ip::make_address(address), port);
  tcp::acceptor acceptor(io, at);
  const auto bound = acceptor.local_endpoint().port();
  constexpr int kUsualRate = 24'000;
  (void)syllables(kUsualRate);  // making them takes a while, which the first voice would not have in its fixed times
  asio::co_spawn(io, accept(std::move(acceptor)), asio::detached);
  return bound;
}

asio::awaitable<void> Server::accept(tcp::acceptor acceptor) {
  for (;;) {
    auto [failed, socket] = co_await acceptor.async_accept(kNoThrow);
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) {
      asio::steady_timer pause(acceptor.get_executor(), kAcceptPause);
      co_await pause.async_wait(kNoThrow);
      continue;
    }
    if (stats_.connections_open >= kMaxConnections) continue;
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    asio::co_spawn(acceptor.get_executor(), counted(*this, std::move(socket)), asio::detached);
  }
}

std::shared_ptr<const Syllables> Server::syllables(int sample_rate) {
  auto& known = syllables_[sample_rate];
  if (!known) known = std::make_shared<const Syllables>(sample_rate);
  return known;
}

std::string Server::stats_json() const {
  const auto& s = stats_;
  return json::serialize(json::object{
      {"connections", {{"open", s.connections_open}, {"total", s.connections}}},
      {"sockets_open", s.stt_open + s.tts_open},
      {"chat", {{"open", s.chats_open}, {"total", s.chats}, {"cut", s.chats_cut}, {"tool_calls", s.tool_calls}}},
      {"stt", {{"open", s.stt_open}, {"total", s.stt}, {"finals", s.stt_finals}, {"audio_s", s.stt_audio_s}}},
      {"tts", {{"open", s.tts_open}, {"total", s.tts}, {"flushes", s.tts_flushes}, {"clears", s.tts_clears}, {"audio_s", s.tts_audio_s}}},
      {"errors", s.errors}});
}

}  // namespace parley::fakes
