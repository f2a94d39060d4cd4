// The files of the page, embedded.
#pragma once

#include <span>
#include <string_view>

namespace parley::web {

struct File {
  std::string_view path;  // "/index.html"
  std::string_view content_type;
  std::string_view bytes;
};

std::span<const File> files() noexcept;

}  // namespace parley::web
