#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "job/journal_redaction.hpp"

namespace parley::job {
namespace {

boost::json::object json(std::string_view text) { return boost::json::parse({text.data(), text.size()}).as_object(); }

const Redaction kAll{};
const Redaction kDigits{.digits = true, .dtmf = false};
const Redaction kDtmf{.digits = false, .dtmf = true};

TEST(Redaction, DigitsOfWhatWasSaid_AreGone) {
  EXPECT_EQ(redact("user_input_transcribed", json(R"({"transcript":"my card is 4111 1111","is_final":true})"), kAll),
            json(R"({"transcript":"my card is **** ****","is_final":true})"));
}

TEST(Redaction, IdentifiersTimesAndMeasurements_Stay) {
  const auto data =
      json(R"({"item":{"id":"item_7f3","type":"message","role":"user","created_at":"2026-11-21T12:00:00.000Z"},
                             "segment_id":"SG_12","delay_ms":132.5,"new_state":"listening2"})");
  EXPECT_EQ(redact("conversation_item_added", data, kAll), data);
}

TEST(Redaction, IdentifiersAndTimesOfATranscriptsItems_Stay_AndItsTextsAreContent) {
  EXPECT_EQ(redact("call.summary", json(R"({"transcript":[{"id":"item_7f3","role":"user","text":"for 4","created_at":"2026-11-21T12:00:00.000Z"}]})"), kAll),
            json(R"({"transcript":[{"id":"item_7f3","role":"user","text":"for *","created_at":"2026-11-21T12:00:00.000Z"}]})"));
}

TEST(Redaction, NumbersPassedToTools_AreGone_HoweverDeep) {
  EXPECT_EQ(
      redact(
          "conversation_item_added",
          json(
              R"({"item":{"type":"function_call","call_id":"FC_12","name":"pay2","arguments":{"pin":1234,"id":"99","list":[5,"6"]}}})"),
          kAll),
      json(
          R"({"item":{"type":"function_call","call_id":"FC_12","name":"pay2","arguments":{"pin":"*","id":"**","list":["*","*"]}}})"));
  EXPECT_EQ(redact("conversation_item_added", json(R"({"item":{"arguments":"{\"people\":4}"}})"), kAll),
            json(R"({"item":{"arguments":"{\"people\":*}"}})"));
}

TEST(Redaction, TextUnderAnUnknownName_LosesItsDigitsToo) {
  EXPECT_EQ(redact("something_new", json(R"({"remark":"call 5550100"})"), kAll), json(R"({"remark":"call *******"})"));
}

TEST(Redaction, PressedKeys_AreGone_InWhateverShapeTheyCome) {
  EXPECT_EQ(redact("dtmf_received", json(R"({"digit":"5","code":5})"), kDtmf),
            json(R"({"digit":"redacted","code":"redacted"})"));
  EXPECT_EQ(redact("event", json(R"({"type":"sip_dtmf_received","digits":"123#"})"), kDtmf),
            json(R"({"type":"sip_dtmf_received","digits":"redacted"})"));
  EXPECT_EQ(redact("event", json(R"({"dtmf":"12"})"), kDtmf), json(R"({"dtmf":"redacted"})"));
  EXPECT_EQ(redact("event", json(R"({"dtmf":["1","2"]})"), kDtmf), json(R"({"dtmf":["redacted","redacted"]})"));
  EXPECT_EQ(redact("event", json(R"({"code":404})"), kDtmf), json(R"({"code":404})"));
}

TEST(Redaction, WhatIsNotAskedFor_Stays) {
  const auto data = json(R"({"transcript":"4111","dtmf":"#5"})");
  EXPECT_EQ(redact("x", data, {.digits = false, .dtmf = false}), data);
  EXPECT_EQ(redact("x", data, kDtmf), json(R"({"transcript":"4111","dtmf":"redacted"})"));
  EXPECT_EQ(redact("x", data, kDigits), json(R"({"transcript":"****","dtmf":"#*"})"));
}

TEST(Redaction, NamesOfTheAgentFile) {
  const std::vector<std::string> both{"digits", "dtmf"}, none, wrong{"digits", "names"};
  EXPECT_TRUE(Redaction::from_names(both)->digits);
  EXPECT_TRUE(Redaction::from_names(both)->dtmf);
  EXPECT_FALSE(Redaction::from_names(none)->digits);
  const auto refused = Redaction::from_names(wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "privacy.journal.redact: \"names\" is unknown: use digits, dtmf");
}

TEST(Redaction, PathOfARecording_StaysWhatItIs) {
  const auto data = redact("recording_started", {{"path", "/rec/CA_1a2b.ogg"}, {"channels", "stereo"}}, {});
  EXPECT_EQ(data.at("path"), "/rec/CA_1a2b.ogg");
}

}  // namespace
}  // namespace parley::job
