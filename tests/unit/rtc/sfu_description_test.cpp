#include "rtc/sfu_description.hpp"

#include <gtest/gtest.h>

namespace parley::rtc {
namespace {

using Kind = SfuSection::Kind;

constexpr std::string_view kFingerprint =
    "6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08";

SfuSections sections() {
  return {{.kind = Kind::sender, .mid = "0", .send = {"stream", "cid", 77, "cname"}},
          {.kind = Kind::receiver, .mid = "1"},
          {.kind = Kind::data, .mid = "2"},
          {.kind = Kind::receiver, .mid = "3"}};
}

TransportParameters local() {
  return {.ufrag = "our0",
          .password = "cccccccccccccccccccccccc",
          .fingerprint_algorithm = "sha-256",
          .fingerprint = std::string(kFingerprint),
          .setup = Setup::active,
          .candidates = {{"1", 2122317823, "127.0.0.1", 40000, "host"}}};
}

// As livekit-server makes it, shortened: a speaker on section 1, nobody yet on section 3.
std::string server_answer() {
  return "v=0\r\n"
         "o=- 2108127246480166321 1785000000 IN IP4 0.0.0.0\r\n"
         "s=-\r\n"
         "t=0 0\r\n"
         "a=msid-semantic:WMS *\r\n"
         "a=fingerprint:sha-256 " + std::string(kFingerprint) + "\r\n"
         "a=group:BUNDLE 0 1 2 3\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "a=setup:active\r\n"
         "a=mid:0\r\n"
         "a=ice-ufrag:sErV\r\n"
         "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n"
         "a=rtcp-mux\r\n"
         "a=rtcp-rsize\r\n"
         "a=rtpmap:111 opus/48000/2\r\n"
         "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
         "a=recvonly\r\n"
         "a=candidate:233762139 1 udp 2130706431 127.0.0.1 7882 typ host ufrag sErV\r\n"
         "a=candidate:4 1 tcp 1518280447 127.0.0.1 7881 typ host tcptype passive\r\n"
         "a=candidate:5 1 udp 5 sfu.local 7882 typ host\r\n"
         "a=end-of-candidates\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "a=setup:active\r\n"
         "a=mid:1\r\n"
         "a=ice-ufrag:sErV\r\n"
         "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n"
         "a=rtcp-mux\r\n"
         "a=rtpmap:111 opus/48000/2\r\n"
         "a=ssrc:4021 cname:PA_x|TR_y\r\n"
         "a=ssrc:4021 msid:PA_x|TR_y TR_y\r\n"
         "a=msid:PA_x|TR_y TR_y\r\n"
         "a=sendonly\r\n"
         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "a=setup:active\r\n"
         "a=mid:2\r\n"
         "a=sendrecv\r\n"
         "a=sctp-port:5000\r\n"
         "a=max-message-size:65535\r\n"
         "a=ice-ufrag:sErV\r\n"
         "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "a=setup:active\r\n"
         "a=mid:3\r\n"
         "a=ice-ufrag:sErV\r\n"
         "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n"
         "a=rtcp-mux\r\n"
         "a=rtpmap:111 opus/48000/2\r\n"
         "a=inactive\r\n";
}

// `from` by `to`, everywhere.
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

TEST(SfuAnswer, OfAServer_IsReadWithWhatItSendsOnEachSection) {
  const auto answer = read_sfu_answer(server_answer(), sections());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->transport.ufrag, "sErV");
  EXPECT_EQ(answer->transport.setup, Setup::active);
  ASSERT_EQ(answer->transport.candidates.size(), 1u) << "neither TCP nor a name";
  EXPECT_EQ(answer->transport.candidates[0].port, 7882);
  EXPECT_EQ(answer->sections[0].direction, Direction::recvonly);
  EXPECT_EQ(answer->sections[1].ssrcs, std::vector<std::uint32_t>{4021});
  EXPECT_EQ(answer->sections[3].direction, Direction::inactive);
  EXPECT_EQ(answer->max_message_bytes, 65'535u);
}

TEST(SfuAnswer, ForTheNativeLibrary_IsWrittenAnewFromWhatWasChecked) {
  auto text = replaced(server_answer(), "a=mid:1\r\n", "a=mid:1\r\na=x-odd:%n%n\r\na=rtpmap:63 red/48000/2\r\na=extmap:99999999999 x\r\n");
  const auto answer = read_sfu_answer(text, sections());
  ASSERT_TRUE(answer) << answer.error().message();
  const auto native = native_sfu_answer(*answer, sections());
  for (const auto* foreign : {"candidate", "odd", "red", "extmap", "local", "TR_y"}) EXPECT_EQ(native.find(foreign), std::string::npos) << foreign;
  const auto again = read_sfu_answer(native, sections());
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->sections[1].ssrcs, answer->sections[1].ssrcs);
  EXPECT_EQ(again->transport.fingerprint, answer->transport.fingerprint);
  EXPECT_TRUE(check_same_transport(answer->transport, again->transport));
}

TEST(SfuAnswer, SectionThatIsRefused_MayHaveLostItsMid) {
  const auto text = replaced(server_answer(), "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=setup:active\r\na=mid:3\r\n",
                             "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n");
  const auto answer = read_sfu_answer(text, sections());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_TRUE(answer->sections[3].refused);
  const auto native = native_sfu_answer(*answer, sections());
  EXPECT_NE(native.find("a=group:BUNDLE 0 1 2\r\n"), std::string::npos) << native;
  EXPECT_NE(native.find("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=inactive"), std::string::npos) << native;
}

struct Lie {
  std::string from, to, says;
};
class LyingAnswer : public ::testing::TestWithParam<Lie> {};

TEST_P(LyingAnswer, IsRefused_AndTheSentenceSaysWhy) {
  const auto text = replaced(server_answer(), GetParam().from, GetParam().to);
  ASSERT_NE(text, server_answer());
  const auto answer = read_sfu_answer(text, sections());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::invalid_argument);
  EXPECT_NE(answer.error().message().find(GetParam().says), std::string::npos) << answer.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Answers, LyingAnswer,
    ::testing::Values(Lie{"a=mid:1", "a=mid:3", "a section \"3\" where \"1\" was offered"}, Lie{"a=mid:1\r\n", "", "where \"1\" was offered"},
                      Lie{"a=mid:2", "a=mid:1", "where \"2\" was offered"}, Lie{"m=application", "m=audio", "is audio, and was offered as application"},
                      Lie{"m=audio", "m=video", "is video, and was offered as audio"}, Lie{"m=application 9", "m=application 0", "refuses the data channels"},
                      Lie{"a=inactive\r\n", "a=inactive\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "5 sections, and 4 were offered"},
                      Lie{"a=recvonly", "a=sendonly", "\"0\" is sendonly, and was offered as sendonly"},
                      Lie{"a=sendonly", "a=recvonly", "\"1\" is recvonly"}, Lie{"opus/48000/2", "PCMU/8000", "has no Opus"},
                      Lie{"111 opus", "96 opus", "has no Opus"}, Lie{"BUNDLE 0 1 2 3", "BUNDLE 0 1 2", "does not bundle section \"3\""},
                      Lie{"a=group:BUNDLE 0 1 2 3\r\n", "", "does not bundle section \"0\""}, Lie{"a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n", "", "ICE credentials"},
                      Lie{"a=ice-ufrag:sErV", "a=ice-ufrag:s V", "ICE credentials"}, Lie{"sha-256", "sha-1", "DTLS fingerprint"},
                      Lie{"a=setup:active", "a=setup:actpass", "choose a DTLS role"}, Lie{"a=sctp-port:5000", "a=sctp-port:0", "no port"},
                      Lie{"v=0", "v=1", "v=0"}, Lie{"a=rtcp-rsize", "a=x:" + std::string(kMaxSdpBytes, 'x'), "bytes"}));

TEST(SfuAnswer, WithFewerSectionsThanWereOffered_IsRefused) {
  const auto text = server_answer();
  const auto answer = read_sfu_answer(text.substr(0, text.rfind("m=audio")), sections());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message(), "the answer has 3 sections, and 4 were offered");
}

