#include <fmt/format.h>

#include "rtc/description.hpp"
#include "rtc/sdp_writer.hpp"

namespace parley::rtc {

std::string_view to_string(Setup setup) noexcept {
  switch (setup) {
    case Setup::actpass: return "actpass";
    case Setup::active: return "active";
    case Setup::passive: return "passive";
  }
  return "actpass";
}

std::string_view to_string(Direction direction) noexcept {
  switch (direction) {
    case Direction::sendrecv: return "sendrecv";
    case Direction::sendonly: return "sendonly";
    case Direction::recvonly: return "recvonly";
    case Direction::inactive: return "inactive";
  }
  return "sendrecv";
}

namespace {

// What they offer to send is what we agree to receive.
Direction reversed(Direction direction) noexcept {
  if (direction == Direction::sendonly) return Direction::recvonly;
  if (direction == Direction::recvonly) return Direction::sendonly;
  return direction;
}

class Writer : public SdpWriter {
 public:
  void audio(const AudioParameters& a, const TransportParameters& t, const LocalStream& stream) {
    const auto* first = t.candidates.empty() ? nullptr : &t.candidates.front();
    line("m=audio {} UDP/TLS/RTP/SAVPF {}", first ? first->port : 9, a.opus);
    if (first) {
      line("c=IN {} {}", first->address.find(':') == std::string::npos ? "IP4" : "IP6", first->address);
    } else {
      line("c=IN IP4 0.0.0.0");
    }
    line("a=mid:{}", a.mid);
    line("a={}", to_string(a.direction));
    line("a=rtcp-mux");
    if (a.reduced_size_rtcp) line("a=rtcp-rsize");
    line("a=rtpmap:{} opus/48000/2", a.opus);
    line("a=fmtp:{} minptime=10;useinbandfec=1", a.opus);
    line("a=ptime:20");
    if (a.audio_level_id != 0) line("a=extmap:{} {}", a.audio_level_id, kAudioLevelUri);
    if (a.direction == Direction::sendrecv || a.direction == Direction::sendonly) {
      line("a=msid:{} {}-audio", stream.cname, stream.cname);
      line("a=ssrc:{} cname:{}", stream.ssrc, stream.cname);
    }
    transport(t);
    for (const auto& candidate : t.candidates) line("a={}", rtc::to_string(candidate));
  }

  void refused(const SdpSection& section) {
    line("m={} 0 {} {}", section.kind, section.protocol, fmt::join(section.formats, " "));
    line("c=IN IP4 0.0.0.0");
    const auto* mid = find_attribute(section.attributes, "mid");
    if (mid && is_sdp_token(*mid)) line("a=mid:{}", *mid);
    if (section.kind != "application") line("a=inactive");
  }
};

}  // namespace

std::string write_answer(const RemoteDescription& offer, const TransportParameters& local, const LocalStream& stream,
                         std::uint64_t session_id) {
  Writer writer;
  writer.head(session_id);
  if (offer.bundled) writer.line("a=group:BUNDLE {}", offer.audio.mid);
  for (std::size_t i = 0; i < offer.session.sections.size(); ++i) {
    if (i != offer.audio_index) {
      writer.refused(offer.session.sections[i]);
      continue;
    }
    auto audio = offer.audio;
    audio.direction = reversed(audio.direction);
    writer.audio(audio, local, stream);
    writer.line("a=end-of-candidates");
  }
  return writer.take();
}

std::string write_offer(const TransportParameters& local, const LocalStream& stream, std::uint64_t session_id) {
  Writer writer;
  writer.head(session_id);
  writer.line("a=group:BUNDLE 0");
  auto transport = local;
  transport.candidates.clear();
  writer.audio({.mid = "0", .audio_level_id = kAudioLevelId, .reduced_size_rtcp = true}, transport, stream);
  return writer.take();
}

std::string native_description(const RemoteDescription& remote) {
  Writer writer;
  writer.head(2);
  if (remote.transport.ice_lite) writer.line("a=ice-lite");
  writer.line("a=group:BUNDLE {}", remote.audio.mid);
  writer.line("m=audio 9 UDP/TLS/RTP/SAVPF {}", remote.audio.opus);
  writer.line("c=IN IP4 0.0.0.0");
  writer.line("a=mid:{}", remote.audio.mid);
  writer.line("a=sendrecv");
  writer.line("a=rtcp-mux");
  writer.line("a=rtpmap:{} opus/48000/2", remote.audio.opus);
  writer.transport(remote.transport);
  return writer.take();
}

}  // namespace parley::rtc
