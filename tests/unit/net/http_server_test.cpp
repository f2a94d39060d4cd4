#include "net/http_server.hpp"

#include "server_fixture.hpp"

namespace parley::net {
namespace {

constexpr auto kGet = "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr auto kLastGet = "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

using Server = WithServer;

TEST_F(Server, AnswersAndKeepsTheConnection) {
  listen();
  run([](Server& t) -> Task<void> {
    auto raw = co_await t.client();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(co_await raw.send(kGet));
      const auto head = co_await raw.receive_head();
      EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
      EXPECT_NE(head.find("Content-Length: 4\r\n"), std::string::npos);
      EXPECT_NE(head.find("\r\nDate: "), std::string::npos);
      EXPECT_EQ(co_await raw.receive_until("GET "), "GET ");
    }
    EXPECT_EQ(t.server->counters().connections, 1u);
    EXPECT_EQ(t.server->counters().requests, 3u);
  }(*this));
}

TEST_F(Server, PipelinedRequests_AreAnsweredInOrder) {
  listen();
  run([](Server& t) -> Task<void> {
    std::string bytes;
    for (int i = 0; i < 20; ++i) bytes += fmt::format("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{:02}", i);
    const auto all = co_await t.say(bytes + kLastGet);
    std::size_t at = 0;
    for (int i = 0; i < 20; ++i) {
      at = all.find(fmt::format("POST {:02}", i), at);
      CO_ASSERT(at != std::string::npos);
    }
    EXPECT_TRUE(all.ends_with("Connection: close\r\n\r\nGET ")) << all.substr(all.size() - 60);
    EXPECT_EQ(t.handled, 21);
  }(*this));
}

TEST_F(Server, PipelinedGarbage_DoesNotTakeTheAnswerBeforeIt) {
  listen();
  run([](Server& t) -> Task<void> {
    const auto all = co_await t.say(std::string(kGet) + "\x01\x02\x03\r\n\r\n");
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200 OK"));
    EXPECT_NE(all.find("HTTP/1.1 400 Bad Request"), std::string::npos);
    EXPECT_EQ(t.handled, 1);
  }(*this));
}

TEST_F(Server, Malformed_IsAnsweredAndTheConnectionEnded) {
  listen();
  run([](Server& t) -> Task<void> {
    const auto long_header = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(32 * KiB, 'a') + "\r\n\r\n";
    const std::pair<std::string, std::string> cases[] = {
        {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET relative HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", "505"},
        {long_header, "431"},
        {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n" + std::string(100 * KiB, 'x'), "413"},
    };
    for (const auto& [bytes, status] : cases) {
      const auto all = co_await t.say(bytes);
      EXPECT_TRUE(all.starts_with("HTTP/1.1 " + status)) << bytes.substr(0, 40) << " was answered " << all;
      EXPECT_NE(all.find("Connection: close"), std::string::npos);
    }
    EXPECT_EQ(t.handled, 0);
    EXPECT_EQ(t.server->counters().faults, std::size(cases));
  }(*this));
}

TEST_F(Server, ExpectContinue_IsToldToGoOn) {
  listen();
  run([](Server& t) -> Task<void> {
    auto raw = co_await t.client();
    EXPECT_TRUE(co_await raw.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"));
    EXPECT_EQ(co_await raw.receive_head(), "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(co_await raw.send("ab"));
    EXPECT_TRUE((co_await raw.receive_all()).ends_with("POST ab"));
  }(*this));
}

TEST_F(Server, Head_HasNoBody_AndTheConnectionGoesOn) {
  listen();
  run([](Server& t) -> Task<void> {
    const auto all = co_await t.say("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(kLastGet));
    EXPECT_NE(all.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_EQ(all.find("HEAD "), std::string::npos);
    EXPECT_TRUE(all.ends_with("\r\n\r\nGET "));
  }(*this));
}

TEST_F(Server, Http10_IsAnsweredAndEnded) {
  listen();
  run([](Server& t) -> Task<void> {
    const auto all = co_await t.say("GET /echo HTTP/1.0\r\n\r\n");
    EXPECT_NE(all.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(all.ends_with("GET "));
  }(*this));
}

TEST_F(Server, ClientLeavesBeforeTheAnswer_ItsHandlerIsEnded) {
  listen();
  run([](Server& t) -> Task<void> {
    auto raw = co_await t.client();
    EXPECT_TRUE(co_await raw.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_TRUE(co_await t.slow_begun.wait(t.in(5s)));
    EXPECT_FALSE(t.slow_over.is_set());
    raw.stream().close();
    EXPECT_TRUE(co_await t.slow_over.wait(t.in(5s)));
    EXPECT_TRUE((co_await t.say(std::string(kLastGet))).ends_with("GET "));
  }(*this));
}

TEST_F(Server, ClientSendsMoreBeforeTheAnswer_IsAnsweredAllTheSame) {
  listen();
  run([](Server& t) -> Task<void> {
    auto raw = co_await t.client();
    EXPECT_TRUE(co_await raw.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_TRUE(co_await t.slow_begun.wait(t.in(5s)));
    EXPECT_TRUE(co_await raw.send(kLastGet));
    t.release.set();
    const auto all = co_await raw.receive_all();
    EXPECT_NE(all.find("released"), std::string::npos);
    EXPECT_TRUE(all.ends_with("GET "));
  }(*this));
}

TEST_F(Server, HandlerThrows_Is500_AndTheServerLives) {
  listen();
  run([](Server& t) -> Task<void> {
    for (const auto* path : {"/throw", "/throw-int"}) {
      const auto all = co_await t.say(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path));
      EXPECT_TRUE(all.starts_with("HTTP/1.1 500"));
      EXPECT_EQ(all.find("secret"), std::string::npos);
    }
    EXPECT_TRUE((co_await t.say(kLastGet)).ends_with("GET "));
  }(*this));
}

TEST_F(Server, HandlerThatWritesALineBreakIntoAField_SendsNothing) {
  listen();
  run([](Server& t) -> Task<void> {
    EXPECT_EQ(co_await t.say("GET /split HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  }(*this));
}

TEST_F(Server, HandlerThatHangs_Is503AtItsDeadline) {
  options.handler = 20ms;
  listen();
  run([](Server& t) -> Task<void> {
    const auto all = co_await t.say("GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(all.starts_with("HTTP/1.1 503")) << all;
  }(*this));
}

TEST_F(Server, SlowHeader_EndsAtItsDeadline_HoweverItTrickles) {
  options.header = 60ms;
  listen();
  run([](Server& t) -> Task<void> {
    auto raw = co_await t.client();
    const auto began = t.loop().now();
    Scope trickling(t.scope(), "trickle");
    EXPECT_TRUE(trickling.spawn("trickle", [](RawClient& r) -> Task<void> {
      (void)co_await r.send("GET / HTTP/1.1\r\nX: ");
      while (co_await r.send("a")) co_await sleep_for(2ms);
    }(raw)));
    const auto all = co_await raw.receive_all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 408")) << all;
    EXPECT_LT(t.loop().now() - began, 5s);
    EXPECT_EQ(t.server->counters().timeouts, 1u);
  }(*this));
}

TEST_F(Server, SlowBody_EndsAtItsDeadline) {
  options.body = 20ms;
  listen();
  run([](Server& t) -> Task<void> {
    const auto all = co_await t.say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    EXPECT_TRUE(all.starts_with("HTTP/1.1 408")) << all;
    EXPECT_EQ(t.handled, 0);
  }(*this));
}

TEST_F(Server, SilentConnection_IsEndedWithoutAWord) {
  options.idle = 20ms;
  listen();
  run([](Server& t) -> Task<void> {
    EXPECT_EQ(co_await t.say(""), "");
    auto raw = co_await t.client();
    EXPECT_TRUE(co_await raw.send(kGet));
    EXPECT_TRUE((co_await raw.receive_all()).ends_with("GET "));
  }(*this));
}

TEST_F(Server, ClientThatDoesNotRead_EndsAtTheWriteDeadline) {
  options.write = 30ms;
  listen();
  run([](Server& t) -> Task<void> {
    auto raw = co_await t.client();
    EXPECT_TRUE(co_await raw.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n"));
    while (t.server->counters().timeouts == 0) co_await yield();
    while (t.server->counters().open > 0) co_await yield();
  }(*this));
}

TEST_F(Server, RequestsOfOneConnection_AreBounded) {
  options.max_requests = 3;
  listen();
  run([](Server& t) -> Task<void> {
    const auto all = co_await t.say(std::string(kGet) + kGet + kGet + kGet);
    EXPECT_EQ(t.handled, 3);
    EXPECT_TRUE(all.ends_with("Connection: close\r\n\r\nGET "));
  }(*this));
}

TEST_F(Server, AllConnectionsTaken_AnIdleOneMakesRoom) {
  options.max_connections = 4;
  listen();
  run([](Server& t) -> Task<void> {
    std::vector<RawClient> idle;
    for (int i = 0; i < 4; ++i) {
      idle.push_back(co_await t.client());
      EXPECT_TRUE(co_await idle.back().send(kGet));
      (void)co_await idle.back().receive_until("GET ");
    }
    EXPECT_TRUE((co_await t.say(kLastGet)).ends_with("GET "));
    EXPECT_EQ(co_await idle[0].receive_all(), "") << "the one that was idle longest has gone";
    EXPECT_TRUE(co_await idle[3].send(kLastGet));
    EXPECT_TRUE((co_await idle[3].receive_all()).ends_with("GET "));
    EXPECT_EQ(t.server->counters().evicted, 1u);
  }(*this));
}

TEST_F(Server, AllConnectionsBusy_ANewcomerWaitsForItsTurn) {
  options.max_connections = 2;
  listen();
  run([](Server& t) -> Task<void> {
    auto one = co_await t.client();
    auto two = co_await t.client();
    for (auto* busy : {&one, &two}) EXPECT_TRUE(co_await busy->send("GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    while (t.handled < 2) co_await yield();
    auto three = co_await t.client();
    EXPECT_TRUE(co_await three.send(kLastGet));
    co_await t.settle();
    EXPECT_EQ(t.server->counters().open, 2u);
    t.release.set();
    for (auto* busy : {&one, &two}) EXPECT_TRUE((co_await busy->receive_all()).ends_with("released"));
    EXPECT_TRUE((co_await three.receive_all()).ends_with("GET "));
  }(*this));
}

TEST_F(Server, FiveHundredShortConnections_LeaveNothing) {
  options.max_connections = 8;
  listen();
  run([](Server& t) -> Task<void> {
    for (int i = 0; i < 500; ++i) {
      auto raw = co_await t.client();
      if (i % 3 == 0) EXPECT_TRUE(co_await raw.send("GET /ec"));
      if (i % 3 == 1) EXPECT_TRUE(co_await raw.send(kGet));
    }
    while (t.server->counters().open > 0) co_await yield();
    EXPECT_EQ(t.server->counters().connections, 500u);
  }(*this));
}

}  // namespace
}  // namespace parley::net
