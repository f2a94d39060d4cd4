#include "sim/disk.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace parley::sim {

namespace {

struct Inode {
  std::string bytes;
  std::size_t synced = 0;                  // of bytes
  std::optional<std::string> synced_name;  // the name under which the disk itself knows it
  const void* locked_by = nullptr;         // a file of a process
  std::string locked_by_process;
  WallTime modified{};
};

std::unexpected<Error> dead() { return fail(Errc::io, "this process is dead"); }

}  // namespace

struct SimDisk::State {
  explicit State(Random r, const Clock& c) : random(r), clock(c) {}

  bool alive(const std::string& process) const { return !killed.contains(process); }

  // True: the process dies in this operation.
  bool count_operation(const std::string& process) {
    ++operations;
    if (doomed != process || doomed_in == 0 || --doomed_in > 0) return false;
    return true;
  }

  void kill(const std::string& process) {
    killed.insert(process);
    for (auto& [path, inode] : files) {
      if (inode->locked_by_process == process) unlock(*inode);
    }
    if (doomed == process) doomed_in = 0;
  }

  static void unlock(Inode& inode) {
    inode.locked_by = nullptr;
    inode.locked_by_process.clear();
  }

  std::uint64_t free_now() const {
    std::uint64_t used = 0;
    for (const auto& [path, inode] : files) used += inode->bytes.size();
    return capacity > used ? capacity - used : 0;
  }

  Random random;
  const Clock& clock;
  std::map<std::string, std::shared_ptr<Inode>> files;
  std::vector<std::shared_ptr<Inode>> unnamed;  // removed, but the disk may still have them
  std::set<std::string> killed;
  std::map<std::string, std::weak_ptr<job::Disk>> processes;
  std::string doomed;
  std::uint64_t doomed_in = 0;
  std::uint64_t operations = 0;
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();
  Duration sync_time = 500us;
  unsigned failing_syncs = 0;
  unsigned failing_appends = 0;
};

namespace {

using State = SimDisk::State;

class SimFile final : public job::DiskFile {
 public:
  SimFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode, std::string process)
      : state_(std::move(state)), inode_(std::move(inode)), process_(std::move(process)) {}
  ~SimFile() override {
    if (inode_->locked_by == this) State::unlock(*inode_);
  }

  Result<std::size_t> append(std::string_view bytes) override {
    if (!state_->alive(process_)) return dead();
    const bool last = state_->count_operation(process_);
    const bool failing = state_->failing_appends > 0 && state_->failing_appends-- > 0;
    auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), state_->free_now()));
    if (last || failing) size = state_->random.below(size + 1);
    inode_->bytes += bytes.substr(0, size);
    inode_->modified = state_->clock.wall();
    if (last) {
      state_->kill(process_);
      return dead();
    }
    if (failing) return fail(Errc::io, "write: Input/output error");
    if (size == 0) return fail(Errc::overloaded, "write: No space left on device");
    return size;
  }

  Result<void> sync() override {
    if (!state_->alive(process_)) return dead();
    if (state_->count_operation(process_)) {
      if (state_->random.chance(0.5)) inode_->synced = inode_->bytes.size();
      state_->kill(process_);
      return dead();
    }
    if (state_->failing_syncs > 0) {
      --state_->failing_syncs;
      return fail(Errc::io, "fdatasync: Input/output error");
    }
    inode_->synced = inode_->bytes.size();
    return {};
  }

  Result<std::uint64_t> size() override { return inode_->bytes.size(); }
  Result<std::string> read(std::size_t max_bytes) override {
    if (!state_->alive(process_)) return dead();
    return inode_->bytes.substr(0, max_bytes);
  }

  Result<void> lock(const std::string& path) {
    if (inode_->locked_by) return fail(Errc::refused, path + " is in use by another process");
    inode_->locked_by = this;
    inode_->locked_by_process = process_;
    return {};
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Inode> inode_;
  std::string process_;
};

