// RPC between two peers: every code, and who makes it.
#include <stdexcept>

#include "fixture.hpp"

namespace parley::livekit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Task<RpcResult> echo(RpcRequest request) { co_return request.caller + " said " + request.payload; }
Task<RpcResult> own_error(RpcRequest) { co_return std::unexpected(RpcError{4711, "no seats left", "row 12"}); }
Task<RpcResult> throws(RpcRequest) {
  co_await yield();
  throw std::runtime_error("password=hunter2");
}
Task<RpcResult> throws_a_number(RpcRequest) {
  co_await yield();
  throw 42;
}
Task<RpcResult> too_much(RpcRequest) { co_return std::string(Messages::kMaxRpcBytes + 1, 'x'); }
Task<RpcResult> for_ever(RpcRequest) {
  co_await sleep_for(24h);
  co_return "at last";
}
Task<RpcResult> three_seconds(RpcRequest) {
  co_await sleep_for(3s);
  co_return "done";
}

class Rpc : public TestRoom {
 protected:
  Rpc() : alice(join("alice")), bob(join("bob")) {}

  RpcResult ask(std::string method, std::string payload = {}, Duration within = Messages::kRpcWithin, std::string destination = "bob") {
    return run(alice.messages->perform_rpc(std::move(destination), std::move(method), std::move(payload), within));
  }
  // How long `ask` took.
  Duration took(const std::function<void()>& call) {
    const auto before = world.now();
    call();
    return world.now() - before;
  }
  proto::DataPacket response(const std::string& id, const std::string& payload) {
    auto packet = from(bob);
    packet.mutable_rpc_response()->set_request_id(id);
    packet.mutable_rpc_response()->set_payload(payload);
    return packet;
  }
  proto::DataPacket ack(const std::string& id) {
    auto packet = from(bob);
    packet.mutable_rpc_ack()->set_request_id(id);
    return packet;
  }
  // Bob's Messages hear nothing any more: what he is sent is for the test to answer.
  void make_bob_deaf() { bob.messages->close(); }
  std::string asked_id() const { return alice.sent.back().rpc_request().id(); }

  Peer& alice;
  Peer& bob;
};

Task<void> ask_into(Messages& messages, std::string destination, std::string method, Duration within, std::optional<RpcResult>& out) {
  out.emplace(co_await messages.perform_rpc(std::move(destination), std::move(method), "", within));
}

TEST_F(Rpc, ARequest_IsAcknowledgedHandledAndAnswered) {
  bob.messages->register_method("echo", echo);
  EXPECT_EQ(*ask("echo", "hi"), "alice said hi");
  ASSERT_EQ(bob.sent.size(), 2u);
  EXPECT_TRUE(bob.sent[0].has_rpc_ack());
  EXPECT_TRUE(bob.sent[1].has_rpc_response());
  EXPECT_EQ(bob.sent[1].destination_identities(0), "alice");
  EXPECT_EQ(alice.sent[0].rpc_request().version(), 1u);
  EXPECT_EQ(alice.sent[0].rpc_request().response_timeout_ms(), 8000u) << "15 s, less 7 s for the way";
  EXPECT_EQ(bob.messages->counters().rpc_served, 1u);
  EXPECT_EQ(alice.messages->counters().rpc_asked, 1u);
}

TEST_F(Rpc, BothWaysAtOnce) {
  alice.messages->register_method("echo", echo);
  bob.messages->register_method("echo", echo);
  std::optional<RpcResult> at_bob;
  start(ask_into(*bob.messages, "alice", "echo", 15s, at_bob));
  EXPECT_EQ(*ask("echo", "one"), "alice said one");
  ASSERT_TRUE(until([&] { return at_bob.has_value(); }));
  EXPECT_EQ(**at_bob, "bob said ");
}

TEST_F(Rpc, AnEmptyAnswer_AndTheLongestOne_Arrive) {
  bob.messages->register_method("size", [](RpcRequest request) -> Task<RpcResult> { co_return std::string(std::stoul(request.payload), 'x'); });
  EXPECT_EQ(*ask("size", "0"), "");
  EXPECT_EQ(ask("size", std::to_string(Messages::kMaxRpcBytes))->size(), Messages::kMaxRpcBytes);
}

TEST_F(Rpc, NoSuchMethod_1400) { EXPECT_EQ(ask("nothing").error().code, RpcError::kUnsupportedMethod); }

