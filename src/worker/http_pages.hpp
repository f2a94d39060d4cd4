// The page's files, embedded in the program.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "net/http_server.hpp"

namespace parley::worker {

// All three live as long as the program.
struct PageFile {
  std::string_view path;  // "/index.html", which is also "/"
  std::string_view content_type;
  std::string_view bytes;
};

class HttpPages {
 public:
  explicit HttpPages(std::span<const PageFile> files) : files_(files.begin(), files.end()) {}

  net::ServerResponse handle(const net::ServerRequest& request) const;

 private:
  std::vector<PageFile> files_;
};

}  // namespace parley::worker
