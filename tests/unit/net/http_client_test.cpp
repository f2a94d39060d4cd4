#include "net/http_client.hpp"

#include "client_fixture.hpp"
#include "net/sse.hpp"

namespace parley::net {
namespace {

using Client = WithClient;

constexpr auto kEmpty = "HTTP/1.1 204 No Content\r\n\r\n";

TEST_F(Client, AsksAndIsAnswered) {
  make_client({.user_agent = "parley/test"});
  const auto port = play(answering("HTTP/1.1 201 Created\r\nX-Id: 7\r\nContent-Length: 2\r\n\r\nhi"));
  run([](Client& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.client->send(
        {.method = "POST", .url = t.url(p, "/v1/x?y=z"), .fields = {{"Content-Type", "application/json"}}, .body = "{}"}, t.in(5s));
    CO_ASSERT_OK(response);
    EXPECT_EQ(response->head.status, 201);
    EXPECT_EQ(response->head.fields.get("x-id"), "7");
    EXPECT_EQ(response->body, "hi");
    EXPECT_EQ(t.request, fmt::format("POST /v1/x?y=z HTTP/1.1\r\nContent-Type: application/json\r\nHost: 127.0.0.1:{}\r\n"
                                     "User-Agent: parley/test\r\nContent-Length: 2\r\n\r\n",
                                     p));
  }(*this, port));
}

TEST_F(Client, UserInTheUrl_IsSentAsBasicAuthorization) {
  make_client();
  const auto port = play(answering(kEmpty));
  run([](Client& t, std::uint16_t p) -> Task<void> {
    CO_ASSERT_OK(co_await t.get(fmt::format("http://a:b@127.0.0.1:{}/", p)));
    EXPECT_NE(t.request.find("Authorization: Basic YTpi\r\n"), std::string::npos) << t.request;
  }(*this, port));
}

TEST_F(Client, FieldsThatAreTheClients_AndLineBreaks_AreNotSent) {
  make_client();
  const auto port = play(answering(kEmpty));
  run([](Client& t, std::uint16_t p) -> Task<void> {
    ClientRequest request{.method = "GET", .url = t.url(p), .fields = {{"Transfer-Encoding", "chunked"}, {"Host", "evil"}}, .body = {}};
    CO_ASSERT_OK(co_await t.client->send(request, t.in(5s)));
    EXPECT_EQ(t.request.find("chunked"), std::string::npos);
    EXPECT_EQ(t.request.find("evil"), std::string::npos);
    request.fields = {{"X", "a\r\nY: b"}};
    const auto response = co_await t.client->send(request, t.in(5s));
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::invalid_argument);
  }(*this, port));
}

Task<void> tell_events(RawClient connection, int) {
  (void)co_await connection.receive_head();
  (void)co_await connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  (void)co_await connection.send(to_chunk(sse_event("", "", "{\"n\":1}")));
  (void)co_await connection.receive_all();  // nothing: until the client goes
}

TEST_F(Client, Events_ArriveWhileTheAnswerGoesOn) {
  make_client();
  const auto port = play(tell_events);
  run([](Client& t, std::uint16_t p) -> Task<void> {
    auto stream = co_await t.client->open({.method = "GET", .url = t.url(p), .fields = {}, .body = {}}, t.in(5s));
    CO_ASSERT_OK(stream);
    EXPECT_EQ((*stream)->head().fields.get("Content-Type"), "text/event-stream");
    const auto piece = co_await (*stream)->read(t.in(5s));
    CO_ASSERT_OK(piece);
    SseParser parser;
    EXPECT_TRUE(parser.feed(*piece));
    EXPECT_EQ(parser.next().value_or(SseEvent{}).data, "{\"n\":1}");
    const auto nothing = co_await (*stream)->read(t.in(5ms));
    CO_ASSERT(!nothing);
    EXPECT_EQ(nothing.error().code(), Errc::timeout);
    EXPECT_EQ(nothing.error().message(), t.url(p) + " sent nothing more before the deadline");
  }(*this, port));
}

TEST_F(Client, StreamDropped_TheServerSeesTheEnd) {
  make_client();
  bool gone = false;
  const auto port = play([&gone](RawClient connection, int number) {
    return [](RawClient c, int n, bool& g) -> Task<void> {
      co_await tell_events(std::move(c), n);
      g = true;
    }(std::move(connection), number, gone);
  });
  run([](Client& t, std::uint16_t p, bool& g) -> Task<void> {
    {
      const auto stream = co_await t.client->open({.method = "GET", .url = t.url(p), .fields = {}, .body = {}}, t.in(5s));
      CO_ASSERT_OK(stream);
    }
    while (!g) co_await yield();
  }(*this, port, gone));
}

TEST_F(Client, NobodyListens_SaysWhatWasNotReached) {
  make_client();
  run([](Client& t) -> Task<void> {
    std::uint16_t port = 0;
    {
      auto listener = TcpListener::listen(t.loop(), {"127.0.0.1", 0});
      port = listener->endpoint().port;
    }
    const auto response = co_await t.get(t.url(port, "/v1?key=secret"));
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::unavailable);
    EXPECT_EQ(response.error().message(), fmt::format("cannot reach http://127.0.0.1:{}/v1: connection refused", port));
  }(*this));
}

