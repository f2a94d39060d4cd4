// The number and the sender's sid in packets of any bytes, and packets of any bytes that are given numbers:
// records of [length: u8][bytes].
#include <map>

#include <parley/base/bytes.hpp>

#include "livekit/room/messages_packet.hpp"
#include "livekit/room/reliable_data.hpp"

using namespace parley;
using namespace parley::livekit;

namespace {

void must(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ReliableInbox inbox;
  ReliableOutbox outbox;
  std::map<std::string, std::uint32_t> last;
  TimePoint now{1h};
  ByteReader in({data, size});
  while (const auto length = in.u8()) {
    now += 1ms;
    const std::string bytes(as_text(*in.take(std::min<std::size_t>(*length, in.left()))));
    const auto read = read_packet(bytes);
    const auto is_new = inbox.accept(bytes, now);
    // What protobuf reads, the inbox reads the same; a sid of any bytes is the one thing on which they may differ.
    if (read && is_new && read->sequence() > 0 && !read->participant_sid().empty()) {
      auto& known = last[read->participant_sid()];
      must(*is_new == (read->sequence() > known));
      known = std::max(known, read->sequence());
    }
    if (!read) continue;
    const auto numbered = read_packet(outbox.add(bytes, now));
    must(numbered && numbered->sequence() == outbox.last_sequence());
    if (bytes.size() % 7 == 0) outbox.acknowledged(read->sequence());
  }
  must(outbox.replay().size() == outbox.packets());
  return 0;
}
