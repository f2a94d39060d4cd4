// Answers of an SFU to an offer of ours, candidates, and URLs of ICE servers: what is read of an answer fits the offer, and
// what goes to the native library is readable, small, says the same, and has nothing in it that was not checked.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "rtc/sfu_description.hpp"

namespace {

using namespace parley::rtc;
using Kind = SfuSection::Kind;

void require(bool truth) {
  if (!truth) std::abort();
}

// The sections of tests/unit/rtc/sfu_description_test.cpp.
SfuSections offered() {
  return {{.kind = Kind::sender, .mid = "0", .send = {"stream", "cid", 77, "cname"}},
          {.kind = Kind::receiver, .mid = "1"},
          {.kind = Kind::data, .mid = "2"},
          {.kind = Kind::receiver, .mid = "3"}};
}

void read(const SfuAnswer& answer, const SfuSections& sections) {
  require(answer.sections.size() == sections.size() && answer.transport.candidates.size() <= kMaxCandidates);
  for (const auto& section : answer.sections) require(section.ssrcs.size() <= SfuAnswer::kMaxSsrcs);
  const auto native = native_sfu_answer(answer, sections);
  require(native.size() < 8192 && native.find("candidate") == std::string::npos);
  const auto again = read_sfu_answer(native, sections);
  require(again.has_value());
  require(check_same_transport(answer.transport, again->transport).has_value());
  require(again->sctp_port == answer.sctp_port && again->max_message_bytes == answer.max_message_bytes);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    require(again->sections[i].refused == answer.sections[i].refused);
    require(again->sections[i].ssrcs == answer.sections[i].ssrcs);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto sections = offered();
  if (const auto answer = read_sfu_answer(text, sections)) {
    read(*answer, sections);
  } else {
    require(!answer.error().message().empty());
  }
  (void)read_native_offer(text, sections);
  if (const auto server = parse_ice_server(text)) require(!server->host.empty() && server->host.size() <= 253 && server->port != 0);
  if (const auto candidate = parse_candidate(text)) require(is_ip_address(candidate->address));
  return 0;
}
