#include "worker/http_api.hpp"

#include <boost/json/parse.hpp>

#include <parley/base/utf8.hpp>

#include "fixture.hpp"
#include "worker/http_calls.hpp"

namespace parley::worker {
namespace {

using Api = WithApi;

TEST_F(Api, OfferIsAnswered_InTheShapeOfWhip) {
  listen();
  run([](Api& t) -> Task<void> {
    const auto answer = co_await t.post("/call");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.fields.get("Content-Type"), "application/sdp");
    EXPECT_EQ(answer.fields.get("Location"), "/call/CA_1");
    EXPECT_EQ(answer.fields.get("Cache-Control"), "no-store");
    EXPECT_EQ(answer.body, "v=0\r\ns=answer\r\n");
    EXPECT_EQ(t.desk.last_sdp, t.kOffer);
    EXPECT_TRUE(t.desk.last_metadata.empty());
  }(*this));
}

TEST_F(Api, Metadata_ComesInTheQuery) {
  listen();
  run([](Api& t) -> Task<void> {
    EXPECT_EQ((co_await t.post("/call?metadata=%7B%22table%22%3A4%7D")).status, 201);
    EXPECT_EQ(t.desk.last_metadata.at("table").as_int64(), 4);
    for (const auto* bad : {"nonsense", "%5B1%5D", "%7B", "%22x%22"}) {
      EXPECT_EQ((co_await t.post(std::string("/call?metadata=") + bad)).status, 400) << bad;
    }
    EXPECT_EQ((co_await t.post("/call?metadata=%7B%22a%22%3A%22" + std::string(5000, 'x') + "%22%7D")).status, 400);
    EXPECT_EQ((co_await t.post("/call?metadata=" + std::string(3000, '[') + "%7B%7D")).status, 400);
    EXPECT_EQ(t.desk.offers, 1);
  }(*this));
}

TEST_F(Api, WhatIsNoOffer_IsRefused_AndTheDeskIsNotAsked) {
  listen();
  run([](Api& t) -> Task<void> {
    auto answer = co_await t.post("/call", "Content-Type: application/json", "{}");
    EXPECT_EQ(answer.status, 415);
    EXPECT_EQ(answer.fields.get("Accept-Post"), "application/sdp");
    EXPECT_EQ(answer.fields.get("Content-Type"), "application/problem+json");
    EXPECT_EQ(boost::json::parse(answer.body).at("detail").as_string(), "send the offer with Content-Type: application/sdp");
    EXPECT_EQ((co_await t.post("/call", "")).status, 415);
    EXPECT_EQ((co_await t.post("/call", "Content-Type: application/sdp", "hello")).status, 400);
    EXPECT_EQ((co_await t.post("/call", "Content-Type: application/sdp", "")).status, 400);
    EXPECT_EQ((co_await t.post("/call", "Content-Type: application/sdp", "v=0" + std::string(kMaxOfferBytes, 'x'))).status, 413);
    EXPECT_EQ(t.desk.offers, 0);
  }(*this));
}

TEST_F(Api, TheDesksRefusals_HaveTheirStatus) {
  listen();
  run([](Api& t) -> Task<void> {
    const std::pair<Error, int> cases[] = {
        {{Errc::invalid_argument, "the offer has no audio"}, 422}, {{Errc::overloaded, "all 10 slots are taken"}, 503},
        {{Errc::closing, "this worker is draining"}, 503},         {{Errc::timeout, "the call was not answered in time"}, 504},
        {{Errc::refused, "no"}, 403},                              {{Errc::internal, "secret detail"}, 500},
    };
    for (const auto& [refusal, status] : cases) {
      t.desk.refusal = refusal;
      const auto answer = co_await t.post("/call");
      EXPECT_EQ(answer.status, status);
      EXPECT_EQ(answer.body.find(refusal.message()) != std::string::npos, status != 500) << answer.body;
      EXPECT_EQ(answer.fields.get("Retry-After"), status == 503 ? "5" : "");
    }
  }(*this));
}

TEST_F(Api, DeskThatHangs_IsGivenUpAtItsDeadline) {
  Event never;
  desk.hold = &never;
  listen();
  run([](Api& t) -> Task<void> {
    auto raw = co_await t.client(t.api->port());
    EXPECT_TRUE(co_await raw.send(fmt::format("POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
                                              "Content-Length: {}\r\n\r\n{}",
                                              std::string_view(t.kOffer).size(), t.kOffer)));
    while (t.desk.offers == 0) co_await yield();
    const auto report = co_await t.api->close(t.in(20ms));
    EXPECT_EQ(co_await raw.receive_all(), "");
    EXPECT_FALSE(report.items.empty());
    for (const auto& item : report.items) {
      if (item.name.starts_with("health")) EXPECT_EQ(item.outcome, CloseOutcome::closed) << "had no time of its own: " << to_string(report);
    }
  }(*this));
}

TEST_F(Api, Reoffer_IsAnsweredWith200) {
  listen();
  run([](Api& t) -> Task<void> {
    t.desk.start_call("CA_x");
    const auto answer = co_await t.post("/call/CA_x");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields.get("Location"), "/call/CA_x");
    EXPECT_EQ(answer.body, "v=0\r\ns=again\r\n");
    EXPECT_EQ((co_await t.post("/call/CA_none")).status, 404);
    EXPECT_EQ((co_await t.post("/call/CA_x", "Content-Type: text/plain")).status, 415);
  }(*this));
}

