// A journal's mirror over HTTP: POST, NDJSON, one JSON record a line (docs/journal.md).
//
// One request is in flight; what comes meanwhile goes with the next one, so records arrive in their order. A request that
// fails is tried again, the same records under the same Idempotency-Key, ever more slowly, for kKeepTrying; then its
// records are lost. An answer 4xx is final at once (but for 408, 425 and 429). The log is told once when trouble begins and
// once when it ends.
//
// Thread: the loop's only.
// Bound:  kMaxQueuedBytes wait, then new records are lost; a request has kMaxBatchBytes, or one record, and kPatience.
// Ending: destroying it ends the request in flight.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <parley/async/event.hpp>
#include <parley/async/scope.hpp>
#include <parley/base/bytes.hpp>

#include "job/journal_mirror.hpp"
#include "net/http_client.hpp"

namespace parley::job {

class HttpMirror final : public JournalMirror {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 4 * MiB;
  static constexpr std::size_t kMaxBatchBytes = 256 * KiB;
  static constexpr std::size_t kMaxAnswerBytes = 64 * KiB;
  static constexpr Duration kPatience = 5s;
  static constexpr Duration kFirstPause = 500ms;
  static constexpr Duration kLongestPause = 30s;
  static constexpr Duration kKeepTrying = 5min;

  // `url` may hold a user and a password, or a key in its query: it is never shown whole.
  HttpMirror(Scope& parent, std::shared_ptr<net::HttpClient> client, std::string url);
  ~HttpMirror() override;

  void add(std::string_view record) override;
  Task<void> flush(Deadline deadline) override;
  MirrorHealth health() const override { return health_; }

 private:
  struct Batch {
    std::string body;
    std::size_t records = 0;
    std::string key;
  };
  enum class Outcome { taken, failed, refused };

  Task<void> send_all();
  Task<void> send(Batch batch);
  Task<Outcome> post(const Batch& batch);
  Batch next_batch();
  void lose(std::size_t records, std::string_view why);
  void worked();
  void failed(std::string why);

  Logger logger_;
  Loop& loop_;
  std::shared_ptr<net::HttpClient> client_;
  std::string url_;
  std::string shown_;  // for the log
  std::string stream_;  // of batches: the beginning of their keys
  std::uint64_t next_batch_ = 1;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t in_flight_ = 0;  // records
  bool flushing_ = false;
  bool ended_ = false;
  bool told_lost_ = false;
  MirrorHealth health_;
  Event came_;
  Event hurry_;
  Event idle_;
  Scope scope_;
};

}  // namespace parley::job
