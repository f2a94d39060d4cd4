#include "agent_file/agent_file.hpp"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "fixture.hpp"

namespace parley::agent_file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
namespace json = boost::json;

std::string sample() {
  std::ifstream file(PARLEY_TEST_DATA "/sample.yaml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class Sample : public AgentFiles {
 protected:
  Sample() { variables = {{"TOOLS_TOKEN", "token-of-tools"}, {"TOOLS_SECRET", "secret-of-tools"}}; }
};

TEST_F(Sample, TheWorkersPart_IsWhatTheFileSays) {
  const auto file = this->file(sample());
  const WorkerSettings& worker = file.worker();
  EXPECT_EQ(worker.name, "reception");
  ASSERT_TRUE(worker.on_call);
  EXPECT_EQ(worker.on_call->http.url, "https://tools.example/on_call");
  EXPECT_EQ(worker.on_call->http.timeout, 2s);
  EXPECT_FALSE(worker.on_call->refuse_if_unreachable);
  ASSERT_EQ(worker.on_end.size(), 2U);
  const auto& http = std::get<HttpHookSettings>(worker.on_end[0]);
  EXPECT_EQ(http.http.url, "https://tools.example/on_end");
  EXPECT_EQ(http.http.signing_secret, "secret-of-tools");
  EXPECT_EQ(http.give_up_after, 24h);
  EXPECT_THAT(std::get<CommandHookSettings>(worker.on_end[1]).command, ElementsAre("/usr/local/bin/archive-call"));
  EXPECT_EQ(worker.privacy.journal.keep, 7 * 24h);
  EXPECT_EQ(worker.privacy.journal.max_bytes, 1'000'000'000U);
  EXPECT_TRUE(worker.privacy.journal.redact_digits);
  EXPECT_TRUE(worker.privacy.journal.redact_dtmf);
  EXPECT_EQ(worker.privacy.journal.mirror, "");
  EXPECT_TRUE(worker.privacy.transcripts);
  EXPECT_THAT(worker.providers.vad, ElementsAre(ProviderSpec("silero")));
  EXPECT_THAT(worker.providers.stt, ElementsAre(ProviderSpec("moonshine")));
  EXPECT_THAT(worker.providers.llm,
              ElementsAre(ProviderSpec("scripted", {{"dialogue", "/etc/reception.dialogue.yaml"}})));
  EXPECT_THAT(worker.providers.tts, ElementsAre(ProviderSpec("flite", {{"voice", "slt"}})));
}

TEST_F(Sample, TheAgentAndItsTools_AreWhatTheFileSays) {
  const auto call = settings(file(sample()), telephone_call());
  const AgentSettings& agent = call.agent;
  EXPECT_EQ(agent.name, "reception");
  EXPECT_EQ(agent.instructions, "You answer the telephone of Da Mario. Be brief and warm.\n");
  EXPECT_THAT(agent.greeting->say, testing::StartsWith("Good evening, Trattoria Roma."));
  EXPECT_FALSE(agent.greeting->interruptible);
  EXPECT_THAT(agent.providers.llm, IsEmpty());
  ASSERT_EQ(agent.tools.size(), 3U);
  const auto& book = std::get<HttpToolSettings>(agent.tools[0]);
  EXPECT_EQ(book.definition.name, "book_table");
  EXPECT_EQ(book.definition.description, "Books a table.");
  EXPECT_EQ(book.definition.parameters.at("properties").at("people").at("minimum"), 1);
  EXPECT_EQ(book.http.url, "https://tools.example/book_table");
  EXPECT_EQ(book.http.timeout, 10s);
  EXPECT_THAT(book.http.headers, ElementsAre(testing::Pair("Authorization", "Bearer token-of-tools")));
  EXPECT_EQ(book.http.signing_secret, "secret-of-tools");
  EXPECT_EQ(book.say_while_waiting, "One moment, please.");
  EXPECT_TRUE(book.survives_interruption);
  EXPECT_TRUE(std::holds_alternative<EndCallSettings>(agent.tools[1]));
  EXPECT_THAT(std::get<TransferSettings>(agent.tools[2]).to, ElementsAre("tel:+15550100"));
}

TEST_F(Sample, TheSession_IsWhatTheFileSays) {
  const auto call = settings(file(sample()), telephone_call());
  const SessionOptions& session = call.session;
  EXPECT_THAT(session.providers.llm,
              ElementsAre(ProviderSpec("scripted", {{"dialogue", "/etc/reception.dialogue.yaml"}})));
  EXPECT_EQ(session.vad.activation, 0.5);
  EXPECT_NEAR(session.vad.deactivation, 0.35, 1e-9);
  EXPECT_EQ(session.vad.min_speech, 50ms);
  EXPECT_EQ(session.vad.min_silence, 550ms);
  EXPECT_EQ(session.turns.endpointing.min, 500ms);
  EXPECT_EQ(session.turns.endpointing.max, 3s);
  EXPECT_TRUE(session.turns.interruption.enabled);
  EXPECT_EQ(session.turns.interruption.min_words, 0);
  EXPECT_EQ(session.turns.interruption.resume_false_after, 2s);
  EXPECT_EQ(session.turns.away_after, 15s);
  EXPECT_EQ(session.turns.max_tool_steps, 3);
  EXPECT_EQ(session.limits.max_duration, 1h);
  EXPECT_EQ(session.limits.silence->say, "Are you still there?");
  EXPECT_EQ(session.limits.silence->hang_up_after, 60s);
  EXPECT_EQ(session.failure.then_transfer_to, "");
  EXPECT_FALSE(session.recording);
  EXPECT_TRUE(session.room.close_on_disconnect);
  EXPECT_FALSE(session.room.delete_on_close);
  EXPECT_THAT(session.room.link_to, ElementsAre("standard", "sip", "connector"));
}

TEST_F(Sample, ItsSecrets_AreKnown_AndItsFiles) {
  const auto file = this->file(sample());
  EXPECT_THAT(file.secrets(), UnorderedElementsAre("token-of-tools", "secret-of-tools"));
  EXPECT_THAT(file.files(), ElementsAre("/etc/agent.yaml", "/etc/reception.dialogue.yaml"));
}

TEST_F(Sample, WithoutItsEnvironment_EveryMissingVariableIsNamedAtItsPlace) {
  variables.clear();
  const auto all = mistakes(sample());
  EXPECT_THAT(all, HasSubstr("agent.yaml:35:90: tools[0].http.headers.Authorization: TOOLS_TOKEN is not in the "
                             "environment: set it, or write {{env.TOOLS_TOKEN | default: '...'}}"));
  EXPECT_EQ(std::ranges::count(all, '\n'), 2) << all;
}

TEST_F(AgentFiles, TheSmallestFile_HasTheProgramsDefaults) {
  const auto file = this->file("instructions: Be kind.\n");
  const auto call = settings(file, {.id = "CA_1"});
  EXPECT_EQ(call.agent.instructions, "Be kind.");
  EXPECT_FALSE(call.agent.greeting);
  EXPECT_THAT(call.agent.tools, IsEmpty());
  const SessionOptions defaults;
  EXPECT_EQ(call.session.limits.max_duration, defaults.limits.max_duration);
  EXPECT_EQ(call.session.limits.silence->say, defaults.limits.silence->say);
  EXPECT_EQ(call.session.failure.say, defaults.failure.say);
  EXPECT_EQ(call.session.vad.activation, defaults.vad.activation);
  EXPECT_NEAR(call.session.vad.deactivation, defaults.vad.deactivation, 1e-9);
  EXPECT_THAT(call.session.providers.vad, ElementsAre(ProviderSpec("silero")));
  EXPECT_THAT(call.session.providers.stt, ElementsAre(ProviderSpec("moonshine")));
  EXPECT_THAT(call.session.providers.llm, ElementsAre(ProviderSpec("scripted")));
  EXPECT_THAT(call.session.providers.tts, ElementsAre(ProviderSpec("flite")));
  EXPECT_EQ(file.worker().name, "agent");
  EXPECT_FALSE(file.worker().on_call);
  EXPECT_EQ(file.worker().privacy.journal.max_bytes, JournalOptions{}.max_bytes);
}

TEST_F(AgentFiles, WhatCanBeOff_IsOff) {
  const auto file = this->file(
      "instructions: x\nlimits: {max_duration: off, silence: off}\nprivacy: {transcripts: off, recording: off, "
      "journal: {redact: [], mirror: off}}\n"
      "turns: {interruption: {enabled: off, resume_false_after: off}}\n");
  const auto call = settings(file, telephone_call());
  EXPECT_FALSE(call.session.limits.max_duration);
  EXPECT_FALSE(call.session.limits.silence);
  EXPECT_FALSE(call.session.recording);
  EXPECT_FALSE(call.session.turns.interruption.enabled);
  EXPECT_FALSE(call.session.turns.interruption.resume_false_after);
  EXPECT_FALSE(file.worker().privacy.transcripts);
  EXPECT_FALSE(file.worker().privacy.journal.redact_digits);
}

TEST_F(AgentFiles, OtherAgents_HaveToolsAndProvidersOfTheirOwn) {
  const auto call = settings(
      file(
          "instructions: x\ntools: [handoff]\nllm: {provider: openai, model: big}\nagents:\n"
          "  cellar: {instructions: Wine., greeting: Salute!, llm: {provider: openai, model: small}, tools: "
          "[end_call]}\n"
          "  kitchen: {instructions: Food., greeting: {instructions: Say hello.}, tools: [{handoff: {to: cellar}}]}\n"),
      telephone_call());
  EXPECT_THAT(std::get<HandoffSettings>(call.agent.tools[0]).to, ElementsAre("cellar", "kitchen"));
  const auto& cellar = call.agents.at("cellar");
  EXPECT_EQ(cellar.name, "cellar");
  EXPECT_EQ(cellar.greeting->say, "Salute!");
  EXPECT_THAT(cellar.providers.llm, ElementsAre(ProviderSpec("openai", {{"model", "small"}})));
  const auto& kitchen = call.agents.at("kitchen");
  EXPECT_EQ(kitchen.greeting->instructions, "Say hello.");
  EXPECT_THAT(kitchen.providers.llm, IsEmpty());
  EXPECT_THAT(std::get<HandoffSettings>(kitchen.tools[0]).to, ElementsAre("cellar"));
}

TEST_F(AgentFiles, EveryProviderOfAnyAgent_IsTheWorkers) {
  const auto file = this->file(
      "instructions: x\nvad: {provider: silero, activation: \"{{metadata.a}}\"}\nllm: [{provider: openai, model: big, "
      "api_key: \"{{metadata.k}}\"}, scripted]\nagents:\n  b: {instructions: y, llm: "
      "{provider: openai, model: small}, tts: flite}\n"
      "  c: {instructions: y, llm: {provider: openai, model: big}, tts: {provider: flite, voice: "
      "\"{{metadata.voice}}\"}}\n"
      "  d: {instructions: y, tts: {provider: flite, voice: \"{{metadata.voice | default: 'rms'}}\"}}\n");
  EXPECT_THAT(file.worker().providers.vad, ElementsAre(ProviderSpec("silero")));
  EXPECT_THAT(file.worker().providers.llm,
              ElementsAre(ProviderSpec("openai", {{"model", "big"}}), ProviderSpec("scripted"),
                          ProviderSpec("openai", {{"model", "small"}})));
  EXPECT_THAT(file.worker().providers.tts,
              ElementsAre(ProviderSpec("flite"), ProviderSpec("flite", {{"voice", "rms"}})));
}

TEST_F(AgentFiles, SettingsOfTheSession_StandBesideTheProvider) {
  const auto call = settings(file("instructions: x\nvad: {provider: silero, activation: 0.8}\nstt: [{provider: "
                                  "anything, language: de-CH, api_key: k, deep: [1, {a: b}]}, moonshine]\n"),
                             telephone_call());
  EXPECT_EQ(call.session.vad.activation, 0.8);
  EXPECT_NEAR(call.session.vad.deactivation, 0.65, 1e-9);
  EXPECT_EQ(call.session.stt.language, "de-CH");
  EXPECT_THAT(call.session.providers.stt,
              ElementsAre(ProviderSpec("anything", {{"api_key", "k"}, {"deep", {1, {{"a", "b"}}}}}),
                          ProviderSpec("moonshine")));
  EXPECT_THAT(call.session.providers.vad, ElementsAre(ProviderSpec("silero")));
}

TEST_F(AgentFiles, SettingsOfTheSessionWithoutAProvider_AreOfTheLocalOne) {
  const auto call = settings(file("instructions: x\nvad: {min_silence: 1s}\n"), telephone_call());
  EXPECT_EQ(call.session.vad.min_silence, 1s);
  EXPECT_THAT(call.session.providers.vad, ElementsAre(ProviderSpec("silero")));
}

TEST_F(AgentFiles, ACallsVariables_AreFilledInEverywhere) {
  const auto call = settings(
      file("instructions: \"{{call.id}} {{job.id}} {{room.name}} {{metadata.restaurant}} {{metadata.order.id}} "
           "{{metadata.order.open}} "
           "{{participant.identity}} {{participant.attributes.lang}} {{participant.attributes.sip.phoneNumber}} "
           "{{sip.phoneNumber}} {{metadata.order}} {{metadata.price}}\"\n"),
      telephone_call());
  EXPECT_EQ(call.agent.instructions,
            "CA_1 AJ_1 room 9 Da Mario 7 true caller it +15550100 +15550100 {\"id\":7,\"open\":true} 9.5");
}

TEST_F(AgentFiles, ACallWithoutItsVariables_IsRefusedNamingThemAll) {
  const auto result = file(
                          "instructions: \"{{metadata.nothing}} {{metadata.empty}} {{sip.trunkPhoneNumber}} "
                          "{{metadata.nothing}} {{metadata.empty | default: 'x'}}\"\n")
                          .for_call(telephone_call());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(),
            "this call has no metadata.nothing, no metadata.empty, no sip.trunkPhoneNumber: the agent file needs them, "
            "or a default for each");
}

TEST_F(AgentFiles, AValue_IsNeverExpandedAgain) {
  variables["X"] = "{{call.id}}";
  auto call = telephone_call();
  call.metadata["restaurant"] = "{{env.X}} {{call.id}}";
  EXPECT_EQ(settings(file("instructions: \"{{env.X}} and {{metadata.restaurant}}\"\n"), call).agent.instructions,
            "{{call.id}} and {{env.X}} {{call.id}}");
}

TEST_F(AgentFiles, AVariableThatIsAWholeValue_IsReadAsIfItStoodThere) {
  variables = {{"STEPS", "7"}, {"SECONDS", "9s"}};
  const auto file = this->file(
      "instructions: x\nturns: {max_tool_steps: \"{{env.STEPS}}\", away_after: \"{{env.SECONDS}}\", interruption: "
      "{enabled: \"{{metadata.talk | default: 'off'}}\"}}\n");
  EXPECT_EQ(settings(file, telephone_call()).session.turns.max_tool_steps, 7);
  EXPECT_EQ(settings(file, telephone_call()).session.turns.away_after, 9s);
  EXPECT_FALSE(settings(file, telephone_call()).session.turns.interruption.enabled);
  auto call = telephone_call();
  call.metadata["talk"] = "perhaps";
  const auto wrong = file.for_call(call);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(),
            "/etc/agent.yaml:2:97: turns.interruption.enabled: expected on or off, which {{metadata.talk | "
            "default: 'off'}} does not give");
}

