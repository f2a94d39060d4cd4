// A socket in the state directory on which a process is found by others: the supervisor by its jobs.
//
// Thread: the loop's only.
#pragma once

#include "ipc/socket_link.hpp"
#include "ipc/state_dir.hpp"

namespace parley::ipc {

constexpr std::string_view kSupervisorSocket = "supervisor.sock";

class SocketDialer final : public Dialer {
 public:
  SocketDialer(RealLoop& loop, const StateDir& dir) : loop_(loop), dir_(dir) {}  // to the supervisor
  Result<std::unique_ptr<Link>> dial() override;

 private:
  RealLoop& loop_;
  const StateDir& dir_;
};

// Takes the socket's name over from a supervisor that is gone: whoever holds the state directory's lock may do so.
class SocketAcceptor final : public Acceptor {
 public:
  static constexpr int kBacklog = 256;  // all jobs of a box may dial in one moment

  static Result<std::unique_ptr<SocketAcceptor>> open(RealLoop& loop, const StateDir& dir, std::string_view name = kSupervisorSocket);
  ~SocketAcceptor() override;

  // Callers of other users are refused.
  Task<Result<Caller>> accept(Deadline deadline) override;

 private:
  struct Shared;
  SocketAcceptor(RealLoop& loop, std::shared_ptr<Shared> shared);

  RealLoop& loop_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace parley::ipc
