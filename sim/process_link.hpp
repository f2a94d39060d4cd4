// Links between simulated processes: whole packets through a small kernel buffer, until one end is closed.
//
// Thread: the world's one.
#pragma once

#include <deque>
#include <functional>

#include <parley/async/event.hpp>

#include "ipc/link.hpp"

namespace parley::sim {

class SimLink final : public ipc::Link {
 public:
  static constexpr std::size_t kKernelPackets = 16;

  static std::pair<std::unique_ptr<SimLink>, std::unique_ptr<SimLink>> make_pair();
  ~SimLink() override;

  Result<void> send(std::string bytes, ipc::Handles handles = {}) override;
  Task<Result<ipc::Packet>> receive(Deadline deadline) override;
  Task<Result<void>> flushed(Deadline deadline) override;
  void close() noexcept override;
  bool closed() const noexcept override;

  // Sends as if this end did; may outlive it.
  std::function<void(std::string)> forger() const;

 private:
  // One end: what was sent to it, and what it could not send yet.
  struct End {
    std::deque<ipc::Packet> arrived;
    std::deque<ipc::Packet> outbox;
    bool closed = false;
    Event readable;
    Event drained;
  };
  struct Wire {
    End ends[2];
    void move_on(int from);
  };
  SimLink(std::shared_ptr<Wire> wire, int side) : wire_(std::move(wire)), side_(side) {}
  End& own() const noexcept { return wire_->ends[side_]; }
  End& peer() const noexcept { return wire_->ends[1 - side_]; }

  std::shared_ptr<Wire> wire_;
  int side_;
};

// What stands for a descriptor in a packet.
class LinkHandle final : public ipc::Handle {
 public:
  explicit LinkHandle(std::unique_ptr<SimLink> end) : link(std::move(end)) {}
  std::unique_ptr<SimLink> link;
};
class PidHandle final : public ipc::Handle {
 public:
  explicit PidHandle(int p) : pid(p) {}
  int pid;
};

}  // namespace parley::sim
