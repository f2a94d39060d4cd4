// A disk of the simulated world: what was not synced is lost with the power, a write can be torn, it can be full and
// slow.
//
//   SimDisk disk(world.random());
//   auto job = disk.process("job");            // a Disk as one process sees it: its locks die with it
//   SimWriter writer(loop, job, sink);         // JournalWriter on virtual time
//   ...
//   disk.kill("job");                          // kill -9: what it wrote is there, its locks are free
//   disk.power_cut();                          // everything is dead; what was not synced may be gone, whole or in part
//
// Thread: one. Bound: the test's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "job/disk.hpp"
#include "job/journal_writer_core.hpp"
#include "sim/world.hpp"

namespace parley::sim {

class SimDisk {
 public:
  explicit SimDisk(Random random, const Clock& clock);
  ~SimDisk();

  // The disk as the process of that name sees it; the same object while it lives.
  std::shared_ptr<job::Disk> process(const std::string& name);

  // The process is gone: its locks are free, and nothing it still tries has an effect.
  void kill(const std::string& name);
  // Every process is gone. Of each file at least the synced beginning is left, and of the rest a random part, perhaps
  // followed by zeros; names that were not synced may be as they were before.
  void power_cut();

  // At the n-th operation from now on (1: the next), that process dies in the middle of it: a write is torn.
  // Its objects are still there: whoever turns the world looks at alive() and destroys them.
  void kill_at_operation(const std::string& name, std::uint64_t n);
  bool alive(const std::string& name) const;
  std::uint64_t operations() const noexcept;  // of all processes

  void set_free_bytes(std::uint64_t bytes) noexcept;  // SIZE_MAX: no bound (the default)
  void set_sync_time(Duration duration) noexcept;     // of each sync, on virtual time (SimWriter)
  void fail_next_syncs(unsigned count) noexcept;
  void fail_next_appends(unsigned count) noexcept;  // with Errc::io, after a part was written
  Duration sync_time() const noexcept;

  // What a file holds now; nullopt: there is none. And damage, for readers that must live with it.
  std::optional<std::string> content(const std::string& path) const;
  void overwrite(const std::string& path, std::string bytes);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

// A JournalWriter whose work takes virtual time on a loop. Destroying it is the death of the writer's thread.
class SimWriter final : private Timer {
 public:
  static constexpr Duration kAppendTime = 50us;
  static constexpr Duration kLogTime = 10us;

  SimWriter(SimLoop& loop, const SimDisk& disk, std::shared_ptr<LogSink> log = {});
  ~SimWriter() override;

  job::JournalWriter& writer() noexcept { return writer_; }
  bool idle() const noexcept { return !armed(); }

 private:
  struct Door;
  void fire() override;
  void arm_for_next();

  SimLoop& loop_;
  const SimDisk& disk_;
  bool retrying_ = false;
  std::shared_ptr<Door> door_;
  std::shared_ptr<job::WriterCore> core_;
  job::JournalWriter writer_;
};

}  // namespace parley::sim
