#include "providers/silero/onnx_weights.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <parley/base/bytes.hpp>

#include "onnx_subset.pb.h"

namespace parley {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX stores little-endian floats");

constexpr std::size_t kMaxModelBytes = 16 * MiB;
constexpr int kMaxGraphDepth = 16;
constexpr std::int32_t kFloat = 1;  // TensorProto.DataType

using Tensors = std::unordered_map<std::string_view, const onnx_subset::Tensor*>;

Error unusable(const std::string& path, std::string_view why) {
  return {
      Errc::invalid_argument,
      fmt::format("the voice activity model \"{}\" cannot be used: {}; run \"make setup\" to get it again", path, why)};
}

Result<std::string> read_bounded(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  std::array<char, 64 * KiB> part;
  while (file && bytes.size() <= kMaxModelBytes) {
    file.read(part.data(), part.size());
    bytes.append(part.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad() || (bytes.empty() && errno != 0)) {
    return fail(Errc::not_found,
                fmt::format("the voice activity model \"{}\" cannot be read ({}); run \"make setup\" to get it", path,
                            std::strerror(errno)));
  }
  if (bytes.size() > kMaxModelBytes) {
    return fail(unusable(path, fmt::format("it is larger than {} MiB", kMaxModelBytes / MiB)));
  }
  return bytes;
}

bool is(const onnx_subset::Tensor& tensor, const WantedTensor& wanted) {
  return tensor.data_type() == kFloat &&
         std::equal(tensor.dims().begin(), tensor.dims().end(), wanted.shape.begin(), wanted.shape.end());
}

const onnx_subset::Tensor* find(const Tensors& tensors, const WantedTensor& wanted) {
  for (const auto& [name, tensor] : tensors) {
    if (name.ends_with(wanted.name) && is(*tensor, wanted)) return tensor;
  }
  return nullptr;
}

Tensors tensors_of(const onnx_subset::Graph& graph) {
  Tensors tensors;
  for (const auto& tensor : graph.initializer()) tensors.emplace(tensor.name(), &tensor);
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t() && node.output_size() == 1) tensors.emplace(node.output(0), &attribute.t());
    }
  }
  return tensors;
}

// The first graph, outermost first, that has the first wanted tensor.
std::optional<Tensors> graph_with(const onnx_subset::Graph& graph, const WantedTensor& first, int depth = 0) {
  auto tensors = tensors_of(graph);
  if (find(tensors, first)) return tensors;
  if (depth == kMaxGraphDepth) return std::nullopt;
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (!attribute.has_g()) continue;
      if (auto found = graph_with(attribute.g(), first, depth + 1)) return found;
    }
  }
  return std::nullopt;
}

Result<std::vector<float>> floats(const std::string& path, const onnx_subset::Tensor& tensor,
                                  const WantedTensor& wanted) {
  std::size_t count = 1;
  for (const auto dim : wanted.shape) count *= static_cast<std::size_t>(dim);
  if (tensor.raw_data().size() != count * sizeof(float)) {
    return fail(unusable(
        path, fmt::format("\"{}\" has {} bytes of data for {} numbers", wanted.name, tensor.raw_data().size(), count)));
  }
  std::vector<float> values(count);
  std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
  for (const float value : values) {
    if (!std::isfinite(value))
      return fail(unusable(path, fmt::format("\"{}\" has a number that is not finite", wanted.name)));
  }
  return values;
}

}  // namespace

Result<std::vector<std::vector<float>>> read_onnx_weights(const std::string& path,
                                                          std::span<const WantedTensor> wanted) {
  const auto bytes = read_bounded(path);
  if (!bytes) return fail(bytes.error());
  return parse_onnx_weights(*bytes, path, wanted);
}

Result<std::vector<std::vector<float>>> parse_onnx_weights(std::string_view contents, const std::string& path,
                                                           std::span<const WantedTensor> wanted) {
  onnx_subset::Model model;
  if (!model.ParseFromArray(contents.data(), static_cast<int>(contents.size()))) return fail(unusable(path, "it is not an ONNX file, or it was cut off"));
  const auto tensors = graph_with(model.graph(), wanted.front());
  std::vector<std::vector<float>> result;
  for (const auto& one : wanted) {
    const auto* tensor = tensors ? find(*tensors, one) : nullptr;
    if (!tensor) {
      return fail(unusable(path, fmt::format("it has no \"{}\" of {}", one.name, fmt::join(one.shape, "x"))));
    }
    auto values = floats(path, *tensor, one);
    if (!values) return fail(values.error());
    result.push_back(std::move(*values));
  }
  return result;
}

}  // namespace parley