TEST_F(Client, NoSuchHost_SaysSo) {
  make_client({.lookup = [](const std::string& host) -> Result<Resolver::Addresses> {
    return fail(Errc::not_found, fmt::format("there is no host \"{}\"", host));
  }});
  run([](Client& t) -> Task<void> {
    const auto response = co_await t.get("http://nowhere.test/");
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::not_found);
    EXPECT_EQ(response.error().message(), "cannot reach http://nowhere.test/: there is no host \"nowhere.test\"");
  }(*this));
}

TEST_F(Client, FirstAddressIsDead_TheNextIsTried) {
  make_client({.lookup = [](const std::string&) -> Result<Resolver::Addresses> {
    return Resolver::Addresses{"127.0.0.2", "127.0.0.1"};
  }});
  const auto port = play(answering(kEmpty));
  run([](Client& t, std::uint16_t p) -> Task<void> {
    CO_ASSERT_OK(co_await t.get(fmt::format("http://server.test:{}/", p)));
    EXPECT_NE(t.request.find(fmt::format("Host: server.test:{}\r\n", p)), std::string::npos);
  }(*this, port));
}

TEST_F(Client, LookupHangs_TheDeadlineHolds) {
  const auto released = std::make_shared<std::atomic<bool>>(false);
  make_client({.lookup = [released](const std::string&) -> Result<Resolver::Addresses> {
    released->wait(false);
    return Resolver::Addresses{"127.0.0.1"};
  }});
  run([](Client& t, std::shared_ptr<std::atomic<bool>> r) -> Task<void> {
    const auto response = co_await t.get("http://slow.test/", 20ms);
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::timeout);
    EXPECT_EQ(response.error().message(), "cannot reach http://slow.test/: the name \"slow.test\" was not found in time");
    *r = true;
    r->notify_all();
  }(*this, released));
}

TEST_F(Client, SilentServer_EndsAtTheDeadline) {
  make_client();
  const auto port = play([](RawClient connection, int) -> Task<void> { (void)co_await connection.receive_all(); });
  run([](Client& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.get(t.url(p), 20ms);
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().message(), t.url(p) + " did not answer before the deadline");
  }(*this, port));
}

