#include <fstream>
#include <random>
#include <sstream>

#include <gmock/gmock.h>

#include "fixture.hpp"

namespace parley::agent_file {
namespace {

using testing::HasSubstr;

struct Case {
  const char* yaml;
  const char* mistakes;
};

class AgentFileMistakes : public AgentFiles {
 protected:
  void expect(std::initializer_list<Case> cases) {
    for (const auto& [yaml, all] : cases) EXPECT_EQ(mistakes(yaml), all) << yaml;
  }
};

TEST_F(AgentFileMistakes, Keys_AreToldWithTheNearestName) {
  expect({
      {"",
       "agent.yaml:1:1: expected a mapping with name, instructions, greeting, vad, stt, llm, tts, turns, limits, "
       "failure, on_call, tools, agents, on_end, privacy, room, found nothing"},
      {"name: x\n", "agent.yaml:1:1: instructions: missing: expected a text that is not empty"},
      {"instructions: x\ninstrutions: y\n", "agent.yaml:2:1: instrutions: unknown key; did you mean \"instructions\"?"},
      {"instructions: x\nwhatsoever: y\n",
       "agent.yaml:2:1: whatsoever: unknown key; known are name, instructions, greeting, vad, stt, llm, tts, turns, "
       "limits, failure, on_call, tools, agents, on_end, privacy, room"},
      {"instructions: x\ntools:\n  - end_call\n  - name: t\n    http: {url: \"https://x.example\", timout: 1s}\n",
       "agent.yaml:5:38: tools[1].http.timout: unknown key; did you mean \"timeout\"?"},
      {"instructions: x\nturns: {endpointing: {mn: 1s}}\n",
       "agent.yaml:2:23: turns.endpointing.mn: unknown key; did you mean \"min\"?"},
      {"instructions: x\ntools: [{trasnfer: {to: \"tel:+1\"}}]\n",
       "agent.yaml:2:9: tools[0].name: missing: expected a name of letters, digits, '_' and '-' (at most 64)\n"
       "agent.yaml:2:9: tools[0].http: missing: expected a mapping with url, timeout, headers, signing_secret\n"
       "agent.yaml:2:10: tools[0].trasnfer: unknown key; did you mean \"transfer\"?"},
      {"instructions: x\ninstructions: y\n",
       "agent.yaml:2:1: \"instructions\" only once in a mapping, it stands in line 1 already"},
      {"- instructions\n",
       "agent.yaml:1:1: expected a mapping with name, instructions, greeting, vad, stt, llm, tts, turns, limits, "
       "failure, on_call, tools, agents, on_end, privacy, room, found a list"},
  });
}

TEST_F(AgentFileMistakes, Values_AreToldWithWhatWasExpected) {
  expect({
      {"instructions: \"\"\n", "agent.yaml:1:15: instructions: expected a text that is not empty, found \"\""},
      {"instructions: 5\n",
       "agent.yaml:1:15: instructions: expected a text that is not empty, found the number 5: put it in quotes"},
      {"instructions: [a]\n", "agent.yaml:1:15: instructions: expected a text that is not empty, found a list"},
      {"instructions: x\nturns: {away_after: 200}\n",
       "agent.yaml:2:21: turns.away_after: expected a duration from 1s to 1h, found 200: give it a unit, as 200s"},
      {"instructions: x\nturns: {away_after: \"200\"}\n",
       "agent.yaml:2:21: turns.away_after: expected a duration from 1s to 1h, found \"200\": give it a unit, as 200s"},
      {"instructions: x\nlimits: {max_duration: 1}\n",
       "agent.yaml:2:24: limits.max_duration: expected a duration from 1s to 1d, or off, found 1: give it a unit, as "
       "1s"},
      {"instructions: x\non_call: {url: \"http://x\", timeout: 250}\n",
       "agent.yaml:2:37: on_call.timeout: expected a duration from 100ms to 8s, found 250: give it a unit, as 250ms"},
      {"instructions: x\nturns: {away_after: 90000}\n",
       "agent.yaml:2:21: turns.away_after: expected a duration from 1s to 1h, found 90000: give it a unit, as 90000ms"},
      {"instructions: x\nturns: {away_after: 0}\n",
       "agent.yaml:2:21: turns.away_after: expected a duration from 1s to 1h, found 0: give it a unit, one of ms, s, "
       "m, "
       "h, d"},
      {"instructions: x\nturns: {away_after: 2y}\n",
       "agent.yaml:2:21: turns.away_after: expected a duration like 200ms, 1.5s, 10m, 1h or 7d, found \"2y\""},
      {"instructions: x\nturns: {away_after: 2h}\n",
       "agent.yaml:2:21: turns.away_after: expected a duration from 1s to 1h, found 2h"},
      {"instructions: x\nturns: {max_tool_steps: 1.5}\n",
       "agent.yaml:2:25: turns.max_tool_steps: expected a whole number from 0 to 20, found the number 1.5"},
      {"instructions: x\nvad: {provider: silero, activation: 1.5}\n",
       "agent.yaml:2:37: vad.activation: expected a number from 0 to 1, found the number 1.5"},
      {"instructions: x\nturns: {interruption: {enabled: perhaps}}\n",
       "agent.yaml:2:33: turns.interruption.enabled: expected on or off, found \"perhaps\""},
      {"instructions: x\ngreeting: {say: a, instructions: b}\n",
       "agent.yaml:2:11: greeting: expected say or instructions, found both"},
      {"instructions: x\ngreeting: {interruptible: true}\n",
       "agent.yaml:2:11: greeting: expected say or instructions, found neither"},
      {"instructions: x\nfailure: {then: hangup}\n",
       "agent.yaml:2:17: failure.then: expected hang_up or {transfer: ...}, found \"hangup\"; did you mean "
       "\"hang_up\"?"},
      {"instructions: x\nfailure: {then: 5}\n",
       "agent.yaml:2:17: failure.then: expected hang_up or {transfer: ...}, found the number 5"},
      {"instructions: x\ngreeting: []\n",
       "agent.yaml:2:11: greeting: expected a text that is not empty, {say: ...} or {instructions: ...}, found a list"},
      {"instructions: x\non_end: [archive]\n",
       "agent.yaml:2:10: on_end[0]: expected {http: {url: ...}} or {command: ...}, found \"archive\""},
      {"instructions: x\nfailure: {then: {transfer: \"+15550100\"}}\n",
       "agent.yaml:2:28: failure.then.transfer: expected an address that begins with tel: or sip: or sips:, found "
       "\"+15550100\""},
      {"instructions: x\non_call: {url: tools.example}\n",
       "agent.yaml:2:16: on_call.url: expected an address that begins with http:// or https://, found "
       "\"tools.example\""},
      {"instructions: x\non_call: {timeout: 9s, if_unreachable: refuze}\n",
       "agent.yaml:2:10: on_call.url: missing: expected an address that begins with http:// or https://\n"
       "agent.yaml:2:20: on_call.timeout: expected a duration from 100ms to 8s, found 9s\n"
       "agent.yaml:2:40: on_call.if_unreachable: expected continue or refuse, found \"refuze\"; did you mean "
       "\"refuse\"?"},
      {"instructions: x\nlimits: {max_duration: 0s, silence: never}\n",
       "agent.yaml:2:24: limits.max_duration: expected a duration from 1s to 1d, or off, found 0s\nagent.yaml:2:37: "
       "limits.silence: expected off or {ask_after: ..., say: ..., hang_up_after: ...}, found \"never\""},
      {"instructions: x\nprivacy: {journal: {keep: 1, max_bytes: 1XB, redact: [digts]}, recording: on}\n",
       "agent.yaml:2:27: privacy.journal.keep: expected a duration from 60s to 3650d, found 1: give it a unit, as 1m\n"
       "agent.yaml:2:41: privacy.journal.max_bytes: expected a size like 500MB or 1GB, found \"1XB\"\n"
       "agent.yaml:2:55: privacy.journal.redact[0]: expected digits or dtmf, found \"digts\"; did you mean "
       "\"digits\"?\n"
       "agent.yaml:2:75: privacy.recording: expected off or {path: ...}, found \"on\""},
      {"instructions: x\nprivacy: {recording: {path: calls.ogg}}\n",
       "agent.yaml:2:29: privacy.recording.path: expected a file for each call: put {{call.id}} into the name, or give "
       "a folder"},
      {"instructions: x\nroom: {link_to: []}\n",
       "agent.yaml:2:17: room.link_to: expected a list of 1 to 6 entries, found 0"},
      {"instructions: x\non_end: [{}, {http: {url: \"http://x\"}, command: [a]}, {command: []}]\n",
       "agent.yaml:2:10: on_end[0].command: missing: expected a list\nagent.yaml:2:40: on_end[1].command: unknown key; "
       "known are http\n"
       "agent.yaml:2:65: on_end[2].command: expected a list of 1 to 64 entries, found 0"},
  });
}

TEST_F(AgentFileMistakes, Providers_AreCheckedToTheLastOption) {
  expect({
      {"instructions: x\nllm: opnai\n",
       "agent.yaml:2:6: llm: unknown llm provider \"opnai\"; did you mean \"openai\"?"},
      {"instructions: x\nllm: {provider: gpt}\n",
       "agent.yaml:2:17: llm.provider: unknown llm provider \"gpt\"; known are openai, scripted"},
      {"instructions: x\nllm: {model: a}\n",
       "agent.yaml:2:6: llm.provider: missing: expected the name of a llm provider: openai, scripted"},
      {"instructions: x\nllm: openai\n", "agent.yaml:2:6: llm.model: missing: expected a text on one line"},
      {"instructions: x\nllm:\n  - scripted\n  - {provider: openai, model: m, temprature: 1}\n",
       "agent.yaml:4:34: llm[1].temprature: unknown key; did you mean \"temperature\"?"},
      {"instructions: x\nllm: {provider: openai, model: m, temperature: 3, base_url: x, api_key: 5, stop: [a, 1]}\n",
       "agent.yaml:2:48: llm.temperature: expected a number from 0 to 2, found the number 3\n"
       "agent.yaml:2:61: llm.base_url: expected an address that begins with http:// or https://, found \"x\"\n"
       "agent.yaml:2:73: llm.api_key: expected a text on one line, found the number 5: put it in quotes\n"
       "agent.yaml:2:82: llm.stop[1]: expected a text on one line, found the number 1: put it in quotes"},
      {"instructions: x\ntts: {provider: flite, voice: slr}\n",
       "agent.yaml:2:31: tts.voice: expected slt, rms, kal16, found \"slr\"; did you mean \"slt\"?"},
      {"instructions: x\nvad: {provider: silero, min_silense: 1s}\n",
       "agent.yaml:2:25: vad.min_silense: unknown key; did you mean \"min_silence\"?"},
      {"instructions: x\nvad: [silero, {provider: silero, activation: 0.5}]\n",
       "agent.yaml:2:34: vad[1].activation: it belongs to the first provider of the chain, and holds for all of them"},
      {"instructions: x\ntts: []\n", "agent.yaml:2:6: tts: expected a fallback chain of 1 to 8 providers, found 0"},
      {"instructions: x\ntts:\n",
       "agent.yaml:2:1: tts: expected the name of a tts provider, or a mapping with it, found nothing"},
      {"instructions: x\nllm: {provider: scripted, dialogue: sub/broken.yaml}\n",
       "sub/broken.yaml:7:3: expected a name"},
      {"instructions: x\nllm: {provider: \"{{call.id}}\"}\n",
       "agent.yaml:2:17: llm.provider: call.id is not known here, before any call: only env.* and secret.* are"},
  });
}

TEST_F(AgentFileMistakes, ToolsAndAgents_MustFitEachOther) {
  expect({
      {"instructions: x\ntools: [end_cal]\n",
       "agent.yaml:2:9: tools[0]: expected end_call, send_dtmf, handoff, {transfer: {to: ...}}, {handoff: {to: ...}} "
       "or "
       "{name: ..., http: ...}, found \"end_cal\"; did you mean \"end_call\"?"},
      {"instructions: x\ntools: [trasnfer]\n",
       "agent.yaml:2:9: tools[0]: expected end_call, send_dtmf, handoff, {transfer: {to: ...}}, {handoff: {to: ...}} "
       "or "
       "{name: ..., http: ...}, found \"trasnfer\"; did you mean \"transfer\"?"},
      {"instructions: x\ntools: [transfer]\n",
       "agent.yaml:2:9: tools[0]: expected transfer: {to: ...}, found \"transfer\" alone"},
      {"instructions: x\ntools: [{transfer: {to: [\"5550100\"]}}]\n",
       "agent.yaml:2:26: tools[0].transfer.to[0]: expected an address that begins with tel: or sip: or sips:, found "
       "\"5550100\""},
      {"instructions: x\ntools: [end_call, end_call]\n",
       "agent.yaml:2:19: tools[1]: expected another name: \"end_call\" is tools[0] already"},
      {"instructions: x\ntools: [{name: end_call, http: {url: \"http://x\"}}, end_call]\n",
       "agent.yaml:2:52: tools[1]: expected another name: \"end_call\" is tools[0] already"},
      {"instructions: x\ntools: [handoff]\n",
       "agent.yaml:2:9: tools[0]: there is nobody to hand over to: describe other agents under agents"},
      {"instructions: x\ntools: [{handoff: {to: [celler]}}]\nagents: {cellar: {instructions: y}}\n",
       "agent.yaml:2:25: tools[0].handoff.to: unknown agent \"celler\"; did you mean \"cellar\"?"},
      {"instructions: x\nagents: {cellar: {greeting: y}, \"a b\": {instructions: y}}\n",
       "agent.yaml:2:18: agents.cellar.instructions: missing: expected a text that is not empty\n"
       "agent.yaml:2:33: agents.a b: expected a name of letters, digits, '_' and '-' (at most 64), found \"a b\""},
      {"instructions: x\ntools: [{name: \"a b\", http: {url: \"http://x\"}}]\n",
       "agent.yaml:2:16: tools[0].name: expected a name of letters, digits, '_' and '-' (at most 64), found \"a b\""},
      {"instructions: x\ntools: [{name: a, parameters: {type: array}, http: {url: \"http://x\"}}]\n",
       "agent.yaml:2:31: tools[0].parameters: the parameters of a tool are a JSON schema with \"type\": \"object\""},
      {"instructions: x\nturns: {endpointing: {min: 4s}}\n",
       "agent.yaml:2:28: turns.endpointing.min: expected min to be at most max, found min 4s and max 3s"},
      {"instructions: x\nlimits: {silence: {ask_after: 2m}}\n",
       "agent.yaml:2:19: limits.silence: expected ask_after to be less than hang_up_after, found 2m and 60s"},
  });
}

TEST_F(AgentFileMistakes, Variables_AreCheckedWhereverTheyStand) {
  expect({
      {"instructions: \"{{cal.id}}\"\n",
       "agent.yaml:1:15: instructions: unknown variable \"cal.id\"; did you mean \"call.id\"?"},
      {"instructions: \"{{evn.KEY}}\"\n",
       "agent.yaml:1:15: instructions: unknown variable \"evn.KEY\"; did you mean \"env.KEY\"?"},
      {"instructions: \"{{participant.atributes.a}}\"\n",
       "agent.yaml:1:15: instructions: unknown variable \"participant.atributes.a\"; did you mean "
       "\"participant.attributes.a\"?"},
      {"instructions: \"{{metadata}}\"\n",
       "agent.yaml:1:15: instructions: unknown variable \"metadata\"; did you mean \"metadata.*\"?"},
      {"instructions: \"{{metadata..a}}\"\n",
       "agent.yaml:1:15: instructions: unknown variable \"metadata..a\"; did you mean \"metadata..a\"?"},
      {"instructions: \"{{call.id | upcase}}\"\n",
       "agent.yaml:1:15: instructions: unknown filter \"upcase\" of call.id; there is only default: {{call.id | "
       "default: '...'}}"},
      {"instructions: \"{{call.id | default: \"x\"}}\"\n",
       "agent.yaml:1:38: expected YAML: end of map not found (inside double quotes it is {{name | default: '...'}}, "
       "with single ones)"},
      {"instructions: \"{{call.id\"\n", "agent.yaml:1:15: instructions: expected }} after {{ and call.id"},
      {"instructions: {{call.id}}\n",
       "agent.yaml:1:15: instructions: expected a text that is not empty, found a mapping\n"
       "agent.yaml:1:16: expected a name as key, found a mapping: {{...}} is to stand in quotes"},
      {"name: \"{{call.id}}\"\ninstructions: x\n",
       "agent.yaml:1:7: name: call.id is not known here, before any call: only env.* and secret.* are"},
      {"instructions: x\nstt: {provider: anything, deep: [{a: \"{{nope}}\"}]}\n",
       "agent.yaml:2:38: stt.deep[0].a: unknown variable \"nope\"; known are call.id, job.id, room.name, "
       "participant.identity, metadata.*, participant.attributes.*, sip.*, env.*, secret.*"},
      {"instructions: x\ntools: [{name: a, parameters: {type: object, description: \"{{env.GONE}}\"}, http: {url: "
       "\"http://x\"}}]\n",
       "agent.yaml:2:59: tools[0].parameters.description: GONE is not in the environment: set it, or write {{env.GONE "
       "| default: '...'}}"},
      {"instructions: x\nturns: {max_tool_steps: \"{{env.STEPS | default: 'many'}}\"}\n",
       "agent.yaml:2:25: turns.max_tool_steps: expected a whole number from 0 to 20, which {{env.STEPS | default: "
       "'many'}} does not give"},
  });
}

TEST_F(AgentFileMistakes, ACallsVariableBeforeThePathOfAnAddress_IsTold) {
  variables = {{"BASE", "https://x.example"}, {"HOST", "x.example"}};
  const auto url = [this](const std::string& text) {
    return mistakes("instructions: x\non_call: {url: \"" + text + "\"}\n");
  };
  const auto told = [](const std::string& variable) {
    return "agent.yaml:2:16: on_call.url: " + variable +
           " stands before the path: a call cannot choose the server, only env.* and secret.* can stand there";
  };
  EXPECT_EQ(url("{{metadata.url}}"), told("metadata.url"));
  EXPECT_EQ(url("{{metadata.scheme | default: 'http'}}://x.example/"), told("metadata.scheme"));
  EXPECT_EQ(url("https://{{metadata.host}}/x"), told("metadata.host"));
  EXPECT_EQ(url("https://x.example{{metadata.rest}}"), told("metadata.rest"));
  EXPECT_EQ(url("https://{{call.id}}@x.example/{{job.id}}"), told("call.id"));
  EXPECT_EQ(url("{{env.BASE}}:{{metadata.port}}/"), told("metadata.port"));
  EXPECT_EQ(url("{{env.BASE}}/{{call.id}}"), "");
  EXPECT_EQ(url("https://{{env.HOST}}:{{env.PORT | default: '1'}}?of={{call.id}}"), "");
  EXPECT_EQ(url("{{env.GONE}}/{{call.id}}"),
            "agent.yaml:2:16: on_call.url: GONE is not in the environment: set it, or write {{env.GONE | default: "
            "'...'}}");
  EXPECT_EQ(mistakes("instructions: x\nllm: {provider: openai, model: m, base_url: \"http://{{room.name}}/\"}\n"),
            "agent.yaml:2:45: llm.base_url: room.name stands before the path: a call cannot choose the server, only "
            "env.* and secret.* can stand there");
}

TEST_F(AgentFileMistakes, HeadersThatParleySets_AreTold) {
  const auto told = [](const std::string& header, int column) {
    return "agent.yaml:2:" + std::to_string(column) + ": tools[0].http.headers." + header +
           ": set by Parley: leave it out";
  };
  for (const std::string header : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Content-Type",
                                   "Idempotency-Key", "parley-signature"}) {
    EXPECT_EQ(
        mistakes("instructions: x\ntools: [{name: t, http: {url: \"http://x\", headers: {" + header + ": a}}}]\n"),
        told(header, 53));
  }
  EXPECT_EQ(mistakes("instructions: x\non_call: {url: \"http://x\", headers: {X-Host: a}}\n"), "");
}

TEST_F(AgentFileMistakes, AllOfThem_AreToldAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      mistakes("nam: x\ninstructions: \"{{x}}\"\nllm: {provider: opnai}\ntools: [nothing]\nturns: {away_after: 5}\n"),
      "agent.yaml:1:1: nam: unknown key; did you mean \"name\"?\n"
      "agent.yaml:2:15: instructions: unknown variable \"x\"; known are call.id, job.id, room.name, "
      "participant.identity, metadata.*, participant.attributes.*, sip.*, env.*, secret.*\n"
      "agent.yaml:3:17: llm.provider: unknown llm provider \"opnai\"; did you mean \"openai\"?\n"
      "agent.yaml:4:9: tools[0]: expected end_call, send_dtmf, handoff, {transfer: {to: ...}}, {handoff: {to: ...}} or "
      "{name: ..., http: ...}, found \"nothing\"\n"
      "agent.yaml:5:21: turns.away_after: expected a duration from 1s to 1h, found 5: give it a unit, as 5s");
}

