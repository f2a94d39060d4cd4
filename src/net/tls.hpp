// TLS over a TCP connection, by OpenSSL.
//
// OpenSSL is driven by hand over the nonblocking socket: it is only ever inside a call, never "in an operation", so that a
// frame may be destroyed at any wait of a handshake, read or write, and the stream with it.
//
// Thread: the loop's only; a TlsContext may be made before a fork and used in the children.
#pragma once

#include <memory>
#include <string>

#include "net/tcp.hpp"

namespace parley::net {

struct TlsOptions {
  // A PEM file of the authorities to trust, in place of the system's (which SSL_CERT_FILE and SSL_CERT_DIR can move).
  std::string ca_file;
};

// What every connection shares: the authorities that are trusted. Reading the system's takes some 20 ms: make one.
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> create(const TlsOptions& options = {});
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsStream;
  struct Native;
  explicit TlsContext(std::unique_ptr<Native> native);
  std::unique_ptr<Native> native_;
};

// The client's side: TLS 1.2 or newer, the certificate checked against `host` (a name or an address) and the authorities.
// An error about the certificate has Errc::refused and says what is wrong with it.
Task<Result<std::unique_ptr<ByteStream>>> tls_connect(std::shared_ptr<TlsContext> context, std::unique_ptr<TcpStream> tcp,
                                                      std::string host, Deadline deadline);

}  // namespace parley::net
