// Many calls, and nothing is left of them; what one costs.
#include <csignal>

#include <fmt/format.h>

#include "worker_under_test.hpp"

namespace parley {
namespace {

using Ledger = WorkerTest;

TEST_F(Ledger, FiftyCalls_DescriptorsAndProcessesStayFlat) {
  start({"--fast", "--slots", "50"});
  const int zygote = zygote_pid();
  const auto one = call();
  hang_up(one);
  (void)terminal(one);
  const auto quiet = [&] { return children_of(supervisor_pid()).size() == 1; };  // the zygote
  ASSERT_TRUE(eventually(quiet));
  const auto supervisor_fds = open_descriptors(supervisor_pid());
  const auto zygote_fds = open_descriptors(zygote);

  std::vector<std::string> calls;
  const SystemClock clock;
  const auto began = clock.now();
  for (int i = 0; i < 50; ++i) calls.push_back(call());
  const auto took = clock.now() - began;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i % 5 == 0) {
      ::kill(pid_of(calls[i]), SIGKILL);
    } else {
      hang_up(calls[i]);
    }
  }
  for (const auto& id : calls) (void)terminal(id);
  EXPECT_TRUE(eventually(quiet)) << children_of(supervisor_pid()).size() << " children";
  EXPECT_TRUE(eventually([&] { return open_descriptors(supervisor_pid()) == supervisor_fds; }))
      << supervisor_fds << " descriptors before, " << open_descriptors(supervisor_pid()) << " after";
  EXPECT_EQ(open_descriptors(zygote), zygote_fds);
  fmt::print("from offer to answer, one after the other: {:.2f} ms a call\n", to_ms(took) / 50);
}

TEST_F(Ledger, WhatAJobCosts) {
  start({"--fast"});
  const auto id = call();
  const auto rollup = read_file(fmt::format("/proc/{}/smaps_rollup", pid_of(id)));
  const auto kib = [&](const char* name) {
    const auto at = rollup.find(name);
    return at == std::string::npos ? 0 : std::stol(rollup.substr(at + std::string_view(name).size() + 1));
  };
  fmt::print("a job that only answers: PSS {} KiB, private {} KiB, {} descriptors\n", kib("Pss"), kib("Private_Dirty"),
             open_descriptors(pid_of(id)));
  EXPECT_GT(kib("Pss"), 0);
  EXPECT_LE(open_descriptors(pid_of(id)), 24u) << "a job holds its own descriptors, not the zygote's or the supervisor's";
}

}  // namespace
}  // namespace parley