TEST_F(Rpc, AMethodThatWasTakenAway_1400) {
  bob.messages->register_method("echo", echo);
  bob.messages->unregister_method("echo");
  EXPECT_EQ(ask("echo").error().code, RpcError::kUnsupportedMethod);
}

TEST_F(Rpc, AMethodThatIsTakenAwayWhileItRuns_IsFinished) {
  bob.messages->register_method("slow", three_seconds);
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "slow", 15s, result));
  settle(1s);
  bob.messages->unregister_method("slow");
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_EQ(**result, "done");
}

TEST_F(Rpc, NobodyOfThatName_1401_WhenTheServerWouldHaveToldOfThem) {
  const auto time = took([&] { EXPECT_EQ(ask("echo", "", 15s, "carol").error().code, RpcError::kRecipientNotFound); });
  EXPECT_GE(time, Messages::kRpcKnownWithin);
  EXPECT_LT(time, Messages::kRpcKnownWithin + 10ms);
}

TEST_F(Rpc, ANewcomerThatWeWereNotToldOf_AnswersAllTheSame) {
  bob.messages->register_method("slow", three_seconds);
  hide(bob);
  EXPECT_EQ(*ask("slow"), "done");
}

TEST_F(Rpc, ANewcomerWhoseAcknowledgementIsLate_IsWaitedForOnceWeWereToldOfIt) {
  make_bob_deaf();
  hide(bob);
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "echo", 15s, result));
  settle(2s);
  hidden.clear();
  settle(4s);
  EXPECT_FALSE(result);
  settle(2s);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, RpcError::kConnectionTimeout);
}

TEST_F(Rpc, OurselvesAndNobody_1401_AtOnce) {
  EXPECT_EQ(ask("echo", "", 15s, "alice").error().code, RpcError::kRecipientNotFound) << "the server sends us nothing of our own";
  EXPECT_EQ(ask("echo", "", 15s, "").error().code, RpcError::kRecipientNotFound);
  EXPECT_THAT(alice.sent, IsEmpty());
}

TEST_F(Rpc, ARequestThatIsTooLong_1402_NothingIsSent) {
  bob.messages->register_method("echo", echo);
  EXPECT_EQ(ask("echo", std::string(Messages::kMaxRpcBytes + 1, 'x')).error().code, RpcError::kRequestTooLarge);
  EXPECT_THAT(alice.sent, IsEmpty());
}

TEST_F(Rpc, AServerWithoutRpc_1403) {
  alice.server_knows_rpc = false;
  EXPECT_EQ(ask("echo").error().code, RpcError::kUnsupportedServer);
}

TEST_F(Rpc, AnotherVersion_1404) {
  bob.messages->register_method("echo", echo);
  auto newer = rpc_request(alice, "R1", "echo");
  newer.mutable_rpc_request()->set_version(2);
  auto compressed = rpc_request(alice, "R2", "echo");
  compressed.mutable_rpc_request()->set_compressed_payload("x");
  for (auto* packet : {&newer, &compressed}) {
    EXPECT_TRUE(bob.receive(*packet));
    settle();
    EXPECT_EQ(bob.sent.back().rpc_response().error().code(), RpcError::kUnsupportedVersion);
    EXPECT_EQ(bob.sent.back().rpc_response().error().message(), "Unsupported RPC version");
  }
}

TEST_F(Rpc, TheApplicationsOwnError_ArrivesAsItIs) {
  bob.messages->register_method("book", own_error);
  const auto result = ask("book");
  EXPECT_EQ(result.error().code, 4711u);
  EXPECT_EQ(result.error().message, "no seats left");
  EXPECT_EQ(result.error().data, "row 12");
}

TEST_F(Rpc, AHandlerThatThrows_1500_AndItsWordsStayAtHome) {
  bob.messages->register_method("throws", throws);
  bob.messages->register_method("number", throws_a_number);
  const auto result = ask("throws");
  EXPECT_EQ(result.error().code, RpcError::kApplication);
  EXPECT_EQ(result.error().message, "Application error in method handler");
  EXPECT_THAT(result.error().data, IsEmpty());
  EXPECT_THAT(log->lines.back(), HasSubstr("hunter2"));
  EXPECT_EQ(ask("number").error().code, RpcError::kApplication);
  bob.messages->register_method("echo", echo);
  EXPECT_TRUE(ask("echo")) << "the others go on";
}

