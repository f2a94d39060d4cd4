// The WebSocket client against a server by Beast, and against servers that say whatever a test tells them.
#include <openssl/sha.h>

#include <latch>

#include "client_fixture.hpp"
#include "net/net_websocket.hpp"
#include "tls_server.hpp"
#include "websocket_server.hpp"

namespace parley::net {
namespace {

using namespace std::string_literals;

using Peer = WebSocketServer::Peer;
#define CO_ASSERT_CONNECTED(socket)                                     \
  if (!(socket)) {                                                      \
    ADD_FAILURE() << "no connection: " << (socket).error().error.message(); \
    co_return;                                                          \
  }

using Connected = std::expected<std::unique_ptr<WebSocket>, WebSocketFailure>;

void echo(Peer& peer) {
  while (const auto message = peer.read()) {
    if (!peer.write(*message)) return;
  }
}

// RFC 6455, 4.2.2.
std::string accept_key(const std::string& head) {
  const std::string name = "Sec-WebSocket-Key: ";
  const auto at = head.find(name) + name.size();
  const auto text = head.substr(at, head.find("\r\n", at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char hash[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  return base64({reinterpret_cast<const char*>(hash), sizeof hash});
}
std::string switching(const std::string& head) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept_key(head) + "\r\n\r\n";
}

class Sockets : public WithClient {
 public:
  void SetUp() override {
    WithClient::SetUp();
    make();
  }
  void TearDown() override {
    sockets.reset();
    WithClient::TearDown();
  }
  void make(HttpClientOptions options = {}, WebSocketTimes times = {}) {
    sockets = make_websocket_client(loop(), scope(), std::move(options), times);
  }

  Task<Connected> connect(std::string where, Duration limit = 5s, HttpFields fields = {}) {
    co_return co_await sockets->connect(scope(), {.url = std::move(where), .fields = std::move(fields)}, in(limit));
  }
  static std::string ws(std::uint16_t port, std::string_view path = "/") { return fmt::format("ws://127.0.0.1:{}{}", port, path); }

  // A part: shakes hands, says `bytes`, and stays until the client goes.
  Part saying(std::string bytes, bool stays = true) {
    return [bytes, stays](RawClient connection, int) { return say(std::move(connection), bytes, stays); };
  }
  // What receive() says at last, after a server said `bytes`.
  Error verdict(std::string bytes, bool stays = true) {
    const auto port = play(saying(std::move(bytes), stays));
    Error said(Errc::internal, "nothing");
    run([](Sockets& t, std::uint16_t p, Error& e) -> Task<void> {
      auto socket = co_await t.connect(ws(p));
      CO_ASSERT(socket);
      for (;;) {
        const auto message = co_await (*socket)->receive(t.in(5s));
        if (message) continue;
        e = message.error();
        break;
      }
    }(*this, port, said));
    return said;
  }

  std::unique_ptr<WebSocketClient> sockets;

 private:
  static Task<void> say(RawClient connection, std::string bytes, bool stays) {
    const auto head = co_await connection.receive_head();
    if (!head.ends_with("\r\n\r\n")) co_return;
    (void)co_await connection.send(switching(head) + bytes);
    if (stays) (void)co_await connection.receive_all();
  }
};

TEST_F(Sockets, TextAndBinary_ComeBackInOrderAndWhole) {
  const WebSocketServer server(echo);
  run([](Sockets& t, std::string url) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    const std::vector<WebSocketMessage> said = {
        {false, "hello"}, {true, std::string(1, 0)}, {false, ""}, {true, std::string(200'000, 'x')}, {false, "\xC3\xA9"}};
    for (const auto& message : said) {
      CO_ASSERT_OK(co_await (*socket)->send(message, t.in(5s)));
      const auto back = co_await (*socket)->receive(t.in(5s));
      CO_ASSERT_OK(back);
      EXPECT_EQ(back->binary, message.binary);
      EXPECT_TRUE(back->data == message.data);
    }
    EXPECT_TRUE((co_await (*socket)->close(t.in(5s))).clean());
  }(*this, server.url()));
}

TEST_F(Sockets, Handshake_CarriesTheFields) {
  std::string key, agent;
  std::latch asked(1);
  const WebSocketServer server([&](Peer& peer) {
    key = peer.request_field("Authorization");
    agent = peer.request_field("User-Agent");
    asked.count_down();
  });
  run([](Sockets& t, std::string url, std::latch& done) -> Task<void> {
    auto socket = co_await t.connect(url, 5s, {{"Authorization", "Token secret"}});
    EXPECT_TRUE(socket);
    done.wait();
  }(*this, server.url(), asked));
  EXPECT_EQ(key, "Token secret");
  EXPECT_EQ(agent, "parley");
}

TEST_F(Sockets, LineBreakInAKey_IsRefusedBeforeAnythingIsSent) {
  const auto port = play(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    const auto socket = co_await t.connect(ws(p), 5s, {{"Authorization", "Token secret\r\nX-Other: y"}});
    CO_ASSERT(!socket);
    EXPECT_EQ(socket.error().error.code(), Errc::invalid_argument);
  }(*this, port));
  EXPECT_EQ(connections, 0);
}

TEST_F(Sockets, FragmentsWithAPingBetween_AreOneMessage_AndThePingIsAnswered) {
  std::string pong;
  const WebSocketServer server([&](Peer& peer) {
    peer.write_part("one ", false);
    peer.ping("are you there");
    peer.write_part("two ", false);
    peer.write_part("three", true);
    (void)peer.read();
    pong = peer.pong();
  });
  run([](Sockets& t, std::string url) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    const auto message = co_await (*socket)->receive(t.in(5s));
    CO_ASSERT_OK(message);
    EXPECT_EQ(message->data, "one two three");
    CO_ASSERT_OK(co_await (*socket)->send({false, "thanks"}, t.in(5s)));
    while (co_await (*socket)->receive(t.in(5s))) {
    }
  }(*this, server.url()));
  EXPECT_EQ(pong, "are you there");
}

TEST_F(Sockets, ServerCloses_ItsReasonIsHeard_AfterWhatItSaidBefore) {
  const WebSocketServer server([](Peer& peer) {
    peer.write({false, "last words"});
    peer.close(1011, "NET-0001");
  });
  run([](Sockets& t, std::string url) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    EXPECT_TRUE(co_await (*socket)->receive(t.in(5s)));
    const auto end = co_await (*socket)->receive(t.in(5s));
    CO_ASSERT(!end);
    EXPECT_EQ(end.error().code(), Errc::closing);
    EXPECT_TRUE(end.error().message().ends_with("closed the connection: 1011 NET-0001")) << end.error().message();
    CO_ASSERT((*socket)->farewell());
    EXPECT_EQ((*socket)->farewell()->code, 1011);
    const auto sent = co_await (*socket)->send({false, "late"}, t.in(5s));
    CO_ASSERT(!sent);
    EXPECT_EQ(sent.error().code(), Errc::closing);
  }(*this, server.url()));
}

TEST_F(Sockets, ServerSaysNothing_ReceiveTimesOut_AndTheConnectionGoesOn) {
  const WebSocketServer server(echo);
  run([](Sockets& t, std::string url) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    const auto nothing = co_await (*socket)->receive(t.in(20ms));
    CO_ASSERT(!nothing);
    EXPECT_EQ(nothing.error().code(), Errc::timeout);
    CO_ASSERT_OK(co_await (*socket)->send({false, "still there?"}, t.in(5s)));
    EXPECT_TRUE(co_await (*socket)->receive(t.in(5s)));
  }(*this, server.url()));
}

TEST_F(Sockets, HandshakeNeverAnswered_EndsAtTheDeadline) {
  const auto port = play([](RawClient connection, int) -> Task<void> {
    (void)co_await connection.receive_head();
    (void)co_await connection.receive_all();
  });
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    const auto began = t.loop().now();
    const auto socket = co_await t.connect(ws(p), 100ms);
    CO_ASSERT(!socket);
    EXPECT_EQ(socket.error().error.code(), Errc::timeout);
    EXPECT_FALSE(socket.error().answer);
    EXPECT_LT(t.loop().now() - began, 3s);
  }(*this, port));
}

