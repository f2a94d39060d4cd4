// What an ending did one after the other, and how long each took: for those who want to see how a call ended.
//
// Thread: the loop's only.
// Bound:  kMaxSteps of kMaxNameBytes; further ones belong to the last.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

#include <parley/base/time.hpp>

namespace parley::job {

class EndingSteps {
 public:
  static constexpr std::size_t kMaxSteps = 32;
  static constexpr std::size_t kMaxNameBytes = 64;

  // The end has come to `name`; what came before it is done.
  void enter(std::string_view name, TimePoint now);

  // [{name, at_ms, took_ms}], the last one up to `now`. `at_ms` counts from the first.
  boost::json::array to_json(TimePoint now) const;

 private:
  struct Step {
    std::string name;
    TimePoint began;
  };
  std::vector<Step> steps_;
};

}  // namespace parley::job
