// First inputs: a file of every sample format that is read, plain and extensible.
#include "audio/wav.hpp"
#include "seed_file.hpp"

using namespace parley;

namespace {

Bytes file(std::uint16_t tag, std::uint16_t channels, std::uint16_t bits, bool extensible) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes("RIFF"));
  out.u32_le(0xFFFFFFFF);
  out.bytes(as_bytes("WAVEfmt "));
  out.u32_le(extensible ? 40 : 16);
  out.u16_le(extensible ? 0xFFFE : tag);
  out.u16_le(channels);
  out.u32_le(16000);
  out.u32_le(16000U * channels * bits / 8);
  out.u16_le(static_cast<std::uint16_t>(channels * bits / 8));
  out.u16_le(bits);
  if (extensible) {
    out.u16_le(22);
    out.u16_le(bits);
    out.u32_le(0);
    out.u16_le(tag);
    out.bytes(as_bytes(std::string_view("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71", 14)));
  }
  out.bytes(
      as_bytes(std::string_view("LIST\x03\x00\x00\x00"
                                "abc\0",
                                12)));
  out.bytes(as_bytes("data"));
  out.u32_le(48);
  for (std::uint8_t i = 0; i < 48; ++i) out.u8(static_cast<std::uint8_t>(i * 37));
  return bytes;
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  for (const bool extensible : {false, true}) {
    const std::string suffix = extensible ? "_extensible" : "";
    fuzz::write_seed(folder, "pcm16" + suffix, file(1, 1, 16, extensible));
    fuzz::write_seed(folder, "pcm24" + suffix, file(1, 2, 24, extensible));
    fuzz::write_seed(folder, "pcm32" + suffix, file(1, 1, 32, extensible));
    fuzz::write_seed(folder, "float" + suffix, file(3, 2, 32, extensible));
  }
}
