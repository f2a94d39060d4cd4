// A pipe of messages between two processes: whole packets, in order, until one side is gone.
//
// Thread: the loop's only.
// Bound:  a packet holds at most kMaxMessageBytes and kMaxHandles; what the other side does not take in time waits in a
//         queue of kMaxQueuedPackets and kMaxQueuedBytes, and send() refuses beyond it. Reading takes one packet at a time, so
//         a side that sends faster than it is read is slowed down by the kernel.
// Ending: close() at once, any number of times; what was handed to the kernel still arrives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

#include "ipc/message.hpp"

namespace parley::ipc {

// What may travel with a packet: a descriptor; in the simulated world, what stands for one.
class Handle {
 public:
  virtual ~Handle() = default;
};
using Handles = std::vector<std::unique_ptr<Handle>>;

struct Packet {
  std::string bytes;
  Handles handles;
};

class Link {
 public:
  static constexpr std::size_t kMaxHandles = 4;
  static constexpr std::size_t kMaxQueuedPackets = 512;
  static constexpr std::size_t kMaxQueuedBytes = 2 * MiB;

  virtual ~Link() = default;  // close()

  // Never waits. Errc::overloaded: the other side is slow and the queue is full; Errc::unavailable: it is gone.
  virtual Result<void> send(std::string bytes, Handles handles = {}) = 0;
  // One task at a time. Errc::closing: the other side is gone and everything it sent was read; Errc::timeout;
  // Errc::protocol: a packet larger than any of ours.
  virtual Task<Result<Packet>> receive(Deadline deadline) = 0;
  // Everything sent was handed to the kernel, or never will be.
  virtual Task<Result<void>> flushed(Deadline deadline) = 0;
  virtual void close() noexcept = 0;
  virtual bool closed() const noexcept = 0;
};

// Where a process finds its supervisor again.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // Errc::unavailable: nobody answers there now.
  virtual Result<std::unique_ptr<Link>> dial() = 0;
};

// The supervisor's side of it.
class Acceptor {
 public:
  struct Caller {
    std::unique_ptr<Link> link;
    int pid = 0;  // as the kernel says
  };
  virtual ~Acceptor() = default;
  virtual Task<Result<Caller>> accept(Deadline deadline) = 0;
};

}  // namespace parley::ipc
