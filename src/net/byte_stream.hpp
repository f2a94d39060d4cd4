// Bytes both ways: a TCP connection, or TLS over one.
//
// A stream is moved on by calls that never wait (try_read, try_write) and say what to wait for; read() and write() are
// the loops over them. A frame destroyed inside read() or write() leaves a stream that can be closed, and after read()
// even be used further.
//
// Thread: the loop's only. One task reads and one task writes at a time.
// Bound:  after kMaxImmediateSteps reads without a wait the reading task lets others run.
// Ending: close() and the destructor end the connection at once.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

#include "net/socket.hpp"

namespace parley::net {

class ByteStream {
 public:
  static constexpr int kMaxImmediateSteps = 16;

  virtual ~ByteStream() = default;

  struct Step {
    std::size_t bytes = 0;      // moved; a read of 0 with nothing wanted is the end of what the peer sends
    Want want = Want::nothing;  // otherwise: nothing was moved, try again when this is ready
  };
  virtual Result<Step> try_read(std::span<char> into) = 0;
  virtual Result<Step> try_write(std::string_view bytes) = 0;
  virtual Task<Result<void>> ready(Want want, Deadline deadline) = 0;

  // Says that nothing more will be sent; reading goes on.
  virtual void end_output() noexcept = 0;
  // What the peer sends from now on is not wanted: a read that waits, and every later one, sees the end.
  virtual void end_input() noexcept = 0;
  virtual void close() noexcept = 0;

  // True while nothing has come that was not read, not even the end: what an idle connection must be to be used again.
  virtual bool quiet() noexcept = 0;

  // Some bytes; 0 is the end. `into` is written only between waits.
  Task<Result<std::size_t>> read(std::span<char> into, Deadline deadline);
  // All of `bytes`, which the caller keeps until then.
  Task<Result<void>> write(std::string_view bytes, Deadline deadline);

 private:
  int immediate_steps_ = 0;
};

}  // namespace parley::net
