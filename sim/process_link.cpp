#include "sim/process_link.hpp"

namespace parley::sim {

std::pair<std::unique_ptr<SimLink>, std::unique_ptr<SimLink>> SimLink::make_pair() {
  const auto wire = std::make_shared<Wire>();
  for (auto& end : wire->ends) end.drained.set();
  return {std::unique_ptr<SimLink>(new SimLink(wire, 0)), std::unique_ptr<SimLink>(new SimLink(wire, 1))};
}

SimLink::~SimLink() { close(); }

// What fits into the kernel's buffer goes over.
void SimLink::Wire::move_on(int from) {
  auto& sender = ends[from];
  auto& receiver = ends[1 - from];
  if (receiver.closed) sender.outbox.clear();
  while (!sender.outbox.empty() && receiver.arrived.size() < kKernelPackets) {
    receiver.arrived.push_back(std::move(sender.outbox.front()));
    sender.outbox.pop_front();
    receiver.readable.set();
  }
  if (sender.outbox.empty()) sender.drained.set();
}

Result<void> SimLink::send(std::string bytes, ipc::Handles handles) {
  if (own().closed || peer().closed) return fail(Errc::unavailable, "the link is closed");
  if (own().outbox.size() >= kMaxQueuedPackets) return fail(Errc::overloaded, "the other process does not read");
  own().outbox.push_back({std::move(bytes), std::move(handles)});
  own().drained.reset();
  wire_->move_on(side_);
  return {};
}

Task<Result<ipc::Packet>> SimLink::receive(Deadline deadline) {
  const auto wire = wire_;
  const int side = side_;
  auto& mine = wire->ends[side];
  for (;;) {
    if (mine.closed) co_return fail(Errc::closing, "the link is closed");
    if (!mine.arrived.empty()) {
      ipc::Packet packet = std::move(mine.arrived.front());
      mine.arrived.pop_front();
      wire->move_on(1 - side);
      co_return packet;
    }
    if (wire->ends[1 - side].closed) co_return fail(Errc::closing, "the other process is gone");
    mine.readable.reset();
    if (auto waited = co_await mine.readable.wait(deadline); !waited) co_return fail(waited.error());
  }
}

Task<Result<void>> SimLink::flushed(Deadline deadline) {
  const auto wire = wire_;
  auto& mine = wire->ends[side_];
  if (auto waited = co_await mine.drained.wait(deadline); !waited) co_return fail(waited.error());
  co_return Result<void>{};
}

void SimLink::close() noexcept {
  if (std::exchange(own().closed, true)) return;
  own().outbox.clear();
  own().arrived.clear();
  own().drained.set();
  own().readable.set();
  peer().outbox.clear();
  peer().drained.set();
  peer().readable.set();
}

std::function<void(std::string)> SimLink::forger() const {
  return [wire = wire_, side = side_](std::string bytes) {
    if (wire->ends[side].closed) return;
    wire->ends[side].outbox.push_back({std::move(bytes), {}});
    wire->move_on(side);
  };
}

bool SimLink::closed() const noexcept { return own().closed; }

}  // namespace parley::sim
