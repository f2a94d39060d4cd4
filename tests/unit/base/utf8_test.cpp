#include <gtest/gtest.h>

#include <parley/base/utf8.hpp>

namespace parley {
namespace {

TEST(Utf8, ValidText_StaysAsItIs) {
  for (const std::string text : {"", "table", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8D\x9D", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(valid_utf8(text), text);
  }
}

TEST(Utf8, BrokenBytes_AreReplacedEachByItself_AndTheRestStays) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(valid_utf8("a\xFF" "b"), "a" + r + "b");
  EXPECT_EQ(valid_utf8("\x80"), r);
  EXPECT_EQ(valid_utf8("x\xE2\x82"), "x" + r + r) << "cut off";
  EXPECT_EQ(valid_utf8("\xC0\xAF"), r + r) << "overlong";
  EXPECT_EQ(valid_utf8("\xE0\x80\xAF"), r + r + r) << "overlong";
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), r + r + r + r) << "beyond U+10FFFF";
  EXPECT_EQ(valid_utf8("\xC3\xC3\xA9"), r + "\xC3\xA9") << "the second begins anew";
}

}  // namespace
}  // namespace parley
