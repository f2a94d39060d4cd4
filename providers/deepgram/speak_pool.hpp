// The speak sockets of one job: opened when first needed, kept warm from one utterance to the next.
//
// An utterance that is cut leaves its socket with speech under way: it is told to clear that, and is used again once it
// has. Deepgram takes kMaxFlushes flushes a minute on one socket: one that has used them up is replaced.
//
// Thread: the loop's only.
// Bound:  kMaxIdle idle sockets, none older than kMaxAge.
// Ending: sockets and the tasks that clear them live in a child of the scope given.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <parley/async/scope.hpp>
#include <parley/provider.hpp>

#include "net/websocket.hpp"

namespace parley::deepgram {

struct SpeakSocket {
  static constexpr std::size_t kMaxFlushes = 20;
  static constexpr Duration kFlushWindow = 60s;

  std::unique_ptr<net::WebSocket> socket;
  TimePoint opened_at{};
  std::deque<TimePoint> flushes;  // within the window
  bool reused = false;

  bool can_flush(TimePoint now) {
    while (!flushes.empty() && flushes.front() + kFlushWindow <= now) flushes.pop_front();
    return flushes.size() < kMaxFlushes;
  }
};

class SpeakPool {
 public:
  static constexpr std::size_t kMaxIdle = 2;
  static constexpr Duration kMaxAge = 50min;       // Deepgram ends them after an hour
  static constexpr Duration kConnectLimit = 10s;
  static constexpr Duration kClearLimit = 1s;

  SpeakPool(Scope& parent, net::WebSocketClient& client, net::WebSocketRequest request)
      : loop_(parent.loop()), client_(client), request_(std::move(request)), scope_(parent, "tts/deepgram") {}
  ~SpeakPool() {
    scope_.kill();
    idle_.clear();
  }
  SpeakPool(const SpeakPool&) = delete;
  SpeakPool& operator=(const SpeakPool&) = delete;

  // One that can flush: warm, or new.
  Task<std::expected<std::unique_ptr<SpeakSocket>, ProviderError>> take();
  // A new one, for when a warm one turned out to be dead.
  Task<std::expected<std::unique_ptr<SpeakSocket>, ProviderError>> open();
  // Everything that was asked of it has been answered.
  void give(std::unique_ptr<SpeakSocket> socket);
  // It still speaks, and nobody listens.
  void clear(std::unique_ptr<SpeakSocket> socket);

  std::size_t idle() const noexcept { return idle_.size(); }

 private:
  Task<bool> alive(SpeakSocket& socket);
  static Task<void> silence(SpeakPool& pool, std::unique_ptr<SpeakSocket> socket);

  Loop& loop_;
  net::WebSocketClient& client_;
  net::WebSocketRequest request_;
  Scope scope_;
  std::vector<std::unique_ptr<SpeakSocket>> idle_;  // the youngest use last
};

}  // namespace parley::deepgram
