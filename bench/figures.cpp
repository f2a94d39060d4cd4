#include "bench/figures.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <boost/json/object.hpp>

namespace parley::bench {

namespace json = boost::json;

namespace {

enum class Where : std::uint8_t { browser, room, everywhere };

struct Aim {
  Where where;
  const char* name;
  const char* unit;
  double most;
  std::optional<double> (*measured)(const Figures&);
  bool is_for(const Figures& f) const noexcept {
    return where == Where::everywhere || (where == Where::room) == f.rooms;
  }
};

std::optional<double> p95(const std::optional<Times>& times) {
  return times ? std::optional(times->p95) : std::nullopt;
}

constexpr double kIdleAim = 80;            // MB
constexpr std::size_t kLateJudgedAt = 20;  // calls; elsewhere they are reported

constexpr Aim kAims[] = {
    {Where::everywhere, "memory a call", "MB", 5, [](const Figures& f) { return std::optional(f.pss_mb_per_call); }},
    {Where::everywhere, "processor a call", "cores", 0.02,
     [](const Figures& f) { return std::optional(f.cpu_cores_per_call); }},
    {Where::room, "agent's track", "ms", 120, [](const Figures& f) { return p95(f.subscribed); }},
    {Where::browser, "first audio", "ms", 150, [](const Figures& f) { return p95(f.first_audio); }},
    {Where::room, "first audio", "ms", 200, [](const Figures& f) { return p95(f.first_audio); }},
    {Where::browser, "own reply", "ms", 40, [](const Figures& f) { return p95(f.own_reply); }},
    {Where::browser, "barge-in", "ms", 580, [](const Figures& f) { return p95(f.barge_in); }},
    {Where::everywhere, "hang-up to exit", "ms", 200, [](const Figures& f) { return p95(f.hangup_to_exit); }},
};

// "p50 / p95 / max"
std::string cell(const std::optional<Times>& times) {
  return times ? fmt::format("{:.0f} / {:.0f} / {:.0f}", times->p50, times->p95, times->max) : "-";
}

double rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

json::value to_json(const std::optional<Times>& times) {
  if (!times) return nullptr;
  return json::object{{"p50", rounded(times->p50, 1)},
                      {"p95", rounded(times->p95, 1)},
                      {"max", rounded(times->max, 1)},
                      {"count", times->count}};
}

json::object row(std::string_view name, std::size_t calls) { return {{"name", name}, {"calls", calls}}; }

// "10 rooms"
std::string label(const Figures& f) { return fmt::format("{}{}", f.calls, f.rooms ? " rooms" : ""); }

// The largest; none: no such row.
std::optional<double> idle_mb(const std::vector<Figures>& rows, bool rooms) {
  std::optional<double> most;
  for (const auto& f : rows) {
    if (f.rooms == rooms) most = std::max(most.value_or(0), f.idle_mb);
  }
  return most;
}

constexpr const char* kThree = "p50 / p95 / max";

std::string verdict(double measured, double most) { return measured <= most ? "met" : "MISSED"; }

}  // namespace

std::optional<Times> times_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto at = [&values](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
  };
  return Times{at(0.5), at(0.95), values.back(), values.size()};
}

constexpr auto kTableRow = "{:>9} {:>8} {:>10} {:>10} {:>16} {:>18} {:>16} {:>16} {:>16} {:>17} {:>17} {:>6}\n";

std::string table_head() {
  return fmt::format(kTableRow, "calls", "PSS MB", "kernel MB", "cores", "its track ms", "first audio ms",
                     "own reply ms", "barge-in ms", "resume ms", "hang-up ms", "late (control)", "errors") +
         fmt::format(kTableRow, "", "a call", "a call", "a call", kThree, kThree, kThree, kThree, kThree, kThree,
                     "per mille", "");
}

std::string table_line(const Figures& f) {
  return fmt::format(kTableRow, label(f), fmt::format("{:.2f}", f.pss_mb_per_call),
                     fmt::format("{:.2f}", f.kernel_mb_per_call), fmt::format("{:.4f}", f.cpu_cores_per_call),
                     cell(f.subscribed), cell(f.first_audio), cell(f.own_reply), cell(f.barge_in), cell(f.resume),
                     cell(f.hangup_to_exit),
                     fmt::format("{:.2f} ({:.2f})", f.late_frames.per_mille(), f.control.per_mille()), f.errors.size());
}