TEST_F(Sockets, Refusals_BringTheServersAnswer) {
  for (const auto& [status, phrase] : {std::pair{401, "Unauthorized"}, {429, "Too Many Requests"}, {503, "Service Unavailable"}}) {
    const auto port = play(answering(
        fmt::format("HTTP/1.1 {} {}\r\nRetry-After: 7\r\nContent-Length: 7\r\n\r\nbecause", status, phrase)));
    run([](Sockets& t, std::uint16_t p, int expected, std::string words) -> Task<void> {
      const auto socket = co_await t.connect(ws(p));
      CO_ASSERT(!socket);
      const auto& failure = socket.error();
      EXPECT_EQ(failure.error.code(), Errc::refused);
      EXPECT_TRUE(failure.error.message().ends_with(fmt::format("answers {} {}", expected, words))) << failure.error.message();
      CO_ASSERT(failure.answer);
      EXPECT_EQ(failure.answer->head.status, expected);
      EXPECT_EQ(failure.answer->head.fields.get("retry-after"), "7");
      EXPECT_EQ(failure.answer->body, "because");
    }(*this, port, status, phrase));
  }
}

TEST_F(Sockets, WhatIsNoWebSocketServer_IsNamed) {
  const auto wrong_key = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"s;
  for (const auto& [said, code] : {std::pair{"SSH-2.0-OpenSSH\r\n"s, Errc::protocol},
                                   {wrong_key, Errc::protocol},
                                   {"HTTP/1.1 101 Switching Protocols\r\nX: "s + std::string(100'000, 'x'), Errc::protocol},
                                   {""s, Errc::unavailable}}) {
    const auto port = play(answering(said));
    run([](Sockets& t, std::uint16_t p, Errc expected) -> Task<void> {
      const auto socket = co_await t.connect(ws(p));
      CO_ASSERT(!socket);
      EXPECT_EQ(socket.error().error.code(), expected) << socket.error().error.message();
      EXPECT_FALSE(socket.error().answer);
    }(*this, port, code));
  }
}

TEST_F(Sockets, NobodyThere_AndAddressesThatAreNone_AreErrors) {
  run([](Sockets& t) -> Task<void> {
    const auto nobody = co_await t.connect("ws://127.0.0.1:1/");
    CO_ASSERT(!nobody);
    EXPECT_EQ(nobody.error().error.code(), Errc::unavailable);
    const auto http = co_await t.connect("http://127.0.0.1/");
    CO_ASSERT(!http);
    EXPECT_EQ(http.error().error.code(), Errc::invalid_argument);
  }(*this));
}

TEST_F(Sockets, FramesThatBreakTheProtocol_EndTheConnection) {
  EXPECT_EQ(verdict("\x81\x7F\x00\x00\x00\x00\x00\x50\x00\x00"s).code(), Errc::protocol) << "a message of 5 MiB";
  EXPECT_EQ(verdict("\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s).code(), Errc::protocol) << "a length beyond all";
  EXPECT_EQ(verdict("\x81\x7E\x00\x05hello"s).code(), Errc::protocol) << "a length not in its shortest form";
  EXPECT_EQ(verdict("\x81\x81\x00\x00\x00\x00x"s).code(), Errc::protocol) << "masked";
  EXPECT_EQ(verdict("\xC1\x01x"s).code(), Errc::protocol) << "a reserved bit";
  EXPECT_EQ(verdict("\x83\x01x"s).code(), Errc::protocol) << "a kind that does not exist";
  EXPECT_EQ(verdict("\x80\x01x"s).code(), Errc::protocol) << "a continuation of nothing";
  EXPECT_EQ(verdict("\x81\x02\xC3\x28"s).code(), Errc::protocol) << "no UTF-8";
  EXPECT_EQ(verdict("\x89\x7E\x00\x80"s + std::string(128, 'x')).code(), Errc::protocol) << "a long ping";
}

TEST_F(Sockets, FragmentsOfMoreThanTheBound_EndTheConnection) {
  std::string bytes = "\x01\x7F\x00\x00\x00\x00\x00\x10\x00\x00"s + std::string(1 * MiB, 'x');
  for (int i = 0; i < 4; ++i) bytes += "\x00\x7F\x00\x00\x00\x00\x00\x10\x00\x00"s + std::string(1 * MiB, 'x');
  EXPECT_EQ(verdict(bytes).code(), Errc::protocol);
}

TEST_F(Sockets, LengthsThatLie_AreAConnectionCut) {
  EXPECT_EQ(verdict("\x81\x64hello"s, false).code(), Errc::unavailable);
  EXPECT_EQ(verdict("\x81"s, false).code(), Errc::unavailable);
  EXPECT_EQ(verdict("\x01\x05hello"s, false).code(), Errc::unavailable) << "a message without its end";
  EXPECT_EQ(verdict(""s, false).code(), Errc::unavailable) << "no goodbye";
}

TEST_F(Sockets, ClosedWhileSomebodyReceives_TheReceiverIsTold_AndAllIsClean) {
  const WebSocketServer server(echo);
  run([](Sockets& t, std::string url) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    Scope listening(t.scope(), "listening");
    std::optional<Error> heard;
    CO_ASSERT_OK(listening.spawn("receive", [](WebSocket& s, std::optional<Error>& h) -> Task<void> {
      const auto message = co_await s.receive(Deadline::bounded_by_scope());
      if (!message) h = message.error();
    }(**socket, heard)));
    co_await settle();
    const auto report = co_await (*socket)->close(t.in(5s));
    EXPECT_TRUE(report.clean()) << to_string(report);
    CO_ASSERT_OK(co_await listening.wait_idle(t.in(5s)));
    CO_ASSERT(heard);
    EXPECT_EQ(heard->code(), Errc::closing);
  }(*this, server.url()));
}

TEST_F(Sockets, RequestStop_LetsOutWhatWasSaid_ThenSaysGoodbye) {
  std::vector<std::string> heard;
  std::latch ended(1);
  const WebSocketServer server([&](Peer& peer) {
    while (const auto message = peer.read()) heard.push_back(message->data);
    ended.count_down();
  });
  run([](Sockets& t, std::string url, std::latch& done) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    for (const auto* word : {"a", "b", "c"}) CO_ASSERT_OK(co_await (*socket)->send({false, word}, t.in(5s)));
    (*socket)->request_stop({});
    (*socket)->request_stop({});
    const auto end = co_await (*socket)->receive(t.in(5s));
    CO_ASSERT(!end);
    EXPECT_EQ(end.error().code(), Errc::closing);
    done.wait();
  }(*this, server.url(), ended));
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Sockets, GoodbyeNeverAnswered_CloseEndsAllTheSame) {
  const auto port = play(saying(""));
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    auto socket = co_await t.connect(ws(p));
    CO_ASSERT(socket);
    const auto began = t.loop().now();
    (void)co_await (*socket)->close(t.in(100ms));
    EXPECT_LT(t.loop().now() - began, 1s);
    auto other = co_await t.connect(ws(p));
    CO_ASSERT(other);
    const auto report = co_await (*other)->close(t.in(10s));
    EXPECT_TRUE(report.clean()) << to_string(report);
    EXPECT_LT(t.loop().now() - began, WebSocket::kGoodbyeLimit + 3s);
  }(*this, port));
}

