// Time: types, clocks, deadlines. Nothing below this layer's users asks the system for the time: a Clock is passed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace parley {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

// The monotonic clock of a process (CLOCK_MONOTONIC; virtual in the simulated world).
struct Monotonic {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};
using TimePoint = Monotonic::time_point;

// Wall-clock time, for records that people and other machines read.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// "2026-11-21T13:05:07.123Z".
std::string to_iso8601(WallTime time);

// Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const noexcept = 0;
  virtual WallTime wall() const noexcept = 0;
};

// The system's clocks.
class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override;
  WallTime wall() const noexcept override;
};

constexpr double to_ms(Duration d) noexcept { return std::chrono::duration<double, std::milli>(d).count(); }
constexpr double to_seconds(Duration d) noexcept { return std::chrono::duration<double>(d).count(); }

// The moment by which a wait ends, whatever happens. Absolute, so that it can be handed down without growing.
class Deadline {
 public:
  constexpr explicit Deadline(TimePoint at) noexcept : at_(at) {}

  // For waits that are bounded by their scope alone; every use is a decision that a reader can find.
  static constexpr Deadline bounded_by_scope() noexcept { return Deadline(TimePoint::max()); }

  constexpr TimePoint at() const noexcept { return at_; }
  constexpr bool is_set() const noexcept { return at_ != TimePoint::max(); }
  constexpr bool passed(TimePoint now) const noexcept { return now >= at_; }
  constexpr Duration left(TimePoint now) const noexcept {
    return is_set() ? std::max(Duration::zero(), at_ - now) : Duration::max();
  }

  // Whichever comes first: a part never outlives the whole.
  constexpr Deadline within(Deadline other) const noexcept { return Deadline(std::min(at_, other.at_)); }

  constexpr auto operator<=>(const Deadline&) const = default;

 private:
  TimePoint at_;
};

}  // namespace parley
