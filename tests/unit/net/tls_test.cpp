#include "net/tls.hpp"

#include <atomic>

#include "client_fixture.hpp"
#include "tls_server.hpp"

namespace parley::net {
namespace {

constexpr auto kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

void answer_all(SSL* ssl) {
  while (!TlsServer::read_head(ssl).empty()) TlsServer::write(ssl, kHello);
}

class Tls : public WithClient {
 public:
  void SetUp() override {
    WithClient::SetUp();
    auto context = TlsContext::create({.ca_file = authority.ca_file()});
    ASSERT_TRUE(context) << context.error().message();
    make_client({.tls = std::move(*context)});
  }
  static std::string secure(const TlsServer& server, std::string_view host = "localhost") {
    return fmt::format("https://{}:{}/", host, server.endpoint().port);
  }
  // What the client says of a server with such a certificate.
  std::string verdict(const CertificateWish& wish, std::string_view host = "localhost") {
    TlsServer server(authority.server_context(wish), answer_all);
    std::string said;
    run([](Tls& t, std::string url, std::string& s) -> Task<void> {
      const auto response = co_await t.get(std::move(url));
      CO_ASSERT(!response);
      EXPECT_EQ(response.error().code(), Errc::refused);
      s = response.error().message();
    }(*this, secure(server, host), said));
    return said;
  }

  TestAuthority authority;
};

TEST_F(Tls, TrustedServer_IsAsked_AndTheConnectionKept) {
  std::atomic<int> handshakes = 0;
  TlsServer server(authority.server_context({}), [&](SSL* ssl) {
    ++handshakes;
    answer_all(ssl);
  });
  run([](Tls& t, const TlsServer& s) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      const auto response = co_await t.get(t.secure(s));
      CO_ASSERT_OK(response);
      EXPECT_EQ(response->body, "hello");
    }
    t.client.reset();
  }(*this, server));
  EXPECT_EQ(handshakes, 1);
}

TEST_F(Tls, AddressInTheCertificate_IsAsGoodAsAName) {
  TlsServer server(authority.server_context({}), answer_all);
  run([](Tls& t, const TlsServer& s) -> Task<void> {
    CO_ASSERT_OK(co_await t.get(t.secure(s, "127.0.0.1")));
    t.client.reset();
  }(*this, server));
}

TEST_F(Tls, CertificateThatIsNotToBeTrusted_IsRefusedWithTheReason) {
  EXPECT_NE(verdict({.self_signed = true}).find("TLS: the certificate of localhost is not trusted: self-signed certificate"), std::string::npos);
  EXPECT_NE(verdict({.names = "DNS:other.test"}).find("hostname mismatch"), std::string::npos);
  EXPECT_NE(verdict({.names = "DNS:localhost"}, "127.0.0.1").find("IP address mismatch"), std::string::npos);
  EXPECT_NE(verdict({.valid_from = -7200, .valid_until = -3600}).find("certificate has expired"), std::string::npos);
  EXPECT_NE(verdict({.valid_from = 3600, .valid_until = 7200}).find("not yet valid"), std::string::npos);
}

TEST_F(Tls, SystemsAuthorities_DoNotKnowThisOne) {
  make_client();
  EXPECT_NE(verdict({}).find("is not trusted"), std::string::npos);
}

TEST_F(Tls, AuthorityFileThatIsNone_SaysSo) {
  const auto context = TlsContext::create({.ca_file = "/dev/null"});
  ASSERT_FALSE(context);
  EXPECT_TRUE(context.error().message().starts_with("/dev/null holds no certificate authority")) << context.error().message();
}

TEST_F(Tls, MuchBothWays_ArrivesWhole) {
  const std::string much(3 * MiB, 'x');
  TlsServer server(authority.server_context({}), [&](SSL* ssl) {
    (void)TlsServer::read_head(ssl);
    std::string body(much.size(), 0);
    std::size_t came = 0;
    while (came < body.size()) {
      const int count = SSL_read(ssl, body.data() + came, static_cast<int>(body.size() - came));
      if (count <= 0) return;
      came += static_cast<std::size_t>(count);
    }
    TlsServer::write(ssl, fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.size()));
    TlsServer::write(ssl, body);
  });
  run([](Tls& t, const TlsServer& s, const std::string& m) -> Task<void> {
    const auto response = co_await t.client->send({.method = "POST", .url = t.secure(s), .fields = {}, .body = m}, t.in(10s));
    CO_ASSERT_OK(response);
    EXPECT_TRUE(response->body == m);
    t.client.reset();
  }(*this, server, much));
}

TEST_F(Tls, BodyWithoutLength_CutWithoutGoodbye_IsAnError) {
  TlsServer server(authority.server_context({}), [](SSL* ssl) {
    (void)TlsServer::read_head(ssl);
    TlsServer::write(ssl, "HTTP/1.1 200 OK\r\n\r\nhalf of");
  });
  run([](Tls& t, const TlsServer& s) -> Task<void> {
    const auto response = co_await t.get(t.secure(s));
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::unavailable);
    EXPECT_NE(response.error().message().find("cut the connection"), std::string::npos) << response.error().message();
  }(*this, server));
}

