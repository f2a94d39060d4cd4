// A nonblocking socket whose readiness the loop's reactor tells.
//
// Bytes are moved by plain system calls that never wait; all that is ever waited for is "can be read" or "can be written".
// So a frame that is destroyed in its wait takes nothing with it: no buffer is in use and no byte is lost.
//
// Thread: the loop's only.
// Ending: close() and the destructor close the descriptor at once; who waits for it then gets Errc::closing.
#pragma once

#include <memory>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {
class RealLoop;
}

namespace parley::net {

enum class Want { nothing, read, write };

class Socket {
 public:
  // Takes over `fd`, which is nonblocking and closed on exec.
  Socket(RealLoop& loop, int fd);
  Socket(Socket&& other) noexcept = default;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // A new stream socket of this address family.
  static Result<Socket> create(RealLoop& loop, int family);

  // -1 once closed.
  int fd() const noexcept;
  Task<Result<void>> ready(Want want, Deadline deadline);
  void close() noexcept;

 private:
  struct Reactor;
  std::shared_ptr<Reactor> reactor_;
};

}  // namespace parley::net
