#include "worker/memory_use.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>

namespace parley::worker {

namespace {

constexpr std::size_t kMaxFileBytes = 16 * 1024;
constexpr int kMaxDepth = 16;
constexpr std::string_view kCgroups = "/sys/fs/cgroup";

std::string read_small(const std::string& path) {
  std::ifstream file(path);
  std::string text(kMaxFileBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::optional<double> number_at(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  unsigned long long value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return std::nullopt;
  return static_cast<double>(value);
}

// The number behind a name that begins a line.
std::optional<double> named(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const auto line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with(name)) return number_at(line.substr(name.size()));
    at += line.size() + 1;
  }
  return std::nullopt;
}

double share(double used, double of) { return of > 0 ? std::clamp(used / of, 0.0, 1.0) : 0.0; }

}  // namespace

double memory_use_of_machine(std::string_view meminfo) noexcept {
  const auto total = named(meminfo, "MemTotal:");
  const auto available = named(meminfo, "MemAvailable:");
  return total && available ? share(*total - *available, *total) : 0.0;
}

double memory_use_of_cgroup(std::string_view current, std::string_view max, std::string_view stat) noexcept {
  const auto used = number_at(current);
  const auto limit = number_at(max);  // "max": none
  if (!used || !limit) return 0.0;
  return share(*used - named(stat, "inactive_file ").value_or(0), *limit);
}

double memory_use() noexcept {
  double use = memory_use_of_machine(read_small("/proc/meminfo"));
  const auto own = read_small("/proc/self/cgroup");
  const auto at = own.find("0::");
  if (at == std::string::npos) return use;
  auto path = own.substr(at + 3, own.find('\n', at) - at - 3);
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const auto folder = std::string(kCgroups) + (path == "/" ? "" : path);
    if (const auto max = read_small(folder + "/memory.max"); !max.empty() && !max.starts_with("max")) {
      use = std::max(use, memory_use_of_cgroup(read_small(folder + "/memory.current"), max, read_small(folder + "/memory.stat")));
    }
    if (path.empty() || path == "/") break;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  return use;
}

}  // namespace parley::worker
