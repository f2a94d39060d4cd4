// The packets that are whole by themselves: user data, DTMF, the legacy transcription.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "livekit/room/messages_state.hpp"

namespace parley::livekit {

namespace {

constexpr std::string_view kKeys = "0123456789*#ABCD";  // at the place of its code (RFC 4733)
constexpr char kPauseKey = 'w';
constexpr Duration kPause = 500ms;

char upper(char key) noexcept { return key >= 'a' && key <= 'd' ? static_cast<char>(key - 'a' + 'A') : key; }

proto::DataPacket dtmf_packet(const std::vector<std::string>& destinations, char key) {
  auto packet = packet_to(destinations);
  packet.mutable_sip_dtmf()->set_code(static_cast<std::uint32_t>(kKeys.find(key)));
  packet.mutable_sip_dtmf()->set_digit(std::string(1, key));
  return packet;
}

// The digit counts; the code only where there is none. 0: neither is a key.
char read_dtmf(const proto::SipDTMF& dtmf) noexcept {
  if (dtmf.digit().empty()) return dtmf.code() < kKeys.size() ? kKeys[dtmf.code()] : '\0';
  const char key = upper(dtmf.digit()[0]);
  return dtmf.digit().size() == 1 && kKeys.contains(key) ? key : '\0';
}

Task<Result<void>> send_keys(std::shared_ptr<MessagesCore> core, std::string keys, std::vector<std::string> destinations, Deadline deadline) {
  for (const char key : keys) {
    if (key == kPauseKey) {
      if (deadline.left(core->now()) < kPause) co_return fail(Errc::timeout, "not all keys could be sent before the deadline");
      co_await sleep_for(kPause);
      continue;
    }
    auto sent = co_await MessagesCore::publish(core, rtc::DataKind::reliable, dtmf_packet(destinations, upper(key)), deadline);
    if (!sent) co_return sent;
  }
  co_return Result<void>{};
}

Task<Result<void>> refuse_keys(std::string why) { co_return fail(Errc::invalid_argument, std::move(why)); }

}  // namespace

Task<Result<void>> Messages::send_dtmf(std::string keys, std::vector<std::string> destinations, Deadline deadline) {
  const auto known = [](char key) { return key == kPauseKey || kKeys.contains(upper(key)); };
  if (keys.empty() || !std::ranges::all_of(keys, known)) {
    return refuse_keys(fmt::format("{} are no telephone keys: use 0-9 * # A-D, and w for half a second", quoted(keys)));
  }
  if (keys.size() > kMaxDtmfKeys) return refuse_keys(fmt::format("{} keys are too many at once: at most {}", keys.size(), kMaxDtmfKeys));
  return send_keys(state_->core, std::move(keys), std::move(destinations), deadline);
}

Task<Result<void>> Messages::send_data(std::string payload, std::string topic, bool reliable, std::vector<std::string> destinations,
                                       Deadline deadline) {
  auto packet = packet_to(destinations);
  packet.mutable_user()->set_payload(std::move(payload));
  if (!topic.empty()) packet.mutable_user()->set_topic(valid_utf8(std::move(topic)));
  return MessagesCore::publish(state_->core, reliable ? rtc::DataKind::reliable : rtc::DataKind::lossy, std::move(packet), deadline);
}

Task<Result<void>> Messages::send_transcription(std::string participant_identity, std::string track_sid,
                                                std::vector<TranscriptionSegment> segments, Deadline deadline) {
  proto::DataPacket packet;
  auto& transcription = *packet.mutable_transcription();
  transcription.set_transcribed_participant_identity(valid_utf8(std::move(participant_identity)));
  transcription.set_track_id(valid_utf8(std::move(track_sid)));
  for (auto& segment : segments) {
    auto& out = *transcription.add_segments();
    out.set_id(valid_utf8(std::move(segment.id)));
    out.set_text(valid_utf8(std::move(segment.text)));
    out.set_final(segment.final);
    out.set_language(valid_utf8(std::move(segment.language)));
  }
  return MessagesCore::publish(state_->core, rtc::DataKind::reliable, std::move(packet), deadline);
}

Result<Messages::Unclaimed> Messages::State::unclaimed(const proto::DataPacket& packet) {
  Unclaimed out;
  out.sender = packet.participant_identity();
  if (packet.has_user()) {
    out.user = UserPacket{packet.participant_identity(), packet.user().topic(), packet.user().payload()};
    return out;
  }
  out.digit = read_dtmf(packet.sip_dtmf());
  if (out.digit == '\0') return core->malformed("a DTMF packet of " + quoted(out.sender) + " names no key");
  return out;
}

}  // namespace parley::livekit
