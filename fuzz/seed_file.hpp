// For programs that write the first inputs of a fuzz target.
#pragma once

#include <cstdlib>
#include <fstream>
#include <parley/base/bytes.hpp>
#include <string>

namespace parley::fuzz {

inline void write_seed(const std::string& folder, const std::string& name, ByteView bytes) {
  std::ofstream out(folder + "/" + name, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) std::abort();
}

}  // namespace parley::fuzz
