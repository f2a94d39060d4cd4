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

std::unexpected<Error> unusable(const std::string& path, const Error& why) {
  return fail(why.code(), fmt::format("the state directory {} cannot be used ({}): give this worker a folder that it may write to, "
                                      "with --state-dir", path, why.message()));
}

}  // namespace

Result<StateDir> StateDir::open(const std::string& given) {
  std::error_code error;
  const auto path = std::filesystem::absolute(given, error).string();
  std::filesystem::create_directories(path, error);
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return unusable(path, errno_error("open", errno));
  ::fchmod(fd.get(), 0700);
  auto jobs = open_folder(fd.get(), "jobs");
  if (!jobs) return unusable(path, jobs.error());
  if (auto calls = open_folder(fd.get(), "calls"); !calls) return unusable(path, calls.error());
  return StateDir(path, std::move(fd), std::move(*jobs));
}

Result<Fd> StateDir::lock() const {
  Fd lock(::openat(fd_.get(), "supervisor.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return unusable(path_, errno_error("supervisor.lock", errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::refused, fmt::format("another supervisor uses {}: stop it, or give this one its own --state-dir", path_));
  }
  return lock;
}

}  // namespace parley::ipc
