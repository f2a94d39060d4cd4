#include <algorithm>

#include "sfu_fixture.hpp"

namespace parley::rtc {
namespace {

using test::SfuAnswerer;

bool has_candidate(const std::string& sdp) { return sdp.find("candidate") != std::string::npos; }

std::vector<std::string> mids_of(const std::string& sdp) {
  std::vector<std::string> mids;
  const auto session = parse_sdp(sdp);
  EXPECT_TRUE(session);
  for (const auto& section : session->sections) mids.push_back(*find_attribute(section.attributes, "mid"));
  return mids;
}

bool is_inactive(const std::string& sdp, std::size_t section) {
  return find_attribute(parse_sdp(sdp)->sections.at(section).attributes, "inactive") != nullptr;
}

TEST_F(ToSfu, Joined_AudioGoesBothWaysUnderItsMid) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    co_await talk(*link, "0", "1");
    co_await talk(*link, "0", "2");
    EXPECT_EQ(link->sfu.packets("0").at(0).size(), rtp(77, 1).size());
    EXPECT_TRUE(link->ours.ice_silence());
    EXPECT_FALSE(link->ours.send("1", rtp(77, 1))) << "we only receive on it";
    EXPECT_FALSE(link->ours.send("9", rtp(77, 1)));
    co_await end(*link);
    EXPECT_FALSE(link->ours.send("0", rtp(77, 1)));
    EXPECT_FALSE(link->ours.connected());
  }(*this));
}

TEST_F(ToSfu, OurCandidates_StandInNoOfferAndAreToldOnlyOnceTheFirstAnswerStands) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    EXPECT_TRUE(link.ours.add_receiver());
    const auto offer = co_await link.ours.offer(self.loop.in(kSoon));
    EXPECT_TRUE(offer);
    EXPECT_FALSE(has_candidate(*offer));
    const auto answer = link.sfu.answer(*offer);
    EXPECT_FALSE(co_await until(link, [&] { return !link.candidates.empty(); }, 300ms)) << link.candidates.front();
    EXPECT_TRUE(co_await link.ours.accept(answer, self.loop.in(kSoon)));
    EXPECT_TRUE(co_await until(link, [&] { return !link.candidates.empty() && link.candidates.back().empty(); }));
    EXPECT_EQ(link.candidates.size(), 2u) << "one address, and the end";
    EXPECT_NE(link.candidates.front().find(" 127.0.0.1 "), std::string::npos);
    EXPECT_TRUE(co_await up(link));
    const auto again = co_await link.ours.offer(self.loop.in(kSoon));
    EXPECT_TRUE(again);
    EXPECT_FALSE(has_candidate(*again));
    EXPECT_EQ(link.ours.local_description(), *again);
    EXPECT_EQ(link.ours.remote_description(), answer);
  }(*this));
}

TEST_F(ToSfu, AdvertisedAddresses_AreToldInThePlaceOfOurOwn) {
  run([](ToSfu& self) -> Task<void> {
    auto settings = self.sfu_settings();
    settings.connection.advertised_addresses = {"127.0.0.2", "127.0.0.3"};
    Link link(self, settings);
    EXPECT_TRUE(link.ours.add_receiver());
    co_await negotiate(link);
    EXPECT_TRUE(co_await until(link, [&] { return link.candidates.size() == 3; }));
    EXPECT_NE(link.candidates[0].find(" 127.0.0.2 "), std::string::npos);
    EXPECT_NE(link.candidates[1].find(" 127.0.0.3 "), std::string::npos);
    EXPECT_EQ(link.candidates[2], "");
  }(*this));
}

TEST_F(ToSfu, NoAddressToBindGiven_ServerOnLoopbackIsReachedAllTheSame) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, {});
    co_await talk(*link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, ServersCandidateTrickledBeforeAndAfterTheAnswer_IsUsed) {
  for (const bool before : {true, false}) {
    run([](ToSfu& self, bool early) -> Task<void> {
      Link link(self, self.sfu_settings());
      EXPECT_TRUE(link.ours.add_receiver());
      const auto offer = co_await link.ours.offer(self.loop.in(kSoon));
      auto answer = link.sfu.answer(offer.value_or(""));
      const auto at = answer.find("a=candidate");
      const auto candidate = answer.substr(at + 2, answer.find("\r\n", at) - at - 2);
      while (answer.find("a=candidate") != std::string::npos) {
        const auto line = answer.find("a=candidate");
        answer.erase(line, answer.find("\r\n", line) - line + 2);
      }
      for (const auto* useless : {"", "candidate:x", "candidate:1 1 tcp 5 127.0.0.1 9 typ host", "candidate:1 1 udp 5 sfu.local 9 typ host"}) {
        link.ours.add_remote_candidate(useless);
      }
      if (early) link.ours.add_remote_candidate(candidate);
      EXPECT_TRUE(co_await link.ours.accept(answer, self.loop.in(kSoon)));
      if (!early) link.ours.add_remote_candidate(candidate);
      EXPECT_TRUE(co_await until(link, [&] { return link.ours.connected(); }));
      for (unsigned i = 0; i < 100; ++i) link.ours.add_remote_candidate(fmt::format("candidate:1 1 udp 5 127.0.0.1 {} typ host", 10'000 + i));
    }(*this, before));
  }
}

TEST_F(ToSfu, MoreSectionsInALaterOffer_FollowTheOthersAndCarryAudio) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    for (const auto* mid : {"4", "5", "6"}) EXPECT_EQ(link->ours.add_receiver(), mid);
    EXPECT_EQ(link->ours.add_sender(microphone(78)), "7");
    co_await negotiate(*link);
    EXPECT_EQ(mids_of(link->ours.local_description()), (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"}));
    EXPECT_EQ(mids_of(link->ours.remote_description()), mids_of(link->ours.local_description()));
    for (const auto* mid : {"1", "4", "5", "6"}) co_await talk(*link, "0", mid);
    co_await talk(*link, "7", "6", 78);
    EXPECT_TRUE(link->ours.data_open());
  }(*this));
}

TEST_F(ToSfu, EverySectionThereMayBe_IsNegotiatedAtOnce_AndOneMoreIsRefused) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    for (std::size_t i = 0; i < SfuConnection::kMaxSenders; ++i) EXPECT_TRUE(link.ours.add_sender(microphone(77 + static_cast<unsigned>(i))));
    for (std::size_t i = 0; i < SfuConnection::kMaxReceivers; ++i) EXPECT_TRUE(link.ours.add_receiver());
    EXPECT_EQ(link.ours.add_sender(microphone()).error().code(), Errc::overloaded);
    EXPECT_EQ(link.ours.add_receiver().error().code(), Errc::overloaded);
    EXPECT_EQ(link.ours.add_sender({"a stream", "cid", 1, "cname"}).error().code(), Errc::invalid_argument);
    co_await negotiate(link);
    EXPECT_TRUE(co_await up(link));
    co_await talk(link, "0", "35");
  }(*this));
}