TEST_F(AgentFileMistakes, AValueOfTheEnvironment_IsNotQuoted) {
  variables["KEY"] = "sk-very-secret";
  EXPECT_THAT(mistakes("instructions: x\nturns: {max_tool_steps: \"{{env.KEY}}\"}\n"),
              testing::Not(HasSubstr("sk-very")));
  EXPECT_THAT(mistakes("instructions: x\nllm: {provider: \"{{env.KEY}}\"}\n"), testing::Not(HasSubstr("sk-very")));
  EXPECT_THAT(mistakes("instructions: x\nllm: {provider: openai, model: m, api_key: \"sk-very-secret\\n\"}\n"),
              testing::Not(HasSubstr("sk-very")));
}

TEST_F(AgentFileMistakes, HugeFilesAndLists_AreRefused) {
  EXPECT_EQ(mistakes("instructions: " + std::string(AgentFile::kMaxBytes, 'x')),
            "agent.yaml:1:1: expected an agent file of at most 256 KiB");
  EXPECT_EQ(mistakes("instructions: " + std::string(Option::kMaxText + 1, 'x')),
            "agent.yaml:1:15: instructions: expected a text of at most 65536 bytes, found 65537");
  std::string tools = "instructions: x\ntools: [end_call";
  for (int i = 0; i < 70; ++i) tools += ", send_dtmf";
  EXPECT_EQ(mistakes(tools + "]\n"), "agent.yaml:2:8: tools: expected a list of 0 to 64 entries, found 71");
}

