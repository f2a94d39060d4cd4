// A Link over one end of an AF_UNIX SEQPACKET socket; handles are descriptors, carried by SCM_RIGHTS.
//
// Thread: the loop's only. What an Asio operation in flight uses is shared with it, so that a link may be destroyed at
// any time.
#pragma once

#include "async/real_loop.hpp"
#include "ipc/fd.hpp"

namespace parley::ipc {

// Both ends close on exec. Errc::io.
Result<std::pair<Fd, Fd>> make_socket_pair();

// One packet, at once: for processes without a loop. Errc::unavailable, Errc::overloaded (the kernel's buffer is full).
Result<void> send_packet(int fd, std::string_view bytes, std::span<const int> descriptors = {});
// One packet, at once. Errc::timeout: none is there; Errc::closing: the other side is gone; Errc::protocol.
Result<Packet> receive_packet(int fd);

class SocketLink final : public Link {
 public:
  SocketLink(RealLoop& loop, Fd fd);
  ~SocketLink() override;

  Result<void> send(std::string bytes, Handles handles = {}) override;
  Task<Result<Packet>> receive(Deadline deadline) override;
  Task<Result<void>> flushed(Deadline deadline) override;
  void close() noexcept override;
  bool closed() const noexcept override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace parley::ipc
