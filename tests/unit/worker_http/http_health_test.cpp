#include "worker/http_health.hpp"

#include "fixture.hpp"

namespace parley::worker {
namespace {

using Health = WithApi;

TEST_F(Health, IsToldOnItsOwnPort) {
  listen();
  run([](Health& t) -> Task<void> {
    for (const auto* path : {"/", "/healthz"}) {
      t.desk.well = true;
      EXPECT_EQ((co_await t.health(path)).status, 200);
      t.desk.well = false;
      EXPECT_EQ((co_await t.health(path)).status, 503);
    }
    EXPECT_EQ((co_await t.health("/livez")).status, 200) << "it turns, though it takes no calls";
    const auto worker = co_await t.health("/worker");
    EXPECT_EQ(worker.fields.get("Content-Type"), "application/json");
    EXPECT_EQ(worker.body, "{\"state\":\"serving\"}\n");
    const auto metrics = co_await t.health("/metrics");
    EXPECT_EQ(metrics.fields.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(metrics.body, "parley_slots 10\n");
    EXPECT_EQ((co_await t.health("/call")).status, 404);
    EXPECT_EQ((co_await t.ask("GET", "/metrics")).status, 404) << "not on the callers' port";
    EXPECT_EQ((co_await t.ask("POST", "/worker", {}, {}, t.api->health_port())).status, 405);
  }(*this));
}

TEST_F(Health, Probes_NeedNoNameAndNoToken_TheRestDoes) {
  config.token = "0123456789abcdef";
  listen();
  run([](Health& t) -> Task<void> {
    EXPECT_EQ((co_await t.health("/", "Host: 10.1.2.3:8081")).status, 200);
    EXPECT_EQ((co_await t.health("/metrics", "Host: evil.example")).status, 403);
    EXPECT_EQ((co_await t.health("/metrics")).status, 401);
    EXPECT_EQ((co_await t.health("/metrics", "Authorization: Bearer 0123456789abcdef")).status, 200);
  }(*this));
}

TEST_F(Health, BeyondLoopbackWithoutAToken_OnlyProbesAreAnswered) {
  config.health_address = "0.0.0.0";
  listen();
  run([](Health& t) -> Task<void> {
    EXPECT_EQ((co_await t.health("/healthz")).status, 200);
    EXPECT_EQ((co_await t.health("/worker")).status, 403);
    EXPECT_EQ((co_await t.health("/metrics", "Host: 10.1.2.3")).status, 403);
  }(*this));
}

}  // namespace
}  // namespace parley::worker
