// Numbers, and what is made of them: percentiles, aims, the table and the JSON file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include <parley/base/time.hpp>

namespace parley::bench {

// Milliseconds: half of the calls, all but a twentieth of them, and the worst.
struct Times {
  double p50 = 0, p95 = 0, max = 0;
  std::size_t count = 0;
};
std::optional<Times> times_of(std::vector<double> values);

// Of how many, how many were late.
struct Late {
  std::uint64_t late = 0;
  std::uint64_t frames = 0;
  double per_mille() const noexcept {
    return frames == 0 ? 0 : 1000.0 * static_cast<double>(late) / static_cast<double>(frames);
  }
};

// One number of calls.
struct Figures {
  std::size_t calls = 0;
  bool rooms = false;  // in LiveKit rooms
  double idle_mb = 0;  // PSS of the worker before the first call
  double pss_mb_per_call = 0;
  double kernel_mb_per_call = 0;
  double cpu_cores_per_call = 0;
  std::optional<Times> subscribed, subscribed_by_job, first_audio, own_reply, barge_in, resume, hangup_to_exit;
  Late late_frames, control;
  Late own_ticks;  // of the callers: frames sent more than kLate after the one before
  std::size_t turns = 0, unclear = 0;
  std::size_t missing_frames = 0;  // around the resumes of all calls
  double load = 0;                 // average of the machine's last minute, at the end
  std::vector<std::string> errors;
};

// What every row has in common.
struct Setting {
  std::string commit, machine;
  double length_s = 0, room_length_s = 0;
  double fixed_ms = 0;        // of the providers, for one reply
  double endpointing_ms = 0;  // before it
};

std::string table_head();
std::string table_line(const Figures& figures);
std::string verdicts(const std::vector<Figures>& rows);
boost::json::array to_json(const std::vector<Figures>& rows, const Setting& setting);

}  // namespace parley::bench
