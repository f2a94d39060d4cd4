// A world with one loop and one root scope, and the ledger of what must be gone at the end of a test.
#pragma once

#include <optional>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley {

class OneLoop : public ::testing::Test {
 protected:
  OneLoop() : loop(world.add_loop("test")) { scope.emplace(loop, "root"); }

  // Nothing of a test may be left in the loop: no task, no timer, nothing ready.
  void TearDown() override {
    scope.reset();
    EXPECT_EQ(loop.counters().tasks, 0) << world.describe();
    EXPECT_TRUE(world.idle()) << world.describe();
  }

  void start(std::string_view name, Task<void> task) { ASSERT_TRUE(scope->spawn(name, std::move(task))); }

  // Runs until every task of the root scope has ended.
  void run_to_end(Duration limit = 1min) {
    ASSERT_TRUE(world.run_until([&] { return scope->tasks() == 0; }, limit)) << world.describe();
  }

  sim::World world{20};
  sim::SimLoop& loop;
  std::optional<Scope> scope;
};

}  // namespace parley
