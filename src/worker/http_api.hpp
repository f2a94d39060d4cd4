// The supervisor's HTTP face: calls and page on one port, health and metrics on another. docs/http-api.md describes it.
//
// Thread: the loop's only. The desk outlives it.
// Bound:  each port's own (net/http_server.hpp): kMaxConnections, of which kMaxWatchers may watch events.
// Ending: request_stop() takes no more calls and lets watchers watch; close() ends them at the end of an event and waits
//         for answers under way; kill() drops everything. Health is answered until close().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <parley/async/close.hpp>
#include <parley/async/scope.hpp>

#include "worker/call_desk.hpp"
#include "worker/http_pages.hpp"

namespace parley {
class RealLoop;
}

namespace parley::worker {

struct HttpApiConfig {
  bool calls = true;                  // false: health alone, nobody calls over HTTP
  std::string address = "127.0.0.1";  // for calls and the page
  std::uint16_t port = 8080;          // 0: any free one
  std::string health_address = "127.0.0.1";
  std::uint16_t health_port = 8081;
  std::vector<std::string> advertised_names;  // under which users reach the server, besides localhost
  std::string token;                          // asked of callers and watchers; beyond loopback it must be there
};

class HttpApi {
 public:
  static constexpr std::size_t kMaxConnections = 1024;
  static constexpr std::size_t kMaxWatchers = 768;
  static constexpr std::size_t kMaxHealthConnections = 32;
  static constexpr Duration kAnswerLimit = 15s;  // for an offer; the start of a job has 10 s

  // Errors say which port, or which setting, and what to do.
  static Result<std::unique_ptr<HttpApi>> listen(RealLoop& loop, Scope& parent, CallDesk& desk, HttpApiConfig config,
                                                 std::span<const PageFile> pages);
  ~HttpApi();

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

  std::uint16_t port() const;  // 0: nobody calls over HTTP
  std::uint16_t health_port() const;

 private:
  struct Ports;
  explicit HttpApi(std::unique_ptr<Ports> ports);

  std::unique_ptr<Ports> ports_;
};

}  // namespace parley::worker
