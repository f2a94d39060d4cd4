#include "net/resolver.hpp"

#include <gtest/gtest.h>

#include "sim/world.hpp"

namespace parley::net {
namespace {

class Resolving : public ::testing::Test {
 public:
  Resolver::Lookup counting(Result<Resolver::Addresses> given) {
    return [this, given](const std::string&) {
      ++lookups;
      return given;
    };
  }
  Task<void> ask(Resolver& resolver, std::string host, Duration limit, Result<Resolver::Addresses>& got) {
    got = co_await resolver.resolve(std::move(host), loop.in(limit));
  }
  void run(Task<void> task) {
    ASSERT_TRUE(scope.spawn("test", std::move(task)));
    ASSERT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1min)) << world.describe();
  }

  sim::World world{7};
  sim::SimLoop& loop = world.add_loop("test");
  Scope scope{loop, "root"};
  int lookups = 0;
  Result<Resolver::Addresses> answer;
};

TEST_F(Resolving, Addresses_NeedNoLookup) {
  Resolver resolver(scope, counting(Resolver::Addresses{"192.0.2.1"}));
  run(ask(resolver, "::1", 1s, answer));
  EXPECT_EQ(answer.value().front(), "::1");
  EXPECT_EQ(lookups, 0);
}

TEST_F(Resolving, AnAnswerIsKeptForAWhile) {
  Resolver resolver(scope, counting(Resolver::Addresses{"192.0.2.1"}));
  run(ask(resolver, "a.test", 1s, answer));
  run(ask(resolver, "a.test", 1s, answer));
  EXPECT_EQ(answer.value().front(), "192.0.2.1");
  EXPECT_EQ(lookups, 1);
  world.run_for(Resolver::kKeepAnswer);
  run(ask(resolver, "a.test", 1s, answer));
  EXPECT_EQ(lookups, 2);
}

TEST_F(Resolving, AFailureIsKeptOnlyShortly) {
  Resolver resolver(scope, counting(fail(Errc::not_found, "there is no host \"a.test\"")));
  run(ask(resolver, "a.test", 1s, answer));
  run(ask(resolver, "a.test", 1s, answer));
  EXPECT_EQ(lookups, 1);
  EXPECT_EQ(answer.error().code(), Errc::not_found);
  world.run_for(Resolver::kKeepFailure);
  run(ask(resolver, "a.test", 1s, answer));
  EXPECT_EQ(lookups, 2);
}

TEST_F(Resolving, TwoAskForOneName_OneLookup) {
  Resolver resolver(scope, counting(Resolver::Addresses{"192.0.2.1"}));
  Result<Resolver::Addresses> other;
  ASSERT_TRUE(scope.spawn("first", ask(resolver, "a.test", 1s, other)));
  run(ask(resolver, "a.test", 1s, answer));
  EXPECT_TRUE(answer && other);
  EXPECT_EQ(lookups, 1);
}

TEST_F(Resolving, NoAddresses_IsNoSuchHost) {
  Resolver resolver(scope, counting(Resolver::Addresses{}));
  run(ask(resolver, "a.test", 1s, answer));
  EXPECT_EQ(answer.error().code(), Errc::not_found);
}

TEST_F(Resolving, ManyNames_StayBounded) {
  Resolver resolver(scope, counting(Resolver::Addresses{"192.0.2.1"}));
  for (std::size_t i = 0; i < 3 * Resolver::kMaxCached; ++i) run(ask(resolver, fmt::format("{}.test", i), 1s, answer));
  const auto before = lookups;
  run(ask(resolver, fmt::format("{}.test", 3 * Resolver::kMaxCached - 1), 1s, answer));
  EXPECT_EQ(lookups, before) << "the latest is still known";
}

TEST_F(Resolving, TheSystemKnowsLocalhost) {
  const auto addresses = Resolver::system_lookup("localhost");
  ASSERT_TRUE(addresses) << addresses.error().message();
  EXPECT_FALSE(addresses->empty());
}

}  // namespace
}  // namespace parley::net
