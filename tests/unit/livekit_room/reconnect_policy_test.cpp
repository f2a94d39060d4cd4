#include "livekit/room/reconnect_policy.hpp"

#include <gtest/gtest.h>

namespace parley::livekit {
namespace {

using Kind = Trouble::Kind;
using Step = ReconnectPolicy::Step;

class ReconnectPolicyTest : public ::testing::Test {
 protected:
  ReconnectPolicy::Decision next(Trouble trouble, bool media_stands) {
    return policy.next(trouble, media_stands, now, random);
  }
  void connected_for(Duration time) {
    policy.connected(now);
    now += time;
  }

  static constexpr int kAttempts = 10;
  ReconnectPolicy policy{kAttempts};
  TimePoint now{100s};
  Random random{7};
};

TEST_F(ReconnectPolicyTest, SocketLostWhileMediaStands_ResumesAtOnce) {
  connected_for(60s);
  const auto decision = next({.kind = Kind::signal_lost}, true);
  EXPECT_EQ(decision.step, Step::resume);
  EXPECT_EQ(decision.delay, Duration::zero());
}

TEST_F(ReconnectPolicyTest, MediaLostWithIt_EverythingIsMadeAnew) {
  connected_for(60s);
  EXPECT_EQ(next({.kind = Kind::signal_lost}, false).step, Step::full);
}

TEST_F(ReconnectPolicyTest, MediaFailedWhileTheSocketStands_EverythingIsMadeAnew) {
  connected_for(60s);
  EXPECT_EQ(next({.kind = Kind::media_lost}, true).step, Step::full) << "silent is as good as gone";
}

TEST_F(ReconnectPolicyTest, ServerSaysResume_ButOnlyOnMediaThatStands) {
  connected_for(60s);
  EXPECT_EQ(next({.kind = Kind::leave_resume}, true).step, Step::resume);
  policy.connected(now);
  EXPECT_EQ(next({.kind = Kind::leave_resume}, false).step, Step::full);
}

TEST_F(ReconnectPolicyTest, OnceANewConnectionIsNeeded_LaterAttemptsDoNotResume) {
  connected_for(60s);
  EXPECT_EQ(next({.kind = Kind::leave_reconnect, .reason = DisconnectReason::state_mismatch}, true).step, Step::full);
  EXPECT_EQ(next({.kind = Kind::signal_lost}, true).step, Step::full);
  connected_for(60s);
  EXPECT_EQ(next({.kind = Kind::signal_lost}, true).step, Step::resume);
}

TEST_F(ReconnectPolicyTest, EveryEndReasonOfTheServer_IsGivenAsItself) {
  for (const auto reason :
       {DisconnectReason::duplicate_identity, DisconnectReason::participant_removed, DisconnectReason::room_deleted,
        DisconnectReason::room_closed, DisconnectReason::server_shutdown, DisconnectReason::connection_timeout}) {
    ReconnectPolicy fresh{kAttempts};
    const auto decision = fresh.next({.kind = Kind::leave_disconnect, .reason = reason}, true, now, random);
    EXPECT_EQ(decision.step, Step::give_up);
    EXPECT_EQ(decision.reason, reason) << to_string(reason);
  }
}

TEST_F(ReconnectPolicyTest, RoomDeleted_IsFinalWhateverTheActionSays) {
  EXPECT_EQ(next({.kind = Kind::leave_reconnect, .reason = DisconnectReason::room_deleted}, true).step, Step::give_up);
}

TEST_F(ReconnectPolicyTest, TokenRefused_IsFinal) {
  const auto decision = next({.kind = Kind::refused, .detail = "401"}, true);
  EXPECT_EQ(decision.step, Step::give_up);
  EXPECT_EQ(decision.reason, DisconnectReason::join_failure);
  EXPECT_EQ(decision.detail, "401");
}

TEST_F(ReconnectPolicyTest, ServerGone_TenAttemptsWithGrowingDelaysAndThenTheEnd) {
  connected_for(60s);
  Duration longest{};
  for (int n = 0; n < kAttempts; ++n) {
    const auto decision = next({.kind = Kind::signal_lost}, true);
    ASSERT_EQ(decision.step, Step::resume) << n;
    EXPECT_LE(decision.delay, std::min<Duration>(300ms * (1 << n), 7s));
    longest = std::max(longest, decision.delay);
  }
  EXPECT_GT(longest, 1s);
  const auto decision = next({.kind = Kind::signal_lost}, true);
  EXPECT_EQ(decision.step, Step::give_up);
  EXPECT_EQ(decision.reason, DisconnectReason::signal_close);
  EXPECT_NE(decision.detail.find("10 attempts"), std::string::npos);
}

TEST_F(ReconnectPolicyTest, ServerThatAcceptsAndHangsUpForEver_IsNotAskedForEver) {
  connected_for(60s);
  int attempts = 0;
  while (next({.kind = Kind::signal_lost}, true).step != Step::give_up) {
    ASSERT_LT(++attempts, 20);
    connected_for(10ms);
  }
  EXPECT_EQ(attempts, kAttempts);
}

TEST_F(ReconnectPolicyTest, ConnectionThatHeld_BeginsToCountAnew) {
  connected_for(60s);
  for (int n = 0; n < 5; ++n) next({.kind = Kind::signal_lost}, true);
  connected_for(ReconnectPolicy::kStableAfter);
  EXPECT_EQ(next({.kind = Kind::signal_lost}, true).delay, Duration::zero());
  EXPECT_EQ(policy.attempts(), 1);
}

TEST_F(ReconnectPolicyTest, GivenUpAfterTheServersShutdown_SaysShutdown) {
  connected_for(60s);
  next({.kind = Kind::leave_reconnect, .reason = DisconnectReason::server_shutdown}, true);
  for (int n = 0; n < 9; ++n) next({.kind = Kind::signal_lost}, false);
  EXPECT_EQ(next({.kind = Kind::signal_lost}, false).reason, DisconnectReason::server_shutdown);
}

TEST(TroubleWeight, ALeaveSaysMoreThanALostSocket) {
  const Trouble lost{.kind = Kind::signal_lost}, media{.kind = Kind::media_lost};
  const Trouble resume{.kind = Kind::leave_resume},
      removed{.kind = Kind::leave_disconnect, .reason = DisconnectReason::participant_removed};
  EXPECT_TRUE(outweighs(removed, lost));
  EXPECT_TRUE(outweighs(removed, media));
  EXPECT_TRUE(outweighs(media, resume));
  EXPECT_FALSE(outweighs(lost, removed));
  EXPECT_FALSE(outweighs(lost, lost));
}

}  // namespace
}  // namespace parley::livekit
