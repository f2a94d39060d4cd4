// The threads of this process, by name: nothing may fork while there is more than one.
#pragma once

#include <string>
#include <vector>

namespace parley::ipc {

// "tid name" of every thread but the calling one.
std::vector<std::string> other_threads();

}  // namespace parley::ipc
