// How far it is: on a terminal one line that changes, elsewhere a line now and then.
#pragma once

#include <string>

#include <parley/base/time.hpp>

namespace parley::bench {

class Progress {
 public:
  static constexpr Duration kEvery = 10s;  // elsewhere

  Progress();
  void tell(const std::string& text);
  // What was told is no longer of interest.
  void clear();

 private:
  bool terminal_;
  TimePoint last_{};
};

}  // namespace parley::bench
