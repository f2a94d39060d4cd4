#include "session/spoken_text.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

constexpr int kRate = 1000;  // samples a second

SpokenText two_sentences() {
  SpokenText spoken(kRate);
  spoken.add("One two three four.");
  spoken.add("Five six seven eight.");
  spoken.audio(1000);
  spoken.end_segment();
  spoken.audio(2000);
  spoken.end_segment();
  return spoken;
}

TEST(SpokenText, NothingPlayed_NothingHeard) { EXPECT_EQ(two_sentences().heard(0), ""); }

TEST(SpokenText, EverythingPlayed_EverythingHeard) {
  EXPECT_EQ(two_sentences().heard(3000), "One two three four. Five six seven eight.");
  EXPECT_EQ(two_sentences().samples(), 3000u);
}

TEST(SpokenText, WithinASentence_TheShareOfItsSamplesIsTheShareOfItsWords) {
  EXPECT_EQ(two_sentences().heard(500), "One two");
  EXPECT_EQ(two_sentences().heard(1000), "One two three four.");
  EXPECT_EQ(two_sentences().heard(2000), "One two three four. Five six");
}

TEST(SpokenText, WordThatWasNotHeardToItsEnd_DoesNotCount) {
  SpokenText spoken(kRate);
  spoken.add("unpronounceable things");
  spoken.audio(1000);
  spoken.end_segment();
  EXPECT_EQ(spoken.heard(600), "");
  EXPECT_EQ(spoken.heard(720), "unpronounceable");
}

TEST(SpokenText, SentenceStillBeingSynthesised_IsNotTakenForWhole) {
  SpokenText spoken(kRate);
  spoken.add("This sentence has thirty chars");  // two seconds of speech
  spoken.audio(1000);
  EXPECT_EQ(spoken.heard(1000), "This sentence");
}

TEST(SpokenText, TtsThatTellsItsWords_IsBelieved) {
  SpokenText spoken(kRate);
  spoken.add("One two three");
  spoken.audio(900, "One");
  spoken.audio(50, "two");
  spoken.audio(50, "three");
  spoken.end_segment();
  EXPECT_EQ(spoken.heard(890), "");
  EXPECT_EQ(spoken.heard(940), "One");
  EXPECT_EQ(spoken.heard(960), "One two");
  EXPECT_EQ(spoken.heard(1000), "One two three");
}

TEST(SpokenText, SegmentWithoutAnySound_IsHeardWithWhatFollows) {
  SpokenText spoken(kRate);
  spoken.add("*");
  spoken.add("Hello there.");
  spoken.end_segment();
  spoken.audio(1000);
  spoken.end_segment();
  EXPECT_EQ(spoken.heard(1000), "* Hello there.");
}

TEST(SpokenText, HeardNeverShrinks_AsMoreIsPlayed) {
  const auto spoken = two_sentences();
  std::size_t length = 0;
  for (std::uint64_t played = 0; played <= 3000; ++played) {
    const auto heard = spoken.heard(played);
    EXPECT_GE(heard.size(), length);
    EXPECT_TRUE(spoken.text().starts_with(heard)) << heard;
    length = heard.size();
  }
}

}  // namespace
}  // namespace parley
