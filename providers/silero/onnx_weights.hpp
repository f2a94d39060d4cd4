// Learned numbers out of an ONNX file, by name and shape, without ONNX Runtime.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

namespace parley {

// One tensor that the caller needs. Exporters put a prefix before the names of training code, so a name fits by its end.
struct WantedTensor {
  std::string_view name;
  std::vector<std::int64_t> shape;
};

// Reads `wanted` from the file at `path`, in their order. All of them must lie in one graph of the file (a model for two
// sample rates keeps one graph for each). The file is bounded; missing, cut, foreign and malformed files are errors that
// name the file, the first thing missing, and what to do.
Result<std::vector<std::vector<float>>> read_onnx_weights(const std::string& path,
                                                          std::span<const WantedTensor> wanted);

// The same of a file's contents; `path` is for errors.
Result<std::vector<std::vector<float>>> parse_onnx_weights(std::string_view contents, const std::string& path,
                                                           std::span<const WantedTensor> wanted);

}  // namespace parley
