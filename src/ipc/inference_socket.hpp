// Where jobs find the inference process: a SEQPACKET socket in the state directory.
//
// A newer process takes the name over by rename: there is no moment at which nobody answers to it. An older one keeps
// the connections it has.
//
// Thread: the loop's only.
#pragma once

#include <memory>
#include <string>

#include "ipc/socket_link.hpp"

namespace parley::ipc {

class InferenceDialer final : public Dialer {
 public:
  InferenceDialer(RealLoop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}
  Result<std::unique_ptr<Link>> dial() override;

 private:
  RealLoop& loop_;
  std::string path_;
};

class InferenceAcceptor final : public Acceptor {
 public:
  static constexpr int kBacklog = 256;  // all jobs of a box may dial in one moment

  // Errc::io: what to look at.
  static Result<std::unique_ptr<InferenceAcceptor>> open(RealLoop& loop, const std::string& path);
  ~InferenceAcceptor() override;

  // Callers of other users are refused.
  Task<Result<Caller>> accept(Deadline deadline) override;

 private:
  struct Shared;
  InferenceAcceptor(RealLoop& loop, std::shared_ptr<Shared> shared);

  RealLoop& loop_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace parley::ipc