TEST_F(Tls, BodyWithoutLength_EndedByGoodbye_IsWhole) {
  TlsServer server(authority.server_context({}), [](SSL* ssl) {
    (void)TlsServer::read_head(ssl);
    TlsServer::write(ssl, "HTTP/1.1 200 OK\r\n\r\nall of it");
    SSL_shutdown(ssl);
  });
  run([](Tls& t, const TlsServer& s) -> Task<void> {
    const auto response = co_await t.get(t.secure(s));
    CO_ASSERT_OK(response);
    EXPECT_EQ(response->body, "all of it");
  }(*this, server));
}

TEST_F(Tls, ServerThatSpeaksNoTls_IsAnError) {
  const auto port = play([](RawClient connection, int) -> Task<void> {
    (void)co_await connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    (void)co_await connection.receive_all();
  });
  run([](Tls& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.get(fmt::format("https://127.0.0.1:{}/", p));
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::protocol);
    EXPECT_NE(response.error().message().find(": TLS: wrong version number"), std::string::npos) << response.error().message();
  }(*this, port));
}

TEST_F(Tls, ServerThatIsSilent_EndsAtTheDeadline) {
  const auto port = play([](RawClient connection, int) -> Task<void> {
    (void)co_await connection.receive_until("never");
  });
  run([](Tls& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.get(fmt::format("https://127.0.0.1:{}/", p), 20ms);
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::timeout);
  }(*this, port));
}

// A handshake, a request or an answer may be cut at any of their waits.
TEST_F(Tls, KilledAnywhere_LeavesNothing) {
  std::atomic<int> answering = 0;
  TlsServer server(authority.server_context({}), [&](SSL* ssl) {
    if (TlsServer::read_head(ssl).empty()) return;
    ++answering;
    TlsServer::write(ssl, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(16 * KiB, 'x');
    while (SSL_write(ssl, piece.data(), static_cast<int>(piece.size())) > 0) {
    }
  });
  run([](Tls& t, const TlsServer& s, const std::atomic<int>& a) -> Task<void> {
    const std::string body(32 * KiB, 'y');
    int rounds = 0;
    for (int turns = 0; a < 20; ++turns, ++rounds) {
      Scope call(t.scope(), "call");
      EXPECT_TRUE(call.spawn("ask", [](Tls& c, std::string url, std::string b) -> Task<void> {
        (void)co_await c.client->send({.method = "POST", .url = std::move(url), .fields = {}, .body = std::move(b)}, c.in(10s));
      }(t, t.secure(s), body)));
      for (int i = 0; i < turns; ++i) co_await yield();
      call.kill();
    }
    EXPECT_GT(rounds, a.load()) << "none was cut before its request was sent";
  }(*this, server, answering));
}

TEST_F(Tls, ThroughAProxy_TheTunnelEndsAtTheServer) {
  TlsServer server(authority.server_context({.names = "DNS:api.test"}), answer_all);
  const auto to = server.endpoint();
  // A proxy that opens one tunnel, whoever is asked for, and carries the bytes both ways.
  const auto port = play([this, to](RawClient connection, int) {
    return [](Tls& t, RawClient c, Endpoint target) -> Task<void> {
      t.request = co_await c.receive_head();
      auto far = co_await TcpStream::connect(t.loop(), target, t.in(5s));
      CO_ASSERT_OK(far);
      (void)co_await c.send("HTTP/1.1 200 Connection established\r\n\r\n");
      Scope both(*t.playing, "tunnel", 2);
      const auto carry = [](TcpStream& from, TcpStream& into) -> Task<void> {
        char buffer[4096];
        for (;;) {
          const auto count = co_await from.read(buffer, Deadline::bounded_by_scope());
          if (!count || *count == 0 || !co_await into.write({buffer, *count}, Deadline::bounded_by_scope())) break;
        }
        into.end_output();
      };
      EXPECT_TRUE(both.spawn("out", carry(c.stream(), **far)));
      EXPECT_TRUE(both.spawn("in", carry(**far, c.stream())));
      (void)co_await both.wait_idle(t.in(10s));
    }(*this, std::move(connection), to);
  });
  const auto proxy = fmt::format("http://127.0.0.1:{}", port);
  auto rules = ProxyRules::from_environment(
      [&](const char* name) { return std::string_view(name) == "https_proxy" ? proxy.c_str() : nullptr; });
  auto context = TlsContext::create({.ca_file = authority.ca_file()});
  make_client({.proxies = rules.value(), .tls = context.value()});
  run([](Tls& t) -> Task<void> {
    const auto response = co_await t.get("https://api.test/");
    CO_ASSERT_OK(response);
    EXPECT_EQ(response->body, "hello");
    EXPECT_TRUE(t.request.starts_with("CONNECT api.test:443 HTTP/1.1\r\n"));
    t.client.reset();
    while (t.playing->tasks() > 1) co_await yield();
  }(*this));
}

}  // namespace
}  // namespace parley::net