std::string verdicts(const std::vector<Figures>& rows) {
  std::string text = fmt::format("{:<18} {:>9} {:>14} {:>14}\n", "aim", "calls", "at most", "measured");
  const auto line = [&text](std::string_view name, const std::string& calls, const std::string& most,
                            const std::string& measured, std::string_view how) {
    text += fmt::format("{:<18} {:>9} {:>14} {:>14}  {}\n", name, calls, most, measured, how);
  };
  for (const bool rooms : {false, true}) {
    if (const auto idle = idle_mb(rows, rooms))
      line("idle worker", rooms ? "rooms" : "0", fmt::format("{:g} MB", kIdleAim), fmt::format("{:.1f} MB", *idle),
           verdict(*idle, kIdleAim));
  }
  for (const auto& aim : kAims) {
    for (const auto& f : rows) {
      if (!aim.is_for(f)) continue;
      const auto measured = aim.measured(f);
      const auto most = fmt::format("{:g} {}", aim.most, aim.unit);
      if (!measured)
        line(aim.name, label(f), most, "-", "not measured");
      else
        line(aim.name, label(f), most, fmt::format("{:.3g} {}", *measured, aim.unit), verdict(*measured, aim.most));
    }
  }
  for (const auto& f : rows) {
    if (f.subscribed_by_job)
      line("  by its process", label(f), "", fmt::format("{:.3g} ms", f.subscribed_by_job->p95), "reported");
  }
  for (const auto& f : rows) {
    if (f.rooms)
      line("missing frames", label(f), "0", fmt::format("{}", f.missing_frames),
           f.resume ? verdict(static_cast<double>(f.missing_frames), 0) : "not measured");
  }
  for (const auto& f : rows) {
    const auto late = f.late_frames.per_mille(), control = f.control.per_mille();
    line("late frames", label(f), fmt::format("{:.2f} per mille", control), fmt::format("{:.2f} per mille", late),
         f.rooms || f.calls != kLateJudgedAt ? "reported" : verdict(late, control));
  }
  return text;
}

json::array to_json(const std::vector<Figures>& rows, const Setting& setting) {
  json::array all;
  for (const auto& f : rows) {
    auto r = row(fmt::format("{}-{}", f.rooms ? "rooms" : "calls", f.calls), f.calls);
    r["pss_mb_per_call"] = rounded(f.pss_mb_per_call, 3);
    r["kernel_mb_per_call"] = rounded(f.kernel_mb_per_call, 3);
    r["cpu_cores_per_call"] = rounded(f.cpu_cores_per_call, 5);
    if (f.rooms) {
      r["track_subscribed_ms"] = to_json(f.subscribed);
      r["track_subscribed_since_process_ms"] = to_json(f.subscribed_by_job);
      r["resume_ms"] = to_json(f.resume);
      r["missing_frames"] = f.missing_frames;
    }
    r["first_audio_ms"] = to_json(f.first_audio);
    r["own_reply_ms"] = to_json(f.own_reply);
    r["barge_in_ms"] = to_json(f.barge_in);
    r["hangup_to_exit_ms"] = to_json(f.hangup_to_exit);
    r["late_frames"] = rounded(f.late_frames.per_mille(), 3);
    r["late_frames_control"] = rounded(f.control.per_mille(), 3);
    r["late_frames_callers_own"] = rounded(f.own_ticks.per_mille(), 3);
    r["frames"] = f.late_frames.frames;
    r["turns"] = f.turns;
    r["turns_unclear"] = f.unclear;
    r["load_average"] = f.load;
    r["errors"] = f.errors.size();
    all.push_back(std::move(r));
  }
  for (const bool rooms : {false, true}) {
    const auto mb = idle_mb(rows, rooms);
    if (!mb) continue;
    auto idle = row(rooms ? "rooms-idle" : "idle", 0);
    idle["pss_mb"] = rounded(*mb, 3);
    all.push_back(std::move(idle));
  }
  auto control = row("control", 0);
  Late late;
  for (const auto& f : rows) {
    late.late += f.control.late;
    late.frames += f.control.frames;
  }
  control["late_frames"] = rounded(late.per_mille(), 3);
  control["frames"] = late.frames;
  all.push_back(std::move(control));
  auto about = row("setting", 0);
  about["commit"] = setting.commit;
  about["machine"] = setting.machine;
  about["call_s"] = setting.length_s;
  about["room_call_s"] = setting.room_length_s;
  about["providers_fixed_ms"] = setting.fixed_ms;
  about["endpointing_ms"] = setting.endpointing_ms;
  all.push_back(std::move(about));
  return all;
}

}  // namespace parley::bench
