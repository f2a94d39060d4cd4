// The inference process's side of every connection, and the one place where its model runs.
//
// Thread: the loop's only; the model runs on a helper thread, one call at a time.
// Bound:  InferenceLimits: clients, requests over all and per client. A request whose deadline has passed is answered
//         so without being run; a client that does not read its answers is dropped, and so is one that talks nonsense.
// Ending: request_stop() takes no more clients and starts nothing; close() sends away what waits, waits for the request
//         that runs, then for the connections; kill() leaves it behind. An inference that does not return within
//         max_run cannot be ended from inside: stuck() is set, and the process must go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <parley/async/event.hpp>
#include <parley/async/scope.hpp>

#include "ipc/inference_queue.hpp"
#include "ipc/inference_wire.hpp"
#include "ipc/link.hpp"

namespace parley::ipc {

class InferenceServer {
 public:
  static constexpr Duration kAcceptPause = 100ms;  // after an accept that failed: no descriptor, for instance

  InferenceServer(Scope& parent, std::unique_ptr<Acceptor> acceptor, Recognize model, InferenceLimits limits);
  ~InferenceServer();

  void start();

  void request_stop(StopReason reason);
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept {
    accepting_.kill();
    scope_.kill();
  }

  // Set when an inference ran past max_run.
  Event& stuck() noexcept { return stuck_; }

  struct Counters {
    std::uint64_t clients = 0;  // ever
    std::uint64_t dropped = 0;  // for nonsense or for not reading
    std::uint64_t requests = 0, done = 0, failed = 0, expired = 0, cancelled = 0, refused = 0;
  };
  const Counters& counters() const noexcept { return counters_; }
  std::size_t clients() const noexcept { return clients_.size(); }
  // Since when there has been no client.
  TimePoint idle_since() const noexcept { return idle_since_; }

 private:
  struct Client {
    std::shared_ptr<Link> link;
  };
  struct Connection;

  Task<void> accept(std::unique_ptr<Acceptor> acceptor);
  Task<void> serve(std::uint64_t client, std::shared_ptr<Link> link);
  Result<void> take(std::uint64_t client, Packet packet);
  void take_request(std::uint64_t client, const RecognizeRequest& request, Fd audio);
  Task<void> work();
  Task<void> run_one(QueuedInference request);
  Task<CloseReport> close_body(Deadline deadline);
  void answer_expired();
  void send_away(std::uint64_t client, std::uint64_t id);
  void answer(std::uint64_t client, std::uint64_t id, Result<std::string> text);

  Loop& loop_;
  std::unique_ptr<Acceptor> acceptor_;  // until start()
  const std::shared_ptr<Recognize> model_;
  const InferenceLimits limits_;
  InferenceQueue queue_;
  std::map<std::uint64_t, Client> clients_;
  std::uint64_t next_client_ = 1;
  TimePoint idle_since_;
  bool stopping_ = false;      // nothing new runs
  bool sending_away_ = false;  // and nothing new waits
  Event work_;
  Event model_idle_;
  Event stuck_;
  Counters counters_;
  CloseOnce close_;
  Scope accepting_;
  Scope scope_;
};

}  // namespace parley::ipc
