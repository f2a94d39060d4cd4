#include "worker/http_events.hpp"

#include "fixture.hpp"

namespace parley::worker {
namespace {

using Events = WithApi;

TEST_F(Events, AreToldAsTheyHappen_WithTheirIds) {
  auto& call = desk.start_call("CA_x");
  listen();
  run([](Events& t, FakeDesk::Call& c) -> Task<void> {
    auto raw = co_await t.watching("CA_x");
    EXPECT_EQ(co_await raw.receive_until("retry: 1000\n\n"), "d\r\nretry: 1000\n\n");
    c.tell("agent_state_changed", "{\"new_state\":\"listening\"}");
    EXPECT_NE((co_await raw.receive_until("\n\n")).find("id: 1\nevent: agent_state_changed\ndata: {\"new_state\":\"listening\"}\n\n"),
              std::string::npos);
    c.tell("close", "{}");
    EXPECT_NE((co_await raw.receive_until("\n\n")).find("id: 2\nevent: close\ndata: {}\n\n"), std::string::npos);
    c.end();
    EXPECT_EQ(co_await raw.receive_all(), "\r\n0\r\n\r\n");
    EXPECT_EQ(c.watchers, 0);
  }(*this, call));
}

TEST_F(Events, HeadersKeepProxiesFromHoldingThemBack) {
  desk.start_call("CA_x").end();
  desk.calls["CA_x"]->tell("close", "{}");
  listen();
  run([](Events& t) -> Task<void> {
    const auto answer = co_await t.ask("GET", "/call/CA_x/events");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields.get("Content-Type"), "text/event-stream");
    EXPECT_EQ(answer.fields.get("Cache-Control"), "no-store");
    EXPECT_EQ(answer.fields.get("X-Accel-Buffering"), "no");
    EXPECT_EQ(answer.body, "retry: 1000\n\nid: 1\nevent: close\ndata: {}\n\n");
  }(*this));
}

TEST_F(Events, WatcherComesBackWithItsLastId_AndMissesNothing) {
  auto& call = desk.start_call("CA_x");
  for (int i = 1; i <= 3; ++i) call.tell("e", fmt::format("{{\"n\":{}}}", i));
  call.end();
  listen();
  run([](Events& t) -> Task<void> {
    auto answer = co_await t.ask("GET", "/call/CA_x/events", "Last-Event-ID: 1");
    EXPECT_EQ(answer.body, "retry: 1000\n\nid: 2\nevent: e\ndata: {\"n\":2}\n\nid: 3\nevent: e\ndata: {\"n\":3}\n\n");
    answer = co_await t.ask("GET", "/call/CA_x/events", "Last-Event-ID: 3");
    EXPECT_EQ(answer.status, 204) << "an ended call that was heard to its end: the browser must not come back again";
    EXPECT_EQ(answer.body, "");
    for (const auto* bad : {"x", "-1", "1;", "99999999999999999999"}) {
      EXPECT_EQ((co_await t.ask("GET", "/call/CA_x/events", std::string("Last-Event-ID: ") + bad)).status, 400) << bad;
    }
  }(*this));
}

TEST_F(Events, NoSuchCall_AndTooManyWatchers) {
  desk.start_call("CA_x").watchers = 4;
  listen();
  run([](Events& t) -> Task<void> {
    EXPECT_EQ((co_await t.ask("GET", "/call/CA_none/events")).status, 404);
    const auto answer = co_await t.ask("GET", "/call/CA_x/events");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.fields.get("Retry-After"), "5");
    t.desk.calls["CA_x"]->watchers = 0;
  }(*this));
}

TEST_F(Events, WatcherGoesInTheMiddle_ItsPlaceIsFreeAtOnce) {
  auto& call = desk.start_call("CA_x");
  listen();
  run([](Events& t, FakeDesk::Call& c) -> Task<void> {
    {
      const auto raw = co_await t.watching("CA_x");
      EXPECT_EQ(c.watchers, 1);
    }
    while (c.watchers > 0) co_await yield();
  }(*this, call));
}

TEST_F(Events, WatcherThatFallsBehind_IsEndedInOrder) {
  auto& call = desk.start_call("CA_x");
  listen();
  run([](Events& t, FakeDesk::Call& c) -> Task<void> {
    auto raw = co_await t.watching("CA_x");
    c.cut_off = true;
    c.changed.set();
    EXPECT_TRUE((co_await raw.receive_all()).ends_with("0\r\n\r\n"));
  }(*this, call));
}

TEST_F(Events, ApiIsClosed_WatchersSeeAProperEnd) {
  desk.start_call("CA_x");
  listen();
  run([](Events& t) -> Task<void> {
    auto raw = co_await t.watching("CA_x");
    t.api->request_stop({StopCause::shutdown, {}});
    t.desk.calls["CA_x"]->tell("e", "{}");
    EXPECT_NE((co_await raw.receive_until("data: {}\n\n")).find("id: 1"), std::string::npos) << "stopping leaves watchers their streams";
    Scope closing(t.scope(), "closing");
    CloseReport report;
    EXPECT_TRUE(closing.spawn("close", [](Events& test, CloseReport& r) -> Task<void> { r = co_await test.api->close(test.in(5s)); }(t, report)));
    EXPECT_TRUE((co_await raw.receive_all()).ends_with("0\r\n\r\n"));
    raw.stream().close();
    EXPECT_TRUE(co_await closing.wait_idle(t.in(5s)));
    EXPECT_TRUE(report.clean()) << to_string(report);
  }(*this));
}

}  // namespace
}  // namespace parley::worker
