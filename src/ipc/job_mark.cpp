#include "ipc/job_mark.hpp"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/base/ids.hpp>

namespace parley::ipc {

namespace {

constexpr std::size_t kMaxMarkBytes = 1 * KiB;

bool is_locked_by_another(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::flock(fd, LOCK_UN);
  return false;
}

Result<JobIdentity> parse_mark(std::string_view text, const std::string& file_name) {
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* call = object ? object->if_contains("call_id") : nullptr;
  const auto* pid = object ? object->if_contains("pid") : nullptr;
  const auto* kind = object ? object->if_contains("kind") : nullptr;
  const bool usable = call && call->is_string() && is_id(call->get_string()) && pid && pid->is_int64() && pid->get_int64() > 1 && kind &&
                      kind->is_string();
  if (!usable) return fail(Errc::protocol, fmt::format("the mark of {} cannot be read", file_name));
  return JobIdentity{.kind = kind->get_string() == "after_call" ? JobKind::after_call : JobKind::call,
                     .call_id = std::string(call->get_string()),
                     .attempt_id = file_name,
                     .pid = static_cast<int>(pid->get_int64())};
}

Fd open_pidfd(int pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace

Result<Fd> set_job_mark(const StateDir& dir, const JobIdentity& job) {
  Fd fd(::openat(dir.jobs_fd(), job.attempt_id.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(errno_error(fmt::format("mark the job {}", job.attempt_id), errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail(Errc::refused, fmt::format("the job {} is marked already", job.attempt_id));
  const auto text = boost::json::serialize(boost::json::object{
      {"call_id", job.call_id}, {"pid", job.pid}, {"kind", job.kind == JobKind::after_call ? "after_call" : "call"}});
  // Locked all the same when the disk is full: it then says that a job lives, and the job itself says which when it dials.
  (void)!::write(fd.get(), text.data(), text.size());
  return fd;
}

Result<std::vector<MarkedJob>> read_job_marks(const StateDir& dir) {
  std::vector<MarkedJob> jobs;
  std::error_code error;
  const auto folder = std::filesystem::directory_iterator(dir.path() + "/jobs", error);
  if (error) return fail(Errc::io, fmt::format("{}/jobs: {}", dir.path(), error.message()));
  for (const auto& entry : folder) {
    if (jobs.size() >= kMaxMarks) break;
    const auto name = entry.path().filename().string();
    const Fd fd(is_id(name) ? ::openat(dir.jobs_fd(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1);
    if (!fd) continue;
    std::array<char, kMaxMarkBytes> buffer;
    const auto size = ::read(fd.get(), buffer.data(), buffer.size());
    auto job = parse_mark({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))}, name);
    if (!job) {
      if (!is_locked_by_another(fd.get())) remove_job_mark(dir, name);
      continue;
    }
    // In this order: a process that still holds its lock after its pidfd was opened is the one that the pidfd names.
    Fd pidfd = open_pidfd(job->pid);
    if (!is_locked_by_another(fd.get())) pidfd.reset();
    jobs.push_back({std::move(*job), std::move(pidfd)});
  }
  return jobs;
}

void remove_job_mark(const StateDir& dir, const std::string& attempt_id) {
  if (is_id(attempt_id)) ::unlinkat(dir.jobs_fd(), attempt_id.c_str(), 0);
}

}  // namespace parley::ipc