TEST_F(AgentFiles, Secrets_ComeFromFilesToo_AndAreCollected) {
  write_secret("openai", "sk-from-a-file\n");
  variables = {{"KEY", "sk-from-env"}, {"NAME", "Ada Lovelace"}, {"HOST", "internal"}};
  const auto file = this->file(
      "instructions: \"{{env.NAME}} {{secret.openai}}\"\nllm: [{provider: openai, model: m, api_key: "
      "\"{{secret.openai}}\"}, {provider: openai, model: m, api_key: \"{{env.KEY}}\"},"
      " {provider: openai, model: m, api_key: sk-written-down, base_url: \"https://{{env.HOST}}.example\"}]\n");
  EXPECT_EQ(settings(file, telephone_call()).session.providers.llm[0].options.at("api_key"), "sk-from-a-file");
  EXPECT_THAT(file.secrets(), UnorderedElementsAre("sk-from-a-file", "sk-from-env", "sk-written-down", "internal"));
}

TEST_F(AgentFiles, AMissingSecret_SaysWhereItWasLookedFor) {
  EXPECT_EQ(mistakes("instructions: \"{{secret.none}}\"\n"),
            "agent.yaml:1:15: instructions: secret.none cannot be read: " + folder_.string() +
                "/none: No such file or directory");
}

