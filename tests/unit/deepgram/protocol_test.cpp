#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/listen_protocol.hpp"
#include "providers/deepgram/speak_protocol.hpp"

namespace parley::deepgram {
namespace {

TEST(DeepgramListen, Target_SaysEverythingThatWasChosen) {
  ListenOptions options;
  options.endpointing = 0ms;
  options.keyterms = {"Trattoria Roma", "50%"};
  const auto target = listen_target(options, "de-CH");
  for (const auto* part : {"/listen?encoding=linear16&", "&sample_rate=16000", "&model=nova-3", "&language=de-CH", "&interim_results=true",
                           "&endpointing=false", "&keyterm=Trattoria%20Roma", "&keyterm=50%25", "&filler_words=true"}) {
    EXPECT_NE(target.find(part), std::string::npos) << part << " is not in " << target;
  }
  options.language = "multi";
  EXPECT_NE(listen_target(options, "de").find("&language=multi"), std::string::npos);
}

TEST(DeepgramListen, Results_AreReadWithTheirLanguageAndConfidence) {
  const auto heard = read_heard(R"({"type":"Results","is_final":true,"speech_final":false,"from_finalize":true,
    "channel":{"alternatives":[{"transcript":"hola","confidence":0.5,"languages":["es"],"words":[]}]}})");
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->type, Heard::Type::results);
  EXPECT_EQ(heard->text, "hola");
  EXPECT_EQ(heard->language, "es");
  EXPECT_EQ(heard->confidence, 0.5);
  EXPECT_TRUE(heard->is_final && heard->from_finalize);
  EXPECT_FALSE(heard->speech_final);
}

TEST(DeepgramListen, WhatIsNotKnown_IsOverlooked_AndWhatIsMalformedIsAnError) {
  EXPECT_EQ(read_heard(R"({"type":"Surprise"})")->type, Heard::Type::other);
  EXPECT_EQ(read_heard(R"({"type":7})")->type, Heard::Type::other);
  for (const auto* bad : {"", "{", "7", "[]", R"({"type":"Results"})", R"({"type":"Results","channel":{"alternatives":[]}})",
                          R"({"type":"Results","channel":{"alternatives":[7]}})"}) {
    EXPECT_FALSE(read_heard(bad)) << bad;
  }
  const auto odd = read_heard(R"({"type":"Results","is_final":"yes","channel":{"alternatives":[{"transcript":7,"confidence":1e300,"languages":[7]}]}})");
  ASSERT_TRUE(odd);
  EXPECT_FALSE(odd->is_final);
  EXPECT_EQ(odd->text, "");
  EXPECT_EQ(odd->confidence, 1.0);
}

TEST(DeepgramSpeak, LongTexts_AreCutBetweenWords_AndNeverInsideACharacter) {
  std::string text;
  while (text.size() < 3500) text += "word ";
  std::string whole;
  for (const auto& message : speak_messages(text)) {
    const auto part = std::string(boost::json::parse(message).at("text").as_string());
    EXPECT_LE(part.size(), kMaxSpeakBytes);
    EXPECT_TRUE(part.ends_with(' '));
    whole += part;
  }
  EXPECT_EQ(whole, text);

  std::string umlauts;
  for (int i = 0; i < 1500; ++i) umlauts += "\xC3\xBC";
  whole.clear();
  for (const auto& message : speak_messages("x" + umlauts)) whole += std::string(boost::json::parse(message).at("text").as_string());
  EXPECT_EQ(whole, "x" + umlauts);
  EXPECT_TRUE(speak_messages(" \n").empty());
}

TEST(DeepgramSpeak, Messages_AreRead) {
  EXPECT_EQ(read_said(R"({"type":"Flushed","sequence_id":0})")->type, Said::Type::flushed);
  EXPECT_EQ(read_said(R"({"type":"Cleared","sequence_id":0})")->type, Said::Type::cleared);
  const auto error = read_said(R"({"type":"Error","err_code":"DATA-0001","err_msg":"no"})");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "DATA-0001");
  EXPECT_EQ(error->text, "no");
  EXPECT_FALSE(read_said("no"));
}

TEST(DeepgramConnect, RefusalsSpeak_WhateverTheirShape) {
  net::ClientResponse answer;
  answer.body = R"({"err_code":"X","err_msg":"bad key"})";
  EXPECT_EQ(refusal_text(answer), "bad key");
  answer.body = R"({"category":"X","message":"too many"})";
  EXPECT_EQ(refusal_text(answer), "too many");
  answer.body = "<html>";
  EXPECT_EQ(refusal_text(answer), "<html>");
  answer.head.fields.add("dg-error", "insufficient credits");
  EXPECT_EQ(refusal_text(answer), "insufficient credits");
}

TEST(DeepgramConnect, BaseUrls_OfEveryKind) {
  for (const auto* base : {"https://h/v1", "wss://h/v1", "https://h/v1/", "wss://h", "https://h/"}) EXPECT_EQ(socket_request(base, "/speak", "").url, "wss://h/v1/speak");
  EXPECT_EQ(socket_request("http://h:1", "/speak", "").url, "ws://h:1/v1/speak");
  EXPECT_EQ(socket_request("ws://h:1/gateway/deepgram", "/speak", "").url, "ws://h:1/gateway/deepgram/speak");
  EXPECT_FALSE(socket_request("http://h:1", "/speak", "").fields.has("Authorization"));
}

}  // namespace
}  // namespace parley::deepgram
