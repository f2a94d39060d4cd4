#include "session/retry.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

class Retry : public ::testing::Test {
 protected:
  ProviderError soft(Duration after = {}) const { return {Error(Errc::unavailable, "gone"), true, after}; }
  ProviderError hard() const { return {Error(Errc::refused, "no such key"), false}; }

  RetryState state(std::size_t providers) {
    health.emplace(providers, options.recover_after);
    RetryState retry(options, *health);
    EXPECT_TRUE(retry.first(now));
    return retry;
  }

  RetryOptions options;
  std::optional<ProviderHealth> health;
  TimePoint now{std::chrono::hours(1)};
  Random random{3};
};

TEST_F(Retry, ThreeTimes_TheFirstSoon_ThenGivesUp) {
  auto retry = state(1);
  const auto first = retry.failed(soft(), now, random);
  ASSERT_TRUE(first);
  EXPECT_GE(first->wait, 75ms);
  EXPECT_LE(first->wait, 125ms);
  for (int i = 0; i < 2; ++i) {
    const auto next = retry.failed(soft(), now, random);
    ASSERT_TRUE(next);
    EXPECT_GE(next->wait, 1500ms);
    EXPECT_LE(next->wait, 2500ms);
  }
  EXPECT_FALSE(retry.failed(soft(), now, random));
}

TEST_F(Retry, Waits_AreJittered) {
  std::set<Duration> waits;
  for (int i = 0; i < 20; ++i) {
    auto retry = state(1);
    waits.insert(retry.failed(soft(), now, random)->wait);
  }
  EXPECT_GT(waits.size(), 15u);
}

TEST_F(Retry, FinalErrors_AreNotTriedAgain) {
  auto retry = state(1);
  EXPECT_FALSE(retry.failed(hard(), now, random));
}

TEST_F(Retry, NothingIsTriedAgain_AfterOutputWasDelivered) {
  auto retry = state(2);
  retry.output_delivered();
  EXPECT_FALSE(retry.failed(soft(), now, random));
}

TEST_F(Retry, NothingIsTriedAgain_AfterTheInputEnded) {
  auto retry = state(2);
  retry.input_ended();
  EXPECT_FALSE(retry.failed(soft(), now, random));
}

TEST_F(Retry, ProvidersOwnWish_IsTheLeastWait_AndOneThatAsksForTooMuchIsPassedOver) {
  auto retry = state(1);
  EXPECT_EQ(retry.failed(soft(5s), now, random)->wait, 5s);
  EXPECT_FALSE(retry.failed(soft(1min), now, random));
}

TEST_F(Retry, Results_RestoreTheBudget) {
  auto retry = state(1);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(retry.failed(soft(), now, random)) << i;
    retry.result();
  }
}

TEST_F(Retry, HealthyTime_RestoresTheBudget_EvenOfAStreamWithASilentCaller) {
  auto retry = state(1);
  for (int i = 0; i < 20; ++i) {
    now += 31s;
    ASSERT_TRUE(retry.failed(soft(), now, random)) << i;
  }
}

TEST_F(Retry, FailuresInARow_AreNotHealthyTime) {
  auto retry = state(1);
  int tries = 0;
  while (retry.failed(soft(), now, random)) {
    now += 3s;
    ASSERT_LT(++tries, 10);
  }
  EXPECT_EQ(tries, 3);
}

TEST_F(Retry, ChainOfProviders_TheNextIsTriedAtOnce_WaitsComeBetweenRounds) {
  auto retry = state(3);
  EXPECT_EQ(retry.provider(), 0u);
  auto next = retry.failed(soft(), now, random);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->provider, 1u);
  EXPECT_EQ(next->wait, 0ms);
  next = retry.failed(soft(), now, random);
  EXPECT_EQ(next->provider, 2u);
  EXPECT_EQ(next->wait, 0ms);
  next = retry.failed(soft(), now, random);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->provider, 0u);
  EXPECT_GT(next->wait, 0ms);
}

TEST_F(Retry, ProviderThatFailedForGood_IsLeftOutOfLaterRounds) {
  auto retry = state(2);
  auto next = retry.failed(hard(), now, random);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->provider, 1u);
  next = retry.failed(soft(), now, random);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->provider, 1u);
  EXPECT_FALSE(retry.failed(hard(), now, random));
}

TEST_F(Retry, LaterStreams_PassOverAProviderThatIsDown_UntilItMayHaveRecovered) {
  auto retry = state(2);
  ASSERT_TRUE(retry.failed(soft(), now, random));
  retry.result();
  EXPECT_EQ(RetryState(options, *health).first(now + 1s)->provider, 1u);
  EXPECT_EQ(RetryState(options, *health).first(now + 61s)->provider, 0u);
}

TEST_F(Retry, AllProvidersDown_TheFirstIsTriedAllTheSame) {
  auto retry = state(2);
  while (retry.failed(soft(), now, random)) {
  }
  EXPECT_EQ(RetryState(options, *health).first(now)->provider, 0u);
}

TEST_F(Retry, NoProviderAtAll_IsSaid) {
  health.emplace(0, options.recover_after);
  EXPECT_FALSE(RetryState(options, *health).first(now));
}

TEST(ErrorBudgets, ThreeAreBorne_TheFourthIsOneTooMany_WorkRestoresThem) {
  ErrorBudget budget;
  EXPECT_FALSE(budget.failed());
  EXPECT_FALSE(budget.failed());
  EXPECT_FALSE(budget.failed());
  budget.worked();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(budget.failed());
  EXPECT_TRUE(budget.failed());
}

}  // namespace
}  // namespace parley
