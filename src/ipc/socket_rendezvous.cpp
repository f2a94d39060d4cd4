#include "ipc/socket_rendezvous.hpp"

#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <fmt/format.h>

#include <parley/async/event.hpp>

namespace parley::ipc {

namespace {

// Named through the directory's descriptor: a state directory's path may be longer than a socket's name can be.
sockaddr_un address_in(const StateDir& dir, std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = fmt::format("/proc/self/fd/{}/{}", dir.fd(), name);
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

}  // namespace

Result<std::unique_ptr<Link>> SocketDialer::dial() {
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(errno_error("socket", errno));
  const auto address = address_in(dir_, kSupervisorSocket);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Errc::unavailable, errno_error("dial the supervisor", errno).message());
  }
  return std::make_unique<SocketLink>(loop_, std::move(fd));
}

struct SocketAcceptor::Shared : std::enable_shared_from_this<Shared> {
  Shared(RealLoop& loop, Fd fd) : descriptor(loop.io(), fd.release()) {}

  void wait_readable() {
    readable.reset();
    if (std::exchange(waiting, true)) return;
    descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code&) {
                            self->waiting = false;
                            self->readable.set();
                          });
  }

  boost::asio::posix::stream_descriptor descriptor;
  bool waiting = false;
  Event readable;
};

SocketAcceptor::SocketAcceptor(RealLoop& loop, std::shared_ptr<Shared> shared) : loop_(loop), shared_(std::move(shared)) {}

SocketAcceptor::~SocketAcceptor() {
  boost::system::error_code ignored;
  shared_->descriptor.close(ignored);
}

Result<std::unique_ptr<SocketAcceptor>> SocketAcceptor::open(RealLoop& loop, const StateDir& dir, std::string_view name) {
  const std::string file(name);
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(errno_error("socket", errno));
  ::unlinkat(dir.fd(), file.c_str(), 0);
  const auto address = address_in(dir, name);
  const bool bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     ::fchmodat(dir.fd(), file.c_str(), 0600, 0) == 0 && ::listen(fd.get(), kBacklog) == 0;
  if (!bound) return fail(errno_error(fmt::format("listen on {}/{}", dir.path(), name), errno));
  return std::unique_ptr<SocketAcceptor>(new SocketAcceptor(loop, std::make_shared<Shared>(loop, std::move(fd))));
}

Task<Result<Acceptor::Caller>> SocketAcceptor::accept(Deadline deadline) {
  const auto shared = shared_;
  for (;;) {
    Fd fd(::accept4(shared->descriptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      ucred who{};
      socklen_t size = sizeof who;
      const bool known = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == ::geteuid();
      if (!known) continue;
      co_return Caller{std::make_unique<SocketLink>(loop_, std::move(fd)), who.pid};
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) co_return fail(errno_error("accept a job", errno));
    shared->wait_readable();
    if (auto waited = co_await shared->readable.wait(deadline); !waited) co_return fail(waited.error());
  }
}

}  // namespace parley::ipc