TEST_F(Sockets, ServerDoesNotRead_SendWaits_ThenTimesOut_AndIsEndedInBounds) {
  const auto port = play([](RawClient connection, int) -> Task<void> {
    const auto head = co_await connection.receive_head();
    (void)co_await connection.send(switching(head));
    co_await sleep_for(30s);
  });
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    auto socket = co_await t.connect(ws(p));
    CO_ASSERT(socket);
    Result<void> last;
    int taken = 0;
    for (; taken < 200 && last; ++taken) last = co_await (*socket)->send({true, std::string(512 * KiB, 'x')}, t.in(200ms));
    CO_ASSERT(!last);
    EXPECT_EQ(last.error().code(), Errc::timeout);
    const auto began = t.loop().now();
    (void)co_await (*socket)->close(t.in(200ms));
    EXPECT_LT(t.loop().now() - began, 2s);
    t.playing.reset();
  }(*this, port));
}

TEST_F(Sockets, NobodyReceives_TheServerIsNotReadAnyFurther) {
  std::atomic<int> written = 0;
  const WebSocketServer server([&](Peer& peer) {
    while (written < 1000 && peer.write({true, std::string(256 * KiB, 'x')})) ++written;
  });
  run([](Sockets& t, std::string url, std::atomic<int>& count) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    for (int before = -1; before != count;) {
      before = count;
      co_await sleep_for(100ms);  // real time, for the server's thread
    }
    EXPECT_LT(count, 200) << "what nobody takes must stay with the server";
    (*socket)->kill();
  }(*this, server.url(), written));
}