class ProcessDisk final : public job::Disk {
 public:
  ProcessDisk(std::shared_ptr<State> state, std::string process)
      : state_(std::move(state)), process_(std::move(process)) {}

  Result<std::unique_ptr<job::DiskFile>> open_to_read(const std::string& path) override {
    auto inode = find(path);
    if (!inode) return fail(inode.error());
    return std::make_unique<SimFile>(state_, *inode, process_);
  }

  Result<std::unique_ptr<job::DiskFile>> open_to_append(const std::string& path) override {
    auto inode = find(path);
    if (!inode) return fail(inode.error());
    return locked_file(*inode, path);
  }

  Result<std::unique_ptr<job::DiskFile>> create(const std::string& path) override {
    if (auto began = begin(); !began) return fail(began.error());
    if (state_->files.contains(path)) return fail(Errc::refused, path + ": File exists");
    auto inode = std::make_shared<Inode>();
    inode->modified = state_->clock.wall();
    state_->files[path] = inode;
    return locked_file(inode, path);
  }

  Result<bool> locked(const std::string& path) override {
    const auto inode = find(path);
    if (!inode) return fail(inode.error());
    return (*inode)->locked_by != nullptr;
  }

  Result<void> make_directory(const std::string&) override { return begin(); }

  Result<std::vector<job::DiskEntry>> list(const std::string& directory) override {
    if (auto began = begin(); !began) return fail(began.error());
    std::vector<job::DiskEntry> entries;
    for (const auto& [path, inode] : state_->files) {
      if (!path.starts_with(directory + "/")) continue;
      entries.push_back(
          {.name = path.substr(directory.size() + 1), .bytes = inode->bytes.size(), .modified = inode->modified});
    }
    return entries;
  }

  Result<void> sync_directory(const std::string& directory) override {
    if (auto began = begin(); !began) return began;
    for (const auto& [path, inode] : state_->files) {
      if (path.starts_with(directory + "/")) inode->synced_name = path;
    }
    state_->unnamed.clear();
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (auto began = begin(); !began) return began;
    const auto it = state_->files.find(from);
    if (it == state_->files.end()) return fail(Errc::not_found, from + ": No such file or directory");
    state_->files[to] = it->second;
    state_->files.erase(from);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (auto began = begin(); !began) return began;
    const auto it = state_->files.find(path);
    if (it == state_->files.end()) return fail(Errc::not_found, path + ": No such file or directory");
    state_->unnamed.push_back(it->second);
    state_->files.erase(it);
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string&) override { return state_->free_now(); }

 private:
  // Names change whole or not at all: a process that dies in such an operation dies before it.
  Result<void> begin() {
    if (!state_->alive(process_)) return dead();
    if (state_->count_operation(process_)) {
      state_->kill(process_);
      return dead();
    }
    return {};
  }

  Result<std::shared_ptr<Inode>> find(const std::string& path) {
    if (auto began = begin(); !began) return fail(began.error());
    const auto it = state_->files.find(path);
    if (it == state_->files.end()) return fail(Errc::not_found, path + ": No such file or directory");
    return it->second;
  }

  Result<std::unique_ptr<job::DiskFile>> locked_file(const std::shared_ptr<Inode>& inode, const std::string& path) {
    auto file = std::make_unique<SimFile>(state_, inode, process_);
    if (auto locked = file->lock(path); !locked) return fail(locked.error());
    return file;
  }

  std::shared_ptr<State> state_;
  std::string process_;
};

}  // namespace

SimDisk::SimDisk(Random random, const Clock& clock) : state_(std::make_shared<State>(random, clock)) {}
SimDisk::~SimDisk() = default;

std::shared_ptr<job::Disk> SimDisk::process(const std::string& name) {
  auto& known = state_->processes[name];
  if (auto disk = known.lock()) return disk;
  auto disk = std::make_shared<ProcessDisk>(state_, name);
  known = disk;
  return disk;
}

void SimDisk::kill(const std::string& name) { state_->kill(name); }

