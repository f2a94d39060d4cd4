// Which process serves which call.
#pragma once

#include <string>

#include "ipc/message.hpp"

namespace parley::ipc {

struct JobIdentity {
  JobKind kind = JobKind::call;
  std::string call_id;
  std::string attempt_id;
  int pid = 0;
};

}  // namespace parley::ipc
