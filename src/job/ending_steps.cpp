#include "job/ending_steps.hpp"

#include <boost/json/object.hpp>

namespace parley::job {

void EndingSteps::enter(std::string_view name, TimePoint now) {
  if (steps_.size() < kMaxSteps) steps_.push_back({std::string(name.substr(0, kMaxNameBytes)), now});
}

boost::json::array EndingSteps::to_json(TimePoint now) const {
  boost::json::array all;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto ended = i + 1 < steps_.size() ? steps_[i + 1].began : now;
    all.push_back(boost::json::object{{"name", steps_[i].name},
                                      {"at_ms", to_ms(steps_[i].began - steps_.front().began)},
                                      {"took_ms", to_ms(ended - steps_[i].began)}});
  }
  return all;
}

}  // namespace parley::job
