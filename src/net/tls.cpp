#include "net/tls.hpp"

#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/freer.hpp"
#include "net/net_error.hpp"

namespace parley::net {

namespace {

using SslPointer = std::unique_ptr<SSL, Freer<SSL_free>>;
using ContextPointer = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using MethodPointer = std::unique_ptr<BIO_METHOD, Freer<BIO_meth_free>>;

// What the BIO below reads and writes.
struct Wire {
  int fd = -1;
  bool at_end = false;
};

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that went away would end the process.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  const auto count = ::send(wire->fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto* wire = static_cast<Wire*>(BIO_get_data(bio));
  const auto count = ::recv(wire->fd, data, static_cast<std::size_t>(size), 0);
  wire->at_end = count == 0;
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return static_cast<Wire*>(BIO_get_data(bio))->at_end ? 1 : 0;
    default: return 0;
  }
}

MethodPointer make_method() {
  MethodPointer method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "parley socket"));
  if (!method) return nullptr;
  BIO_meth_set_write(method.get(), bio_write);
  BIO_meth_set_read(method.get(), bio_read);
  BIO_meth_set_ctrl(method.get(), bio_control);
  return method;
}

// The last of OpenSSL's errors, in its words.
std::string openssl_text() {
  const auto code = ERR_peek_last_error();
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  return "unknown error";
}

}  // namespace

struct TlsContext::Native {
  ContextPointer context;
  MethodPointer method;
};

TlsContext::TlsContext(std::unique_ptr<Native> native) : native_(std::move(native)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::create(const TlsOptions& options) {
  ERR_clear_error();
  auto native = std::make_unique<Native>();
  native->context.reset(SSL_CTX_new(TLS_client_method()));
  native->method = make_method();
  auto* context = native->context.get();
  if (!context || !native->method) return fail(Errc::internal, "TLS cannot be set up: " + openssl_text());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Idle connections give their buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, kHttp11, sizeof kHttp11 - 1);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) {
      return fail(Errc::io, "the system's certificate authorities cannot be read: install ca-certificates");
    }
  } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    return fail(Errc::invalid_argument, fmt::format("{} holds no certificate authority in PEM: {}", options.ca_file, openssl_text()));
  }
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(native)));
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(std::shared_ptr<TlsContext> context, std::unique_ptr<TcpStream> tcp)
      : context_(std::move(context)), tcp_(std::move(tcp)), wire_{.fd = tcp_->fd()} {}

  Result<void> prepare(const std::string& host);
  Result<Want> try_handshake();

  Result<Step> try_read(std::span<char> into) override;
  Result<Step> try_write(std::string_view bytes) override;
  Task<Result<void>> ready(Want want, Deadline deadline) override { return tcp_->ready(want, deadline); }
  void end_output() noexcept override {
    goodbye();
    tcp_->end_output();
  }
  void end_input() noexcept override { tcp_->end_input(); }
  void close() noexcept override {
    goodbye();
    tcp_->close();
    wire_.fd = -1;
  }
  bool quiet() noexcept override { return SSL_has_pending(ssl_.get()) == 0 && tcp_->quiet(); }
  ~TlsStream() override { TlsStream::close(); }

 private:
  // Tells the peer by close_notify that the end is meant; whether it goes out is left to the socket's buffer.
  void goodbye() noexcept {
    if (!usable_ || wire_.fd < 0) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    usable_ = false;
  }
  Error explain(int result);

  std::shared_ptr<TlsContext> context_;
  std::unique_ptr<TcpStream> tcp_;
  Wire wire_;
  std::string host_;
  SslPointer ssl_;
  bool usable_ = false;  // after the handshake, until the first error
};

Result<void> TlsStream::prepare(const std::string& host) {
  ERR_clear_error();
  host_ = host;
  ssl_.reset(SSL_new(context_->native_->context.get()));
  BIO* bio = BIO_new(context_->native_->method.get());
  if (!ssl_ || !bio) {
    BIO_free(bio);
    return fail(Errc::internal, "TLS cannot be set up: " + openssl_text());
  }
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  bool named = false;
  if (is_address(host)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) == 1;
  } else {
    SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    named = SSL_set1_host(ssl_.get(), host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1;
  }
  if (!named) return fail(Errc::invalid_argument, fmt::format("TLS: \"{}\" is no host name", host));
  return {};
}

Result<Want> TlsStream::try_handshake() {
  ERR_clear_error();
  const int result = SSL_connect(ssl_.get());
  if (result == 1) {
    usable_ = true;
    return Want::nothing;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Want::read;
    case SSL_ERROR_WANT_WRITE: return Want::write;
    default: return fail(explain(result));
  }
}

Result<ByteStream::Step> TlsStream::try_read(std::span<char> into) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
  if (result == 1) return Step{.bytes = count};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Step{.want = Want::read};
    case SSL_ERROR_WANT_WRITE: return Step{.want = Want::write};
    case SSL_ERROR_ZERO_RETURN: return Step{};
    default: return fail(explain(result));
  }
}

Result<ByteStream::Step> TlsStream::try_write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
  if (result == 1) return Step{.bytes = count};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Step{.want = Want::read};
    case SSL_ERROR_WANT_WRITE: return Step{.want = Want::write};
    default: return fail(explain(result));
  }
}

Error TlsStream::explain(int result) {
  const int system_error = errno;
  usable_ = false;
  if (const auto verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK) {
    return {Errc::refused, fmt::format("TLS: the certificate of {} is not trusted: {}", host_, X509_verify_cert_error_string(verdict))};
  }
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_SYSCALL && system_error != 0) return net_error(system_error == EBADF ? ECANCELED : system_error);
  if (kind == SSL_ERROR_SYSCALL || ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return {Errc::unavailable, "TLS: the other side cut the connection"};
  }
  return {Errc::protocol, fmt::format("TLS: {}", openssl_text())};
}

Task<Result<std::unique_ptr<ByteStream>>> tls_connect(std::shared_ptr<TlsContext> context, std::unique_ptr<TcpStream> tcp,
                                                      std::string host, Deadline deadline) {
  auto stream = std::make_unique<TlsStream>(std::move(context), std::move(tcp));
  if (auto prepared = stream->prepare(host); !prepared) co_return fail(prepared.error());
  for (;;) {
    const auto want = stream->try_handshake();
    if (!want) co_return fail(want.error());
    if (*want == Want::nothing) break;
    if (auto waited = co_await stream->ready(*want, deadline); !waited) {
      co_return fail(waited.error().within("TLS: the handshake did not end"));
    }
  }
  co_return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace parley::net
