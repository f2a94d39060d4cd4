// A descriptor that is closed with its owner.
#pragma once

#include <utility>

#include <unistd.h>

#include "ipc/link.hpp"

namespace parley::ipc {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

class FdHandle final : public Handle {
 public:
  explicit FdHandle(Fd fd) noexcept : fd_(std::move(fd)) {}
  int get() const noexcept { return fd_.get(); }
  Fd take() noexcept { return std::move(fd_); }

 private:
  Fd fd_;
};

}  // namespace parley::ipc
