#include "job/ending_steps.hpp"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace parley::job {
namespace {

constexpr TimePoint kBegan{1h};

TEST(EndingSteps, EachLastsUntilTheNext_TheLastUntilNow) {
  EndingSteps steps;
  steps.enter("session", kBegan);
  steps.enter("transport", kBegan + 40ms);
  EXPECT_EQ(boost::json::serialize(steps.to_json(kBegan + 50ms)),
            R"([{"name":"session","at_ms":0E0,"took_ms":4E1},{"name":"transport","at_ms":4E1,"took_ms":1E1}])");
}

TEST(EndingSteps, MoreThanFit_BelongToTheLast) {
  EndingSteps steps;
  for (int i = 0; i < 100; ++i) steps.enter(std::string(1000, 'x'), kBegan + i * 1ms);
  const auto all = steps.to_json(kBegan + 100ms);
  ASSERT_EQ(all.size(), EndingSteps::kMaxSteps);
  EXPECT_EQ(all.back().at("name").as_string().size(), EndingSteps::kMaxNameBytes);
  EXPECT_EQ(all.back().at("at_ms").as_double() + all.back().at("took_ms").as_double(), 100);
}

TEST(EndingSteps, NoEnding_NoSteps) { EXPECT_TRUE(EndingSteps().to_json(kBegan).empty()); }

}  // namespace
}  // namespace parley::job
