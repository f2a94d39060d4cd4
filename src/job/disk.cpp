#include "job/disk.hpp"

#include <cerrno>
#include <filesystem>
#include <limits>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>

namespace parley::job {

namespace {

constexpr int kRaces = 8;  // tries at a file whose name moves on between open and lock

std::unexpected<Error> disk_error(std::string_view what, int error) {
  auto described = errno_error(what, error);
  switch (error) {
    case ENOSPC:
    case EDQUOT: return fail(Errc::overloaded, described.message());
    case ENOENT: return fail(Errc::not_found, described.message());
    case EEXIST: return fail(Errc::refused, described.message());
    default: return fail(Errc::io, described.message());
  }
}

struct flock whole_file(short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

class SystemFile final : public DiskFile {
 public:
  explicit SystemFile(int fd) noexcept : fd_(fd) {}
  ~SystemFile() override { ::close(fd_); }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  Result<std::size_t> append(std::string_view bytes) override {
    for (;;) {
      const auto written = ::write(fd_, bytes.data(), bytes.size());
      if (written >= 0) return static_cast<std::size_t>(written);
      if (errno != EINTR) return disk_error("write", errno);
    }
  }

  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return disk_error("fdatasync", errno);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return disk_error("fstat", errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::string> read(std::size_t max_bytes) override {
    std::string bytes;
    constexpr std::size_t kPiece = 256 * 1024;
    while (bytes.size() < max_bytes) {
      const auto before = bytes.size();
      bytes.resize(std::min(before + kPiece, max_bytes));
      const auto got = ::pread(fd_, bytes.data() + before, bytes.size() - before, static_cast<off_t>(before));
      if (got < 0 && errno != EINTR) return disk_error("read", errno);
      bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got == 0) break;
    }
    return bytes;
  }

  int descriptor() const noexcept override { return fd_; }

  // Errc::refused: another one has it.
  Result<void> lock(const std::string& path) {
    auto wanted = whole_file(F_WRLCK);
    if (::fcntl(fd_, F_OFD_SETLK, &wanted) == 0) return {};
    if (errno == EAGAIN || errno == EACCES)
      return fail(Errc::refused, fmt::format("{} is in use by another process", path));
    return disk_error("lock " + path, errno);
  }

  // Whether `path` still names this very file.
  bool is_at(const std::string& path) const noexcept {
    struct stat mine{}, named{};
    return ::fstat(fd_, &mine) == 0 && ::stat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
           mine.st_dev == named.st_dev;
  }

 private:
  int fd_;
};

class SystemDisk final : public Disk {
 public:
  Result<std::unique_ptr<DiskFile>> open_to_read(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return disk_error("open " + path, errno);
    return std::make_unique<SystemFile>(fd);
  }

  Result<std::unique_ptr<DiskFile>> open_to_append(const std::string& path) override { return open_locked(path, 0); }
  Result<std::unique_ptr<DiskFile>> create(const std::string& path) override {
    return open_locked(path, O_CREAT | O_EXCL);
  }

  Result<bool> locked(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return disk_error("open " + path, errno);
    const SystemFile file(fd);
    auto asked = whole_file(F_WRLCK);
    if (::fcntl(fd, F_OFD_GETLK, &asked) != 0) return disk_error("look at the lock of " + path, errno);
    return asked.l_type != F_UNLCK;
  }

  Result<void> make_directory(const std::string& path) override {
    std::error_code error;
    const std::filesystem::path whole(path);
    if (std::filesystem::is_directory(whole, error)) return {};
    if (whole.has_parent_path()) std::filesystem::create_directories(whole.parent_path(), error);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return disk_error("make " + path, errno);
    return {};
  }

  Result<std::vector<DiskEntry>> list(const std::string& directory) override {
    std::vector<DiskEntry> entries;
    std::error_code error;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
      struct stat status{};
      if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      if (entries.size() >= kMaxEntries) break;
      const auto modified =
          std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
      entries.push_back({.name = it->path().filename().string(),
                         .bytes = static_cast<std::uint64_t>(status.st_size),
                         .modified = WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(modified))});
    }
    if (error) return disk_error("list " + directory, error.value());
    return entries;
  }

  Result<void> sync_directory(const std::string& directory) override {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk_error("open " + directory, errno);
    const SystemFile file(fd);
    if (::fsync(fd) != 0) return disk_error("fsync " + directory, errno);
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return disk_error(fmt::format("rename {} to {}", from, to), errno);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return disk_error("remove " + path, errno);
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string& directory) override {
    struct statvfs status{};
    if (::statvfs(directory.c_str(), &status) != 0) return disk_error("look at the space of " + directory, errno);
    if (status.f_blocks == 0) return std::numeric_limits<std::uint64_t>::max();  // a file system that does not tell
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }

 private:
  static Result<std::unique_ptr<DiskFile>> open_locked(const std::string& path, int flags) {
    for (int i = 0; i < kRaces; ++i) {
      const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
      if (fd < 0) return disk_error("open " + path, errno);
      auto file = std::make_unique<SystemFile>(fd);
      if (auto locked = file->lock(path); !locked) return fail(locked.error());
      if (file->is_at(path)) return file;
      // Settled or removed by the one who had the lock before: the name may mean another file now, or none.
    }
    return fail(Errc::io, fmt::format("{} keeps changing its place", path));
  }
};

}  // namespace

std::unique_ptr<Disk> system_disk() { return std::make_unique<SystemDisk>(); }

std::unique_ptr<DiskFile> adopt_file(int descriptor) { return std::make_unique<SystemFile>(descriptor); }

}  // namespace parley::job
