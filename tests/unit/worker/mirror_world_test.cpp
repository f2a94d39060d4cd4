// Journals that are mirrored, in a whole worker: every process sends its own records, and no call waits for them.
#include <csignal>

#include "job/http_mirror.hpp"
#include "mirror_test/receiver.hpp"
#include "process_world.hpp"

namespace parley {
namespace {

using Kind = sim::SimOs::Kind;

void mirror_to(ProcessWorld& w, Receiver& receiver) {
  w.os.mirror_with([&receiver](Loop&, Scope& scope) {
    return std::make_unique<job::HttpMirror>(scope, std::make_shared<ReceiverClient>(receiver), "http://mirror.test/");
  });
}

// The sequence numbers of a call's records, in the order in which they came.
std::vector<std::int64_t> sequence(const Receiver& receiver, const std::string& call_id) {
  std::vector<std::int64_t> numbers;
  for (const auto& text : receiver.records) {
    const auto record = boost::json::parse(text).as_object();
    if (record.at("call").as_string() == call_id) numbers.push_back(record.at("seq").as_int64());
  }
  return numbers;
}

TEST(MirrorWorld, EveryRecordOfACall_IsThere_InOrder_FromTheFirstToTheTerminalOne) {
  Receiver receiver;
  ProcessWorld w(21);
  mirror_to(w, receiver);
  w.start();
  ASSERT_TRUE(w.run_until_answered(2));
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.world.run_for(1s);
  for (const auto& id : w.calls) {
    const auto numbers = sequence(receiver, id);
    ASSERT_GT(numbers.size(), 10u);
    for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<std::int64_t>(i) + 1) << id;
  }
  EXPECT_EQ(receiver.count("\"call.started\""), 2u);
  EXPECT_EQ(receiver.count("\"call.terminal\""), 2u);
  EXPECT_EQ(receiver.most_at_once, 1);
}

TEST(MirrorWorld, MirrorThatHangs_DelaysNoCall_AndWhatIsLostIsCounted) {
  Duration took[2];
  for (const bool hangs : {false, true}) {
    Receiver receiver{.hangs = hangs};
    ProcessWorld w(22);
    if (hangs) mirror_to(w, receiver);
    w.start();
    ASSERT_TRUE(w.run_until_answered(1));
    w.hang_up_all();
    const auto began = w.world.now();
    ASSERT_TRUE(w.world.run_until([&] { return w.hooks_done.size() == 2; }, 10s));
    took[hangs ? 1 : 0] = w.world.now() - began;
    ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
    w.expect_the_law("hangs");
    EXPECT_EQ(w.os.kills(SIGKILL), 0u);
    if (hangs) EXPECT_NE(w.os.supervisor()->metrics().find("parley_mirror_records_lost_total"), std::string::npos);
  }
  EXPECT_LT(took[1] - took[0], 10ms) << "the work after the call does not wait for the mirror";
}

TEST(MirrorWorld, JobThatIsKilled_LosesAtMostWhatWasOnItsWay_AndTheSupervisorsRecordsAreThere) {
  Receiver receiver;
  ProcessWorld w(23);
  mirror_to(w, receiver);
  w.start();
  ASSERT_TRUE(w.run_until_answered(1));
  w.world.run_for(500ms);
  w.os.signal(w.os.alive(Kind::job).front(), SIGKILL);
  ASSERT_TRUE(w.run_until_settled()) << w.world.describe();
  w.world.run_for(1s);
  EXPECT_GE(receiver.count("\"said\""), 5u);
  EXPECT_EQ(receiver.count("\"attempt.exited\""), 1u);
  EXPECT_EQ(receiver.count("\"call.terminal\""), 1u);
  EXPECT_EQ(receiver.count("\"hook.done\""), 2u) << "from the process that did the work after the call";
}

}  // namespace
}  // namespace parley