TEST_F(ToSfu, SendingTurnedOffAndOnAgain_SectionIsInactiveInBetween) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    EXPECT_TRUE(link->ours.set_sending("0", false));
    EXPECT_EQ(link->ours.set_sending("1", false).error().code(), Errc::not_found) << "a receiving one never is";
    co_await negotiate(*link);
    EXPECT_TRUE(is_inactive(link->ours.local_description(), 0));
    EXPECT_FALSE(is_inactive(link->ours.local_description(), 1));
    EXPECT_FALSE(link->ours.send("0", rtp(77, 1)));
    EXPECT_TRUE(link->ours.set_sending("0", true));
    co_await negotiate(*link);
    EXPECT_FALSE(is_inactive(link->ours.local_description(), 0));
    co_await talk(*link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, OfferWhoseAnswerWasLost_IsTakenBackByTheNext) {
  run([](ToSfu& self) -> Task<void> {
    Link link(self, self.sfu_settings());
    EXPECT_TRUE(link.ours.add_sender(microphone()));
    EXPECT_TRUE(co_await link.ours.offer(self.loop.in(kSoon)));
    EXPECT_EQ(link.ours.add_receiver(), "2") << "the data section has 1 by now";
    co_await negotiate(link);
    EXPECT_TRUE(co_await up(link));
    EXPECT_EQ(mids_of(link.ours.local_description()), (std::vector<std::string>{"0", "1"})) << "as the first one, which the server may know";
    for (int lost = 0; lost < 3; ++lost) EXPECT_TRUE(co_await link.ours.offer(self.loop.in(kSoon)));
    co_await negotiate(link);
    EXPECT_EQ(mids_of(link.ours.local_description()), (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ((co_await link.ours.accept(link.ours.remote_description(), self.loop.in(kSoon))).error().code(), Errc::invalid_argument)
        << "no offer waits for it";
    co_await talk(link, "0", "2");
  }(*this));
}

TEST_F(ToSfu, AnswerThatLies_IsRefusedByName_AndAProperOneStillCounts) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    const auto first = link->ours.remote_description();
    const auto offer = co_await link->ours.offer(self.loop.in(kSoon));
    const auto good = link->sfu.answer(offer.value_or(""));
    const auto print = good.find("a=fingerprint:sha-256 ") + 22;
    auto lie = good;
    lie[print] = lie[print] == 'A' ? 'B' : 'A';
    const auto refused = co_await link->ours.accept(lie, self.loop.in(kSoon));
    EXPECT_EQ(refused.error().code(), Errc::invalid_argument);
    EXPECT_NE(refused.error().message().find("another DTLS fingerprint"), std::string::npos) << refused.error().message();
    EXPECT_EQ(link->ours.remote_description(), first);
    EXPECT_TRUE(co_await link->ours.accept(good, self.loop.in(kSoon)));
    co_await talk(*link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, GoodbyeOfTheServer_IsSeenAsTheEnd_NotAsALostNetwork) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    link->sfu.close();
    EXPECT_TRUE(co_await until(*link, [&] { return link->ours.down(); }, 2s));
    EXPECT_FALSE(link->ours.ice_lost());
    EXPECT_FALSE(link->ours.connected());
    EXPECT_FALSE(link->ours.data_open());
    EXPECT_FALSE(link->ours.send("0", rtp(77, 1)));
    EXPECT_EQ(link->ours.send_data(DataKind::reliable, Bytes(1)).error().code(), Errc::unavailable);
    EXPECT_EQ((co_await link->ours.offer(self.loop.in(kSoon))).error().code(), Errc::unavailable);
    co_await end(*link);
  }(*this));
}

TEST_F(ToSfu, OurGoodbye_IsHeardAtOnce_AndDataOnItsWayArrivesBefore) {
  run([](ToSfu& self) -> Task<void> {
    const auto link = co_await join(self, self.sfu_settings());
    constexpr std::size_t kMessages = 10;
    for (std::size_t i = 0; i < kMessages; ++i) EXPECT_TRUE(link->ours.send_data(DataKind::reliable, Bytes(10'000)));
    const auto began = self.loop.now();
    co_await end(*link);
    EXPECT_LT(self.loop.now() - began, 1s);
    EXPECT_TRUE(co_await aside(self.loop, [&] { return link->sfu.over(); }));
    EXPECT_EQ(link->sfu.messages("_reliable").size(), kMessages);
    EXPECT_EQ(self.engine->counts().connections, 0u);
  }(*this));
}

}  // namespace
}  // namespace parley::rtc