TEST_F(Rpc, AnErrorsWords_AreCutToWhatPeersTake) {
  bob.messages->register_method("long", [](RpcRequest) -> Task<RpcResult> {
    std::string message(255, 'x');
    co_return std::unexpected(RpcError{7, message + "\xC3\xA4\xC3\xA4", std::string(20'000, 'y')});
  });
  const auto error = ask("long").error();
  EXPECT_EQ(error.message, std::string(255, 'x'));
  EXPECT_EQ(error.data.size(), RpcError::kMaxErrorDataBytes);
}

TEST_F(Rpc, NoAcknowledgement_1501_AfterSevenSeconds) {
  make_bob_deaf();
  const auto time = took([&] { EXPECT_EQ(ask("echo").error().code, RpcError::kConnectionTimeout); });
  EXPECT_GE(time, 7s);
  EXPECT_LT(time, 7s + 10ms);
}

TEST_F(Rpc, NoAnswer_1502_WhenItsTimeIsOver) {
  bob.messages->register_method("for ever", for_ever);
  const auto time = took([&] { EXPECT_EQ(ask("for ever", "", 9s).error().code, RpcError::kResponseTimeout); });
  EXPECT_LE(time, 9s + 10ms);
}

TEST_F(Rpc, AcknowledgedAndThenSilence_1502_After15Seconds) {
  make_bob_deaf();
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "echo", 15s, result));
  settle(1s);
  (void)alice.receive(ack(asked_id()));
  settle(13s);
  EXPECT_FALSE(result);
  settle(2s);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, RpcError::kResponseTimeout);
}

TEST_F(Rpc, LessTimeThanAnAcknowledgementMayTake_1502) {
  make_bob_deaf();
  const auto time = took([&] { EXPECT_EQ(ask("echo", "", 2s).error().code, RpcError::kResponseTimeout); });
  EXPECT_LT(time, 2s + 10ms);
}

TEST_F(Rpc, TheRecipientLeaves_1503_AtOnce) {
  bob.messages->register_method("for ever", for_ever);
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "for ever", 15s, result));
  settle(1s);
  leave(bob);
  settle(1ms);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, RpcError::kRecipientDisconnected);
}

TEST_F(Rpc, AFullReconnectOfOurs_1503) {
  bob.messages->register_method("for ever", for_ever);
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "for ever", 15s, result));
  settle(1s);
  alice.messages->reset();
  settle(1ms);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, RpcError::kRecipientDisconnected);
}

TEST_F(Rpc, Close_1503_NowAndEverAfter) {
  bob.messages->register_method("for ever", for_ever);
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "for ever", 15s, result));
  settle(1s);
  alice.messages->close();
  settle(1ms);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, RpcError::kRecipientDisconnected);
  EXPECT_EQ(ask("echo").error().code, RpcError::kRecipientDisconnected);
}

TEST_F(Rpc, AnAnswerThatIsTooLong_1504) {
  bob.messages->register_method("much", too_much);
  EXPECT_EQ(ask("much").error().code, RpcError::kResponseTooLarge);
  make_bob_deaf();
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "echo", 15s, result));
  settle();
  (void)alice.receive(response(asked_id(), std::string(Messages::kMaxRpcBytes + 1, 'x')));
  settle(1ms);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, RpcError::kResponseTooLarge) << "also of a peer that does not keep to it";
}

TEST_F(Rpc, ARequestThatCannotBeSent_1505_WithTheReason) {
  alice.open.reset();
  const auto time = took([&] { EXPECT_EQ(ask("echo").error().code, RpcError::kSendFailed); });
  EXPECT_LE(time, 7s + 10ms);
}

TEST_F(Rpc, AnAnswerBeforeItsAcknowledgement_Counts) {
  make_bob_deaf();
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "echo", 15s, result));
  settle();
  const auto id = asked_id();
  (void)alice.receive(response(id, "quick"));
  settle(1ms);
  ASSERT_TRUE(result);
  EXPECT_EQ(**result, "quick");
  EXPECT_TRUE(alice.receive(ack(id)));
  EXPECT_EQ(alice.messages->counters().ignored, 1u);
}

TEST_F(Rpc, AnswersOfAnother_OrToNothing_AreIgnored) {
  auto& carol = join("carol");
  make_bob_deaf();
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "echo", 15s, result));
  settle();
  auto forged = response(asked_id(), "forged");
  forged.set_participant_identity(carol.identity);
  EXPECT_TRUE(alice.receive(forged));
  EXPECT_TRUE(alice.receive(response("RPC_nobody_asked", "x")));
  settle();
  EXPECT_FALSE(result);
  EXPECT_TRUE(alice.receive(response(asked_id(), "true")));
  EXPECT_TRUE(alice.receive(response(asked_id(), "twice")));
  settle();
  EXPECT_EQ(**result, "true");
  EXPECT_EQ(alice.messages->counters().ignored, 3u);
}

