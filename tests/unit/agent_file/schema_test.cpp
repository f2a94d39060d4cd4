#include "agent_file/schema.hpp"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include <parley/tools.hpp>

#include "fixture.hpp"
#include "yaml/node.hpp"

namespace parley::agent_file {
namespace {

namespace json = boost::json;

// What the schema says of a file: empty, if it takes it.
class Schema : public AgentFiles {
 protected:
  std::string complaints(const std::string& text) {
    yaml::Mistakes mistakes;
    const auto root = yaml::parse(text, mistakes);
    const auto checked = checker_.check(json::serialize(root.value_or(yaml::Node{}).to_json()));
    return checked ? "" : checked.error().message();
  }

  static ArgumentChecker made(const json::object& schema) {
    const auto checker = ArgumentChecker::create(schema);
    if (!checker) throw std::runtime_error(checker.error().message());
    return *checker;
  }

  ArgumentChecker checker_ = made(schema(providers));
};

TEST_F(Schema, TheSample_IsTaken) {
  std::ifstream file(PARLEY_TEST_DATA "/sample.yaml");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(complaints(text.str()), "");
}

TEST_F(Schema, WhatTheCheckTakes_TheSchemaTakes_AndWhatItRefuses_TheSchemaRefuses) {
  const std::pair<const char*, bool> files[] = {
      {"instructions: x\n", true},
      {"{}\n", false},
      {"instructions: x\nwhat: y\n", false},
      {"instructions: 5\n", false},
      {"instructions: x\ngreeting: Hi\n", true},
      {"instructions: x\ngreeting: {say: a, instructions: b}\n", false},
      {"instructions: x\ngreeting: {instructions: b, interruptible: off}\n", true},
      {"instructions: x\nllm: scripted\n", true},
      {"instructions: x\nllm: nobody\n", false},
      {"instructions: x\nllm: [scripted, {provider: openai, model: m}]\n", true},
      {"instructions: x\nllm: {provider: openai, model: m, temperature: 3}\n", false},
      {"instructions: x\nllm: {provider: openai, modl: m}\n", false},
      {"instructions: x\nvad: {provider: silero, activation: 0.4}\n", true},
      {"instructions: x\nvad: {activation: 0.4}\n", true},
      {"instructions: x\nvad: {provider: silero, activation: 1.4}\n", false},
      {"instructions: x\nstt: {provider: anything, whatever: [1]}\n", true},
      {"instructions: x\nturns: {away_after: 5}\n", false},
      {"instructions: x\nturns: {away_after: 5s}\n", true},
      {"instructions: x\nturns: {max_tool_steps: \"{{metadata.n | default: '1'}}\"}\n", true},
      {"instructions: x\nlimits: {max_duration: off, silence: off}\n", true},
      {"instructions: x\nlimits: {silence: {say: \"\"}}\n", true},
      {"instructions: x\nfailure: {then: {transfer: \"tel:+1\"}}\n", true},
      {"instructions: x\nfailure: {then: call}\n", false},
      {"instructions: x\ntools: [end_call, {transfer: {to: \"tel:+1\"}}]\n", true},
      {"instructions: x\ntools: [transfer]\n", false},
      {"instructions: x\ntools: [{transfer: {to: []}}]\n", false},
      {"instructions: x\ntools: [{name: a}]\n", false},
      {"instructions: x\ntools: [{name: a, http: {url: \"http://x\"}, parameters: {type: array}}]\n", false},
      {"instructions: x\non_end: [{command: [a], give_up_after: 1h}, {http: {url: \"http://x\"}}]\n", true},
      {"instructions: x\non_end: [{}]\n", false},
      {"instructions: x\nprivacy: {journal: {max_bytes: 5, mirror: null, redact: [dtmf]}, recording: {path: calls}}\n",
       true},
      {"instructions: x\nprivacy: {journal: {max_bytes: many}}\n", false},
      {"instructions: x\nprivacy: {recording: {channels: mono}}\n", false},
      {"instructions: x\nroom: {link_to: [sip]}\n", true},
      {"instructions: x\nroom: {link_to: [phone]}\n", false},
      {"instructions: x\nagents: {b: {instructions: y, llm: scripted}}\n", true},
      {"instructions: x\nagents: {b: {llm: scripted}}\n", false},
  };
  for (const auto& [text, good] : files) {
    EXPECT_EQ(mistakes(text).empty(), good) << text << mistakes(text);
    EXPECT_EQ(complaints(text).empty(), good) << text << complaints(text);
  }
}

TEST_F(Schema, ItsDefaults_AreThoseOfTheProgram) {
  const auto made = schema(providers);
  EXPECT_EQ(made.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(made.at("required"), json::array{"instructions"});
  const auto& turns = made.at("properties").at("turns").at("properties");
  EXPECT_EQ(turns.at("endpointing").at("properties").at("min").at("default"), "500ms");
  EXPECT_EQ(made.at("properties").at("limits").at("properties").at("max_duration").at("default"), "1h");
  EXPECT_NE(turns.at("away_after").at("description").as_string().size(), 0U);
}

TEST_F(Schema, ItsText_IsTheSchema) { EXPECT_EQ(json::parse(schema_text(providers)), json::value(schema(providers))); }

}  // namespace
}  // namespace parley::agent_file
