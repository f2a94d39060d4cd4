// A client's connections: the one of a request, and those kept for the next.
//
// Thread: the loop's only.
#pragma once

#include <list>
#include <memory>
#include <string>

#include <parley/async/task.hpp>

#include "net/byte_stream.hpp"
#include "net/http_parser.hpp"

namespace parley::net {

struct ClientConnection {
  std::string key;  // which connections are as good as this one: scheme, host, port, proxy
  std::unique_ptr<ByteStream> stream;
  ResponseReader reader{HttpLimits{.header_bytes = 64 * KiB, .body_bytes = static_cast<std::size_t>(-1)}};
  bool reused = false;
  bool reusable = true;  // false: the request did not go out whole

  // Reads once into the reader, or waits until that is possible. After kMaxImmediateReads without a wait others run.
  Task<Result<void>> advance(Deadline deadline);

 private:
  static constexpr int kMaxImmediateReads = 16;
  Result<ByteStream::Step> pull();
  int immediate_reads_ = 0;
};

// Bound: kMaxIdle, kMaxIdleOfOneKey and kIdleLimit; the oldest goes first.
class ConnectionPool final : private Timer {
 public:
  static constexpr std::size_t kMaxIdle = 16;
  static constexpr std::size_t kMaxIdleOfOneKey = 4;
  static constexpr Duration kIdleLimit = 15s;  // below what servers allow, so that few are found dead

  explicit ConnectionPool(Loop& loop) : loop_(loop) {}

  // Null: none that is still good.
  std::unique_ptr<ClientConnection> take(const std::string& key);
  void give(std::unique_ptr<ClientConnection> connection);
  std::size_t idle() const noexcept { return idle_.size(); }

 private:
  struct Idle {
    std::unique_ptr<ClientConnection> connection;
    TimePoint until;
  };
  void fire() override;

  Loop& loop_;
  std::list<Idle> idle_;  // oldest first
};

}  // namespace parley::net
