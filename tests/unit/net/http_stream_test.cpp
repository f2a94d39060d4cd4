// Streams of the HTTP server, and its ending.
#include <algorithm>

#include "server_fixture.hpp"

namespace parley::net {
namespace {

constexpr auto kStream = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";

class ServerStream : public WithServer {
 public:
  // A client whose stream runs.
  Task<RawClient> watching() {
    auto raw = co_await client();
    EXPECT_TRUE(co_await raw.send(kStream));
    const auto head = co_await raw.receive_head();
    EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos) << head;
    co_return raw;
  }
};

TEST_F(ServerStream, PiecesArriveAsTheyAreMade_AndTheEndIsProper) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    for (const auto* piece : {"one", "two"}) {
      EXPECT_TRUE(t.pieces->pieces.try_push(piece));
      EXPECT_EQ(co_await raw.receive_until("\r\n"), "3\r\n");
      EXPECT_EQ(co_await raw.receive_until("\r\n"), std::string(piece) + "\r\n");
    }
    t.pieces->pieces.close();
    EXPECT_EQ(co_await raw.receive_all(), "0\r\n\r\n");
    EXPECT_TRUE(t.pieces->destroyed);
  }(*this));
}

TEST_F(ServerStream, Http10_GetsTheBytesBare) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    EXPECT_TRUE(t.pieces->pieces.try_push("one"));
    t.pieces->pieces.close();
    const auto all = co_await t.say("GET /stream HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(all.ends_with("\r\n\r\none")) << all;
    EXPECT_EQ(all.find("chunked"), std::string::npos);
  }(*this));
}

TEST_F(ServerStream, ClientGoes_TheSourceIsDestroyedAtOnce) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    {
      const auto raw = co_await t.watching();
      EXPECT_FALSE(t.pieces->destroyed);
    }
    while (!t.pieces->destroyed) co_await yield();
    while (t.server->counters().open > 0) co_await yield();
    EXPECT_EQ(t.server->counters().streams, 0u);
  }(*this));
}

TEST_F(ServerStream, ClientResetsInMidPiece_IsAnEndLikeAnyOther) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    for (int i = 0; i < 32; ++i) EXPECT_TRUE(t.pieces->pieces.try_push(std::string(256 * KiB, 'x')));
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(raw.stream().fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    raw.stream().close();
    while (!t.pieces->destroyed) co_await yield();
  }(*this));
}

TEST_F(ServerStream, ClientDoesNotRead_BackpressureThenTheDeadline) {
  options.write = 50ms;
  listen();
  run([](ServerStream& t) -> Task<void> {
    const auto raw = co_await t.watching();
    std::size_t taken = 0;
    const std::string piece(256 * KiB, 'x');
    while (!t.pieces->destroyed) {
      if (t.pieces->pieces.size() < 2 && t.pieces->pieces.try_push(piece)) ++taken;
      co_await yield();
    }
    EXPECT_LT(taken * piece.size(), 32 * MiB) << "what the client does not read must not be taken from the source";
    EXPECT_EQ(t.server->counters().timeouts, 1u);
  }(*this));
}

TEST_F(ServerStream, SourceFails_TheConnectionIsCut) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    t.pieces->fails_at_end = true;
    auto raw = co_await t.watching();
    t.pieces->pieces.close();
    EXPECT_EQ(co_await raw.receive_all(), "") << "no last chunk: the client sees that something is missing";
  }(*this));
}

TEST_F(ServerStream, ClientKeepsTalkingBesideItsStream_IsCut) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    (void)co_await raw.send(std::string(64 * KiB, 'x'));
    while (!t.pieces->destroyed) co_await yield();
  }(*this));
}

TEST_F(ServerStream, Streams_AreBoundedBelowConnections) {
  options.max_streams = 1;
  listen();
  run([](ServerStream& t) -> Task<void> {
    const auto one = co_await t.watching();
    const auto all = co_await t.say(kStream);
    EXPECT_TRUE(all.starts_with("HTTP/1.1 503")) << all;
    EXPECT_NE(all.find("Retry-After: "), std::string::npos);
  }(*this));
}

