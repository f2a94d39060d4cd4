// Three jobs, from offer to end; the socket dies at every step of it, once.
#include "fixture.hpp"

namespace parley::livekit {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

class CutSweep : public WorkerTest {
 protected:
  explicit CutSweep(std::uint64_t seed) : WorkerTest(seed) {}
  void TestBody() override {}

 public:
  static std::unique_ptr<CutSweep> of(std::uint64_t seed) { return std::unique_ptr<CutSweep>(new CutSweep(seed)); }

  // Returns how many steps it took.
  std::uint64_t run(std::uint64_t cut_at) {
    world.on_step([this, cut_at](std::uint64_t step) {
      if (step == cut_at) server.cut();
    });
    start();
    (void)world.run_until([this] { return worker->registered(); }, 5s);
    for (const auto* id : {"AJ_1", "AJ_2", "AJ_3"}) {
      server.offer(id);
      world.run_for(20ms);
    }
    world.run_for(100ms);
    end_if_running("AJ_2", JobStatus::success);
    world.run_for(20ms);
    end_if_running("AJ_1", JobStatus::failed);
    world.run_for(100ms);
    const auto steps = world.steps();
    world.run_for(10s);
    return steps;
  }

  void check(std::uint64_t cut_at) {
    SCOPED_TRACE("cut at step " + std::to_string(cut_at) + ", " + world.describe());
    EXPECT_TRUE(worker->registered()) << worker->trouble();
    EXPECT_TRUE(host.reserved.empty()) << "a slot is lost";
    for (const auto& start : host.starts) check_job(start.job.id);
    EXPECT_EQ(host.starts.size() + host.released.size(), worker->counters().accepted);
    EXPECT_TRUE(close().clean());
  }

  std::size_t starts() const { return host.starts.size(); }

 private:
  void end_if_running(const std::string& id, JobStatus status) {
    if (!host.running.contains(id)) return;
    ends_[id] = status;
    end(id, status);
  }
  // Its end has reached the server, and nothing after it; it runs for the server as long as it runs.
  void check_job(const std::string& id) {
    const auto said = server.statuses(id);
    const auto ended = ends_.find(id);
    const auto expected = ended == ends_.end()                    ? ::livekit::JS_RUNNING
                          : ended->second == JobStatus::success ? ::livekit::JS_SUCCESS
                                                                : ::livekit::JS_FAILED;
    ASSERT_FALSE(said.empty()) << id;
    EXPECT_EQ(said.back(), expected) << id;
    for (std::size_t i = 1; i < said.size(); ++i) {
      EXPECT_FALSE(said[i] == ::livekit::JS_RUNNING && said[i - 1] != ::livekit::JS_RUNNING) << id << " runs after its end";
    }
  }

  std::map<std::string, JobStatus> ends_;
};

TEST(WorkerCutSweep, SocketThatDiesAtAnyStep_LosesNoStatusAndNoSlot) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto whole = CutSweep::of(seed);
    const auto steps = whole->run(kNever);
    whole->check(kNever);
    ASSERT_EQ(whole->starts(), 3u);
    for (std::uint64_t step = 0; step <= steps; ++step) {
      const auto cut = CutSweep::of(seed);
      cut->run(step);
      cut->check(step);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace parley::livekit