TEST_F(AgentFileMistakes, EveryCutAndManyChangesOfAFile_AreRefusedOrFilledIn) {
  std::ifstream sample(PARLEY_TEST_DATA "/sample.yaml");
  std::stringstream stream;
  stream << sample.rdbuf();
  std::string whole;
  for (std::string line; std::getline(stream, line);) {  // what stands there, without the comments
    if (!line.starts_with('#')) whole += line.substr(0, line.find(" #")) + "\n";
  }
  variables = {{"TOOLS_TOKEN", "token-of-tools"}, {"TOOLS_SECRET", "secret-of-tools"}};
  ASSERT_EQ(mistakes(whole), "");
  int good = 0;
  const auto attempt = [&](const std::string& text) {
    const auto file = AgentFile::parse(text, "a.yaml", providers, environment());
    if (!file) {
      ASSERT_FALSE(file.error().empty());
      return;
    }
    ++good;
    (void)file->for_call(telephone_call());
    (void)file->for_call({});
  };
  for (std::size_t size = 0; size < whole.size(); size += 3) attempt(whole.substr(0, size));
  std::mt19937 random(7);
  for (int round = 0; round < 1500; ++round) {
    std::string changed = whole;
    changed[random() % changed.size()] = static_cast<char>(random() % 2 ? ' ' + random() % 95 : random());
    attempt(changed);
  }
  EXPECT_GT(good, 100);
}

}  // namespace
}  // namespace parley::agent_file
