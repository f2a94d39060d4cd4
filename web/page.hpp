// The page's files, embedded in the program.
#pragma once

#include <span>

#include "worker/http_pages.hpp"

namespace parley::web {

std::span<const worker::PageFile> files() noexcept;

}  // namespace parley::web