void SimDisk::power_cut() {
  auto& s = *state_;
  for (const auto& [name, disk] : s.processes) s.killed.insert(name);
  std::map<std::string, std::shared_ptr<Inode>> left;
  for (auto& [path, inode] : s.files) {
    const bool moved = inode->synced_name != path;
    auto name = moved && s.random.chance(0.5) ? inode->synced_name : path;  // nullopt: it was never there
    if (name) left[*name] = inode;
  }
  for (const auto& inode : s.unnamed) {
    if (inode->synced_name && s.random.chance(0.5)) left.emplace(*inode->synced_name, inode);
  }
  for (auto& [path, inode] : left) {
    const auto unsynced = inode->bytes.size() - inode->synced;
    const auto kept = s.random.below(unsynced + 1);
    inode->bytes.resize(inode->synced + kept);
    // A file's length may reach the disk before its bytes do.
    if (s.random.chance(0.3)) inode->bytes.append(s.random.below(unsynced - kept + 1), '\0');
    inode->synced = inode->bytes.size();
    inode->synced_name = path;
    State::unlock(*inode);
  }
  s.files = std::move(left);
  s.unnamed.clear();
}

void SimDisk::kill_at_operation(const std::string& name, std::uint64_t n) {
  state_->doomed = name;
  state_->doomed_in = n;
}

bool SimDisk::alive(const std::string& name) const { return state_->alive(name); }

std::uint64_t SimDisk::operations() const noexcept { return state_->operations; }

void SimDisk::set_free_bytes(std::uint64_t bytes) noexcept {
  constexpr auto kUnbounded = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t used = 0;
  for (const auto& [path, inode] : state_->files) used += inode->bytes.size();
  state_->capacity = bytes > kUnbounded - used ? kUnbounded : used + bytes;
}

void SimDisk::set_sync_time(Duration duration) noexcept { state_->sync_time = duration; }
void SimDisk::fail_next_syncs(unsigned count) noexcept { state_->failing_syncs = count; }
void SimDisk::fail_next_appends(unsigned count) noexcept { state_->failing_appends = count; }
Duration SimDisk::sync_time() const noexcept { return state_->sync_time; }

std::optional<std::string> SimDisk::content(const std::string& path) const {
  const auto it = state_->files.find(path);
  if (it == state_->files.end()) return std::nullopt;
  return it->second->bytes;
}

void SimDisk::overwrite(const std::string& path, std::string bytes) {
  auto& inode = state_->files[path];
  if (!inode) inode = std::make_shared<Inode>();
  inode->bytes = std::move(bytes);
  inode->synced = inode->bytes.size();
  inode->synced_name = path;
}

// ---- the writer

struct SimWriter::Door {
  SimWriter* writer;
};

SimWriter::SimWriter(SimLoop& loop, const SimDisk& disk, std::shared_ptr<LogSink> log)
    : loop_(loop),
      disk_(disk),
      door_(std::make_shared<Door>(this)),
      core_(std::make_shared<job::WriterCore>(loop.clock(), std::move(log),
                                              [door = door_] {
                                                if (door->writer) door->writer->arm_for_next();
                                              })),
      writer_(core_) {}

SimWriter::~SimWriter() {
  door_->writer = nullptr;
  core_->refuse();
}

void SimWriter::arm_for_next() {
  if (armed() && !retrying_) return;
  retrying_ = false;
  switch (core_->next()) {
    case job::WriterCore::Kind::nothing:
      if (!core_->holding()) return disarm();
      retrying_ = true;
      return loop_.arm(*this, loop_.now() + job::JournalWriter::kRetryPeriod);
    case job::WriterCore::Kind::sync: return loop_.arm(*this, loop_.now() + disk_.sync_time());
    case job::WriterCore::Kind::log: return loop_.arm(*this, loop_.now() + kLogTime);
    default: return loop_.arm(*this, loop_.now() + kAppendTime);
  }
}

void SimWriter::fire() {
  if (std::exchange(retrying_, false)) {
    core_->retry();
  } else {
    core_->work();
  }
  arm_for_next();
}

}  // namespace parley::sim
