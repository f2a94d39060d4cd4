#include "providers/silero/onnx_weights.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace parley {
namespace {

using testing::HasSubstr;

// Just enough of a protobuf writer to make ONNX files, good and bad.
std::string field(int number, const std::string& bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  std::size_t size = bytes.size();
  for (; size >= 0x80; size >>= 7) out += static_cast<char>(size | 0x80);
  out += static_cast<char>(size);
  return out + bytes;
}
std::string number(int field_number, int value) {
  return {static_cast<char>(field_number << 3), static_cast<char>(value)};
}
std::string tensor(const std::string& name, const std::vector<int>& shape, const std::vector<float>& values,
                   int type = 1) {
  std::string raw(values.size() * sizeof(float), '\0');
  std::memcpy(raw.data(), values.data(), raw.size());
  std::string dims;
  for (const int dim : shape) dims += number(1, dim);
  return dims + number(2, type) + field(8, name) + field(9, raw);
}
std::string model_with(const std::string& graph) { return number(1, 8) + field(7, graph); }

class OnnxWeights : public testing::Test {
 protected:
  ~OnnxWeights() override { std::filesystem::remove(path_); }

  Result<std::vector<std::vector<float>>> read(const std::string& bytes,
                                               std::vector<WantedTensor> wanted = {{"layer.weight", {2, 1}}}) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return read_onnx_weights(path_, wanted);
  }
  std::string error_of(const std::string& bytes) {
    const auto weights = read(bytes);
    return weights ? "" : weights.error().message();
  }

  std::string path_ = testing::TempDir() + "onnx_weights_test.onnx";
};

TEST_F(OnnxWeights, AnInitializer_IsFoundByTheEndOfItsName) {
  const auto weights = read(model_with(field(5, tensor("model.layer.weight", {2, 1}, {1.5F, -2.0F}))));
  ASSERT_TRUE(weights) << weights.error().message();
  EXPECT_THAT(weights->front(), testing::ElementsAre(1.5F, -2.0F));
}

TEST_F(OnnxWeights, AConstantInABranch_IsFoundByTheNameOfItsOutput) {
  const std::string constant =
      field(2, "x/layer.weight") + field(5, field(1, "value") + field(5, tensor("", {2, 1}, {3, 4})));
  const std::string branch = field(5, field(1, "then_branch") + field(6, field(1, constant)));
  const auto weights = read(model_with(field(1, branch)));
  ASSERT_TRUE(weights) << weights.error().message();
  EXPECT_THAT(weights->front(), testing::ElementsAre(3.0F, 4.0F));
}

TEST_F(OnnxWeights, AnotherShape_IsNotTaken) {
  EXPECT_THAT(error_of(model_with(field(5, tensor("layer.weight", {1, 2}, {1, 2})))),
              HasSubstr("no \"layer.weight\" of 2x1"));
}

TEST_F(OnnxWeights, DataShorterThanItsShape_IsRefused) {
  EXPECT_THAT(error_of(model_with(field(5, tensor("layer.weight", {2, 1}, {1})))),
              HasSubstr("4 bytes of data for 2 numbers"));
}

TEST_F(OnnxWeights, NumbersThatAreNone_AreRefused) {
  EXPECT_THAT(error_of(model_with(field(5, tensor("layer.weight", {2, 1}, {1, std::nanf("")})))),
              HasSubstr("not finite"));
}

TEST_F(OnnxWeights, EveryCutOfAFile_IsRefusedWithAdvice) {
  const std::string whole = model_with(field(5, tensor("layer.weight", {2, 1}, {1, 2})));
  ASSERT_TRUE(read(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(error_of(whole.substr(0, size)), HasSubstr("make setup")) << size;
  }
}

TEST_F(OnnxWeights, EveryChangedByte_IsRefusedOrRead) {
  const std::string whole = model_with(field(5, tensor("layer.weight", {2, 1}, {1, 2})));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const auto weights = read(changed);
      if (weights) EXPECT_EQ(weights->front().size(), 2U);
    }
  }
}

TEST_F(OnnxWeights, GraphsWithinGraphs_AreFollowedToABound) {
  std::string graph = field(5, tensor("layer.weight", {2, 1}, {1, 2}));
  for (int depth = 0; depth < 40; ++depth) graph = field(1, field(5, field(6, graph)));
  EXPECT_THAT(error_of(model_with(graph)), HasSubstr("cannot be used"));
}

TEST_F(OnnxWeights, MissingFile_SaysWhichAndWhatToDo) {
  const std::vector<WantedTensor> wanted = {{"x", {1}}};
  const auto weights = read_onnx_weights("/nowhere/silero_vad.onnx", wanted);
  ASSERT_FALSE(weights);
  EXPECT_EQ(weights.error().code(), Errc::not_found);
  EXPECT_THAT(weights.error().message(), HasSubstr("\"/nowhere/silero_vad.onnx\""));
  EXPECT_THAT(weights.error().message(), HasSubstr("No such file or directory"));
  EXPECT_THAT(weights.error().message(), HasSubstr("make setup"));
}

}  // namespace
}  // namespace parley
