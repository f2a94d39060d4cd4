#include <gmock/gmock.h>

#include "fixture.hpp"

namespace parley::agent_file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace json = boost::json;

constexpr const char* kFile =
    "instructions: \"You are {{metadata.who | default: 'Ada'}}.\"\ngreeting: {say: Hello., interruptible: false}\nllm: "
    "{provider: openai, model: big, temperature: 1}\n"
    "tools: [end_call]\nlimits: {silence: {ask_after: 5s}}\n";

class Overrides : public AgentFiles {
 protected:
  Result<CallSettings> with(const char* overrides) {
    return file(kFile).for_call(telephone_call(), json::parse(overrides).as_object());
  }
  std::string error(const char* overrides) {
    const auto result = with(overrides);
    return result ? "" : result.error().message();
  }
};

TEST_F(Overrides, NothingOverridden_IsTheFile) {
  const auto call = with("{}");
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_EQ(call->agent.instructions, "You are Ada.");
}

TEST_F(Overrides, KeysInside_ArePatched_AndTheRestStays) {
  const auto call = with(
      R"({"greeting": {"say": "Ciao!"}, "llm": {"model": "small"}, "limits": {"silence": {"hang_up_after": "30s"}, "max_duration": "2m"}})");
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_EQ(call->agent.greeting->say, "Ciao!");
  EXPECT_FALSE(call->agent.greeting->interruptible);
  EXPECT_THAT(call->session.providers.llm,
              ElementsAre(ProviderSpec("openai", {{"model", "small"}, {"temperature", 1}})));
  EXPECT_EQ(call->session.limits.silence->ask_after, 5s);
  EXPECT_EQ(call->session.limits.silence->hang_up_after, 30s);
  EXPECT_EQ(call->session.limits.max_duration, 2min);
}

TEST_F(Overrides, NullRemoves_AndListsAreReplaced) {
  const auto call = with(R"({"greeting": null, "tools": [{"transfer": {"to": ["tel:+1"]}}], "llm": "scripted"})");
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_FALSE(call->agent.greeting);
  EXPECT_THAT(std::get<TransferSettings>(call->agent.tools[0]).to, ElementsAre("tel:+1"));
  EXPECT_THAT(call->session.providers.llm, ElementsAre(ProviderSpec("scripted")));
}

TEST_F(Overrides, AProviderThatTheFileOnlyNames_OrDoesNot_CanBeAddedTo) {
  const auto file = this->file("instructions: x\nstt: anything\n");
  const auto call = file.for_call(
      telephone_call(),
      json::parse(R"({"stt": {"depth": 2}, "vad": {"activation": 0.9}, "tts": {"voice": "rms"}, "llm": null})")
          .as_object());
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_THAT(call->session.providers.stt, ElementsAre(ProviderSpec("anything", {{"depth", 2}})));
  EXPECT_THAT(call->session.providers.vad, ElementsAre(ProviderSpec("silero")));
  EXPECT_EQ(call->session.vad.activation, 0.9);
  EXPECT_THAT(call->session.providers.tts, ElementsAre(ProviderSpec("flite", {{"voice", "rms"}})));
  EXPECT_THAT(call->session.providers.llm, ElementsAre(ProviderSpec("scripted")));
}

TEST_F(Overrides, Variables_AreNotFilledIn) {
  const auto call = with(R"({"instructions": "{{call.id}} {{broken"})");
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_EQ(call->agent.instructions, "{{call.id}} {{broken");
}

TEST_F(Overrides, AVariableThatTheCallHasNot_IsNoMatterWhereItIsOverridden) {
  const auto file = this->file("instructions: \"{{metadata.none}}\"\n");
  EXPECT_FALSE(file.for_call(telephone_call()));
  EXPECT_TRUE(file.for_call(telephone_call(), {{"instructions", "x"}}));
}

TEST_F(Overrides, EveryMistake_IsInOneErrorByItsKey) {
  EXPECT_EQ(
      error(R"({"greting": "x", "llm": {"modl": "y"}, "limits": {"max_duration": 60}, "tools": [{"name": "t"}]})"),
      "llm.modl: unknown key; did you mean \"model\"?; tools[0].http: missing: expected a mapping with url, timeout, "
      "headers, signing_secret; "
      "limits.max_duration: expected a duration from 1s to 1d, or off, found 60: give it a unit, as 60s; greting: "
      "unknown key; did you mean \"greeting\"?");
  EXPECT_EQ(error(R"({"instructions": null})"),
            "/etc/agent.yaml:1:1: instructions: missing: expected a text that is not empty");
  EXPECT_EQ(error(R"({"instructions": 5})"),
            "instructions: expected a text that is not empty, found the number 5: put it in quotes");
  EXPECT_EQ(error(R"({"turns": []})"),
            "turns: expected a mapping with endpointing, interruption, away_after, max_tool_steps, found a list");
}

TEST_F(Overrides, WhatIsSettledForTheWorker_IsRefused) {
  EXPECT_EQ(
      error(
          R"({"name": "x", "on_call": {"timeout": "1s"}, "on_end": [], "privacy": {"journal": {"keep": "1d"}, "transcripts": false, "recording": "off"}})"),
      "name: settled when the worker started; it cannot be changed for one call; on_call: settled when the worker "
      "started; it cannot be changed for one call; "
      "on_end: settled when the worker started; it cannot be changed for one call; privacy.journal: settled when the "
      "worker started; it cannot be changed for one call; "
      "privacy.transcripts: settled when the worker started; it cannot be changed for one call");
  EXPECT_EQ(error(R"({"privacy": null})"),
            "privacy: settled when the worker started; it cannot be changed for one call");
}

TEST_F(Overrides, OfRecording_AreAllowed) {
  const auto call = with(R"({"privacy": {"recording": {"path": "/srv/one.ogg"}}})");
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_EQ(call->session.recording->path, "/srv/one.ogg");
}

TEST_F(Overrides, ASecretKey_IsNotQuotedInErrors) {
  EXPECT_THAT(error(R"({"llm": {"api_key": "top secret\nkey"}})"), testing::Not(HasSubstr("top secret")));
  EXPECT_NE(error(R"({"llm": {"api_key": "top secret\nkey"}})"), "");
}

}  // namespace
}  // namespace parley::agent_file