TEST_F(ServerStream, RequestStop_StreamsGoOn_NewcomersAreRefused) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    auto idle = co_await t.client();
    EXPECT_TRUE(co_await idle.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"));
    (void)co_await idle.receive_until("GET ");
    auto silent = co_await t.client();
    co_await t.settle();
    t.server->request_stop({StopCause::shutdown, {}});
    EXPECT_EQ(co_await idle.receive_all(), "");
    EXPECT_EQ(co_await silent.receive_all(), "");
    EXPECT_TRUE(idle.ended() && silent.ended());
    EXPECT_FALSE(co_await RawClient::connect(t.loop(), t.server->endpoint()));
    EXPECT_TRUE(t.pieces->pieces.try_push("still here"));
    EXPECT_EQ(co_await raw.receive_until("here"), "a\r\nstill here");
  }(*this));
}

TEST_F(ServerStream, Close_EndsStreamsProperly_AndGivesTheAnswersUnderWay) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    auto slow = co_await t.client();
    EXPECT_TRUE(co_await slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
    while (t.handled < 2) co_await yield();
    Scope closing(t.scope(), "closing");
    CloseReport report;
    EXPECT_TRUE(closing.spawn("close", [](ServerStream& test, CloseReport& r) -> Task<void> {
      r = co_await test.server->close(test.in(5s));
    }(t, report)));
    EXPECT_EQ(co_await raw.receive_all(), "0\r\n\r\n");
    t.release.set();
    const auto all = co_await slow.receive_all();
    EXPECT_TRUE(all.ends_with("released"));
    EXPECT_NE(all.find("Connection: close"), std::string::npos);
    raw.stream().close();
    slow.stream().close();
    EXPECT_TRUE(co_await closing.wait_idle(t.in(5s)));
    EXPECT_TRUE(report.clean()) << to_string(report);
  }(*this));
}

TEST_F(ServerStream, CloseWithAHangingHandler_EndsAtTheDeadlineAndNamesIt) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto slow = co_await t.client();
    EXPECT_TRUE(co_await slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
    while (t.handled < 1) co_await yield();
    const auto began = t.loop().now();
    const auto report = co_await t.server->close(t.in(300ms));
    EXPECT_LT(t.loop().now() - began, 2s);
    const bool named = std::ranges::any_of(report.items, [](const ClosedItem& item) { return item.name == "connection"; });
    EXPECT_TRUE(named) << to_string(report);
    EXPECT_EQ(t.server->counters().open, 0u);
    EXPECT_EQ(co_await slow.receive_all(), "");
  }(*this));
}

TEST_F(ServerStream, Kill_DropsEverythingAtOnce) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    auto half = co_await t.client();
    EXPECT_TRUE(co_await half.send("POST /echo HTTP/1.1\r\n"));
    auto slow = co_await t.client();
    EXPECT_TRUE(co_await slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
    while (t.handled < 2) co_await yield();
    t.server->kill();
    EXPECT_EQ(t.server->counters().open, 0u);
    EXPECT_TRUE(t.pieces->destroyed);
    for (auto* gone : {&raw, &half, &slow}) EXPECT_EQ(co_await gone->receive_all(), "");
  }(*this));
}

TEST_F(ServerStream, ServerDestroyedWithEverythingOpen_LeavesNothing) {
  listen();
  run([](ServerStream& t) -> Task<void> {
    auto raw = co_await t.watching();
    auto half = co_await t.client();
    EXPECT_TRUE(co_await half.send("POST /echo HTTP/1.1\r\n"));
    co_await t.settle();
    t.server.reset();
    EXPECT_EQ(co_await raw.receive_all(), "");
  }(*this));
}

}  // namespace
}  // namespace parley::net