TEST_F(AgentFiles, ARecording_IsAFileOfItsOwnForEachCall) {
  const auto path = [&](const std::string& text) {
    return settings(
               file("instructions: x\nprivacy: {recording: {path: \"" + text + "\", channels: mono, consent: none}}\n"),
               telephone_call())
        .session.recording;
  };
  EXPECT_EQ(path("/srv/{{call.id}}.ogg")->path, "/srv/CA_1.ogg");
  EXPECT_EQ(path("records")->path, "/etc/records/CA_1.AJ_1.ogg");
  EXPECT_EQ(path("/srv/{{room.name}}/")->path, "/srv/room%209/CA_1.AJ_1.ogg");
  EXPECT_EQ(path("records")->channels, RecordingChannels::mono);
  EXPECT_EQ(path("records")->consent, RecordingConsent::none);
}

TEST_F(AgentFiles, ProgramsBesideTheFile_AreFoundThere) {
  const auto file = this->file(
      "instructions: x\non_end:\n  - {command: [./archive, x], give_up_after: 1h}\n  - command: [archive]\n");
  const auto& first = std::get<CommandHookSettings>(file.worker().on_end[0]);
  EXPECT_THAT(first.command, ElementsAre("/etc/archive", "x"));
  EXPECT_EQ(first.give_up_after, 1h);
  EXPECT_THAT(std::get<CommandHookSettings>(file.worker().on_end[1]).command, ElementsAre("archive"));
}

