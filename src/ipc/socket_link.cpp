#include "ipc/socket_link.hpp"

#include <array>
#include <cstring>
#include <deque>

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <fmt/format.h>

#include <parley/async/event.hpp>

namespace parley::ipc {

namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(Link::kMaxHandles * sizeof(int));

std::vector<int> descriptors_of(const Handles& handles) {
  std::vector<int> descriptors;
  for (const auto& handle : handles) {
    // Links of real processes carry nothing else.
    if (const auto* fd = dynamic_cast<const FdHandle*>(handle.get())) descriptors.push_back(fd->get());
  }
  return descriptors;
}

Handles take_descriptors(msghdr& header) {
  Handles handles;
  for (auto* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      handles.push_back(std::make_unique<FdHandle>(Fd(fd)));
    }
  }
  return handles;
}

// A receive error that only says how the other side ended: what it sent before is still there.
bool is_reset(int error) noexcept { return error == ECONNRESET; }

}  // namespace

Result<std::pair<Fd, Fd>> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail(errno_error("socketpair", errno));
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Result<void> send_packet(int fd, std::string_view bytes, std::span<const int> descriptors) {
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  if (!descriptors.empty()) {
    if (descriptors.size() > Link::kMaxHandles) return fail(Errc::invalid_argument, "too many descriptors for one packet");
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    auto* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) return fail(Errc::overloaded, "the other process does not read");
    return fail(Errc::unavailable, errno_error("send to the other process", errno).message());
  }
}

Result<Packet> receive_packet(int fd) {
  bool reset_seen = false;
  for (;;) {
    const auto size = ::recv(fd, nullptr, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
    if (size < 0) {
      if (errno == EINTR || (is_reset(errno) && !std::exchange(reset_seen, true))) continue;
      if (errno == EAGAIN) return fail(Errc::timeout, "nothing to read");
      return fail(Errc::closing, "the other process is gone");
    }
    if (size == 0) return fail(Errc::closing, "the other process is gone");
    if (static_cast<std::size_t>(size) > kMaxMessageBytes) return fail(Errc::protocol, fmt::format("a packet of {} bytes", size));
    Packet packet;
    packet.bytes.resize(static_cast<std::size_t>(size));
    iovec data{packet.bytes.data(), packet.bytes.size()};
    alignas(cmsghdr) std::array<char, kControlBytes> control{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const auto got = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) continue;  // the loop's next look says why
    packet.bytes.resize(static_cast<std::size_t>(got));
    packet.handles = take_descriptors(header);
    return packet;
  }
}

struct SocketLink::Shared : std::enable_shared_from_this<Shared> {
  Shared(RealLoop& loop, Fd fd) : descriptor(loop.io(), fd.release()) {
    drained.set();
  }

  void wait_readable() {
    readable.reset();
    if (std::exchange(waiting_read, true)) return;
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code&) {
                            self->waiting_read = false;
                            self->readable.set();
                          });
  }

  void wait_writable() {
    if (std::exchange(waiting_write, true)) return;
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                          [self = shared_from_this()](const boost::system::error_code&) {
                            self->waiting_write = false;
                            self->write_queued();
                          });
  }

  void write_queued() {
    while (!closed && !outbox.empty()) {
      const auto sent = send_packet(descriptor.native_handle(), outbox.front().bytes, descriptors_of(outbox.front().handles));
      if (!sent && sent.error().code() == Errc::overloaded) return wait_writable();
      if (!sent) {
        drop_queued();
        break;
      }
      outbox_bytes -= outbox.front().bytes.size();
      outbox.pop_front();
    }
    if (outbox.empty()) drained.set();
  }

  void drop_queued() {
    outbox.clear();
    outbox_bytes = 0;
    peer_gone = true;
    drained.set();
  }

  boost::asio::posix::stream_descriptor descriptor;
  bool closed = false;
  bool peer_gone = false;
  bool waiting_read = false;
  bool waiting_write = false;
  Event readable;
  Event drained;
  std::deque<Packet> outbox;
  std::size_t outbox_bytes = 0;
};

SocketLink::SocketLink(RealLoop& loop, Fd fd) : shared_(std::make_shared<Shared>(loop, std::move(fd))) {}

SocketLink::~SocketLink() { close(); }

bool SocketLink::closed() const noexcept { return shared_->closed; }

void SocketLink::close() noexcept {
  if (std::exchange(shared_->closed, true)) return;
  shared_->write_queued();
  shared_->drop_queued();
  boost::system::error_code ignored;
  shared_->descriptor.close(ignored);
  shared_->readable.set();
}

Result<void> SocketLink::send(std::string bytes, Handles handles) {
  auto& s = *shared_;
  if (s.closed || s.peer_gone) return fail(Errc::unavailable, "the link is closed");
  if (bytes.empty() || bytes.size() > kMaxMessageBytes) return fail(Errc::invalid_argument, "a packet of impossible length");
  if (s.outbox.empty()) {
    auto sent = send_packet(s.descriptor.native_handle(), bytes, descriptors_of(handles));
    if (sent) return {};
    if (sent.error().code() != Errc::overloaded) {
      if (sent.error().code() == Errc::unavailable) s.peer_gone = true;
      return sent;
    }
  }
  if (s.outbox.size() >= kMaxQueuedPackets || s.outbox_bytes + bytes.size() > kMaxQueuedBytes) {
    return fail(Errc::overloaded, "the other process does not read, and the queue to it is full");
  }
  s.outbox_bytes += bytes.size();
  s.outbox.push_back({std::move(bytes), std::move(handles)});
  s.drained.reset();
  s.wait_writable();
  return {};
}

Task<Result<Packet>> SocketLink::receive(Deadline deadline) {
  const auto shared = shared_;
  for (;;) {
    if (shared->closed) co_return fail(Errc::closing, "the link is closed");
    auto packet = receive_packet(shared->descriptor.native_handle());
    if (packet || packet.error().code() != Errc::timeout) {
      if (!packet && packet.error().code() == Errc::closing) shared->peer_gone = true;
      co_return packet;
    }
    shared->wait_readable();
    if (auto waited = co_await shared->readable.wait(deadline); !waited) co_return fail(waited.error());
  }
}

Task<Result<void>> SocketLink::flushed(Deadline deadline) {
  const auto shared = shared_;
  if (auto waited = co_await shared->drained.wait(deadline); !waited) co_return fail(waited.error());
  if (shared->peer_gone) co_return fail(Errc::unavailable, "the other process is gone");
  co_return Result<void>{};
}

}  // namespace parley::ipc
