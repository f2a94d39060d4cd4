// The disk under the journals, as a port: the system's files, or the simulated disk of the tests (sim/disk.hpp).
//
// Every call may block for as long as the disk likes: they belong on the writer's thread or a helper thread, on the
// loop's only before it serves anybody.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::job {

// One open, append-only file. Destroying it closes it and gives up its lock.
//
// Thread: one at a time.
class DiskFile {
 public:
  virtual ~DiskFile() = default;

  // Appends a beginning of `bytes`, usually all of it, and says how much. Errc::overloaded: no space is left (disk or
  // quota), nothing was written. Errc::io: anything else; a part may have been written.
  virtual Result<std::size_t> append(std::string_view bytes) = 0;
  // What was appended survives a power cut from now on (fdatasync). After an error nobody knows what did.
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() = 0;
  // From the beginning, at most `max_bytes`.
  virtual Result<std::string> read(std::size_t max_bytes) = 0;
  // For handing the open file, with its lock, to another process; -1 where there is none.
  virtual int descriptor() const noexcept { return -1; }
};

struct DiskEntry {
  std::string name;
  std::uint64_t bytes = 0;
  WallTime modified{};
};

class Disk {
 public:
  static constexpr std::size_t kMaxEntries = 100'000;

  virtual ~Disk() = default;

  // A file to read that nobody is kept from writing. Errc::not_found.
  virtual Result<std::unique_ptr<DiskFile>> open_to_read(const std::string& path) = 0;
  // A file to append to, locked for as long as it is open anywhere (the lock goes along with the descriptor, over fork
  // and SCM_RIGHTS). Errc::refused: another one holds the lock; Errc::not_found.
  virtual Result<std::unique_ptr<DiskFile>> open_to_append(const std::string& path) = 0;
  // The same for a new file, mode 0600. Errc::refused: it exists.
  virtual Result<std::unique_ptr<DiskFile>> create(const std::string& path) = 0;
  // Whether someone holds the lock; takes none itself.
  virtual Result<bool> locked(const std::string& path) = 0;

  // Mode 0700, with its parents; one that exists is fine.
  virtual Result<void> make_directory(const std::string& path) = 0;
  // The plain files in it, in no order, at most kMaxEntries.
  virtual Result<std::vector<DiskEntry>> list(const std::string& directory) = 0;
  // Names that came, changed and went survive a power cut from now on.
  virtual Result<void> sync_directory(const std::string& directory) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& directory) = 0;
};

// The system's files. The lock is an open file description lock (F_OFD_SETLK): a process that inherits the descriptor
// holds it too, and asking for it disturbs nobody.
std::unique_ptr<Disk> system_disk();

// A descriptor from open_to_append or create in another process. Takes it over, with its lock.
std::unique_ptr<DiskFile> adopt_file(int descriptor);

}  // namespace parley::job