TEST(SfuAnswer, OnAConnectionThatStands_MayNotMoveIt) {
  const auto first = local();
  EXPECT_TRUE(check_same_transport(first, local()));
  auto moved = local();
  moved.ufrag = "ours";
  EXPECT_NE(check_same_transport(first, moved).error().message().find("ICE credentials"), std::string::npos);
  moved = local();
  moved.fingerprint[0] = '0';
  EXPECT_NE(check_same_transport(first, moved).error().message().find("fingerprint"), std::string::npos);
  moved = local();
  moved.setup = Setup::passive;
  EXPECT_NE(check_same_transport(first, moved).error().message().find("DTLS role"), std::string::npos);
}

TEST(SfuOffer, SaysWhatIsSentAndReceivedWhere_AndTellsNoCandidate) {
  auto ours = sections();
  const auto session = parse_sdp(write_sfu_offer(ours, local(), 9'000'000'000'000'000'001u, 3));
  ASSERT_TRUE(session);
  ASSERT_EQ(session->sections.size(), 4u);
  EXPECT_EQ(*find_attribute(session->attributes, "group"), "BUNDLE 0 1 2 3");
  const auto& sender = session->sections[0].attributes;
  EXPECT_TRUE(find_attribute(sender, "sendonly"));
  EXPECT_EQ(*find_attribute(sender, "msid"), "stream cid");
  EXPECT_EQ(*find_attribute(sender, "ssrc"), "77 cname:cname");
  EXPECT_EQ(*find_attribute(sender, "extmap"), "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level");
  EXPECT_EQ(*find_attribute(sender, "fmtp"), "111 minptime=10;useinbandfec=1");
  EXPECT_TRUE(find_attribute(session->sections[1].attributes, "recvonly"));
  EXPECT_EQ(session->sections[2].kind, "application");
  for (const auto& section : session->sections) {
    EXPECT_EQ(*find_attribute(section.attributes, "setup"), "actpass");
    EXPECT_EQ(find_attribute(section.attributes, "candidate"), nullptr);
    EXPECT_EQ(section.formats.size(), 1u) << "Opus alone, no RED";
  }
  ours[0].active = false;
  EXPECT_TRUE(find_attribute(parse_sdp(write_sfu_offer(ours, local(), 1, 1))->sections[0].attributes, "inactive"));
}

TEST(IceServer, UrlIsTakenApart_AndWhatNeedsTcpIsLeftOut) {
  const auto turn = parse_ice_server("turn:turn.example.org:443?transport=udp");
  ASSERT_TRUE(turn);
  EXPECT_TRUE(turn->turn);
  EXPECT_EQ(turn->host, "turn.example.org");
  EXPECT_EQ(turn->port, 443);
  EXPECT_EQ(parse_ice_server("stun:192.0.2.1")->port, 3478);
  EXPECT_EQ(parse_ice_server("stun:[2001:db8::1]:19302")->host, "2001:db8::1");
  for (const auto* useless : {"", "turn:", "turns:turn.example.org:443", "turn:a:3478?transport=tcp", "turn:a:0", "turn:a:99999", "turn:a:", "turn:a b:1",
                              "turn:user@a:1", "stun:[::1", "stun:[x]:1", "stun:[::1]1", "http://a", "turn:a:1:2"}) {
    EXPECT_FALSE(parse_ice_server(useless)) << useless;
  }
}

}  // namespace
}  // namespace parley::rtc