TEST_F(Sockets, ServerFallsSilent_IsAskedForASign_ThenGivenUp) {
  make({}, {.ping_after = 50ms, .silence_limit = 150ms});
  std::string asked;
  const auto port = play([&asked](RawClient connection, int) { return [](RawClient c, std::string& a) -> Task<void> {
    const auto head = co_await c.receive_head();
    (void)co_await c.send(switching(head));
    a = co_await c.receive_all();
  }(std::move(connection), asked); });
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    auto socket = co_await t.connect(ws(p));
    CO_ASSERT(socket);
    const auto end = co_await (*socket)->receive(t.in(10s));
    CO_ASSERT(!end);
    EXPECT_EQ(end.error().code(), Errc::unavailable) << end.error().message();
    co_await settle();
  }(*this, port));
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked[0], '\x89') << "a ping";
}

TEST_F(Sockets, ServerThatAnswersPings_IsKept) {
  make({}, {.ping_after = 30ms, .silence_limit = 3s});
  const WebSocketServer server(echo);
  run([](Sockets& t, std::string url) -> Task<void> {
    auto socket = co_await t.connect(url);
    CO_ASSERT(socket);
    const auto nothing = co_await (*socket)->receive(t.in(300ms));
    CO_ASSERT(!nothing);
    EXPECT_EQ(nothing.error().code(), Errc::timeout);
    CO_ASSERT_OK(co_await (*socket)->send({false, "x"}, t.in(5s)));
    EXPECT_TRUE(co_await (*socket)->receive(t.in(5s)));
  }(*this, server.url()));
}

