// Which hooks are left, and when: pure.
#include <gtest/gtest.h>

#include "job/hooks.hpp"

namespace parley::job {
namespace {

const WallTime kBegin = *parse_iso8601("2026-11-21T12:00:00.000Z");

Task<Result<void>> nothing(boost::json::object, HookContext) { co_return Result<void>{}; }

class Pending : public ::testing::Test {
 protected:
  Pending() {
    EXPECT_TRUE(registry.add("on_end", nothing));
    EXPECT_TRUE(registry.add("archive", nothing));
    EXPECT_TRUE(registry.add("on_end", nothing));
  }
  void add(std::string_view type, boost::json::object data = {}) {
    now += std::chrono::seconds(1);
    so_far.add({.type = std::string(type), .time = now, .call_id = "CA_1", .data = std::move(data)});
  }
  void begin() { add(record_type::kCallStarted, to_json(CallStarted{.hooks = registry.keys("CA_1")})); }
  std::vector<std::string> keys() const {
    std::vector<std::string> found;
    for (const auto& hook : pending_hooks(so_far, registry, "CA_1")) found.push_back(hook.key);
    return found;
  }
  HookState first() const { return pending_hooks(so_far, registry, "CA_1").front(); }

  HookRegistry registry;
  RecordBuilder so_far{"CA_1"};
  WallTime now = kBegin;
};

using Keys = std::vector<std::string>;

TEST_F(Pending, AllOfThem_InTheirOrder_NumberedWithinAName) {
  begin();
  EXPECT_EQ(keys(), (Keys{"CA_1/on_end/1", "CA_1/archive/1", "CA_1/on_end/2"}));
}

TEST_F(Pending, DoneAndGivenUpOnes_AreNot_FailedOnesAre) {
  begin();
  add(record_type::kHookStarted, {{"key", "CA_1/on_end/1"}, {"try", 1}});
  add(record_type::kHookDone, {{"key", "CA_1/on_end/1"}});
  add(record_type::kHookStarted, {{"key", "CA_1/archive/1"}, {"try", 1}});
  add(record_type::kHookFailed, {{"key", "CA_1/archive/1"}, {"error", "503"}});
  add(record_type::kHookGivenUp, {{"key", "CA_1/on_end/2"}, {"error", "too late"}});
  EXPECT_EQ(keys(), (Keys{"CA_1/archive/1"}));
  EXPECT_EQ(first().tries, 1u);
  EXPECT_EQ(first().error, "503");
}

TEST_F(Pending, StartedAndNeverEnded_CountsAsATry) {
  begin();
  add(record_type::kHookStarted, {{"key", "CA_1/on_end/1"}, {"try", 1}});
  EXPECT_EQ(first().key, "CA_1/on_end/1");
  EXPECT_EQ(first().tries, 1u);
}

TEST_F(Pending, JournalWithoutItsBeginning_OwesEveryRegisteredHook) {
  add(record_type::kAttemptExited);
  EXPECT_EQ(keys(), (Keys{"CA_1/on_end/1", "CA_1/archive/1", "CA_1/on_end/2"}));
}

TEST_F(Pending, HookRegisteredAfterTheCallBegan_IsNotOwed) {
  begin();
  ASSERT_TRUE(registry.add("later", nothing));
  EXPECT_EQ(keys().size(), 3u);
}

TEST_F(Pending, DueTime_IsTheCallsEnd_NotItsBeginning) {
  begin();
  now += std::chrono::hours(30);
  add(record_type::kAttemptEnded);
  EXPECT_EQ(first().due, now);
  EXPECT_EQ(decide(first(), registry.find("on_end", 1), now).kind, HookDecision::Kind::run);
}

TEST_F(Pending, FirstTry_IsNow_LaterOnesBackOff_UpToTheLongest) {
  begin();
  add(record_type::kAttemptEnded);
  const auto* hook = registry.find("on_end", 1);
  Duration before{};
  for (unsigned i = 0; i < 14; ++i) {
    const auto state = first();
    if (i == 0) {
      EXPECT_EQ(decide(state, hook, now).kind, HookDecision::Kind::run);
    } else {
      const auto decision = decide(state, hook, now);
      ASSERT_EQ(decision.kind, HookDecision::Kind::wait);
      const Duration wait = decision.at - *state.last_try;
      EXPECT_GE(wait, i < 9 ? before : 7min) << i;  // doubled, less up to a quarter
      EXPECT_LE(wait, 10min);
      EXPECT_EQ(decide(state, hook, decision.at).kind, HookDecision::Kind::run);
      before = wait;
    }
    add(record_type::kHookStarted, {{"key", "CA_1/on_end/1"}});
  }
}

TEST_F(Pending, TwoCallsOfOneOutage_DoNotComeBackTogether) {
  const HookPolicy policy{.first_backoff = 10min};
  const RegisteredHook hook{.name = "on_end", .n = 1, .run = nothing, .policy = policy};
  std::set<std::int64_t> moments;
  for (int i = 0; i < 20; ++i) {
    const HookState state{
        .key = hook_key("CA_" + std::to_string(i), "on_end", 1), .name = "on_end", .tries = 1, .last_try = kBegin};
    moments.insert((decide(state, &hook, kBegin).at - kBegin).count());
  }
  EXPECT_GT(moments.size(), 10u);
}

TEST_F(Pending, GivenUp_AfterItsTime_WithTheLastError) {
  begin();
  add(record_type::kAttemptEnded);
  add(record_type::kHookStarted, {{"key", "CA_1/on_end/1"}});
  add(record_type::kHookFailed, {{"key", "CA_1/on_end/1"}, {"error", "503"}});
  const auto decision = decide(first(), registry.find("on_end", 1), now + std::chrono::hours(24));
  EXPECT_EQ(decision.kind, HookDecision::Kind::give_up);
  EXPECT_EQ(decision.reason, "given up, tries: 1, last error: 503");
}

TEST_F(Pending, HookThatNobodyHasAnyMore_WaitsAndIsGivenUpInTheEnd) {
  begin();
  add(record_type::kAttemptEnded);
  EXPECT_EQ(decide(first(), nullptr, now).kind, HookDecision::Kind::wait);
  EXPECT_EQ(decide(first(), nullptr, now + std::chrono::hours(25)).kind, HookDecision::Kind::give_up);
}

TEST_F(Pending, ClockSetBack_DoesNotPutAHookOffForEver) {
  begin();
  add(record_type::kAttemptEnded);
  add(record_type::kHookStarted, {{"key", "CA_1/on_end/1"}});
  EXPECT_EQ(decide(first(), registry.find("on_end", 1), now - std::chrono::hours(24 * 365)).kind,
            HookDecision::Kind::run);
}

TEST(HookRegistry, NamesAreCheckedAndBounded) {
  HookRegistry registry;
  EXPECT_EQ(registry.add("a/b", nothing).error().code(), Errc::invalid_argument);
  EXPECT_EQ(registry.add("", nothing).error().code(), Errc::invalid_argument);
  EXPECT_EQ(registry.add("x", nullptr).error().code(), Errc::invalid_argument);
  for (std::size_t i = 0; i < HookRegistry::kMaxHooks; ++i) EXPECT_TRUE(registry.add("x", nothing));
  EXPECT_EQ(registry.add("x", nothing).error().code(), Errc::overloaded);
}

}  // namespace
}  // namespace parley::job
