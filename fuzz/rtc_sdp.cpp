// Session descriptions of strangers: what is read of one can be answered, and what goes to the native library is readable,
// small, and names no address but literal ones.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "rtc/description.hpp"

namespace {

using namespace parley::rtc;

void require(bool truth) {
  if (!truth) std::abort();
}

TransportParameters ours() {
  return {.ufrag = "our0",
          .password = "cccccccccccccccccccccccc",
          .fingerprint_algorithm = "sha-256",
          .fingerprint = "6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08",
          .setup = Setup::active,
          .candidates = {{"1", 2122317823, "127.0.0.1", 40000, "host"}}};
}

void read(const RemoteDescription& remote) {
  require(remote.transport.candidates.size() <= kMaxCandidates);
  for (const auto& candidate : remote.transport.candidates) {
    require(is_ip_address(candidate.address));
    const auto again = parse_candidate(to_string(candidate).substr(10));
    require(again == candidate);
  }
  const auto native = native_description(remote);
  require(native.size() < 4096);
  const auto inner = parse_sdp(native);
  require(inner && inner->sections.size() == 1);
  const auto answer = parse_sdp(write_answer(remote, ours(), {.ssrc = 1, .cname = "c"}, 1));
  require(answer && answer->sections.size() == remote.session.sections.size());
  for (std::size_t i = 0; i < answer->sections.size(); ++i) {
    require((answer->sections[i].port != 0) == (i == remote.audio_index));
    require(answer->sections[i].kind == remote.session.sections[i].kind);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto offer = read_offer(text)) {
    read(*offer);
  } else {
    require(!offer.error().message().empty());
  }
  if (const auto answer = read_answer(text)) read(*answer);
  (void)read_native(text);
  return 0;
}