TEST_F(Api, Delete_HangsUp_AsOftenAsItIsSaid) {
  listen();
  run([](Api& t) -> Task<void> {
    t.desk.start_call("CA_x");
    EXPECT_EQ((co_await t.ask("DELETE", "/call/CA_x")).status, 200);
    EXPECT_EQ((co_await t.ask("DELETE", "/call/CA_x")).status, 200);
    EXPECT_EQ(t.desk.hang_ups, 2);
    EXPECT_EQ((co_await t.ask("DELETE", "/call/CA_none")).status, 404);
  }(*this));
}

TEST_F(Api, MethodsThatMeanNothing_AreAnsweredWithThoseThatDo) {
  listen();
  run([](Api& t) -> Task<void> {
    t.desk.start_call("CA_x");
    const std::tuple<const char*, const char*, const char*> cases[] = {
        {"PATCH", "/call/CA_x", "POST, DELETE, OPTIONS"}, {"GET", "/call/CA_x", "POST, DELETE, OPTIONS"},
        {"GET", "/call", "POST, OPTIONS"},                {"PUT", "/call", "POST, OPTIONS"},
        {"POST", "/call/CA_x/events", "GET, OPTIONS"},    {"POST", "/", "GET, HEAD"},
    };
    for (const auto& [method, path, allowed] : cases) {
      const auto answer = co_await t.ask(method, path);
      EXPECT_EQ(answer.status, 405) << method << " " << path;
      EXPECT_EQ(answer.fields.get("Allow"), allowed);
    }
  }(*this));
}

TEST_F(Api, Options_SayWhatIsTaken_AndAllowNoOtherSite) {
  listen();
  run([](Api& t) -> Task<void> {
    const auto answer = co_await t.ask("OPTIONS", "/call", "Origin: https://evil.example\nAccess-Control-Request-Method: POST");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields.get("Accept-Post"), "application/sdp");
    for (const auto& field : answer.fields) EXPECT_FALSE(field.name.starts_with("Access-Control")) << field.name;
  }(*this));
}

TEST_F(Api, PathsThatAreNoCall_Are404) {
  listen();
  run([](Api& t) -> Task<void> {
    for (const auto* path : {"/call/", "/call/../etc/passwd", "/call/%2e%2e", "/call/CA_x/", "/call/CA_x/y", "/call/CA_%00", "/call//events",
                             "/calls", "/nothing", "/index.html/x"}) {
      EXPECT_EQ((co_await t.ask("DELETE", path)).status, 404) << path;
    }
  }(*this));
}

TEST_F(Api, Page_IsServedUnderAStrictPolicy) {
  listen();
  run([](Api& t) -> Task<void> {
    for (const auto* path : {"/", "/index.html", "/?plain"}) {
      const auto page = co_await t.ask("GET", path);
      EXPECT_EQ(page.status, 200);
      EXPECT_EQ(page.body, "<h1>hello</h1>");
      EXPECT_EQ(page.fields.get("Content-Type"), "text/html; charset=utf-8");
      EXPECT_TRUE(page.fields.get("Content-Security-Policy").starts_with("default-src 'none'; script-src 'self'"));
    }
    EXPECT_EQ((co_await t.ask("GET", "/call.js")).fields.get("Content-Type"), "text/javascript");
    const auto head = co_await t.ask("HEAD", "/");
    EXPECT_EQ(head.fields.get("Content-Length"), "14");
    EXPECT_EQ(head.body, "");
  }(*this));
}

TEST_F(Api, HostThatIsNotOurs_IsRefused) {
  config.advertised_names = {"Calls.Example.com", "[2001:db8::1]:8080"};
  listen();
  run([](Api& t) -> Task<void> {
    for (const auto* ours : {"localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080", "a.localhost", "calls.example.com:443",
                             "[2001:db8::1]"}) {
      EXPECT_EQ((co_await t.ask("GET", "/", std::string("Host: ") + ours)).status, 200) << ours;
    }
    for (const auto* foreign : {"evil.example", "localhost.evil.example", "192.0.2.1", "calls.example.com.evil", "127.0.0.1.evil.example"}) {
      EXPECT_EQ((co_await t.ask("GET", "/", std::string("Host: ") + foreign)).status, 403) << foreign;
      EXPECT_EQ((co_await t.post("/call", std::string("Content-Type: application/sdp\nHost: ") + foreign)).status, 403);
    }
    EXPECT_EQ((co_await t.ask("GET", "/", "Host: a@localhost")).status, 400);
    EXPECT_EQ(t.desk.offers, 0);
  }(*this));
}

