#include <gtest/gtest.h>

#include "ipc/inference_queue.hpp"

namespace parley::ipc {
namespace {

const TimePoint kNow{std::chrono::hours(1)};
const InferenceLimits kSmall{.max_queued = 3, .max_per_client = 2};

QueuedInference request(std::uint64_t client, std::uint64_t id, Duration patience = 10s) {
  return {.client = client, .id = id, .deadline = Deadline(kNow + patience), .samples = 1};
}

TEST(InferenceQueue, OldestFirst_OverAllClients) {
  InferenceQueue queue({});
  for (const auto& [client, id] : {std::pair{1, 1}, {2, 1}, {1, 2}, {3, 1}}) {
    ASSERT_TRUE(queue.push(request(static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(id))));
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> order;
  while (auto next = queue.start()) {
    order.emplace_back(next->client, next->id);
    queue.finish();
  }
  EXPECT_EQ(order, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 1}, {2, 1}, {1, 2}, {3, 1}}));
}

TEST(InferenceQueue, FullQueue_RefusesAtOnce) {
  InferenceQueue queue(kSmall);
  for (std::uint64_t client = 1; client <= 3; ++client) EXPECT_TRUE(queue.push(request(client, 1)));
  EXPECT_EQ(queue.push(request(4, 1)).error().code(), Errc::overloaded);
  EXPECT_EQ(queue.size(), 3u);
}

TEST(InferenceQueue, OneClient_CannotTakeItAll_AndItsRunningOneCounts) {
  InferenceQueue queue(kSmall);
  EXPECT_TRUE(queue.push(request(1, 1)));
  EXPECT_TRUE(queue.start());
  EXPECT_TRUE(queue.push(request(1, 2)));
  EXPECT_EQ(queue.push(request(1, 3)).error().code(), Errc::overloaded);
  EXPECT_TRUE(queue.push(request(2, 1)));
  queue.finish();
  EXPECT_TRUE(queue.push(request(1, 3)));
}

TEST(InferenceQueue, Expired_AreTakenOut_TheRestStaysInOrder) {
  InferenceQueue queue({});
  ASSERT_TRUE(queue.push(request(1, 1, 1s)));
  ASSERT_TRUE(queue.push(request(2, 1, 5s)));
  ASSERT_TRUE(queue.push(request(3, 1, 2s)));
  const auto expired = queue.take_expired(kNow + 2s);
  ASSERT_EQ(expired.size(), 2u);
  EXPECT_EQ(expired[0].client, 1u);
  EXPECT_EQ(expired[1].client, 3u);
  EXPECT_EQ(queue.start()->client, 2u);
}

TEST(InferenceQueue, Cancelled_IsNotRun_AndIfItRunsItsAnswerIsNotWanted) {
  InferenceQueue queue({});
  ASSERT_TRUE(queue.push(request(1, 1)));
  ASSERT_TRUE(queue.push(request(1, 2)));
  ASSERT_TRUE(queue.start());
  queue.cancel(1, 2);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.running_wanted());
  queue.cancel(2, 1);
  EXPECT_TRUE(queue.running_wanted()) << "another client's id";
  queue.cancel(1, 1);
  EXPECT_FALSE(queue.running_wanted());
}

TEST(InferenceQueue, ClientThatIsGone_LeavesNothing) {
  InferenceQueue queue({});
  ASSERT_TRUE(queue.push(request(1, 1)));
  ASSERT_TRUE(queue.push(request(2, 1)));
  ASSERT_TRUE(queue.push(request(1, 2)));
  ASSERT_TRUE(queue.start());
  queue.drop_client(1);
  EXPECT_FALSE(queue.running_wanted());
  EXPECT_EQ(queue.size(), 1u);
}

TEST(InferenceQueue, OneIdTwice_IsAgainstTheProtocol) {
  InferenceQueue queue({});
  ASSERT_TRUE(queue.push(request(1, 1)));
  EXPECT_EQ(queue.push(request(1, 1)).error().code(), Errc::protocol);
  ASSERT_TRUE(queue.start());
  EXPECT_EQ(queue.push(request(1, 1)).error().code(), Errc::protocol);
  EXPECT_TRUE(queue.push(request(2, 1)));
}

}  // namespace
}  // namespace parley::ipc
