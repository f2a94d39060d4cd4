#include "job/supervisor_line.hpp"

#include <gtest/gtest.h>

#include "sim/process_link.hpp"
#include "sim/world.hpp"

namespace parley::job {
namespace {

// A supervisor that is dialled: every dial leaves its end here, while `there`.
class Switchboard final : public ipc::Dialer {
 public:
  Result<std::unique_ptr<ipc::Link>> dial() override {
    ++dials;
    if (!there) return fail(Errc::unavailable, "nobody");
    auto [ours, theirs] = sim::SimLink::make_pair();
    end = std::move(theirs);
    return std::move(ours);
  }
  bool there = false;
  int dials = 0;
  std::unique_ptr<sim::SimLink> end;
};

class SupervisorLineTest : public ::testing::Test {
 protected:
  SupervisorLineTest() : loop(world.add_loop("job")), outside(world.add_loop("supervisor")), scope(loop, "job"), reader(outside, "reader") {
    auto [ours, theirs] = sim::SimLink::make_pair();
    board.end = std::move(theirs);
    line = std::make_unique<SupervisorLine>(scope, ipc::JobIdentity{ipc::JobKind::call, "CA_1x", "AJ_1x", 7}, std::move(ours), board,
                                            [this] { ++orphaned; });
    line->start();
  }

  // What has arrived at the supervisor's end.
  std::vector<ipc::FromJob> heard() {
    std::vector<ipc::FromJob> messages;
    (void)reader.spawn("read", [](sim::SimLink& end, Loop& l, std::vector<ipc::FromJob>& out) -> Task<void> {
      while (auto packet = co_await end.receive(l.in(3s))) out.push_back(*ipc::parse_from_job(packet->bytes));
    }(*board.end, outside, messages));
    EXPECT_TRUE(world.run_until([&] { return reader.tasks() == 0; }, 1min));
    return messages;
  }
  static std::vector<std::uint64_t> ids(const std::vector<ipc::FromJob>& messages) {
    std::vector<std::uint64_t> found;
    for (const auto& message : messages) {
      if (const auto* event = std::get_if<ipc::JobEvent>(&message)) found.push_back(event->id);
    }
    return found;
  }
  void supervisor_dies() {
    board.end.reset();
    world.run_for(100ms);
  }
  void say(const ipc::ToJob& message) { (void)board.end->send(*ipc::serialize(message)); }

  sim::World world{1};
  sim::SimLoop& loop;
  sim::SimLoop& outside;
  Switchboard board;
  Scope scope;
  std::unique_ptr<SupervisorLine> line;
  Scope reader;
  int orphaned = 0;
};

TEST_F(SupervisorLineTest, SaysWhoItIs_ThenWhatHappens_AndTheEndComesAfterEveryEvent) {
  line->event("said", "{}");
  line->end({{StopCause::finished, {}}, true, "{}"});
  line->event("said", "{}");
  const auto messages = heard();
  ASSERT_FALSE(messages.empty());
  EXPECT_TRUE(std::holds_alternative<ipc::Hello>(messages.front()));
  EXPECT_TRUE(std::holds_alternative<ipc::AttemptEnd>(messages.back()));
  EXPECT_EQ(ids(messages), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(SupervisorLineTest, SupervisorDies_TheNextOneIsDialled_AndHearsWhatItDoesNotHave) {
  for (int i = 0; i < 3; ++i) line->event("said", "{}");
  EXPECT_EQ(ids(heard()).size(), 3u);
  supervisor_dies();
  EXPECT_EQ(orphaned, 1);
  line->event("said", "{}");
  world.run_for(5s);
  EXPECT_GT(board.dials, 3);
  board.there = true;
  world.run_for(2s);
  ASSERT_TRUE(board.end);
  say(ipc::Welcome{2});
  EXPECT_EQ(ids(heard()), (std::vector<std::uint64_t>{3, 4}));
}

TEST_F(SupervisorLineTest, UntilItIsWelcome_ItSaysNothingButItsName) {
  supervisor_dies();
  board.there = true;
  line->event("said", "{}");
  world.run_for(2s);
  ASSERT_TRUE(board.end);
  const auto messages = heard();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<ipc::Hello>(messages.front()));
}

template <class T>
std::optional<T> last(const std::vector<ipc::FromJob>& messages) {
  std::optional<T> found;
  for (const auto& message : messages) {
    if (const auto* one = std::get_if<T>(&message)) found = *one;
  }
  return found;
}

TEST_F(SupervisorLineTest, InARoom_TheNextSupervisorHearsWhichJobItIs_WhomItIsWith_AndThatItRejoins) {
  const ipc::RoomPlace place{"AJ_livekit", "table 4", "RM_1", "agent-AJ_livekit"};
  line->in_room(place);
  line->linked({"milla", "standard"});
  line->linked({"sip_+1555", "sip"});
  line->rejoining(true);
  const auto before = heard();
  EXPECT_EQ(last<ipc::Hello>(before)->room, std::nullopt) << "whoever started it knows";
  EXPECT_EQ(last<ipc::Linked>(before), (ipc::Linked{"sip_+1555", "sip"}));
  EXPECT_EQ(last<ipc::Rejoining>(before), ipc::Rejoining{true});
  supervisor_dies();
  line->rejoining(false);
  board.there = true;
  world.run_for(2s);
  ASSERT_TRUE(board.end);
  say(ipc::Welcome{0});
  const auto after = heard();
  EXPECT_EQ(last<ipc::Hello>(after)->room, place);
  EXPECT_EQ(last<ipc::Linked>(after), (ipc::Linked{"sip_+1555", "sip"}));
  EXPECT_EQ(last<ipc::Rejoining>(after), ipc::Rejoining{false});
}

TEST_F(SupervisorLineTest, NonsenseFromTheSupervisor_IsHungUpOn) {
  (void)board.end->send("\xff\xff");
  world.run_for(1s);
  EXPECT_EQ(orphaned, 1);
  EXPECT_GT(board.dials, 0);
}

TEST_F(SupervisorLineTest, ManyEventsAndNobodyToHearThem_TheOldestGo_AndAreCounted) {
  supervisor_dies();
  for (std::size_t i = 0; i < SupervisorLine::kMaxBacklog + 100; ++i) line->event("said", "{}");
  EXPECT_EQ(line->lost_events(), 100u);
}

}  // namespace
}  // namespace parley::job
