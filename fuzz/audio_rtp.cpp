// An incoming track: any bytes as packets, at any time, through parser, jitter buffer and decoder.
//
// The input is a sequence of packets: two bytes of length, one byte of time since the last (in 4 ms), the packet.
#include <cstdlib>

#include "audio/receiver.hpp"
#include "audio/rtp.hpp"

using namespace parley;

namespace {

void check_parser(ByteView packet) {
  const auto rtp = parse_rtp(packet);
  if (!rtp) return;
  if (rtp->payload.size() + rtp->extension.size() + 12 > packet.size()) std::abort();
  for (unsigned id = 0; id < 256; ++id) {
    const auto element = rtp->extension_element(static_cast<std::uint8_t>(id));
    if (element && element->size() > rtp->extension.size()) std::abort();
    (void)rtp->audio_level(static_cast<std::uint8_t>(id));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_parser({data, size});
  ByteReader in({data, size});
  auto receiver = AudioReceiver::create().value();
  TimePoint now(1s);
  TimePoint next_pull = now;
  while (in.left() > 0) {
    const auto length = in.u16_be();
    const auto wait = in.u8();
    if (!wait) break;
    const auto packet = in.take(std::min<std::size_t>(*length, in.left())).value();
    check_parser(packet);
    now += 4ms * *wait;
    for (; next_pull <= now; next_pull += kFrameDuration) {
      const auto frame = receiver.pull(next_pull);
      if (frame && frame->samples.size() != kTransportFrameSamples) std::abort();
    }
    (void)receiver.push(packet, now);
  }
  return 0;
}
