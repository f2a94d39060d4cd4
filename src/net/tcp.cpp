#include "net/tcp.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

#include "async/real_loop.hpp"
#include "net/net_error.hpp"

namespace parley::net {

namespace {

void set_option(int fd, int level, int name, int value) noexcept { setsockopt(fd, level, name, &value, sizeof value); }

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// What accept() says of one connection that went away before it was taken (accept(2), "Error handling").
bool concerns_one_connection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return true;
    default: return false;
  }
}

std::string advice(int error) {
  switch (error) {
    case EADDRINUSE: return "another program uses this port; stop it or choose another port";
    case EACCES: return "this port needs more rights; choose one above 1023";
    case EADDRNOTAVAIL: return "this machine has no such address; choose one of its own, or 127.0.0.1";
    default: return error_text(error);
  }
}

}  // namespace

TcpStream::TcpStream(Socket socket) : socket_(std::move(socket)) {
  set_option(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket_.fd(), IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kUnacknowledgedLimit).count()));
}

Task<Result<std::unique_ptr<TcpStream>>> TcpStream::connect(RealLoop& loop, Endpoint to, Deadline deadline) {
  const auto address = SocketAddress::from(to);
  if (!address) co_return fail(Errc::invalid_argument, fmt::format("\"{}\" is no address", to.address));
  auto socket = Socket::create(loop, address->storage.ss_family);
  if (!socket) co_return fail(socket.error());
  if (::connect(socket->fd(), address->get(), address->length) != 0) {
    if (errno != EINPROGRESS) co_return fail(net_error(errno));
    if (auto waited = co_await socket->ready(Want::write, deadline); !waited) co_return fail(waited.error());
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(socket->fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) co_return fail(net_error(error));
  }
  co_return std::make_unique<TcpStream>(std::move(*socket));
}

Result<ByteStream::Step> TcpStream::try_read(std::span<char> into) {
  const auto count = ::recv(socket_.fd(), into.data(), into.size(), 0);
  if (count >= 0) return Step{.bytes = static_cast<std::size_t>(count)};
  if (would_block(errno)) return Step{.want = Want::read};
  return fail(net_error(errno == EBADF ? ECANCELED : errno));
}

Result<ByteStream::Step> TcpStream::try_write(std::string_view bytes) {
  const auto count = ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return Step{.bytes = static_cast<std::size_t>(count)};
  if (would_block(errno)) return Step{.want = Want::write};
  return fail(net_error(errno == EBADF ? ECANCELED : errno));
}

void TcpStream::end_output() noexcept { ::shutdown(socket_.fd(), SHUT_WR); }

void TcpStream::end_input() noexcept { ::shutdown(socket_.fd(), SHUT_RD); }

bool TcpStream::quiet() noexcept {
  char byte = 0;
  return ::recv(socket_.fd(), &byte, 1, MSG_PEEK) < 0 && would_block(errno);
}

bool TcpStream::ended() noexcept {
  char byte = 0;
  const auto count = ::recv(socket_.fd(), &byte, 1, MSG_PEEK);
  return count == 0 || (count < 0 && !would_block(errno));
}

Result<TcpListener> TcpListener::listen(RealLoop& loop, const Endpoint& at) {
  const auto refuse = [&](int error) {
    return fail(net_error(error).code() == Errc::refused ? Errc::refused : Errc::io,
                fmt::format("cannot listen on {}: {}", to_string(at), advice(error)));
  };
  const auto address = SocketAddress::from(at);
  if (!address) {
    return fail(Errc::invalid_argument,
                fmt::format("cannot listen on \"{}\": give a numeric address, such as 127.0.0.1 or ::1", at.address));
  }
  auto socket = Socket::create(loop, address->storage.ss_family);
  if (!socket) return fail(socket.error());
  set_option(socket->fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(socket->fd(), address->get(), address->length) != 0) return refuse(errno);
  if (::listen(socket->fd(), kBacklog) != 0) return refuse(errno);
  return TcpListener(loop, std::move(*socket));
}

Task<Result<std::unique_ptr<TcpStream>>> TcpListener::accept(Deadline deadline) {
  for (;;) {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) co_return std::make_unique<TcpStream>(Socket(*loop_, fd));
    const int error = errno;
    if (concerns_one_connection(error)) continue;
    if (error == EBADF) co_return fail(net_error(ECANCELED));
    if (!would_block(error)) co_return fail(net_error(error).within("cannot accept a connection"));
    if (auto waited = co_await socket_.ready(Want::read, deadline); !waited) co_return fail(waited.error());
  }
}

}  // namespace parley::net