TEST_F(Client, AnswersThatAreNone_AreNamed) {
  make_client();
  const std::pair<std::string, Errc> cases[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", Errc::protocol},
      {"", Errc::unavailable},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Errc::unavailable},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Errc::protocol},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(70 * KiB, 'a') + "\r\n\r\n", Errc::protocol},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(9 * MiB, 'a'), Errc::protocol},
  };
  for (const auto& [answer, code] : cases) {
    const auto port = play(answering(answer));
    run([](Client& t, std::uint16_t p, Errc expected) -> Task<void> {
      const auto response = co_await t.get(t.url(p));
      CO_ASSERT(!response);
      EXPECT_EQ(response.error().code(), expected) << response.error().message();
      EXPECT_FALSE(response.error().message().empty());
    }(*this, port, code));
  }
}

TEST_F(Client, EndlessInterimAnswers_MeetTheDeadline) {
  make_client();
  const auto port = play([](RawClient connection, int) -> Task<void> {
    while (co_await connection.send("HTTP/1.1 100 Continue\r\n\r\n")) co_await yield();
  });
  run([](Client& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.get(t.url(p), 30ms);
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().code(), Errc::timeout);
  }(*this, port));
}

Task<void> answer_again_and_again(RawClient connection, int) {
  while (!(co_await connection.receive_head()).empty()) (void)co_await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

TEST_F(Client, ConnectionsAreKept_WhenTheBodyWasReadToItsEnd) {
  make_client();
  const auto port = play(answer_again_and_again);
  run([](Client& t, std::uint16_t p) -> Task<void> {
    for (int i = 0; i < 5; ++i) CO_ASSERT_OK(co_await t.get(t.url(p)));
    EXPECT_EQ(t.connections, 1);
    {
      const auto unread = co_await t.client->open({.method = "GET", .url = t.url(p), .fields = {}, .body = {}}, t.in(5s));
      CO_ASSERT_OK(unread);
    }
    CO_ASSERT_OK(co_await t.get(t.url(p)));
    EXPECT_EQ(t.connections, 2) << "a body that was not read makes its connection useless";
  }(*this, port));
}

TEST_F(Client, KeptConnectionThatTheServerClosed_IsNotUsed) {
  make_client();
  const auto port = play(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));  // and then ends, without saying so
  run([](Client& t, std::uint16_t p) -> Task<void> {
    for (int i = 1; i <= 3; ++i) {
      const auto response = co_await t.client->send({.method = "POST", .url = t.url(p), .fields = {}, .body = "x"}, t.in(5s));
      CO_ASSERT_OK(response);
      EXPECT_EQ(t.connections, i);
      co_await t.settle();
    }
  }(*this, port));
}

// It answers once, and drops the connection when the second request comes.
Task<void> drop_the_second(RawClient connection, int) {
  (void)co_await connection.receive_head();
  (void)co_await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  (void)co_await connection.receive_head();
}

TEST_F(Client, KeptConnectionDropsTheRequest_OneThatMayBeRepeatedIs) {
  make_client();
  const auto port = play(drop_the_second);
  run([](Client& t, std::uint16_t p) -> Task<void> {
    CO_ASSERT_OK(co_await t.get(t.url(p)));
    CO_ASSERT_OK(co_await t.get(t.url(p)));
    EXPECT_EQ(t.connections, 2);
    const ClientRequest hook{.method = "POST", .url = t.url(p), .fields = {{"Idempotency-Key", "k"}}, .body = "x"};
    CO_ASSERT_OK(co_await t.client->send(hook, t.in(5s)));
    EXPECT_EQ(t.connections, 3);
    const auto once = co_await t.client->send({.method = "POST", .url = t.url(p), .fields = {}, .body = "x"}, t.in(5s));
    CO_ASSERT(!once);
    EXPECT_EQ(once.error().code(), Errc::unavailable) << "what may have had its effect is not asked twice";
  }(*this, port));
}