TEST_F(Sockets, OverTls_AndThroughAProxysTunnel) {
  TestAuthority authority;
  TlsServer server(authority.server_context({}), [](SSL* ssl) {
    const auto head = TlsServer::read_head(ssl);
    if (!head.empty()) TlsServer::write(ssl, switching(head) + "\x81\x05hello\x88\x02\x03\xE8"s);
  });
  auto tls = TlsContext::create({.ca_file = authority.ca_file()});
  ASSERT_TRUE(tls);
  make({.tls = *tls});
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    auto socket = co_await t.connect(fmt::format("wss://localhost:{}/", p));
    CO_ASSERT(socket);
    const auto message = co_await (*socket)->receive(t.in(5s));
    CO_ASSERT_OK(message);
    EXPECT_EQ(message->data, "hello");
    t.sockets.reset();
  }(*this, server.endpoint().port));
}

TEST_F(Sockets, PlainOneBehindAProxy_GoesThroughItsTunnel) {
  std::string asked;
  const auto port = play([&asked](RawClient connection, int) { return [](RawClient c, std::string& a) -> Task<void> {
    a = co_await c.receive_head();
    (void)co_await c.send("HTTP/1.1 200 OK\r\n\r\n");
    const auto head = co_await c.receive_head();
    (void)co_await c.send(switching(head) + "\x81\x05hello"s);
    (void)co_await c.receive_all();
  }(std::move(connection), asked); });
  const auto proxy = fmt::format("http://127.0.0.1:{}", port);
  auto rules = ProxyRules::from_environment([&](const char* name) { return name == "http_proxy"s ? proxy.c_str() : nullptr; });
  ASSERT_TRUE(rules);
  make({.proxies = std::move(*rules)});
  run([](Sockets& t) -> Task<void> {
    auto socket = co_await t.connect("ws://api.test/listen");
    CO_ASSERT(socket);
    EXPECT_TRUE(co_await (*socket)->receive(t.in(5s)));
  }(*this));
  EXPECT_TRUE(asked.starts_with("CONNECT api.test:80 HTTP/1.1\r\n")) << asked;
}

// Each round lets the conversation come one turn of the loop further before it is killed, or told to close in no time.
TEST_F(Sockets, EndedAtEveryTurn_LeavesNothing) {
  const auto port = play(saying("\x81\x05hello\x01\x02he"s));
  run([](Sockets& t, std::uint16_t p) -> Task<void> {
    for (int turns = 0; turns < 60; ++turns) {
      for (const bool politely : {false, true}) {
        Scope call(t.scope(), "call");
        CO_ASSERT_OK(call.spawn("talk", [](Sockets& test, Scope& own, std::uint16_t at) -> Task<void> {
          auto socket = co_await test.sockets->connect(own, {.url = ws(at), .fields = {}}, test.in(5s));
          if (!socket && own.stopping()) co_return;
          CO_ASSERT_CONNECTED(socket);
          CO_ASSERT_OK(co_await (*socket)->send({false, "hi"}, test.in(5s)));
          (void)co_await (*socket)->receive(test.in(5s));
          (void)co_await (*socket)->receive(test.in(5s));
          ADD_FAILURE() << "a killed task went on";
        }(t, call, p)));
        for (int i = 0; i < turns; ++i) co_await yield();
        if (politely) {
          (void)co_await call.close(t.in(1s));
        } else {
          call.kill();
        }
        EXPECT_EQ(call.tasks(), 0u);
      }
    }
    // Closing that is itself cut short.
    for (int turns = 0; turns < 20; ++turns) {
      Scope call(t.scope(), "call");
      auto socket = co_await t.sockets->connect(call, {.url = ws(p), .fields = {}}, t.in(5s));
      CO_ASSERT_CONNECTED(socket);
      (*socket)->request_stop({});
      for (int i = 0; i < turns; ++i) co_await yield();
      if (turns % 2 == 0) (*socket)->kill();
      socket->reset();
      EXPECT_EQ(call.tasks(), 0u);
    }
    t.playing.reset();
    co_await settle();
  }(*this, port));
}

}  // namespace
}  // namespace parley::net
