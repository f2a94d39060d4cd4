#include "tls_server.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include <gtest/gtest.h>

namespace parley::net {

namespace {

std::shared_ptr<EVP_PKEY> make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(const char* name, EVP_PKEY* key, long from, long until) {
  static long serial = 1;
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

}  // namespace

TestAuthority::TestAuthority() : key_(make_key()), certificate_(make_certificate("Test Authority", key_.get(), -3600, 86400)) {
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  add_extension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  char path[] = "/tmp/parley-test-ca-XXXXXX";
  const int fd = mkstemp(path);
  FILE* file = fdopen(fd, "w");
  PEM_write_X509(file, certificate_.get());
  fclose(file);
  ca_file_ = path;
}

TestAuthority::~TestAuthority() { ::unlink(ca_file_.c_str()); }

std::shared_ptr<SSL_CTX> TestAuthority::server_context(const CertificateWish& wish) const {
  const auto key = make_key();
  const auto certificate = make_certificate("server", key.get(), wish.valid_from, wish.valid_until);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(wish.self_signed ? certificate.get() : certificate_.get()));
  add_extension(certificate.get(), NID_subject_alt_name, wish.names);
  X509_sign(certificate.get(), wish.self_signed ? key.get() : key_.get(), EVP_sha256());
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  return context;
}

TlsServer::TlsServer(std::shared_ptr<SSL_CTX> context, Serve serve) : context_(std::move(context)), serve_(std::move(serve)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  const auto address = SocketAddress::from({"127.0.0.1", 0});
  EXPECT_EQ(::bind(listener_, address->get(), address->length), 0);
  EXPECT_EQ(::listen(listener_, 16), 0);
  endpoint_ = SocketAddress::local_of(listener_).endpoint();
  thread_ = std::thread([this] { run(); });
}

TlsServer::~TlsServer() {
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  thread_.join();
  ::close(listener_);
  ::close(stop_);
}

void TlsServer::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // a client that goes must not end the test
  for (;;) {
    pollfd waited[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(waited, 2, -1);
    if (waited[1].revents != 0) return;
    const int fd = ::accept(listener_, nullptr, nullptr);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    SSL* ssl = SSL_new(context_.get());
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) serve_(ssl);
    SSL_free(ssl);
    ::close(fd);
  }
}

std::string TlsServer::read_head(SSL* ssl) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n")) {
    if (SSL_read(ssl, &byte, 1) != 1) return {};
    head.push_back(byte);
  }
  return head;
}

void TlsServer::write(SSL* ssl, std::string_view bytes) { SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())); }

}  // namespace parley::net