TEST_F(AgentFiles, AddressesBeforeAndAfterACall_AreFilledInForIt) {
  variables["TOKEN"] = "t{{k}}n";
  const auto file = this->file(
      "instructions: x\non_call: {url: \"https://x.example/{{metadata.restaurant}}\", headers: {A: \"{{env.TOKEN}} "
      "{{metadata.restaurant}}\"}, if_unreachable: refuse}\n"
      "on_end: [{http: {url: \"https://x.example/{{call.id}}?to={{sip.phoneNumber | default: 'none'}}\"}}]\n");
  EXPECT_TRUE(file.worker().on_call->refuse_if_unreachable);
  const auto before = fill_in(file.worker().on_call->http, telephone_call());
  ASSERT_TRUE(before) << before.error().message();
  EXPECT_EQ(before->url, "https://x.example/Da%20Mario");
  EXPECT_EQ(before->timeout, 2s);
  EXPECT_THAT(before->headers, ElementsAre(testing::Pair("A", "t{{k}}n Da Mario")));
  const auto after = fill_in(std::get<HttpHookSettings>(file.worker().on_end[0]).http, to_json(telephone_call()));
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ(after->url, "https://x.example/CA_1?to=%2B15550100");
  EXPECT_EQ(fill_in(file.worker().on_call->http, Call{.id = "CA_2"}).error().message(),
            "this call has no metadata.restaurant: the agent file needs it, or a default for it");
}

