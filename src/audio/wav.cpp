#include "audio/wav.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

namespace parley {
namespace {

constexpr std::uint16_t kFormatPcm = 1;
constexpr std::uint16_t kFormatFloat = 3;
constexpr std::uint16_t kFormatExtensible = 0xFFFE;
constexpr std::uint32_t kUnknownLength = 0xFFFFFFFF;  // written by programs that cannot seek
constexpr std::size_t kExtensionBytes = 24;           // size, valid bits, channel mask, sub-format GUID
constexpr std::string_view kSubFormatTail("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 14);
constexpr std::string_view kConvert = "convert it with: sox IN.wav -b 16 OUT.wav";

struct Format {
  std::uint16_t tag = 0;
  std::uint16_t channels = 0;
  std::uint32_t rate = 0;
  std::uint16_t block = 0;  // bytes of one sample of every channel
  std::uint16_t bits = 0;
};

std::unexpected<Error> unusable(std::string_view what) { return fail(Errc::invalid_argument, std::string(what)); }

// The fields were counted by the caller, so every read succeeds.
Result<Format> read_format(ByteView chunk) {
  if (chunk.size() < 16) return unusable("not a usable WAV file: its fmt chunk is cut short; export the file again");
  ByteReader in(chunk);
  Format format;
  format.tag = in.u16_le().value();
  format.channels = in.u16_le().value();
  format.rate = in.u32_le().value();
  in.u32_le();  // bytes per second: follows from the rest
  format.block = in.u16_le().value();
  format.bits = in.u16_le().value();
  if (format.tag != kFormatExtensible) return format;
  if (in.left() < kExtensionBytes) {
    return unusable("not a usable WAV file: its extensible fmt chunk is cut short; export the file again");
  }
  in.take(8);
  format.tag = in.u16_le().value();
  if (as_text(in.take(kSubFormatTail.size()).value()) != kSubFormatTail) {
    return unusable(fmt::format("the WAV file's sub-format is unknown; {}", kConvert));
  }
  return format;
}

Result<void> check_format(const Format& format) {
  const bool pcm = format.tag == kFormatPcm && (format.bits == 16 || format.bits == 24 || format.bits == 32);
  const bool floating = format.tag == kFormatFloat && format.bits == 32;
  if (!pcm && !floating) {
    return unusable(
        fmt::format("the WAV file holds format {} with {} bits, and only PCM of 16, 24 or 32 bits and 32-bit "
                    "float are read; {}",
                    format.tag, format.bits, kConvert));
  }
  if (format.channels < 1 || format.channels > 2) {
    return unusable(
        fmt::format("the WAV file has {} channels, and only mono and stereo are read; "
                    "convert it with: sox IN.wav -c 1 OUT.wav",
                    format.channels));
  }
  if (format.rate < kMinWavRate || format.rate > kMaxWavRate) {
    return unusable(
        fmt::format("the WAV file's sample rate is {} Hz, and {} to {} Hz are read; "
                    "convert it with: sox IN.wav -r 48000 OUT.wav",
                    format.rate, kMinWavRate, kMaxWavRate));
  }
  if (format.block != format.channels * format.bits / 8) {
    return unusable("not a usable WAV file: its block size does not fit its channels and bits; export the file again");
  }
  return {};
}

std::int16_t narrow(std::int32_t sample) noexcept {
  return static_cast<std::int16_t>(std::min<std::int64_t>((std::int64_t{sample} + 0x8000) >> 16, 32767));
}

std::int16_t read_sample(const std::uint8_t* at, const Format& format) noexcept {
  const auto byte = [at](int index, int shift) { return static_cast<std::uint32_t>(at[index]) << shift; };
  switch (format.bits) {
    case 16:
      return static_cast<std::int16_t>(byte(0, 0) | byte(1, 8));
    case 24:
      return narrow(static_cast<std::int32_t>(byte(0, 8) | byte(1, 16) | byte(2, 24)));
    default: {
      const auto word = byte(0, 0) | byte(1, 8) | byte(2, 16) | byte(3, 24);
      return format.tag == kFormatFloat ? to_s16(std::bit_cast<float>(word)) : narrow(static_cast<std::int32_t>(word));
    }
  }
}

Wav decode(ByteView data, const Format& format, bool truncated) {
  Wav wav{static_cast<int>(format.rate), format.channels, {}, truncated};
  const std::size_t width = format.bits / 8;
  const std::size_t count = data.size() / format.block * format.channels;
  wav.samples.resize(count);
  for (std::size_t i = 0; i < count; ++i) wav.samples[i] = read_sample(data.data() + i * width, format);
  return wav;
}

Result<void> check_riff(ByteReader& in) {
  const auto riff = in.take(4);
  const auto size = in.u32_le();
  const auto wave = in.take(4);
  if (!riff || !size || !wave || as_text(*wave) != "WAVE" || as_text(*riff) != "RIFF") {
    if (riff && (as_text(*riff) == "RF64" || as_text(*riff) == "RIFX")) {
      return unusable(fmt::format("the file is of the WAV kind {}, which is not read; {}", as_text(*riff), kConvert));
    }
    return unusable("not a WAV file: it does not begin with RIFF and WAVE; convert it with: sox IN OUT.wav");
  }
  return {};
}

}  // namespace

Result<Wav> parse_wav(ByteView file) {
  if (file.size() > kMaxWavBytes) {
    return unusable(fmt::format("the WAV file has {} bytes, and {} at most are read; cut it into pieces", file.size(),
                                kMaxWavBytes));
  }
  ByteReader in(file);
  if (auto ok = check_riff(in); !ok) return fail(ok.error());
  std::optional<Format> format;
  while (in.left() >= 8) {
    const auto id = as_text(in.take(4).value());
    const auto length = in.u32_le().value();
    if (id == "data") {
      if (!format) return unusable("not a usable WAV file: its data comes before its format; export the file again");
      const bool truncated = length == kUnknownLength || length > in.left();
      return decode(in.take(std::min<std::size_t>(length, in.left())).value(), *format, truncated);
    }
    const auto chunk = in.take(length);
    if (!chunk) return unusable("not a usable WAV file: it ends before its sound begins; copy or export it again");
    if (length % 2 == 1) in.u8();
    if (id != "fmt ") continue;
    auto read = read_format(*chunk);
    if (!read) return fail(read.error());
    if (auto ok = check_format(*read); !ok) return fail(ok.error());
    format = *read;
  }
  return unusable("not a usable WAV file: it holds no sound (no data chunk); copy or export it again");
}

AudioFrame Wav::channel(int index) const {
  AudioFrame frame{{}, sample_rate};
  frame.samples.reserve(frames());
  for (std::size_t i = static_cast<std::size_t>(index); i < samples.size(); i += static_cast<std::size_t>(channels)) {
    frame.samples.push_back(samples[i]);
  }
  return frame;
}

AudioFrame Wav::mono() const {
  if (channels == 1) return {samples, sample_rate};
  AudioFrame frame{{}, sample_rate};
  frame.samples.reserve(frames());
  for (std::size_t i = 0; i + 1 < samples.size(); i += 2) {
    frame.samples.push_back(static_cast<std::int16_t>((samples[i] + samples[i + 1]) / 2));
  }
  return frame;
}

Bytes wav_header(int sample_rate, int channels, std::uint32_t data_bytes) {
  Bytes header;
  header.reserve(44);
  ByteWriter out(header);
  out.bytes(as_bytes("RIFF"));
  out.u32_le(36 + data_bytes);
  out.bytes(as_bytes("WAVEfmt "));
  out.u32_le(16);
  out.u16_le(kFormatPcm);
  out.u16_le(static_cast<std::uint16_t>(channels));
  out.u32_le(static_cast<std::uint32_t>(sample_rate));
  out.u32_le(static_cast<std::uint32_t>(sample_rate * channels * 2));
  out.u16_le(static_cast<std::uint16_t>(channels * 2));
  out.u16_le(16);
  out.bytes(as_bytes("data"));
  out.u32_le(data_bytes);
  return header;
}

Result<Bytes> format_wav(int sample_rate, int channels, Samples samples) {
  if (samples.size() * 2 > kMaxWavBytes) {
    return unusable(fmt::format("{} bytes of sound do not fit into one WAV file of at most {}; write several files",
                                samples.size() * 2, kMaxWavBytes));
  }
  Bytes file = wav_header(sample_rate, channels, static_cast<std::uint32_t>(samples.size() * 2));
  file.reserve(file.size() + samples.size() * 2);
  ByteWriter out(file);
  for (const auto sample : samples) out.u16_le(static_cast<std::uint16_t>(sample));
  return file;
}

std::vector<std::int16_t> interleave(Samples left, Samples right) {
  std::vector<std::int16_t> both(2 * std::max(left.size(), right.size()));
  for (std::size_t i = 0; i < left.size(); ++i) both[2 * i] = left[i];
  for (std::size_t i = 0; i < right.size(); ++i) both[2 * i + 1] = right[i];
  return both;
}

}  // namespace parley
