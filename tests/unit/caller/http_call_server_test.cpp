#include "caller/http_call_server.hpp"

#include <deque>
#include <optional>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley::caller {
namespace {

class Stream final : public net::ResponseStream {
 public:
  Stream(net::ResponseHead head, std::deque<std::string> pieces) : head_(std::move(head)), pieces_(std::move(pieces)) {}
  const net::ResponseHead& head() const noexcept override { return head_; }
  Task<Result<std::string>> read(Deadline) override {
    if (pieces_.empty()) co_return std::string();
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    co_return piece;
  }

 private:
  net::ResponseHead head_;
  std::deque<std::string> pieces_;
};

class Client final : public net::HttpClient {
 public:
  struct Answer {
    int status;
    net::HttpFields fields;
    std::deque<std::string> pieces;
  };
  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline) override {
    requests.push_back(std::move(request));
    if (answers.empty()) co_return fail(Errc::unavailable, "nobody is there");
    auto answer = std::move(answers.front());
    answers.pop_front();
    co_return std::unique_ptr<net::ResponseStream>(
        std::make_unique<Stream>(net::ResponseHead{.status = answer.status, .fields = answer.fields}, answer.pieces));
  }
  std::deque<Answer> answers;
  std::vector<net::ClientRequest> requests;
};

class HttpCallServerTest : public ::testing::Test {
 public:
  HttpCallServerTest() : loop(world.add_loop("test")), scope(std::in_place, loop, "root") {}
  void start(std::string_view name, Task<void> task) { ASSERT_TRUE(scope->spawn(name, std::move(task))); }
  void run_to_end() {
    ASSERT_TRUE(world.run_until([&] { return scope->tasks() == 0; }, 2min)) << world.describe();
  }

  std::unique_ptr<HttpCallServer> server(std::string_view url = "http://127.0.0.1:8080") {
    auto made = HttpCallServer::create(client, url, "secret");
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  void taken(std::string location = "/call/CA_1") {
    client.answers.push_back({201, {{"Content-Type", "application/sdp"}, {"Location", std::move(location)}}, {"v=0"}});
  }
  sim::World world{7};
  sim::SimLoop& loop;
  std::optional<Scope> scope;
  Client client;
};

TEST_F(HttpCallServerTest, OfferIsPosted_AnswerAndIdComeBack_HangUpIsADelete) {
  taken();
  client.answers.push_back({200, {}, {}});
  auto s = server();
  start("call", [](sim::SimLoop& l, HttpCallServer& call) -> Task<void> {
    EXPECT_EQ(co_await call.offer("v=0 offer", l.in(1s)), "v=0");
    EXPECT_TRUE(co_await call.hang_up(l.in(1s)));
  }(loop, *s));
  run_to_end();
  ASSERT_EQ(client.requests.size(), 2u);
  EXPECT_EQ(client.requests[0].url, "http://127.0.0.1:8080/call");
  EXPECT_EQ(client.requests[0].fields.get("Authorization"), "Bearer secret");
  EXPECT_EQ(client.requests[0].fields.get("Content-Type"), "application/sdp");
  EXPECT_EQ(client.requests[1].method, "DELETE");
  EXPECT_EQ(client.requests[1].url, "http://127.0.0.1:8080/call/CA_1");
  EXPECT_EQ(s->call_id(), "CA_1");
}

TEST_F(HttpCallServerTest, RefusalCarriesTheServersOwnWords) {
  client.answers.push_back({503, {{"Content-Type", "application/problem+json"}}, {R"({"detail":"all 4 slots are taken"})"}});
  auto s = server();
  start("call", [](sim::SimLoop& l, HttpCallServer& call) -> Task<void> {
    const auto answer = co_await call.offer("v=0", l.in(1s));
    EXPECT_FALSE(answer);
    if (answer) co_return;
    EXPECT_EQ(answer.error().code(), Errc::overloaded);
    EXPECT_NE(answer.error().message().find("all 4 slots are taken"), std::string::npos);
  }(loop, *s));
  run_to_end();
}

TEST_F(HttpCallServerTest, LocationOfAnotherServer_IsNotFollowed) {
  taken("http://192.0.2.1/call/x");
  auto s = server();
  start("call", [](sim::SimLoop& l, HttpCallServer& call) -> Task<void> {
    EXPECT_FALSE(co_await call.offer("v=0", l.in(1s)));
  }(loop, *s));
  run_to_end();
}

TEST_F(HttpCallServerTest, EventsAreWatchedAgainFromWhereTheyWereCut) {
  taken();
  client.answers.push_back({200, {}, {"id: 1\nevent: a\ndata: {\"n\":1}\n\n", "id: 2\nevent: b\nda"}});
  client.answers.push_back({200, {}, {"id: 2\nevent: b\ndata: {\"n\":2}\n\n", "id: 3\ndata: no json\n\n"}});
  client.answers.push_back({404, {}, {}});
  auto s = server();
  start("call", [](sim::SimLoop& l, HttpCallServer& call) -> Task<void> {
    EXPECT_TRUE(co_await call.offer("v=0", l.in(1s)));
    for (const std::string type : {"a", "b"}) {
      const auto event = co_await call.next_event(l.in(5s));
      EXPECT_TRUE(event);
      if (event) EXPECT_EQ(event->type, type);
    }
    const auto end = co_await call.next_event(l.in(5s));
    EXPECT_FALSE(end);
    if (!end) EXPECT_EQ(end.error().code(), Errc::closing);
  }(loop, *s));
  run_to_end();
  ASSERT_EQ(client.requests.size(), 4u);
  EXPECT_EQ(client.requests[1].fields.get("Last-Event-ID"), "");
  EXPECT_EQ(client.requests[2].fields.get("Last-Event-ID"), "1");
}

TEST_F(HttpCallServerTest, ServerThatIsGone_IsAskedABoundedNumberOfTimes) {
  taken();
  for (int i = 0; i < 50; ++i) client.answers.push_back({200, {}, {}});
  auto s = server();
  start("call", [](sim::SimLoop& l, HttpCallServer& call) -> Task<void> {
    EXPECT_TRUE(co_await call.offer("v=0", l.in(1s)));
    EXPECT_FALSE(co_await call.next_event(l.in(60s)));
  }(loop, *s));
  run_to_end();
  EXPECT_EQ(client.requests.size(), 1u + HttpCallServer::kMaxRetries);
}

TEST_F(HttpCallServerTest, AddressesThatAreNone_AreRefused) {
  for (const auto* url : {"", "x", "ftp://a/", "ws://a/"}) EXPECT_FALSE(HttpCallServer::create(client, url, "")) << url;
}

}  // namespace
}  // namespace parley::caller