TEST_F(AgentFiles, WhatACallBringsIntoAHeader_CannotBreakItsLine) {
  const auto file =
      this->file("instructions: x\non_call: {url: \"https://x.example/\", headers: {A: \"{{metadata.a}}\"}}\n");
  EXPECT_THAT(fill_in(file.worker().on_call->http, Call{.metadata = {{"a", "x\r\nB: y"}}}).error().message(),
              HasSubstr("line breaks"));
}

TEST_F(AgentFiles, ACallWithoutAVariableOfTheWorkAfterIt_IsRefused) {
  const auto file = this->file(
      "instructions: \"{{metadata.a}}\"\non_call: {url: \"http://x/{{metadata.before}}\"}\n"
      "on_end:\n  - http: {url: \"http://x/{{metadata.b}}\", headers: {A: \"{{metadata.c}}\"}, signing_secret: "
      "\"{{metadata.d}}\"}\n  - command: [archive]\n");
  const auto refused = file.for_call({.id = "CA_1"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::not_found);
  EXPECT_EQ(refused.error().message(),
            "this call has no metadata.a, no metadata.b, no metadata.c, no metadata.d: the agent file needs them, or a "
            "default for each");
  EXPECT_TRUE(file.for_call({.id = "CA_1", .metadata = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}}));
}

TEST_F(AgentFiles, ACallWithWhichTheWorkAfterItCannotBeDone_IsRefused) {
  const auto file = this->file(
      "instructions: x\non_end: [{http: {url: \"http://x/{{metadata.a}}/end\", headers: {B: \"{{metadata.b | default: "
      "'b'}}\"}}}]\n");
  EXPECT_TRUE(file.for_call({.metadata = {{"a", "one"}}}));
  EXPECT_EQ(file.for_call({.metadata = {{"a", ".."}}}).error().message(),
            "on_end[0].http: what the call brings into the path is \"..\", which leads elsewhere");
  EXPECT_EQ(file.for_call({.metadata = {{"a", "one"}, {"b", "x\r\ny"}}}).error().message(),
            "on_end[0].http: the header B cannot be sent: what the call brings into it has line breaks or control "
            "characters");
}

