// The directory in which a worker keeps what must outlive its processes:
//
//   supervisor.lock   held by the supervisor while it lives: one supervisor a directory
//   supervisor.sock   where jobs find a supervisor again
//   jobs/             one mark for each living job (job_mark.hpp)
//   calls/            one journal for each call
//
// Thread: any; opening it touches the disk.
#pragma once

#include <string>

#include "ipc/fd.hpp"

namespace parley::ipc {

class StateDir {
 public:
  // Creates what is missing, with mode 0700. Errc::io.
  static Result<StateDir> open(const std::string& path);

  // For the supervisor: the lock is held as long as the returned descriptor. Errc::refused: another one has it.
  Result<Fd> lock() const;

  const std::string& path() const noexcept { return path_; }
  int fd() const noexcept { return fd_.get(); }
  int jobs_fd() const noexcept { return jobs_.get(); }
  std::string calls_path() const { return path_ + "/calls"; }
  std::string inference_socket_path() const { return path_ + "/inference.sock"; }

 private:
  StateDir(std::string path, Fd fd, Fd jobs) : path_(std::move(path)), fd_(std::move(fd)), jobs_(std::move(jobs)) {}

  std::string path_;
  Fd fd_;
  Fd jobs_;
};

}  // namespace parley::ipc
