#include "ipc/state_dir.hpp"

#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <fmt/format.h>

namespace parley::ipc {

namespace {

Result<Fd> open_folder(int parent, const char* name) {
  if (::mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return fail(errno_error(name, errno));
  Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error(name, errno));
  return fd;
}

}  // namespace

Result<StateDir> StateDir::open(const std::string& given) {
  std::error_code error;
  const auto path = std::filesystem::absolute(given, error).string();
  std::filesystem::create_directories(path, error);
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error(fmt::format("the state directory {}", path), errno));
  ::fchmod(fd.get(), 0700);
  auto jobs = open_folder(fd.get(), "jobs");
  if (!jobs) return fail(jobs.error().within(path));
  if (auto calls = open_folder(fd.get(), "calls"); !calls) return fail(calls.error().within(path));
  return StateDir(path, std::move(fd), std::move(*jobs));
}

Result<Fd> StateDir::lock() const {
  Fd lock(::openat(fd_.get(), "supervisor.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return fail(errno_error(path_ + "/supervisor.lock", errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::refused, fmt::format("another supervisor uses {}: stop it, or give this one its own --state-dir", path_));
  }
  return lock;
}

}  // namespace parley::ipc
