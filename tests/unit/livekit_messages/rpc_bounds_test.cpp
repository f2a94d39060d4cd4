// More RPCs than anybody needs.
#include "fixture.hpp"
#include "support/counts.hpp"

namespace parley::livekit {
namespace {

using ::testing::HasSubstr;

Task<RpcResult> five_seconds(RpcRequest) {
  co_await sleep_for(5s);
  co_return "done";
}
Task<RpcResult> at_once(RpcRequest) { co_return "done"; }

class RpcBounds : public TestRoom {
 protected:
  RpcBounds() : alice(join("alice")), bob(join("bob")) {}
  std::size_t answers_with(std::uint32_t code) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(bob.sent, [code](const auto& packet) { return packet.rpc_response().has_error() && packet.rpc_response().error().code() == code; }));
  }
  std::size_t answers() const {
    return static_cast<std::size_t>(std::ranges::count_if(bob.sent, [](const auto& packet) { return packet.has_rpc_response() && !packet.rpc_response().has_error(); }));
  }

  Peer& alice;
  Peer& bob;
};

Task<void> ask_into(Messages& messages, Duration within, std::vector<RpcResult>& out) {
  out.push_back(co_await messages.perform_rpc("bob", "slow", "", within));
}

TEST_F(RpcBounds, AFloodOfOneCaller_IsRefusedBeyondItsShare_AndOthersAreServed) {
  bob.messages->register_method("slow", five_seconds);
  std::size_t taken = 0;
  for (int i = 0; i < 1000; ++i) taken += bob.receive(rpc_request(alice, "R" + std::to_string(i), "slow")).has_value();
  EXPECT_EQ(taken, Messages::kMaxServedPerCaller);
  EXPECT_THAT(bob.errors.front(), HasSubstr("alice"));
  auto& carol = join("carol");
  EXPECT_TRUE(bob.receive(rpc_request(carol, "R", "slow")));
  settle(6s);
  EXPECT_EQ(answers(), Messages::kMaxServedPerCaller + 1);
  EXPECT_GT(answers_with(RpcError::kApplication), 10u) << "those that can be told are told";
  EXPECT_LT(answers_with(RpcError::kApplication), 100u);
  EXPECT_LE(log->lines.size(), 4u);
}

TEST_F(RpcBounds, ManyCallersTogether_HaveABoundToo) {
  bob.messages->register_method("slow", five_seconds);
  std::size_t taken = 0;
  for (int caller = 0; caller < 20; ++caller) {
    for (std::size_t i = 0; i < Messages::kMaxServedPerCaller; ++i) {
      auto packet = rpc_request(alice, std::to_string(i), "slow");
      packet.set_participant_identity("caller " + std::to_string(caller));
      taken += bob.receive(packet).has_value();
    }
  }
  EXPECT_EQ(taken, Messages::kMaxServed);
  settle(6s);
  EXPECT_EQ(answers(), Messages::kMaxServed);
  EXPECT_TRUE(bob.receive(rpc_request(alice, "later", "slow"))) << "room again";
}

TEST_F(RpcBounds, ARefusedFlood_StillHearsAnAcknowledgementBeforeItsAnswer) {
  bob.messages->register_method("slow", five_seconds);
  for (std::size_t i = 0; i <= Messages::kMaxServedPerCaller; ++i) (void)bob.receive(rpc_request(alice, "R" + std::to_string(i), "slow"));
  settle(1s);
  const auto id = "R" + std::to_string(Messages::kMaxServedPerCaller);
  std::vector<std::string> about_it;
  for (const auto& packet : bob.sent) {
    if (packet.rpc_ack().request_id() == id) about_it.emplace_back("ack");
    if (packet.rpc_response().request_id() == id) about_it.emplace_back("answer");
  }
  EXPECT_THAT(about_it, testing::ElementsAre("ack", "answer"));
}

TEST_F(RpcBounds, AHundredThousandRequests_LeaveNothingBehind) {
  const auto count = test::count_of(20'000, 100'000);
  bob.keep_sent = 0;
  alice.messages->close();
  bob.messages->register_method("quick", at_once);
  settle();
  const auto before = allocated_bytes();
  for (int i = 0; i < count; ++i) {
    (void)bob.receive(rpc_request(alice, "R" + std::to_string(i), i % 2 == 0 ? "quick" : "unknown", std::string(100, 'x')));
    if (i % 16 == 15) settle(1ms);
    ASSERT_LT(allocated_bytes(), before + 4 * MiB) << i;
  }
  settle(20s);
  EXPECT_EQ(bob.messages->counters().rpc_served + bob.messages->counters().refused, static_cast<std::uint64_t>(count));
  EXPECT_LT(allocated_bytes(), before + 1 * MiB);
}

TEST_F(RpcBounds, OursToo_SoManyAtATime) {
  alice.messages->close();
  alice.messages.emplace(*scope, alice, loop.logger());
  bob.messages->register_method("slow", five_seconds);
  std::vector<RpcResult> results;
  for (std::size_t i = 0; i <= Messages::kMaxAsked; ++i) start(ask_into(*alice.messages, 15s, results));
  settle(1ms);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].error().code, RpcError::kSendFailed);
  ASSERT_TRUE(until([&] { return results.size() == Messages::kMaxAsked + 1; }));
}

TEST_F(RpcBounds, RequestsThatSayTooLittle_OrTooMuch) {
  bob.messages->register_method("quick", at_once);
  auto nobody = rpc_request(alice, "R", "quick");
  nobody.clear_participant_identity();
  EXPECT_EQ(bob.receive(nobody).error().code(), Errc::protocol) << "its answer would go to everybody";
  EXPECT_EQ(bob.receive(rpc_request(alice, "", "quick")).error().code(), Errc::protocol);
  EXPECT_EQ(bob.receive(rpc_request(alice, std::string(Messages::kMaxIdBytes + 1, 'x'), "quick")).error().code(), Errc::protocol);
  settle();
  EXPECT_TRUE(bob.sent.empty());
  EXPECT_TRUE(bob.receive(rpc_request(alice, "R", "quick", std::string(Messages::kMaxRpcBytes + 1, 'x'))));
  settle();
  EXPECT_EQ(answers_with(RpcError::kRequestTooLarge), 1u);
}

TEST_F(RpcBounds, ARequestThatGivesFortyDays_IsBoundedAllTheSame) {
  bob.messages->register_method("slow", [](RpcRequest) -> Task<RpcResult> {
    co_await sleep_for(24h);
    co_return "";
  });
  auto packet = rpc_request(alice, "R", "slow");
  packet.mutable_rpc_request()->set_response_timeout_ms(std::numeric_limits<std::uint32_t>::max());
  EXPECT_TRUE(bob.receive(packet));
  settle(Messages::kLongestRpc + 1s);
  EXPECT_EQ(answers_with(RpcError::kResponseTimeout), 1u);
}

TEST_F(RpcBounds, ARequestThatGivesNoTime_IsHandledWithinTheUsual) {
  bob.messages->register_method("slow", five_seconds);
  auto packet = rpc_request(alice, "R", "slow");
  packet.mutable_rpc_request()->set_response_timeout_ms(0);
  EXPECT_TRUE(bob.receive(packet));
  settle(6s);
  EXPECT_EQ(answers(), 1u);
}

}  // namespace
}  // namespace parley::livekit
