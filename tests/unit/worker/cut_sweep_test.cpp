// The cut sweep over processes: a worker with calls in every state, and at every k-th step something dies, hangs or lies.
// Whatever it was, every call ends, with one terminal record and its hooks done, and nothing is left.
#include <csignal>

#include <fmt/format.h>

#include "process_world.hpp"
#include "support/counts.hpp"

namespace parley {
namespace {

using Kind = sim::SimOs::Kind;

enum class Cut { none, kill_job, freeze_job, terminate_job, lie, kill_zygote, freeze_zygote, kill_inference, kill_supervisor, kill_all_but_supervisor, job_termination };
constexpr const char* kNames[] = {"none", "kill_job", "freeze_job", "terminate_job", "lie", "kill_zygote", "freeze_zygote",
                                  "kill_inference", "kill_supervisor", "kill_all_but_supervisor", "job_termination"};

void do_cut(ProcessWorld& w, Cut cut) {
  auto& os = w.os;
  const auto one = [&](Kind kind) {
    const auto pids = os.alive(kind);
    return pids.empty() ? 0 : pids[w.world.random().below(pids.size())];
  };
  const auto a_job = [&] {
    const int job = one(Kind::job);
    return job ? job : one(Kind::after_call);
  };
  switch (cut) {
    case Cut::none: break;
    case Cut::kill_job: os.signal(a_job(), SIGKILL); break;
    case Cut::freeze_job: os.freeze(a_job()); break;
    case Cut::terminate_job: os.signal(a_job(), SIGTERM); break;
    case Cut::lie: os.send_garbage(a_job()); break;
    case Cut::kill_zygote: os.signal(one(Kind::zygote), SIGKILL); break;
    case Cut::freeze_zygote: os.freeze(one(Kind::zygote)); break;
    case Cut::kill_inference: os.signal(one(Kind::inference), SIGKILL); break;
    case Cut::kill_supervisor: os.signal(one(Kind::supervisor), SIGKILL); break;
    case Cut::kill_all_but_supervisor:
      for (const auto kind : {Kind::zygote, Kind::inference, Kind::job, Kind::after_call}) {
        for (const int pid : os.alive(kind)) os.signal(pid, SIGKILL);
      }
      break;
    case Cut::job_termination:
      for (const auto& id : w.rooms.assigned) {
        if (w.livekit()) w.livekit()->terminate(id);
      }
      break;
  }
}

// Five calls: one is hung up, one ends by itself, one is being answered when the others end; one in a LiveKit room goes on until
// the server takes it back, one there ends by itself. Returns the steps it took.
std::uint64_t run(Cut cut, std::uint64_t at_step, std::uint64_t seed) {
  ProcessWorld w(seed, {.slots = 6});
  w.keep_supervised();
  bool done = false;
  w.world.on_step([&](std::uint64_t step) {
    if (step >= at_step && !std::exchange(done, true)) do_cut(w, cut);
  });
  w.os.start_supervisor();
  w.world.run_for(200ms);
  w.offer();
  w.offer({{"in_call", "finish"}});
  w.assign("AJ_stays");
  w.assign("AJ_finishes", {{"in_call", "finish"}});
  w.world.run_for(700ms);
  w.hang_up_all();
  w.offer();
  const bool settled = w.run_until_settled();
  const auto what = fmt::format("{} at step {} of seed {}", kNames[static_cast<int>(cut)], at_step, seed);
  EXPECT_TRUE(settled) << what << ": " << w.describe();
  w.expect_the_law(what);
  return w.world.steps();
}

class CutSweep : public ::testing::TestWithParam<int> {};

TEST_P(CutSweep, EveryCallEnds_WithOneRecord_AndItsHooksDone) {
  const auto cut = static_cast<Cut>(GetParam());
  const std::uint64_t seed = test::seed_of(17);
  const auto steps = run(Cut::none, 0, seed);
  const auto cuts = test::count_of<std::uint64_t>(40, steps);
  for (std::uint64_t i = 0; i < cuts && !HasFailure(); ++i) run(cut, 1 + i * steps / cuts, seed);
  fmt::print("figure: {}: {} of {} steps\n", kNames[static_cast<int>(cut)], cuts, steps);
}

INSTANTIATE_TEST_SUITE_P(Ways, CutSweep, ::testing::Range(1, 11), [](const auto& way) { return kNames[way.param]; });

}  // namespace
}  // namespace parley
