#include "providers/moonshine/model_files.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace parley {
namespace {

using testing::HasSubstr;

std::string message(const Result<>& result) { return result ? "" : result.error().message(); }

class ModelFiles : public testing::Test {
 protected:
  ~ModelFiles() override { std::filesystem::remove(path_); }

  std::string write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }
  std::string onnx(const std::string& bytes) { return message(check_onnx_file(write(bytes), "marker")); }
  std::string tokens(const std::string& text) { return message(check_tokens_file(write(text))); }

  std::string path_ = testing::TempDir() + "model_files_test";
};

std::string many_tokens(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("YWJj {}\n", i);
  return text;
}

TEST_F(ModelFiles, WholeOnnxFileWithItsMarker_IsAccepted) {
  EXPECT_EQ(onnx("\x08\x07\x3a\x08"
                 "a marker"),
            "");
}

TEST_F(ModelFiles, CutForeignAndEmptyOnnxFiles_AreRefusedByName) {
  EXPECT_THAT(onnx("\x08\x07\x3a\x09"
                   "a marker"),
              testing::AllOf(HasSubstr(path_), HasSubstr("cut off"), HasSubstr("make setup")));
  EXPECT_THAT(onnx("\x08\x07"), HasSubstr("not an ONNX file"));
  EXPECT_THAT(onnx("<!DOCTYPE html> marker"), HasSubstr("not an ONNX file"));
  EXPECT_THAT(onnx(std::string("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff marker", 19)),
              HasSubstr("not an ONNX file"));
  EXPECT_THAT(onnx("\x08\x07\x3a\x08"
                   "a Marker"),
              HasSubstr("another model than expected, without \"marker\""));
  EXPECT_THAT(onnx(""), HasSubstr("empty"));
}

TEST_F(ModelFiles, MissingFilesAndFolders_AreRefusedByName) {
  EXPECT_THAT(message(check_onnx_file("/nowhere/encoder.onnx", "x")),
              testing::AllOf(HasSubstr("/nowhere/encoder.onnx"), HasSubstr("No such file"), HasSubstr("make setup")));
  EXPECT_THAT(message(check_onnx_file(testing::TempDir(), "x")), HasSubstr("Is a directory"));
  EXPECT_THAT(message(check_onnx_file("/dev/zero", "x")), HasSubstr("cannot be read"));
}

TEST_F(ModelFiles, TokensCountingUp_AreAccepted) {
  EXPECT_EQ(tokens(many_tokens(1000)), "");
  auto without_last_newline = many_tokens(1200);
  without_last_newline.pop_back();
  EXPECT_EQ(tokens(without_last_newline), "");
}

TEST_F(ModelFiles, TokensThatTheLibraryWouldDieOf_AreRefusedWithTheirLine) {
  EXPECT_THAT(tokens(many_tokens(1000) + "hello world 1000\n"), HasSubstr("line 1001 is not \"<base64> 1000\""));
  EXPECT_THAT(tokens(many_tokens(1000) + "YWJj 7\n"), HasSubstr("line 1001"));
  EXPECT_THAT(tokens(many_tokens(1000) + "1000\n"), HasSubstr("line 1001"));
  EXPECT_THAT(tokens(many_tokens(1000) + "YW 1000\n"), HasSubstr("line 1001"));
  EXPECT_THAT(tokens("the 0\n"), HasSubstr("line 1"));
  EXPECT_THAT(tokens(many_tokens(10)), HasSubstr("only 10 tokens"));
}

}  // namespace
}  // namespace parley
