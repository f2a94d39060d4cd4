#include "audio/wav.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>

#include "signals.hpp"

namespace parley {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A WAV file from its parts, each of which may be wrong.
struct FileMaker {
  std::uint16_t tag = 1;
  std::uint16_t channels = 1;
  std::uint32_t rate = 16000;
  std::uint16_t bits = 16;
  bool extensible = false;
  std::string before_data;  // further chunks, as they are
  std::uint32_t data_length = 0;
  bool lie_about_length = false;
  std::string guid_tail = std::string("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 14);

  Bytes with(const Bytes& data) const {
    Bytes file;
    ByteWriter out(file);
    out.bytes(as_bytes("RIFF"));
    out.u32_le(0);  // wrong on purpose: readers go by the chunks
    out.bytes(as_bytes("WAVE"));
    out.bytes(as_bytes("fmt "));
    out.u32_le(extensible ? 40 : 16);
    out.u16_le(extensible ? 0xFFFE : tag);
    out.u16_le(channels);
    out.u32_le(rate);
    out.u32_le(rate * channels * bits / 8);
    out.u16_le(static_cast<std::uint16_t>(channels * bits / 8));
    out.u16_le(bits);
    if (extensible) {
      out.u16_le(22);
      out.u16_le(bits);
      out.u32_le(0);
      out.u16_le(tag);
      out.bytes(as_bytes(guid_tail));
    }
    out.bytes(as_bytes(before_data));
    out.bytes(as_bytes("data"));
    out.u32_le(lie_about_length ? data_length : static_cast<std::uint32_t>(data.size()));
    out.bytes(data);
    return file;
  }
};

std::string error_of(ByteView file) {
  const auto wav = parse_wav(file);
  return wav ? "no error" : wav.error().message();
}

TEST(Wav, WrittenAndRead_GivesTheSameSamples) {
  const auto sound = testing::voice(4801);
  for (const int rate : {8000, 16000, 22050, 24000, 44100, 48000, 96000}) {
    const auto wav = parse_wav(format_wav(rate, 1, sound).value());
    ASSERT_TRUE(wav) << wav.error().message();
    EXPECT_EQ(wav->sample_rate, rate);
    EXPECT_EQ(wav->samples, sound);
    EXPECT_FALSE(wav->truncated);
  }
}

TEST(Wav, Stereo_ChannelsComeApartAndAverage) {
  const auto both = interleave(std::vector<std::int16_t>{100, 200, 300}, std::vector<std::int16_t>{-100, 0});
  const auto wav = parse_wav(format_wav(48000, 2, both).value()).value();
  EXPECT_EQ(wav.frames(), 3U);
  EXPECT_THAT(wav.channel(0).samples, ElementsAre(100, 200, 300));
  EXPECT_THAT(wav.channel(1).samples, ElementsAre(-100, 0, 0));
  EXPECT_THAT(wav.mono().samples, ElementsAre(0, 100, 150));
}

TEST(Wav, TwentyFourBits_AreRoundedToSixteen) {
  const auto wav = parse_wav(FileMaker{.bits = 24}.with({0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x7F, 0x00, 0x00,  //
                                                         0xFF, 0xFF, 0x7F, 0x00, 0x00, 0x80}))
                       .value();
  EXPECT_THAT(wav.samples, ElementsAre(256, 1, 0, 32767, -32768));
}

TEST(Wav, ThirtyTwoBitIntegers_AreRoundedToSixteen) {
  const auto wav =
      parse_wav(FileMaker{.bits = 32}.with({0, 0, 0x34, 0x12, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0x80})).value();
  EXPECT_THAT(wav.samples, ElementsAre(0x1234, 32767, -32768));
}

TEST(Wav, Floats_AreScaledAndSaturated) {
  Bytes data;
  ByteWriter out(data);
  for (const float f : {0.5F, -0.25F, 2.0F, -2.0F, std::numeric_limits<float>::quiet_NaN()}) {
    out.u32_le(std::bit_cast<std::uint32_t>(f));
  }
  const auto wav = parse_wav(FileMaker{.tag = 3, .bits = 32}.with(data)).value();
  EXPECT_THAT(wav.samples, ElementsAre(16384, -8192, 32767, -32768, 0));
}

TEST(Wav, Extensible_IsReadByItsSubFormat) {
  const auto pcm = parse_wav(FileMaker{.extensible = true}.with({0x01, 0x02})).value();
  EXPECT_THAT(pcm.samples, ElementsAre(0x0201));
  EXPECT_THAT(error_of(FileMaker{.extensible = true, .guid_tail = std::string(14, 'x')}.with({1, 2})),
              HasSubstr("sub-format"));
}

TEST(Wav, OtherChunksAreSkipped_WithTheirPadding) {
  const std::string odd = std::string("LIST\x03\x00\x00\x00", 8) + "abc" + '\0';
  EXPECT_THAT(parse_wav(FileMaker{.before_data = odd}.with({1, 0})).value().samples, ElementsAre(1));
}

TEST(Wav, LengthUnknownOrTooLong_TakesWhatIsThere) {
  for (const std::uint32_t length : {0xFFFFFFFFU, 1000U}) {
    const auto wav =
        parse_wav(FileMaker{.data_length = length, .lie_about_length = true}.with({1, 0, 2, 0, 3})).value();
    EXPECT_THAT(wav.samples, ElementsAre(1, 2));
    EXPECT_TRUE(wav.truncated);
  }
}

TEST(Wav, DataShorterThanTheFile_IgnoresWhatFollows) {
  const auto wav = parse_wav(FileMaker{.data_length = 2, .lie_about_length = true}.with({1, 0, 9, 9, 9, 9})).value();
  EXPECT_THAT(wav.samples, ElementsAre(1));
  EXPECT_FALSE(wav.truncated);
}

TEST(Wav, NoSamples_IsAnEmptySound) {
  const auto wav = parse_wav(FileMaker{}.with({})).value();
  EXPECT_EQ(wav.frames(), 0U);
  EXPECT_EQ(wav.duration(), 0ms);
}

TEST(Wav, WhatCannotBeRead_SaysWhatItIsAndHowToConvert) {
  EXPECT_THAT(error_of(as_bytes("hello, this is no sound at all")), HasSubstr("not a WAV file"));
  EXPECT_THAT(error_of({}), HasSubstr("not a WAV file"));
  EXPECT_THAT(error_of(as_bytes("RF64....WAVE")), HasSubstr("RF64"));
  EXPECT_THAT(error_of(FileMaker{.bits = 8}.with({1})), HasSubstr("8 bits"));
  EXPECT_THAT(error_of(FileMaker{.tag = 3, .bits = 64}.with({})), HasSubstr("64 bits"));
  EXPECT_THAT(error_of(FileMaker{.tag = 7, .bits = 16}.with({})), HasSubstr("sox IN.wav -b 16"));
  EXPECT_THAT(error_of(FileMaker{.channels = 6}.with({})), HasSubstr("6 channels"));
  EXPECT_THAT(error_of(FileMaker{.channels = 0}.with({})), HasSubstr("0 channels"));
  EXPECT_THAT(error_of(FileMaker{.rate = 4000}.with({})), HasSubstr("4000 Hz"));
  EXPECT_THAT(error_of(FileMaker{.rate = 192000}.with({})), HasSubstr("192000 Hz"));
}

TEST(Wav, DataBeforeFormat_IsAnError) {
  EXPECT_THAT(error_of(as_bytes(std::string_view("RIFF\0\0\0\0WAVEdata\x02\0\0\0\1\2", 22))),
              HasSubstr("before its format"));
}

TEST(Wav, EveryShorterPieceOfAFile_IsReadOrRefusedWithoutHarm) {
  const auto file = format_wav(48000, 1, testing::tone(440, 50)).value();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const Bytes piece(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto wav = parse_wav(piece);
    ASSERT_EQ(wav.has_value(), size >= 44) << size;
    if (wav) {
      EXPECT_EQ(wav->frames(), (size - 44) / 2);
    }
  }
}

}  // namespace
}  // namespace parley