TEST_F(AgentFiles, ACallThatBringsDotsIntoAPath_IsRefused) {
  const auto tool = file(
      "instructions: x\ntools: [{name: t, http: {url: \"http://x/{{metadata.a}}/{{metadata.b | default: "
      "'b'}}{{metadata.c | default: 'c'}}?q={{metadata.a}}\"}}]\n");
  const auto error = [&](const json::object& metadata) {
    const auto settings = tool.for_call({.metadata = metadata});
    return settings ? "" : settings.error().message();
  };
  const std::string at = "/etc/agent.yaml:2:31: tools[0].http.url: ";
  EXPECT_EQ(error({{"a", "."}}), at + "what the call brings into the path is \".\", which leads elsewhere");
  EXPECT_EQ(error({{"a", ".."}}), at + "what the call brings into the path is \"..\", which leads elsewhere");
  EXPECT_EQ(error({{"a", "a"}, {"b", "."}, {"c", "."}}),
            at + "what the call brings into the path is \"..\", which leads elsewhere");
  EXPECT_EQ(error({{"a", "a"}, {"b", ".."}}), "");
  EXPECT_EQ(error({{"a", "..."}}), "");
  EXPECT_EQ(error({{"a", "../.."}}), "");
  const auto query = file("instructions: x\non_call: {url: \"http://x?q={{metadata.a}}\"}\n");
  EXPECT_EQ(fill_in(query.worker().on_call->http, Call{.metadata = {{"a", ".."}}})->url, "http://x?q=%2E%2E");
}

TEST_F(AgentFiles, WhatACallBringsIntoATarget_CannotChangeWhereItLeads) {
  const auto to = [&](const std::string& text, const json::object& metadata) {
    const auto call =
        file("instructions: x\ntools: [{transfer: {to: \"" + text + "\"}}]\n").for_call({.metadata = metadata});
    return call ? std::get<TransferSettings>(call->agent.tools[0]).to.front() : call.error().message();
  };
  EXPECT_EQ(to("sip:{{metadata.desk}}@pbx.example", {{"desk", "evil@attacker.example;x="}}),
            "sip:evil%40attacker.example%3Bx%3D@pbx.example");
  EXPECT_EQ(to("sip:{{metadata.desk}}@pbx.example", {{"desk", "front-desk_1.a"}}), "sip:front-desk_1.a@pbx.example");
  EXPECT_EQ(to("tel:{{metadata.number}}", {{"number", "+15550100"}}), "tel:+15550100");
  EXPECT_EQ(to("tel:{{metadata.number}}", {{"number", "+1;phone-context=x?y"}}), "tel:+1%3Bphone-context%3Dx%3Fy");
  EXPECT_EQ(to("{{metadata.to}}", {{"to", "sip:desk@pbx.example;transport=tcp"}}),
            "sip:desk@pbx.example;transport=tcp");
  EXPECT_EQ(to("{{metadata.to}}", {{"to", "https://pbx.example"}}),
            "/etc/agent.yaml:2:25: tools[0].transfer.to: expected an address that begins with tel: or sip: or sips:, "
            "which {{metadata.to}} does not give");
}

TEST_F(AgentFiles, WhatACallBrings_IsBounded) {
  std::string text = "instructions: \"";
  for (int i = 0; i < 1000; ++i) text += "{{metadata.a}}";
  const auto result = file(text + "\"\n").for_call({.metadata = {{"a", std::string(4000, 'x')}}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::overloaded);
}

TEST_F(AgentFiles, AFileOnTheDisk_IsLoaded_AndAMissingOneSaysSo) {
  std::ofstream(folder_ / "agent.yaml") << "instructions: x\nllm: {provider: scripted, dialogue: d.yaml}\n";
  const auto file = AgentFile::load((folder_ / "agent.yaml").string(), providers, environment());
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->worker().providers.llm[0].options.at("dialogue"), json::string((folder_ / "d.yaml").string()));
  const auto none = AgentFile::load("/nowhere/agent.yaml", providers, environment());
  EXPECT_EQ(none.error().text(), "the agent file \"/nowhere/agent.yaml\" cannot be read: No such file or directory");
  EXPECT_THAT(AgentFile::load(folder_.string(), providers, environment()).error().text(),
              HasSubstr("cannot be read: Is a directory"));
}

}  // namespace
}  // namespace parley::agent_file
