// First inputs: tracks as AudioSender makes them, whole and with damage, and packets of every shape.
#include <cmath>

#include "audio/sender.hpp"
#include "seed_file.hpp"

using namespace parley;

namespace {

void append(Bytes& track, ByteView packet, std::uint8_t wait = 5) {
  ByteWriter out(track);
  out.u16_be(static_cast<std::uint16_t>(packet.size()));
  out.u8(wait);
  out.bytes(packet);
}

AudioFrame tone(int index) {
  AudioFrame frame;
  for (std::size_t i = 0; i < kTransportFrameSamples; ++i) {
    const double t = static_cast<double>(static_cast<std::size_t>(index) * kTransportFrameSamples + i) / kTransportRate;
    frame.samples.push_back(static_cast<std::int16_t>(8000 * std::sin(1400 * t) * std::sin(20 * t)));
  }
  return frame;
}

Bytes track(const SenderSettings& settings, int frames, int lost_every) {
  auto sender = AudioSender::create(settings).value();
  Bytes bytes;
  for (int i = 0; i < frames; ++i) {
    const auto packet = sender.send(tone(i), TimePoint{}).value();
    if (packet && (lost_every == 0 || i % lost_every != 1)) append(bytes, *packet);
  }
  return bytes;
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  SenderSettings settings;
  settings.rtp = {.ssrc = 1, .audio_level_id = 1, .first_sequence = 65530};
  settings.opus.bitrate = 12'000;
  fuzz::write_seed(folder, "track", track(settings, 20, 0));
  fuzz::write_seed(folder, "lossy", track(settings, 20, 4));
  settings.rtp.ssrc = 2;
  auto two = track(settings, 5, 0);
  settings.rtp = {.ssrc = 3, .first_sequence = 100, .first_timestamp = 0xFFFFFF00};
  const auto other = track(settings, 5, 0);
  two.insert(two.end(), other.begin(), other.end());
  fuzz::write_seed(folder, "two_streams", two);

  // Sources, a two-byte extension and padding, around a payload of 60 ms.
  Bytes shapes;
  append(shapes,
         Bytes{0xB1, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 0x10, 0, 0, 1, 1, 1, 0x85, 0, 0x58, 1, 2, 3, 0, 2});
  append(shapes, Bytes{0x80, 0xEF, 0, 2, 0, 0, 0x0B, 0x40, 0, 0, 0, 1, 0xFC, 0xFF, 0xFE}, 15);
  fuzz::write_seed(folder, "shapes", shapes);
}
