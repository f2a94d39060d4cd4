// The server of the fakes: one thread, one io_context, a coroutine or two a connection.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "fakes/options.hpp"
#include "fakes/speech_sound.hpp"
#include "fakes/stats.hpp"

namespace parley::fakes {

class Server {
 public:
  // As many at once; more are refused.
  static constexpr std::int64_t kMaxConnections = 4096;

  explicit Server(Options options) : options_(std::move(options)) {}

  // Port 0: any free one. Throws boost::system::system_error. `io` ends before the server: its connections count in it.
  std::uint16_t listen(boost::asio::io_context& io, const std::string& address, std::uint16_t port);

  const Options& options() const noexcept { return options_; }
  Stats& stats() noexcept { return stats_; }
  std::string stats_json() const;
  std::shared_ptr<const Syllables> syllables(int sample_rate);
  static TimePoint now();

 private:
  boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor acceptor);

  Options options_;
  Stats stats_;
  std::map<int, std::shared_ptr<const Syllables>> syllables_;
};

// One connection, from its first byte to its last. (connection.cpp)
boost::asio::awaitable<void> serve(Server& server, boost::asio::ip::tcp::socket socket);

}  // namespace parley::fakes
