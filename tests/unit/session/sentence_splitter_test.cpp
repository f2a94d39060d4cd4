#include "session/sentence_splitter.hpp"

#include <gtest/gtest.h>

#include <parley/base/random.hpp>

namespace parley {
namespace {

std::vector<std::string> split(std::string_view text, std::size_t piece = std::string_view::npos) {
  SentenceSplitter splitter;
  std::vector<std::string> sentences;
  while (!text.empty()) {
    const auto part = text.substr(0, piece);
    for (auto& sentence : splitter.push(part)) sentences.push_back(std::move(sentence));
    text.remove_prefix(part.size());
  }
  if (auto rest = splitter.finish()) sentences.push_back(std::move(*rest));
  return sentences;
}

using Sentences = std::vector<std::string>;

TEST(SentenceSplitter, SentencesComeAsSoonAsTheNextOneBegins) {
  SentenceSplitter splitter;
  EXPECT_TRUE(splitter.push("We are open until ten.").empty()) << "a decimal could follow";
  EXPECT_TRUE(splitter.push(" ").empty());
  EXPECT_EQ(splitter.push("A"), Sentences{"We are open until ten."});
  EXPECT_EQ(splitter.finish(), "A");
  EXPECT_EQ(splitter.finish(), std::nullopt);
}

TEST(SentenceSplitter, AbbreviationsInitialsAndDecimals_DoNotEndASentence) {
  for (const std::string_view whole : {
           "Please ask Dr. Roma about it.",
           "It costs 3.50 euros in all.",
           "We have pasta, e.g. carbonara, today.",
           "Come at 7 p.m. on Friday, please.",
           "J. S. Bach will be played tonight.",
           "Visit parley.example for more.",
           "Well... maybe tomorrow then.",
           "Wait, what?! no, that is fine.",
           "1. Take the first left turn.",
       }) {
    EXPECT_EQ(split(whole), Sentences{std::string(whole)});
  }
}

TEST(SentenceSplitter, QuotesAndBracketsStayWithTheirSentence) {
  EXPECT_EQ(split("He said \"good evening.\" Then he left."), (Sentences{"He said \"good evening.\"", "Then he left."}));
  EXPECT_EQ(split("(We are closed on Monday.) See you soon."), (Sentences{"(We are closed on Monday.)", "See you soon."}));
}

TEST(SentenceSplitter, ShortOnesWaitForTheNext) {
  EXPECT_EQ(split("Sure. Let me look that up. One moment."), (Sentences{"Sure. Let me look that up.", "One moment."}));
  EXPECT_EQ(split("Yes."), Sentences{"Yes."});
}

TEST(SentenceSplitter, LinesEndSentences) {
  EXPECT_EQ(split("We have:\n\n- pizza\n- pasta"), (Sentences{"We have:", "- pizza", "- pasta"}));
}

TEST(SentenceSplitter, WideFullStopsNeedNoBlank) {
  EXPECT_EQ(split("\u3053\u3093\u306b\u3061\u306f\u3002\u3055\u3088\u3046\u306a\u3089\u3002"),
            (Sentences{"\u3053\u3093\u306b\u3061\u306f\u3002", "\u3055\u3088\u3046\u306a\u3089\u3002"}));
}

TEST(SentenceSplitter, EndlessSentence_IsBrokenAtAClause_AndIsBounded) {
  std::string text;
  while (text.size() < 2000) text += "and then we went on, ";
  for (const auto& sentence : split(text)) {
    EXPECT_LE(sentence.size(), SentenceSplitter::kMaxSentence);
    EXPECT_TRUE(sentence.ends_with(",")) << sentence;
  }
  for (const auto& sentence : split(std::string(5000, 'x'))) EXPECT_LE(sentence.size(), SentenceSplitter::kMaxSentence);
}

TEST(SentenceSplitter, HoweverTheTextIsCutIntoPieces_TheSentencesAreTheSame) {
  const std::string text =
      "Good evening! This is Trattoria Roma. Dr. Rossi has a table at 7.30 p.m. on Friday, e.g. for two... or three? "
      "\"Certainly.\" We look forward to it.\nGoodbye now. \u3053\u3093\u306b\u3061\u306f\u3002 And so on.";
  const auto whole = split(text);
  EXPECT_GE(whole.size(), 6u);
  for (std::size_t piece = 1; piece < 12; ++piece) EXPECT_EQ(split(text, piece), whole) << "pieces of " << piece;
}

TEST(SentenceSplitter, RandomText_LosesNothingButBlanks) {
  Random random(7);
  constexpr std::string_view kAlphabet = "aB1 .,!?\"')\n\xe3\x80\x82";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(600); i > 0; --i) text += kAlphabet[random.below(kAlphabet.size())];
    std::string out;
    for (const auto& sentence : split(text, 1 + random.below(9))) out += sentence;
    const auto strip = [](std::string& s) { std::erase_if(s, [](unsigned char c) { return std::isspace(c) != 0; }); };
    strip(text);
    strip(out);
    ASSERT_EQ(out, text);
  }
}

}  // namespace
}  // namespace parley
