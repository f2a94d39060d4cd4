// The inference process: the heavy local models of a worker, once for all its jobs. Its whole face to others.
//
// Jobs reach it through one SEQPACKET socket in the state directory: one packet a request, its audio in a memfd beside
// it, so that a minute of audio is one message and passes through no queue.
#pragma once

#include <functional>
#include <span>
#include <string>

#include <parley/base/bytes.hpp>
#include <parley/base/log.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

#include "ipc/exit_code.hpp"

namespace parley::ipc {

inline constexpr int kInferenceRate = 16'000;        // Hz
inline constexpr Duration kMaxInferenceAudio = 60s;  // of one request
inline constexpr std::size_t kMaxInferenceText = 16 * KiB;

// Samples at kInferenceRate, mono, in [-1, 1], to text. Called on one thread, one call at a time; may block for long.
using Recognize = std::function<Result<std::string>(std::span<const float> samples)>;
// Loads and warms the model. Called once.
using RecognizerFactory = std::function<Result<Recognize>()>;

struct InferenceLimits {
  std::size_t max_clients = 1024;
  std::size_t max_queued = 64;     // over all calls; beyond: Errc::overloaded at once
  std::size_t max_per_client = 4;  // waiting and running
  Duration max_run = 20s;          // of one inference; past it the process ends, to be started again
  Duration orphaned = 30s;         // without a supervisor and without a client: the process ends
  Duration drain = 2s;             // after SIGTERM, for the request that runs
};

struct InferenceConfig {
  std::string socket_path;
  int supervisor_fd = -1;  // its end of file: the supervisor is gone (calls may go on); -1: not watched
  InferenceLimits limits;
  Logger logger;
  std::function<void()> on_ready;  // the model is loaded and the socket listens
};

// The role's body; returns when it is told to end (SIGTERM, SIGINT), is orphaned, or cannot go on. Exit codes below.
int run_inference(InferenceConfig config, RecognizerFactory load);

inline constexpr int kInferenceEnded = static_cast<int>(ExitCode::ok);
inline constexpr int kInferenceCannotStart = static_cast<int>(ExitCode::cannot_start);  // no model, or no socket
inline constexpr int kInferenceOrphaned = static_cast<int>(ExitCode::no_supervisor);    // and no client is left
inline constexpr int kInferenceStuck = static_cast<int>(ExitCode::stuck);               // one ran past max_run

}  // namespace parley::ipc
