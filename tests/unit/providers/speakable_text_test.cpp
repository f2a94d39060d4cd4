#include "providers/flite/speakable_text.hpp"

#include <gmock/gmock.h>

#include <random>

namespace parley {
namespace {

TEST(SpeakableText, PlainEnglish_StaysAsItIs) {
  const std::string text = "Good evening, Trattoria Roma. It's 7:30 p.m. - OK? (That's $5, or 50%!)";
  EXPECT_EQ(speakable_text(text), text);
}

TEST(SpeakableText, SignsAndAccents_BecomeWhatCanBeSaid) {
  const struct {
    const char* text;
    const char* spoken;
  } cases[] = {
      {"It’s “fine”…", "It's \"fine\","},
      {"Crème brûlée, Škoda, Łódź", "Creme brulee, Skoda, Lodz"},
      {"Straße, Ægir, œuvre", "Strasse, AEgir, oeuvre"},
      {"€12.50 or £3", "12.50 euros or 3 pounds"},
      {"12 €", "12 euros"},
      {"open 17–22 – always", "open 17 to 22, always"},
      {"yes — no", "yes, no"},
      {"25°C, 3×4, ½", "25 degrees C, 3 times 4, one half"},
      {"**bold** _and_ `code` <b>tag</b>", "bold and code b tag /b"},
      {"a\r\n\tb\u00a0c", "a b c"},
      {"wave 👋🏽 hello", "wave hello"},
      {"cafe\u0301 a\u200bb", "cafe ab"},
      {"soft\u00adhyphen", "softhyphen"},
  };
  for (const auto& [text, spoken] : cases) EXPECT_EQ(speakable_text(text), spoken) << text;
}

TEST(SpeakableText, NothingToSay_IsEmpty) {
  for (const char* text : {"", " ", "...", "?!", "👍", "日本語", "\xff\xfe", "\xe2\x82", "---"}) {
    EXPECT_EQ(speakable_text(text), "") << text;
  }
}

TEST(SpeakableText, BrokenUtf8_CostsNothingButItself) {
  EXPECT_EQ(speakable_text("a\xc3(b"), "a (b");
  EXPECT_EQ(speakable_text("a\xf0\x9f\x91"), "a");
  EXPECT_EQ(speakable_text("over\xc0\xaflong \xed\xa0\x80 surrogate"), "over long surrogate");
}

TEST(SpeakableText, EndlessWords_AreCut) {
  const auto spoken = speakable_text(std::string(1000, 'a'));
  std::size_t longest = 0;
  for (std::size_t at = 0, word = 0; at < spoken.size(); ++at) {
    word = spoken[at] == ' ' ? 0 : word + 1;
    longest = std::max(longest, word);
  }
  EXPECT_EQ(longest, kMaxWord);
}

TEST(SpeakableText, AnyBytes_GivePrintableAscii) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const char c : speakable_text(bytes)) ASSERT_TRUE(c >= ' ' && c < 0x7F);
  }
}

TEST(SpeakablePieces, AShortText_StaysWhole) {
  EXPECT_THAT(speakable_pieces("One. Two. Three.", 100), testing::ElementsAre("One. Two. Three."));
  EXPECT_THAT(speakable_pieces("", 100), testing::IsEmpty());
}

TEST(SpeakablePieces, ALongText_IsCutWhereAVoiceWouldBreathe) {
  EXPECT_THAT(speakable_pieces("We open at noon. We close at ten, every day.", 24),
              testing::ElementsAre("We open at noon.", "We close at ten,", "every day."));
  EXPECT_THAT(speakable_pieces("no marks in this one at all", 12),
              testing::ElementsAre("no marks in", "this one at", "all"));
  EXPECT_THAT(speakable_pieces(std::string(30, 'x'), 12),
              testing::ElementsAre(std::string(12, 'x'), std::string(12, 'x'), "xxxxxx"));
}

}  // namespace
}  // namespace parley
