// Many calls, and nothing is left of them; what one costs.
#include <csignal>

#include <fmt/format.h>

#include "ipc/exit_code.hpp"
#include "support/counts.hpp"
#include "worker_under_test.hpp"

namespace parley {
namespace {

using Ledger = WorkerTest;

constexpr int kWave = 50;  // calls at a time

long kib_of(int pid, const char* name) {
  const auto rollup = read_file(fmt::format("/proc/{}/smaps_rollup", pid));
  const auto at = rollup.find(name);
  return at == std::string::npos ? 0 : std::stol(rollup.substr(at + std::string_view(name).size() + 1));
}

TEST_F(Ledger, ManyCalls_DescriptorsAndProcessesStayFlat) {
  const int waves = test::count_of(1, 20);
  start({"--fast", "--slots", std::to_string(kWave)});
  const int zygote = zygote_pid();
  const auto one = call();
  hang_up(one);
  (void)terminal(one);
  const auto quiet = [&] { return children_of(supervisor_pid()).size() == 1; };  // the zygote
  ASSERT_TRUE(eventually(quiet));
  const auto supervisor_fds = open_descriptors(supervisor_pid());
  const auto zygote_fds = open_descriptors(zygote);
  const auto zygote_kib = kib_of(zygote, "Anonymous");

  const SystemClock clock;
  Duration answering{};
  for (int wave = 0; wave < waves && !HasFailure(); ++wave) {
    std::vector<std::string> calls;
    const auto began = clock.now();
    for (int i = 0; i < kWave; ++i) calls.push_back(call());
    answering += clock.now() - began;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (i % 5 == 0) {
        ::kill(pid_of(calls[i]), SIGKILL);
      } else {
        hang_up(calls[i]);
      }
    }
    for (const auto& id : calls) (void)terminal(id);
  }
  EXPECT_TRUE(eventually(quiet)) << children_of(supervisor_pid()).size() << " children";
  EXPECT_TRUE(eventually([&] { return open_descriptors(supervisor_pid()) <= supervisor_fds; }))
      << supervisor_fds << " descriptors before, " << open_descriptors(supervisor_pid()) << " after";
  EXPECT_EQ(zygote_pid(), zygote) << "it was replaced";
  EXPECT_LE(open_descriptors(zygote), zygote_fds);
#ifndef PARLEY_HAS_LSAN  // which keeps what was freed
  EXPECT_LT(kib_of(zygote, "Anonymous") - zygote_kib, 256) << "KiB that the zygote kept of calls";
#endif
  fmt::print("figure: {} calls, every fifth killed; {:.2f} ms from offer to answer, one after the other; zygote {} KiB before, {} KiB after\n",
             waves * kWave, to_ms(answering) / (waves * kWave), zygote_kib, kib_of(zygote, "Anonymous"));
}

TEST_F(Ledger, WhatAJobCosts) {
  start({"--fast"});
  const auto id = call();
  fmt::print("figure: a job that only answers: PSS {} KiB, private {} KiB, {} descriptors\n", kib_of(pid_of(id), "Pss"),
             kib_of(pid_of(id), "Private_Dirty"), open_descriptors(pid_of(id)));
  EXPECT_GT(kib_of(pid_of(id), "Pss"), 0);
  EXPECT_LE(open_descriptors(pid_of(id)), 24u) << "a job holds its own descriptors, not the zygote's or the supervisor's";
}

}  // namespace
}  // namespace parley