TEST_F(Rpc, AnAnswerOfNothing_IsEmpty_AnErrorOfANewerPeerIsKept) {
  make_bob_deaf();
  std::optional<RpcResult> result;
  start(ask_into(*alice.messages, "bob", "echo", 15s, result));
  settle();
  auto nothing = from(bob);
  nothing.mutable_rpc_response()->set_request_id(asked_id());
  (void)alice.receive(nothing);
  settle();
  EXPECT_EQ(**result, "");
}

TEST_F(Rpc, TheSameRequestTwice_IsHandledOnce) {
  int handled = 0;
  bob.messages->register_method("count", [&handled](RpcRequest) -> Task<RpcResult> {
    ++handled;
    return three_seconds({});
  });
  const auto request = rpc_request(alice, "R1", "count");
  EXPECT_TRUE(bob.receive(request));
  EXPECT_FALSE(bob.receive(request)) << "while it runs";
  settle(5s);
  EXPECT_FALSE(bob.receive(request)) << "and when it is over";
  settle(5s);
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(std::ranges::count_if(bob.sent, [](const auto& packet) { return packet.has_rpc_response(); }), 1);
}

TEST_F(Rpc, TheCallerLeavesBeforeTheAnswer_NothingIsSentToNobody) {
  bob.messages->register_method("slow", three_seconds);
  EXPECT_TRUE(bob.receive(rpc_request(alice, "R1", "slow")));
  settle(1s);
  bob.messages->participant_left("alice");
  settle(5s);
  ASSERT_EQ(bob.sent.size(), 1u);
  EXPECT_TRUE(bob.sent[0].has_rpc_ack());
}

TEST_F(Rpc, TheServersOwnRequest_FromSomebodyWhoIsNotInTheRoom_IsAnswered) {
  bob.messages->register_method("echo", echo);
  auto packet = rpc_request(alice, "R1", "echo", "hi");
  packet.set_participant_identity("9b2f-request-id");
  EXPECT_TRUE(bob.receive(packet));
  settle();
  EXPECT_EQ(bob.sent.back().rpc_response().payload(), "9b2f-request-id said hi");
  EXPECT_EQ(bob.sent.back().destination_identities(0), "9b2f-request-id");
}

TEST_F(Rpc, WhenTheAcknowledgementCannotBeSent_ItIsNotDone) {
  bool done = false;
  bob.messages->register_method("order", [&done](RpcRequest) -> Task<RpcResult> {
    done = true;
    return three_seconds({});
  });
  bob.open.reset();
  EXPECT_TRUE(bob.receive(rpc_request(alice, "R1", "order")));
  settle(20s);
  EXPECT_FALSE(done) << "the caller was told that nobody heard it";
}

TEST_F(Rpc, DestroyedWhileHandlersRun_NothingIsLeft) {
  bob.messages->register_method("for ever", for_ever);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bob.receive(rpc_request(alice, "R" + std::to_string(i), "for ever")));
  settle(1s);
  const auto tasks = loop.counters().tasks;
  bob.messages.reset();
  EXPECT_LE(loop.counters().tasks, tasks - 5);
  bob.messages.emplace(*scope, bob, Logger());
}

Task<RpcResult> closes_its_room(RpcRequest, Messages& messages) {
  messages.close();
  co_await sleep_for(1s);
  co_return "never";
}

TEST_F(Rpc, AHandlerThatClosesTheRoom_IsStoppedAtItsNextWait) {
  bob.messages->register_method("bye", [this](RpcRequest request) { return closes_its_room(std::move(request), *bob.messages); });
  EXPECT_TRUE(bob.receive(rpc_request(alice, "R1", "bye")));
  settle(2s);
  ASSERT_EQ(bob.sent.size(), 1u);
  EXPECT_TRUE(bob.sent[0].has_rpc_ack());
}

TEST_F(Rpc, ACallerThatIsDestroyedWhileItWaits_IsForgotten) {
  make_bob_deaf();
  std::optional<RpcResult> result;
  Scope script(*scope, "script");
  ASSERT_TRUE(script.spawn("asks", ask_into(*alice.messages, "bob", "echo", 15s, result)));
  settle();
  const auto id = asked_id();
  script.kill();
  EXPECT_TRUE(alice.receive(response(id, "late")));
  EXPECT_EQ(alice.messages->counters().ignored, 1u);
}

}  // namespace
}  // namespace parley::livekit
