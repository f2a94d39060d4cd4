#include "bench/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace parley::bench {

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void Progress::tell(const std::string& text) {
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", text);
    return;
  }
  const auto now = SystemClock().now();
  if (last_ != TimePoint{} && now - last_ < kEvery) return;
  last_ = now;
  fmt::print(stderr, "{}\n", text);
}

void Progress::clear() {
  if (terminal_) fmt::print(stderr, "\r\x1b[K");
  last_ = {};
}

}  // namespace parley::bench
