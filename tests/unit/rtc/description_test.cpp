#include "rtc/description.hpp"

#include <gtest/gtest.h>

namespace parley::rtc {
namespace {

constexpr std::string_view kFingerprint =
    "6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08";

// As a browser with a camera and a data channel makes it, shortened.
std::string browser_offer() {
  return "v=0\r\n"
         "o=- 4962303333179871722 2 IN IP4 127.0.0.1\r\n"
         "s=-\r\n"
         "t=0 0\r\n"
         "a=group:BUNDLE 0 1 2\r\n"
         "a=extmap-allow-mixed\r\n"
         "a=msid-semantic: WMS stream\r\n"
         "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "a=ice-ufrag:vid0\r\n"
         "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
         "a=fingerprint:sha-256 " + std::string(kFingerprint) + "\r\n"
         "a=setup:actpass\r\n"
         "a=mid:0\r\n"
         "a=sendrecv\r\n"
         "a=rtcp-mux\r\n"
         "a=rtpmap:96 VP8/90000\r\n"
         "m=audio 50123 UDP/TLS/RTP/SAVPF 63 96 9 0 126\r\n"
         "c=IN IP4 192.0.2.7\r\n"
         "a=candidate:1 1 udp 2113937151 192.0.2.7 50123 typ host generation 0 network-cost 999\r\n"
         "a=candidate:2 1 udp 2113937151 6c3e4a52-aaaa.local 50124 typ host generation 0\r\n"
         "a=candidate:3 2 udp 2113937150 192.0.2.7 50125 typ host\r\n"
         "a=candidate:4 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active\r\n"
         "a=candidate:5 1 udp 1677729535 203.0.113.9 61000 typ srflx raddr 192.0.2.7 rport 50123\r\n"
         "a=ice-ufrag:EsAw\r\n"
         "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n"
         "a=ice-options:trickle\r\n"
         "a=fingerprint:sha-256 " + std::string(kFingerprint) + "\r\n"
         "a=setup:actpass\r\n"
         "a=mid:1\r\n"
         "a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
         "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
         "a=sendrecv\r\n"
         "a=rtcp-mux\r\n"
         "a=rtcp-rsize\r\n"
         "a=rtpmap:63 red/48000/2\r\n"
         "a=rtpmap:96 opus/48000/2\r\n"
         "a=fmtp:96 minptime=10;useinbandfec=1\r\n"
         "a=rtpmap:9 G722/8000\r\n"
         "a=ssrc:1001 cname:abc\r\n"
         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
         "a=mid:2\r\n"
         "a=sctp-port:5000\r\n";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TransportParameters local_transport() {
  return {.ufrag = "our0",
          .password = "cccccccccccccccccccccccc",
          .fingerprint_algorithm = "sha-256",
          .fingerprint = std::string(kFingerprint),
          .setup = Setup::active,
          .candidates = {{"1", 2122317823, "127.0.0.1", 40000, "host"}}};
}

TEST(ReadOffer, BrowserWithVideoAndDataChannel_AudioIsFoundWithItsOwnOpusNumber) {
  const auto offer = read_offer(browser_offer());
  ASSERT_TRUE(offer) << offer.error().message();
  EXPECT_EQ(offer->audio_index, 1u);
  EXPECT_EQ(offer->audio.mid, "1");
  EXPECT_EQ(offer->audio.opus, 96);
  EXPECT_EQ(offer->audio.audio_level_id, 14);
  EXPECT_TRUE(offer->bundled);
  EXPECT_EQ(offer->transport.ufrag, "EsAw");
  EXPECT_EQ(offer->transport.setup, Setup::actpass);
}

TEST(ReadOffer, OnlyCandidatesThatWeCanUseAreTaken_NoNameIsEverLookedUp) {
  const auto offer = read_offer(browser_offer());
  ASSERT_TRUE(offer);
  ASSERT_EQ(offer->transport.candidates.size(), 2u);
  EXPECT_EQ(offer->transport.candidates[0].address, "192.0.2.7");
  EXPECT_EQ(offer->transport.candidates[1].type, "srflx");
  const auto native = native_description(*offer);
  EXPECT_EQ(native.find(".local"), std::string::npos);
  EXPECT_EQ(native.find("candidate"), std::string::npos);
  EXPECT_EQ(native.find("video"), std::string::npos);
}

TEST(ReadOffer, ManyCandidates_AreTakenUpToTheBound) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a=candidate:1 1 udp 5 192.0.2.7 " + std::to_string(1000 + i) + " typ host\r\n";
  const auto offer = read_offer(replaced(browser_offer(), "a=ice-options:trickle\r\n", many));
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->transport.candidates.size(), kMaxCandidates);
}

TEST(ReadOffer, BundleOnlyAudio_TakesTheTransportOfItsGroup) {
  auto text = replaced(browser_offer(), "m=audio 50123", "m=audio 0");
  text = replaced(text, "a=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n", "a=bundle-only\r\n");
  const auto offer = read_offer(text);
  ASSERT_TRUE(offer) << offer.error().message();
  EXPECT_EQ(offer->transport.ufrag, "vid0");
}

TEST(ReadOffer, CallerWithoutMicrophone_IsAnswered) {
  const auto offer = read_offer(replaced(browser_offer(), "a=sendrecv", "a=recvonly"));
  ASSERT_TRUE(offer);
  EXPECT_NE(write_answer(*offer, local_transport(), {1, "x"}, 1).find("a=sendonly\r\n"), std::string::npos);
}

struct Bad {
  std::string from, to, says;
};
class BadOffer : public ::testing::TestWithParam<Bad> {};

TEST_P(BadOffer, IsRefused_AndTheSentenceSaysWhatIsMissing) {
  const auto offer = read_offer(replaced(browser_offer(), GetParam().from, GetParam().to));
  ASSERT_FALSE(offer);
  EXPECT_EQ(offer.error().code(), Errc::invalid_argument);
  EXPECT_NE(offer.error().message().find(GetParam().says), std::string::npos) << offer.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Offers, BadOffer,
    ::testing::Values(Bad{"m=audio", "m=image", "no audio section"}, Bad{"m=audio 50123", "m=audio 0", "no audio section"},
                      Bad{"opus/48000/2", "speex/16000", "no Opus"}, Bad{"rtpmap:96 opus", "rtpmap:97 opus", "no Opus"},
                      Bad{"rtpmap:96 opus", "rtpmap:999 opus", "no Opus"}, Bad{"a=sendrecv", "a=sendonly", "could not hear"},
                      Bad{"a=sendrecv", "a=inactive", "could not hear"}, Bad{"a=rtcp-mux\r\n", "", "rtcp-mux"},
                      Bad{"a=ice-pwd", "a=x", "ICE credentials"}, Bad{"bP+XJMM09aR8AiX1jdukzR6Y", "short", "ICE credentials"},
                      Bad{"EsAw", "Es\"w", "ICE credentials"}, Bad{"sha-256", "sha-1", "fingerprint"},
                      Bad{"6B:8B", "6B:8G", "fingerprint"}, Bad{"setup:actpass", "setup:holdconn", "DTLS role"},
                      Bad{"UDP/TLS/RTP/SAVPF", "RTP/AVP", "only UDP/TLS/RTP/SAVPF"}));

TEST(ReadOffer, OtherCodecOnly_TheSentenceNamesWhatWasOffered) {
  const auto offer = read_offer(replaced(browser_offer(), "opus/48000/2", "PCMU/8000"));
  ASSERT_FALSE(offer);
  EXPECT_NE(offer.error().message().find("PCMU/8000"), std::string::npos) << offer.error().message();
  EXPECT_NE(offer.error().message().find("G722/8000"), std::string::npos);
}

TEST(WriteAnswer, EverySectionIsAnsweredInItsPlace_OthersAreRefused) {
  const auto offer = read_offer(browser_offer());
  ASSERT_TRUE(offer);
  const auto text = write_answer(*offer, local_transport(), {.ssrc = 77, .cname = "parley_x"}, 123456789);
  const auto answer = parse_sdp(text);
  ASSERT_TRUE(answer) << answer.error().message();
  ASSERT_EQ(answer->sections.size(), 3u);
  EXPECT_EQ(answer->sections[0].port, 0u);
  EXPECT_EQ(answer->sections[2].port, 0u);
  EXPECT_EQ(answer->sections[2].kind, "application");
  const auto& audio = answer->sections[1];
  EXPECT_EQ(audio.port, 40000u);
  EXPECT_EQ(audio.formats, std::vector<std::string>{"96"});
  EXPECT_EQ(*find_attribute(audio.attributes, "extmap"), "14 urn:ietf:params:rtp-hdrext:ssrc-audio-level");
  EXPECT_EQ(*find_attribute(audio.attributes, "setup"), "active");
  EXPECT_EQ(*find_attribute(audio.attributes, "candidate"), "1 1 UDP 2122317823 127.0.0.1 40000 typ host");
  EXPECT_EQ(*find_attribute(audio.attributes, "ssrc"), "77 cname:parley_x");
  EXPECT_EQ(*find_attribute(answer->attributes, "group"), "BUNDLE 1");
}

TEST(WriteOffer, CanBeReadBack_AndTellsNoCandidate) {
  auto local = local_transport();
  local.setup = Setup::actpass;
  const auto text = write_offer(local, {.ssrc = 5, .cname = "c"}, 9);
  EXPECT_EQ(text.find("candidate"), std::string::npos);
  const auto offer = read_offer(text);
  ASSERT_TRUE(offer) << offer.error().message();
  EXPECT_EQ(offer->audio.opus, kOpusPayloadType);
  EXPECT_EQ(offer->transport.ufrag, "our0");
}

TEST(ReadAnswer, WithoutADtlsRole_IsRefused) {
  auto local = local_transport();
  const auto offer = read_offer(browser_offer());
  ASSERT_TRUE(offer);
  EXPECT_TRUE(read_answer(write_answer(*offer, local, {1, "x"}, 1)));
  local.setup = Setup::actpass;
  EXPECT_FALSE(read_answer(write_answer(*offer, local, {1, "x"}, 1)));
}

TEST(Advertise, AddressesReplaceOurOwnAtTheSamePort) {
  const std::vector<Candidate> own{{"1", 2122317823, "10.0.0.5", 40000, "host"}, {"2", 100, "203.0.113.1", 7, "srflx"}};
  const auto shown = advertise(own, {"198.51.100.1", "2001:db8::1"});
  ASSERT_EQ(shown.size(), 3u);
  EXPECT_EQ(shown[0].address, "198.51.100.1");
  EXPECT_EQ(shown[0].port, 40000);
  EXPECT_EQ(shown[1].address, "2001:db8::1");
  EXPECT_LT(shown[1].priority, shown[0].priority);
  EXPECT_EQ(shown[2].type, "srflx");
  EXPECT_EQ(advertise(own, {}), own);
}

TEST(Candidates, GarbageIsLeftOut) {
  for (const auto* text : {"", "1", "1 1 udp x 192.0.2.1 5 typ host", "1 1 udp 5 192.0.2.1 0 typ host",
                           "1 1 udp 5 192.0.2.1 70000 typ host", "1 1 udp 5 192.0.2.999 5 typ host",
                           "1 1 udp 5 192.0.2.1 5 typ best", "1 2 udp 5 192.0.2.1 5 typ host", "1 1 udp 5 ::zz 5 typ host",
                           "1 1  udp 5 192.0.2.1 5 typ host"}) {
    EXPECT_FALSE(parse_candidate(text)) << text;
  }
  EXPECT_TRUE(parse_candidate("1 1 udp 5 2001:db8::1 5 typ relay raddr x"));
}

}  // namespace
}  // namespace parley::rtc
