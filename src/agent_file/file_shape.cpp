#include <fmt/format.h>

#include <parley/base/units.hpp>

#include "agent_file/settings.hpp"
#include "agent_file/shape.hpp"

namespace parley::agent_file {
namespace {

using Type = Option::Type;
using Form = Shape::Form;
namespace json = boost::json;

json::value text(Duration duration) { return json::string(to_text(duration)); }
json::value text(const std::string& words) { return json::string(words); }

Shape value(std::string key, std::string help, Option option) {
  Shape shape{.form = Form::value, .key = std::move(key), .help = std::move(help), .value = std::move(option)};
  shape.required = shape.value.required;
  return shape;
}

Shape duration(std::string key, std::string help, Duration otherwise, Duration least, Duration most) {
  return value(std::move(key), std::move(help),
               {.type = Type::duration,
                .otherwise = text(otherwise),
                .minimum = to_seconds(least),
                .maximum = to_seconds(most)});
}

Shape flag(std::string key, std::string help, bool otherwise) {
  return value(std::move(key), std::move(help), {.type = Type::boolean, .otherwise = otherwise});
}

Shape mapping(std::string key, std::string help, std::vector<Shape> parts) {
  return {.form = Form::mapping, .key = std::move(key), .help = std::move(help), .parts = std::move(parts)};
}

Shape list(std::string key, std::string help, Shape of, std::size_t least, std::size_t most) {
  return {.form = Form::list,
          .key = std::move(key),
          .help = std::move(help),
          .parts = {std::move(of)},
          .least = least,
          .most = most};
}

Shape either(std::string key, std::string help, std::vector<Shape> parts) {
  return {.form = Form::either, .key = std::move(key), .help = std::move(help), .parts = std::move(parts)};
}

Shape required(Shape shape) {
  shape.required = true;
  return shape;
}

Shape settled(Shape shape) {
  shape.settled = true;
  return shape;
}

Shape fixed(Shape shape) {
  shape.fixed = true;
  return shape;
}

Shape providers(ProviderSlot slot, std::string help, std::vector<Shape> session_keys = {}) {
  return {.form = Form::providers,
          .key = std::string(to_string(slot)),
          .help = std::move(help),
          .parts = std::move(session_keys),
          .slot = slot};
}

// ---- HTTP ----

Shape headers() {
  return {.form = Form::names,
          .key = "headers",
          .help = "Sent with every request, by name.",
          .parts = {value({}, {}, {.type = Type::line})},
          .most = limits::kMaxHeaders,
          .taken = {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "Idempotency-Key",
                    "Parley-Signature"},
          .holds_secrets = true};
}

std::vector<Shape> http_keys(Duration timeout, Duration longest) {
  auto url = required(value("url", "Where the request is sent, by POST.", {.type = Type::uri}));
  url.holds_secrets = true;
  return {std::move(url),
          duration("timeout", "Of one request, from its start to the end of the answer.", timeout, 100ms, longest),
          headers(),
          value("signing_secret",
                "Requests carry Parley-Signature: t=<unix>,v1=<hex HMAC-SHA256 of \"t.body\"> with this key.",
                {.type = Type::line, .secret = true})};
}

// Before a call, only its address and headers can wait for its variables.
std::vector<Shape> fixed_but_address(std::vector<Shape> keys) {
  for (Shape& key : keys) key.fixed = key.value.type == Type::duration || !key.value.one_of.empty();
  return keys;
}

// ---- tools ----

Shape addresses(std::string help) {
  const Option address{.type = Type::uri, .one_of = {"tel", "sip", "sips"}};
  return required(either("to", std::move(help), {value({}, {}, address), list({}, {}, value({}, {}, address), 1, 32)}));
}

Shape built_in(std::string name, std::string help, std::vector<Shape> keys) {
  auto inner = required(mapping(name, help, std::move(keys)));
  Shape shape = mapping({}, std::move(help), {std::move(inner)});
  shape.chosen_by = std::move(name);
  return shape;
}

Shape http_tool() {
  Shape parameters{.form = Form::parameters,
                   .key = "parameters",
                   .help = "JSON schema of the arguments, an object. Without it there are none."};
  return mapping(
      {}, "A tool of your own, asked over HTTP.",
      {required(fixed(value("name", "As the LLM calls it: letters, digits, '_' and '-'.", {.type = Type::name}))),
       value("description", "When to call it, for the LLM.", {.otherwise = ""}), std::move(parameters),
       required(mapping("http", "Where it is asked: POST {call, tool, arguments, tool_call_id}.",
                        http_keys(HttpTarget{}.timeout, 10min))),
       value("say_while_waiting", "Said when the tool begins and the LLM said nothing.", {.otherwise = ""}),
       flag("survives_interruption", "Runs to its end though the caller talks over it; its result enters the history.",
            false)});
}

Shape tools() {
  const Option agent_name{.type = Type::name};
  auto to_agents = required(
      fixed(either("to", "Names under `agents`.",
                   {value({}, {}, agent_name), list({}, {}, value({}, {}, agent_name), 1, limits::kMaxAgents)})));
  return list("tools", "What the agent can do besides talking.",
              either({}, "A tool of your own, or a built-in one.",
                     {value({}, "Built in. handoff: to any of `agents`.",
                            {.type = Type::line, .one_of = {"end_call", "send_dtmf", "handoff"}}),
                      built_in("transfer", "Passes the caller on. With several, the LLM chooses.",
                               {addresses("Where to, as tel:+15550100 or sip:desk@example.com.")}),
                      built_in("handoff", "Another agent goes on with the call. With several, the LLM chooses.",
                               {std::move(to_agents)}),
                      built_in("end_call", "Ends the call once the agent has finished speaking.", {}),
                      built_in("send_dtmf", "Presses keys for the other side's machine.", {}), http_tool()}),
              0, limits::kMaxTools);
}

// ---- agents ----

Shape greeting() {
  Shape full = mapping({}, "A text, or what the LLM makes of instructions.",
                       {value("say", "Spoken as it is.", {.minimum = 1}),
                        value("instructions", "For the LLM, which makes the words.", {.minimum = 1}),
                        flag("interruptible", "Whether the caller can cut it by speaking.", Greeting{}.interruptible)});
  full.exactly_one = {"say", "instructions"};
  return either("greeting", "The first words. Without it the caller speaks first.",
                {value({}, "Spoken as it is.", {.minimum = 1}), std::move(full)});
}

Shape instructions() {
  return required(
      value("instructions", "The system prompt of every reply: who the agent is and what it does.", {.minimum = 1}));
}

Shape agents() {
  Shape agent =
      mapping({}, "Whom the caller is handed over to. Providers that it does not name are those of the file.",
              {instructions(), greeting(), tools(), providers(ProviderSlot::vad, "Its own voice activity detection."),
               providers(ProviderSlot::stt, "Its own ears."), providers(ProviderSlot::llm, "Its own mind."),
               providers(ProviderSlot::tts, "Its own voice.")});
  return {.form = Form::names,
          .key = "agents",
          .help = "Other agents, by name: the tool `handoff` and HTTP tools hand the call over to them.",
          .parts = {std::move(agent)},
          .most = limits::kMaxAgents};
}

// ---- the conversation ----

Shape vad() {
  const VadOptions defaults;
  return providers(ProviderSlot::vad, "Voice activity detection: when the caller begins and stops to speak.",
                   {value("activation", "The probability at which speech begins.",
                          {.type = Type::number, .otherwise = defaults.activation, .minimum = 0, .maximum = 1}),
                    duration("min_speech", "Shorter bursts are none.", defaults.min_speech, 0s, 2s),
                    duration("min_silence", "Speech ends after this much silence.", defaults.min_silence, 50ms, 5s)});
}

Shape stt() {
  return providers(
      ProviderSlot::stt, "Speech-to-text.",
      {value("language", "What the caller speaks, as BCP 47 has it: en, de-CH.",
             {.type = Type::line, .otherwise = text(SttOptions{}.language), .minimum = 1, .maximum = 35})});
}

Shape turns() {
  const TurnOptions defaults;
  auto false_after = duration("resume_false_after",
                              "The agent goes on where it stopped when no words came for so long after the caller fell "
                              "silent. off: it is always cut.",
                              *defaults.interruption.resume_false_after, 100ms, 30s);
  false_after.value.can_be_off = true;
  return mapping(
      "turns", "How the conversation takes turns.",
      {mapping("endpointing", "When the caller's turn is over.",
               {duration("min", "Of silence, once everything said is transcribed. A telephone wants 800ms.",
                         defaults.endpointing.min, 0s, 10s),
                duration("max", "Of silence, while the final transcript is still owed.", defaults.endpointing.max,
                         100ms, 30s)}),
       mapping(
           "interruption", "When the caller may talk over the agent.",
           {flag("enabled", "Off: never.", defaults.interruption.enabled),
            duration("min_duration", "Of speech, until the agent falls silent.", defaults.interruption.min_duration, 0s,
                     10s),
            value("min_words", "With fewer words than these the agent goes on; then words alone interrupt.",
                  {.type = Type::integer, .otherwise = defaults.interruption.min_words, .minimum = 0, .maximum = 20}),
            std::move(false_after)}),
       duration("away_after", "Of both sides' silence: then the caller counts as away.", defaults.away_after, 1s, 1h),
       value("max_tool_steps", "Of one reply; then the LLM must answer in words.",
             {.type = Type::integer, .otherwise = defaults.max_tool_steps, .minimum = 0, .maximum = 20})});
}

Shape call_limits() {
  const LimitOptions defaults;
  auto longest = duration("max_duration", "The longest call. off: unlimited.", *defaults.max_duration, 1s, 24h);
  longest.value.can_be_off = true;
  const SilenceOptions silence;
  return mapping(
      "limits", "At a limit the call ends, once what is being said is said.",
      {std::move(longest),
       either(
           "silence", "What happens when neither side speaks. off: nothing.",
           {value({}, "Nothing happens.", {.type = Type::line, .can_be_off = true, .one_of = {"off"}}),
            mapping({}, "Counted from the last thing that either side said.",
                    {duration("ask_after", "When the agent asks.", silence.ask_after, 1s, 1h),
                     value("say", "What it asks, once in a silence. Empty: nothing.", {.otherwise = text(silence.say)}),
                     duration("hang_up_after", "When the call ends.", silence.hang_up_after, 1s, 24h)})})});
}

Shape failure() {
  const FailureOptions defaults;
  return mapping(
      "failure", "What the caller hears when the agent cannot go on. Kept in memory: it needs no provider then.",
      {value("say", "The words.", {.otherwise = text(defaults.say)}),
       either("then", "What happens to the caller.",
              {value({}, "The call ends.", {.type = Type::line, .otherwise = "hang_up", .one_of = {"hang_up"}}),
               mapping({}, "The caller is passed on.",
                       {required(value("transfer", "Where to, as tel:+15550100 or sip:desk@example.com.",
                                       {.type = Type::uri, .one_of = {"tel", "sip", "sips"}}))})})});
}

// ---- around the call ----

Shape on_call() {
  auto keys =
      http_keys(OnCallSettings{}.http.timeout, 8s);  // the caller waits, and the start of a call has 10 s in all
  keys.push_back(value("if_unreachable", "When it does not answer in time, or not with an answer that can be used.",
                       {.type = Type::line, .otherwise = "continue", .one_of = {"continue", "refuse"}}));
  return settled(mapping(
      "on_call", "Asked before the caller is answered; the answer may override any key of this file for this call.",
      fixed_but_address(std::move(keys))));
}

Shape on_end() {
  const auto give_up = [] {
    return duration("give_up_after", "Since the call's end: then it is tried no more.",
                    HttpHookSettings{}.give_up_after, 1s, 30 * 24h);
  };
  auto http = http_keys(HttpTarget{}.timeout, 60s);
  http.push_back(give_up());
  Shape over_http =
      mapping({}, "Over HTTP.",
              {required(mapping("http", "Gets the record of the call by POST.", fixed_but_address(std::move(http))))});
  over_http.chosen_by = "http";
  auto command = list("command", "A program and its arguments; the record comes on its standard input.",
                      value({}, {}, {.type = Type::line}), 1, 64);
  Shape program = mapping({}, "A program.", {required(fixed(std::move(command))), fixed(give_up())});
  return settled(list("on_end", "The work after the call: at least once, in order, tried again until it succeeds.",
                      either({}, "Over HTTP, or a program.", {std::move(over_http), std::move(program)}), 0,
                      limits::kMaxHooks));
}

Shape privacy() {
  const JournalOptions journal;
  auto mirror =
      value("mirror", "Gets each record as it is written. null: nobody.", {.type = Type::uri, .can_be_off = true});
  mirror.holds_secrets = true;
  const Shape redact = value({}, {}, {.type = Type::line, .one_of = {"digits", "dtmf"}});
  auto path = required(value(
      "path", "An .ogg file with {{call.id}} in its name, or a folder, in which each call gets a file of its own.",
      {.type = Type::path}));
  return mapping(
      "privacy", "What is kept of calls, and for how long.",
      {settled(fixed(mapping(
           "journal", "The journals of all calls of a worker.",
           {duration("keep", "Of calls with nothing left to do.", journal.keep, 1min, 3650 * 24h),
            value("max_bytes", "Of all of them together; then the oldest go.",
                  {.type = Type::size, .otherwise = "1GB"}),
            list("redact", "What is replaced: the digits of what was said, the keys that were pressed.", redact, 0, 2),
            std::move(mirror)}))),
       settled(
           fixed(flag("transcripts", "Off: hooks get none, and the record says so.", PrivacyOptions{}.transcripts))),
       either("recording", "Off, or where calls are recorded.",
              {value({}, "Calls are not recorded.", {.type = Type::line, .can_be_off = true, .one_of = {"off"}}),
               mapping({}, "Ogg Opus files.",
                       {std::move(path),
                        value("channels", "stereo: the caller left, the agent right.",
                              {.type = Type::line, .otherwise = "stereo", .one_of = {"mono", "stereo"}}),
                        value("consent",
                              "greeting: from the moment at which the caller has heard the greeting, which says so. "
                              "none: from the first moment.",
                              {.type = Type::line, .otherwise = "greeting", .one_of = {"greeting", "none"}})})})});
}

Shape room() {
  const RoomOptions defaults;
  const Shape kind =
      value({}, {}, {.type = Type::line, .one_of = {"standard", "sip", "connector", "ingress", "egress", "agent"}});
  return mapping("room", "LiveKit only.",
                 {flag("close_on_disconnect", "The call ends when the participant that it is linked to leaves.",
                       defaults.close_on_disconnect),
                  flag("delete_on_close", "The room is deleted at the end of the call.", defaults.delete_on_close),
                  settled(fixed(list("link_to", "The kinds of participants that the agent talks to.", kind, 1, 6)))});
}

Shape make_file_shape() {
  return mapping({}, "A Parley agent.",
                 {settled(fixed(value(
                      "name", "The agent's name, in LiveKit and in logs.",
                      {.type = Type::line, .otherwise = text(WorkerSettings{}.name), .minimum = 1, .maximum = 128}))),
                  instructions(), greeting(), vad(), stt(), providers(ProviderSlot::llm, "The language model."),
                  providers(ProviderSlot::tts, "Text-to-speech."), turns(), call_limits(), failure(), on_call(),
                  tools(), agents(), on_end(), privacy(), room()});
}

}  // namespace

const Shape& file_shape() {
  static const Shape shape = make_file_shape();
  return shape;
}

}  // namespace parley::agent_file