TEST_F(Api, RefusalThatQuotesBytesWhichAreNoText_IsJsonAllTheSame) {
  listen();
  run([](Api& t) -> Task<void> {
    t.desk.refusal = {Errc::invalid_argument, "the offer's line \"a=\xFF\" cannot be read"};
    const auto answer = co_await t.post("/call");
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(valid_utf8(answer.body), answer.body);
    EXPECT_EQ(boost::json::parse(answer.body).at("detail").as_string(), "the offer's line \"a=\xEF\xBF\xBD\" cannot be read");
    EXPECT_EQ((co_await t.ask("GET", "/", "Host: a\xFF.example")).status, 400);
  }(*this));
}

TEST_F(Api, Token_IsAskedForWhereThereIsOne) {
  config.token = "0123456789abcdef";
  listen();
  run([](Api& t) -> Task<void> {
    t.desk.start_call("CA_x");
    const std::string sdp = "Content-Type: application/sdp\n";
    const auto refused = co_await t.post("/call", sdp);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.fields.get("WWW-Authenticate"), "Bearer");
    for (const auto* wrong : {"Bearer 0123456789abcdeX", "Bearer 0123456789abcdef0", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"}) {
      EXPECT_EQ((co_await t.post("/call", sdp + "Authorization: " + wrong)).status, 401) << wrong;
    }
    EXPECT_EQ((co_await t.ask("GET", "/call/CA_x/events")).status, 401);
    EXPECT_EQ((co_await t.ask("DELETE", "/call/CA_x")).status, 401);
    EXPECT_EQ(t.desk.offers + t.desk.hang_ups, 0);
    EXPECT_EQ((co_await t.post("/call", sdp + "Authorization: bearer 0123456789abcdef")).status, 201);
    EXPECT_EQ((co_await t.ask("GET", "/")).status, 200) << "the page itself holds nothing secret";
    EXPECT_EQ((co_await t.ask("OPTIONS", "/call")).status, 200);
  }(*this));
}

TEST_F(Api, BeyondLoopback_ItListensOnlyWithAToken) {
  for (const auto* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    config.address = address;
    const auto made = HttpApi::listen(loop(), scope(), desk, config, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), Errc::invalid_argument);
    EXPECT_NE(made.error().message().find("without a token"), std::string::npos) << made.error().message();
  }
  config.address = "0.0.0.0";
  config.token = "short";
  EXPECT_FALSE(HttpApi::listen(loop(), scope(), desk, config, {}));
  config.token = "0123456789abcdef";
  listen();
  run([](Api& t) -> Task<void> {
    EXPECT_EQ((co_await t.ask("GET", "/", "Host: 192.0.2.1:8080")).status, 200) << "a numeric address cannot be rebound";
    EXPECT_EQ((co_await t.ask("GET", "/", "Host: evil.example")).status, 403);
  }(*this));
}

TEST_F(Api, PortInUse_SaysWhichAndWhatToDo) {
  listen();
  for (auto* port : {&config.port, &config.health_port}) {
    config.port = config.health_port = 0;
    *port = api->port();
    const auto second = HttpApi::listen(loop(), scope(), desk, config, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message(),
              fmt::format("cannot listen on 127.0.0.1:{}: another program uses this port; stop it or choose another port", api->port()));
  }
}

// What comes from a socket may be anything.
TEST_F(Api, MalformedBytes_AreAnsweredOrDropped_AndTheServerLives) {
  listen();
  run([](Api& t) -> Task<void> {
    Random random(11);
    const std::string valid = fmt::format("POST /call?metadata=%7B%7D HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
                                          "Content-Length: {}\r\n\r\n{}",
                                          std::string_view(t.kOffer).size(), t.kOffer);
    for (int i = 0; i < 300; ++i) {
      auto bytes = valid;
      for (auto flips = 1 + random.below(8); flips > 0; --flips) bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
      bytes.resize(1 + random.below(bytes.size()));
      auto raw = co_await t.client(t.api->port());
      (void)co_await raw.send(bytes);
      raw.stream().end_output();
      const auto all = co_await raw.receive_all();
      EXPECT_TRUE(all.empty() || all.starts_with("HTTP/1.1 ")) << all;
    }
    EXPECT_EQ((co_await t.ask("GET", "/")).status, 200);
  }(*this));
}

TEST_F(Api, PipelinedOffers_AreAnsweredInOrder) {
  listen();
  run([](Api& t) -> Task<void> {
    auto raw = co_await t.client(t.api->port());
    const auto one = fmt::format("POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{}",
                                 std::string_view(t.kOffer).size(), t.kOffer);
    EXPECT_TRUE(co_await raw.send(one + one + one));
    for (int i = 1; i <= 3; ++i) {
      EXPECT_NE((co_await raw.receive_head()).find(fmt::format("Location: /call/CA_{}\r\n", i)), std::string::npos);
      (void)co_await raw.receive_until("s=answer\r\n");
    }
  }(*this));
}

}  // namespace
}  // namespace parley::worker
