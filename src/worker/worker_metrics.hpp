// What a worker counts and measures of its calls, for Prometheus. Names are LiveKit Agents' where it has them (lk_agents_*;
// those of a turn as its OpenTelemetry metrics come out of an exporter for Prometheus), else parley_*: docs/operations.md.
//
// Thread: the loop's only.
// Bound:  the labels are fixed sets, whatever a job says: no call's id, no caller's text. Values that no call can have are
//         left out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/base/time.hpp>

namespace parley::worker {

// What a call was, from its terminal record.
struct CallFigures {
  std::string reason;  // caller_hung_up, ..., crash
  std::optional<double> duration_s;
  std::optional<double> teardown_s;  // from the end's beginning until the session had closed
};
CallFigures figures_of(const boost::json::object& record);

// Where a call's hooks stand; over all its processes.
struct HookCounts {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;  // tries
  std::uint64_t given_up = 0;

  // By how much `seen` is more, which these then are too. Where a journal lost records it may be less: that is no change.
  HookCounts raise_to(const HookCounts& seen) noexcept;
};

class WorkerMetrics {
 public:
  explicit WorkerMetrics(std::string node_name);
  ~WorkerMetrics();

  // An event of a call, as its watchers get it; those that say nothing about figures cost a comparison.
  void event(std::string_view type, std::string_view data_json);
  void job_born(Duration took);
  void call_answered(Duration took);
  void call_ended(const CallFigures& figures);
  void hooks(const HookCounts& more);

  // A gauge or counter whose value somebody else keeps, for one scrape.
  struct Sample {
    enum class Kind { gauge, counter } kind;
    const char* name;
    const char* help;
    double value;
    bool with_node = false;  // LiveKit's have its label `nodename`
  };
  std::string text(const std::vector<Sample>& samples) const;

 private:
  struct Series;
  std::string node_name_;
  std::unique_ptr<Series> series_;
};

}  // namespace parley::worker
