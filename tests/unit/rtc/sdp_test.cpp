#include "rtc/sdp.hpp"

#include <gtest/gtest.h>

namespace parley::rtc {
namespace {

TEST(Sdp, SectionsAndAttributesAreRead_WithEitherLineEnd) {
  for (const std::string eol : {"\n", "\r\n"}) {
    const auto sdp = parse_sdp("v=0" + eol + "s=-" + eol + "a=ice-lite" + eol + "m=audio 9 UDP/TLS/RTP/SAVPF 111 0" + eol +
                               "a=mid:0" + eol + "a=sendrecv" + eol);
    ASSERT_TRUE(sdp) << sdp.error().message();
    ASSERT_EQ(sdp->sections.size(), 1u);
    EXPECT_NE(find_attribute(sdp->attributes, "ice-lite"), nullptr);
    const auto& section = sdp->sections[0];
    EXPECT_EQ(section.kind, "audio");
    EXPECT_EQ(section.port, 9u);
    EXPECT_EQ(section.formats, (std::vector<std::string>{"111", "0"}));
    EXPECT_EQ(*find_attribute(section.attributes, "mid"), "0");
    EXPECT_EQ(find_attribute(section.attributes, "ice-lite"), nullptr);
  }
}

class BadSdp : public ::testing::TestWithParam<std::string> {};

TEST_P(BadSdp, IsRefusedWithTheLine) {
  const auto sdp = parse_sdp(GetParam());
  ASSERT_FALSE(sdp);
  EXPECT_EQ(sdp.error().code(), Errc::invalid_argument);
  EXPECT_NE(sdp.error().message().find("session description"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadSdp,
    ::testing::Values("", "\r\n", "hello", "m=audio 9 X 0", "v=1\n", "v=0\nx", "v=0\nm=\n", "v=0\nm=audio\n",
                      "v=0\nm=audio 99999 RTP 0\n", "v=0\nm=audio -1 RTP 0\n", "v=0\nm=audio 9 RTP\n",
                      "v=0\nm=audio 9  RTP 0\n", "v=0\na=\n", "v=0\na=:x\n", "v=0\na=bad name:x\n", "v=0\na=x:\x01\n",
                      std::string("v=0\na=x:\0y\n", 11), "v=0\na=x:" + std::string(5000, 'y'),
                      std::string(kMaxSdpBytes + 1, 'x'), "v=0\n" + std::string(3000, '\n'),
                      "v=0\nm=audio 9 RTP" + [] {
                        std::string formats;
                        for (int i = 0; i < 100; ++i) formats += " 1";
                        return formats;
                      }(),
                      [] {
                        std::string text = "v=0\n";
                        for (int i = 0; i < 50; ++i) text += "m=audio 9 RTP 0\n";
                        return text;
                      }()));

}  // namespace
}  // namespace parley::rtc