TEST_F(Client, IdleConnections_AreBoundedAndExpire) {
  make_client();
  const auto port = play(answer_again_and_again);
  run([](Client& t, std::uint16_t p) -> Task<void> {
    std::vector<std::unique_ptr<ResponseStream>> streams;
    for (int i = 0; i < 10; ++i) {
      auto stream = co_await t.client->open({.method = "GET", .url = t.url(p), .fields = {}, .body = {}}, t.in(5s));
      CO_ASSERT_OK(stream);
      streams.push_back(std::move(*stream));
    }
    for (auto& stream : streams) {
      while (!(co_await stream->read(t.in(5s))).value_or("").empty()) {
      }
    }
    while (t.playing->tasks() > 1 + 4) co_await yield();  // the accepting task, and kMaxIdleOfOneKey kept connections
    t.client.reset();
    while (t.playing->tasks() > 1) co_await yield();
  }(*this, port));
}

TEST_F(Client, ServerRefusesTheBodyBeforeItsEnd_ItsAnswerIsHeard) {
  make_client();
  const auto port = play([](RawClient connection, int) -> Task<void> {
    (void)co_await connection.receive_head();
    (void)co_await connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    connection.stream().end_output();
    (void)co_await connection.receive_until("the end");
  });
  run([](Client& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.client->send(
        {.method = "POST", .url = t.url(p), .fields = {}, .body = std::string(8 * MiB, 'x') + "the end"}, t.in(5s));
    CO_ASSERT_OK(response);
    EXPECT_EQ(response->head.status, 413);
  }(*this, port));
}

TEST_F(Client, KilledAnywhere_LeavesNothing) {
  make_client();
  const auto port = play(tell_events);
  run([](Client& t, std::uint16_t p) -> Task<void> {
    // Each round lets the request come a little further before it is killed.
    for (int turns = 0; turns < 30; ++turns) {
      Scope call(t.scope(), "call");
      EXPECT_TRUE(call.spawn("ask", [](Client& c, std::uint16_t to) -> Task<void> {
        (void)co_await c.get(c.url(to));
        ADD_FAILURE() << "a killed task went on";
      }(t, p)));
      for (int i = 0; i < turns; ++i) co_await yield();
      call.kill();
    }
    while (t.playing->tasks() > 1) co_await yield();
  }(*this, port));
}

class ThroughAProxy : public WithClient {
 public:
  void use_proxy(std::uint16_t port) {
    const auto proxy = fmt::format("http://user:pw@127.0.0.1:{}", port);
    auto rules = ProxyRules::from_environment(
        [&](const char* name) { return std::string_view(name).ends_with("_proxy") && name[0] != 'n' ? proxy.c_str() : nullptr; });
    ASSERT_TRUE(rules);
    make_client({.proxies = std::move(*rules)});
  }
};

TEST_F(ThroughAProxy, PlainRequests_NameTheWholeUrl) {
  use_proxy(play(answering(kEmpty)));
  run([](ThroughAProxy& t) -> Task<void> {
    CO_ASSERT_OK(co_await t.get("http://api.test:81/x?y"));
    EXPECT_TRUE(t.request.starts_with("GET http://api.test:81/x?y HTTP/1.1\r\nHost: api.test:81\r\n")) << t.request;
    EXPECT_NE(t.request.find("Proxy-Authorization: Basic dXNlcjpwdw==\r\n"), std::string::npos);
  }(*this));
}

TEST_F(ThroughAProxy, TunnelRefused_SaysWhatTheProxySaid) {
  const auto port = play(answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nhello"));
  use_proxy(port);
  run([](ThroughAProxy& t, std::uint16_t p) -> Task<void> {
    const auto response = co_await t.get("https://api.test/x");
    CO_ASSERT(!response);
    EXPECT_EQ(response.error().message(),
              fmt::format("cannot reach https://api.test/x through the proxy http://127.0.0.1:{}/: the proxy answers 407 Proxy "
                          "Authentication Required",
                          p));
    EXPECT_TRUE(t.request.starts_with("CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\nProxy-Authorization: Basic ")) << t.request;
  }(*this, port));
}

}  // namespace
}  // namespace parley::net
