#include "net/socket.hpp"

#include <sys/socket.h>

#include <cerrno>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "async/real_loop.hpp"
#include "net/asio_op.hpp"

namespace parley::net {

struct Socket::Reactor {
  Reactor(RealLoop& loop, int fd) : descriptor(loop.io(), fd) {}
  boost::asio::posix::stream_descriptor descriptor;
};

Socket::Socket(RealLoop& loop, int fd) : reactor_(std::make_shared<Reactor>(loop, fd)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    reactor_ = std::move(other.reactor_);
  }
  return *this;
}

Socket::~Socket() { close(); }

Result<Socket> Socket::create(RealLoop& loop, int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(net_error(errno).within("cannot make a socket"));
  return Socket(loop, fd);
}

int Socket::fd() const noexcept { return reactor_ ? reactor_->descriptor.native_handle() : -1; }

Task<Result<void>> Socket::ready(Want want, Deadline deadline) {
  if (fd() < 0) co_return fail(net_error(ECANCELED));
  const auto kind = want == Want::write ? boost::asio::posix::descriptor_base::wait_write
                                        : boost::asio::posix::descriptor_base::wait_read;
  auto& descriptor = reactor_->descriptor;
  co_return co_await asio_op(deadline, reactor_, [&](auto done) { descriptor.async_wait(kind, std::move(done)); });
}

void Socket::close() noexcept {
  if (!reactor_) return;
  boost::system::error_code ignored;
  reactor_->descriptor.close(ignored);
}

}  // namespace parley::net
