// An authority, its certificates, and a blocking TLS server on a thread of its own: what the client is tested against.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <openssl/ssl.h>

#include "net/endpoint.hpp"

namespace parley::net {

struct CertificateWish {
  std::string names = "DNS:localhost,IP:127.0.0.1";  // subjectAltName
  long valid_from = -3600;                           // seconds from now
  long valid_until = 3600;
  bool self_signed = false;
};

// A throwaway authority. Its certificate lies in ca_file() as long as it lives.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& ca_file() const { return ca_file_; }
  std::shared_ptr<SSL_CTX> server_context(const CertificateWish& wish) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::string ca_file_;
};

// Accepts connections, one after the other, does the handshake and calls `serve`. Ends with the object.
class TlsServer {
 public:
  using Serve = std::function<void(SSL*)>;
  TlsServer(std::shared_ptr<SSL_CTX> context, Serve serve);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  Endpoint endpoint() const { return endpoint_; }

  // For `serve`: a request up to its empty line; "" at the end of the connection.
  static std::string read_head(SSL* ssl);
  static void write(SSL* ssl, std::string_view bytes);

 private:
  void run();

  std::shared_ptr<SSL_CTX> context_;
  Serve serve_;
  int listener_ = -1;
  int stop_ = -1;  // an eventfd
  Endpoint endpoint_;
  std::thread thread_;
};

}  // namespace parley::net
