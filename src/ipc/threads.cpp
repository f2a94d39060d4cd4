#include "ipc/threads.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace parley::ipc {

std::vector<std::string> other_threads() {
  std::vector<std::string> names;
  std::error_code error;
  const auto own = std::to_string(::gettid());
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    const auto id = entry.path().filename().string();
    if (id == own) continue;
    std::string name;
    std::ifstream file(entry.path() / "comm");
    std::getline(file, name);
    names.push_back(id + " " + name);
  }
  return names;
}

}  // namespace parley::ipc
