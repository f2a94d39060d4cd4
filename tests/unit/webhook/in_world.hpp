// One task in the simulated world, from its beginning to its end.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include <parley/async/scope.hpp>

#include "scripted_http.hpp"
#include "sim/world.hpp"

namespace parley::webhook {

class InWorld : public ::testing::Test {
 protected:
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    EXPECT_TRUE(scope.spawn("test", [](Task<T> t, std::optional<T>& o) -> Task<void> { o = co_await std::move(t); }(std::move(task), out)));
    EXPECT_TRUE(world.run_until([&] { return out.has_value(); }, 120s)) << world.describe();
    return std::move(*out);
  }

  sim::World world{7};
  sim::SimLoop& loop = world.add_loop("job");
  Scope scope{loop, "test"};
  std::shared_ptr<LogForTest> log = std::make_shared<LogForTest>();
  Logger logger{log};
  ScriptedHttp http;
};

}  // namespace parley::webhook
