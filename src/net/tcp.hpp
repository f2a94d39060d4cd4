// TCP: connections and the listener that accepts them.
//
// Thread: the loop's only.
#pragma once

#include <memory>

#include "net/byte_stream.hpp"
#include "net/endpoint.hpp"
#include "net/socket.hpp"

namespace parley::net {

class TcpStream final : public ByteStream {
 public:
  // Data that the peer's kernel has not acknowledged for so long ends the connection.
  static constexpr Duration kUnacknowledgedLimit = 30s;

  static Task<Result<std::unique_ptr<TcpStream>>> connect(RealLoop& loop, Endpoint to, Deadline deadline);
  explicit TcpStream(Socket socket);

  Result<Step> try_read(std::span<char> into) override;
  Result<Step> try_write(std::string_view bytes) override;
  Task<Result<void>> ready(Want want, Deadline deadline) override { return socket_.ready(want, deadline); }
  void end_output() noexcept override;
  void end_input() noexcept override;
  void close() noexcept override { socket_.close(); }
  bool quiet() noexcept override;
  // The peer sends no more, and all that it sent was read; or the connection is broken.
  bool ended() noexcept;

  int fd() const noexcept { return socket_.fd(); }
  Endpoint peer() const { return SocketAddress::peer_of(socket_.fd()).endpoint(); }
  Endpoint local() const { return SocketAddress::local_of(socket_.fd()).endpoint(); }

 private:
  Socket socket_;
};

class TcpListener {
 public:
  static constexpr int kBacklog = 512;  // newcomers that the kernel keeps while they cannot be taken

  // Port 0: any free one. Errors name the address, the port and what to do.
  static Result<TcpListener> listen(RealLoop& loop, const Endpoint& at);

  // Until somebody knocks.
  Task<Result<void>> ready(Deadline deadline) { return socket_.ready(Want::read, deadline); }
  // Errc::io: this machine is out of descriptors or memory, try later. Errc::closing: close() was called.
  Task<Result<std::unique_ptr<TcpStream>>> accept(Deadline deadline);
  void close() noexcept { socket_.close(); }

  Endpoint endpoint() const { return SocketAddress::local_of(socket_.fd()).endpoint(); }

 private:
  TcpListener(RealLoop& loop, Socket socket) : loop_(&loop), socket_(std::move(socket)) {}

  RealLoop* loop_;
  Socket socket_;
};

}  // namespace parley::net
