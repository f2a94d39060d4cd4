#include "support/models.hpp"

#include <cstdlib>

#include <fmt/format.h>

namespace parley::test {

std::string model_path(std::string_view name) {
  if (const char* cache = std::getenv("PARLEY_CACHE")) return fmt::format("{}/models/{}", cache, name);
  if (const char* cache = std::getenv("XDG_CACHE_HOME")) return fmt::format("{}/parley/models/{}", cache, name);
  const char* home = std::getenv("HOME");
  return fmt::format("{}/.cache/parley/models/{}", home ? home : "", name);
}

}  // namespace parley::test
