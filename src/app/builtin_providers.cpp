#include "app/builtin_providers.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "ipc/inference_client.hpp"
#include "ipc/inference_socket.hpp"
#include "net/net_http_client.hpp"
#include "providers/flite/flite_tts.hpp"
#include "providers/moonshine/moonshine_model.hpp"
#include "providers/moonshine/moonshine_stt.hpp"
#include "providers/openai/openai_llm.hpp"
#include "providers/scripted/scripted_llm.hpp"
#include "providers/silero/silero_vad.hpp"

namespace parley::app {

namespace json = boost::json;

namespace {

// The recogniser in the inference process, and this job's way to it.
class SharedMoonshine final : public Stt {
 public:
  SharedMoonshine(const ProviderEnvironment& environment, const std::string& socket)
      : client_(environment.scope, std::make_unique<ipc::InferenceDialer>(dynamic_cast<RealLoop&>(environment.scope.loop()), socket)),
        stt_([this](std::vector<float> samples, Deadline deadline) { return client_.recognize(std::move(samples), deadline); }) {}

  std::string_view label() const noexcept override { return stt_.label(); }
  bool interim_results() const noexcept override { return stt_.interim_results(); }
  std::unique_ptr<SttStream> stream(Scope& parent, const SttOptions& options) override { return stt_.stream(parent, options); }

 private:
  ipc::InferenceClient client_;
  MoonshineStt stt_;
};

// An OpenAI-compatible server, and the connections to it.
class ConnectedOpenAi final : public Llm {
 public:
  ConnectedOpenAi(const ProviderEnvironment& environment, net::ProxyRules proxies, OpenAiOptions options)
      : client_(net::make_http_client(dynamic_cast<RealLoop&>(environment.scope.loop()), environment.scope, {.proxies = std::move(proxies)})),
        llm_(*client_, std::move(options)) {}

  std::string_view label() const noexcept override { return llm_.label(); }
  std::unique_ptr<LlmStream> chat(Scope& parent, ChatRequest request) override { return llm_.chat(parent, std::move(request)); }

 private:
  std::unique_ptr<net::HttpClient> client_;
  OpenAiLlm llm_;
};

bool asks_for(const std::vector<ProviderSpec>& chain, std::string_view name) {
  return std::ranges::any_of(chain, [name](const auto& spec) { return spec.provider == name; });
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// OPENAI_API_KEY is OpenAI's: another server does not get it.
std::string openai_key(const json::object& given) {
  if (const auto* key = given.if_contains("api_key")) return text_option(*key);
  const auto* base_url = given.if_contains("base_url");
  const bool own_server = base_url && text_option(*base_url) != OpenAiOptions().base_url;
  return own_server ? std::string() : from_environment("OPENAI_API_KEY");
}

// With the defaults of its description filled in.
OpenAiOptions openai_options(const json::object& given) {
  OpenAiOptions result;
  result.base_url = text_option(given.at("base_url"));
  while (result.base_url.ends_with('/')) result.base_url.pop_back();
  result.chat.model = text_option(given.at("model"));
  if (const auto* temperature = given.if_contains("temperature")) result.chat.temperature = temperature->to_number<double>();
  result.api_key = openai_key(given);
  return result;
}

ProviderDescription describe_openai() {
  const OpenAiOptions defaults;
  const auto check = [](const json::object& given) -> std::vector<OptionMistake> {
    const auto* base_url = given.if_contains("base_url");
    if ((base_url && text_option(*base_url) != OpenAiOptions().base_url) || !openai_key(given).empty()) return {};
    return {{.message = "provider \"openai\" needs OPENAI_API_KEY in the environment (or api_key, or the base_url of a server without keys)"}};
  };
  return {.help = "Any server that speaks OpenAI's chat completions.",
          .options = {{.name = "model", .type = Option::Type::line, .help = "The model's name, as the server knows it.", .otherwise = json::string(defaults.chat.model), .minimum = 1},
                      {.name = "base_url", .type = Option::Type::uri, .help = "Another server than OpenAI's own: vLLM, Ollama, llama.cpp, a gateway.", .otherwise = json::string(defaults.base_url)},
                      {.name = "api_key", .type = Option::Type::line, .help = "Without it OPENAI_API_KEY of the environment, where base_url is not given.", .secret = true},
                      {.name = "temperature", .type = Option::Type::number, .help = "0: always the likeliest words. Without it the server's own.", .minimum = 0, .maximum = 2}},
          .check = check};
}

ProviderDescription describe_scripted() {
  const auto check = [](const json::object& given) -> std::vector<OptionMistake> {
    const auto* path = given.if_contains("dialogue");
    if (!path) return {};
    std::vector<OptionMistake> found;
    const auto mistakes = Dialogue::mistakes_in(text_option(*path));
    for (const auto& one : mistakes.all()) {
      const bool readable = one.place.line > 0;
      found.push_back({"dialogue", one.message, readable ? mistakes.file() : std::string(), one.place.line, one.place.column});
    }
    if (mistakes.more() > 0) found.push_back({"dialogue", fmt::format("{} more mistakes in {}", mistakes.more(), mistakes.file())});
    return found;
  };
  return {.help = "Answers from a file, without any language model (docs/dialogue.md).",
          .options = {{.name = "dialogue", .type = Option::Type::path, .help = "The dialogue's file. Without it: a restaurant's reception."}},
          .check = check};
}

ProviderDescription describe_flite() {
  return {.help = "Speech made on this machine, in English.",
          .options = {{.name = "voice", .help = "slt: a woman. rms: a man. kal16: a robot, 20 times faster.", .otherwise = "slt", .one_of = FliteVoice::names()}}};
}

}  // namespace

Result<void> Assets::prewarm(const ProviderChoice& choice) {
  Result<void> first;
  const auto note = [&first](const auto& loaded) {
    if (!loaded && first) first = fail(loaded.error());
  };
  if (asks_for(choice.vad, "silero")) note(silero());
  if (asks_for(choice.tts, "flite")) {
    for (const auto& name : FliteVoice::names()) note(voice(name));
  }
  for (const auto& spec : choice.llm) {
    if (spec.provider != "scripted") continue;
    const auto* path = spec.options.if_contains("dialogue");
    note(dialogue(path && path->is_string() ? std::string(path->get_string()) : std::string()));
  }
  return first;
}

Result<void> Assets::check(const ProviderChoice& choice) {
  auto warmed = prewarm(choice);
  if (warmed && asks_for(choice.stt, "moonshine")) return MoonshineModel::check(moonshine_folder());
  return warmed;
}

Result<std::shared_ptr<const SileroModel>> Assets::silero() {
  if (!silero_) {
    auto loaded = SileroModel::load(models_ + "/silero_vad.onnx");
    if (!loaded) return loaded;
    silero_ = std::move(*loaded);
  }
  return silero_;
}

Result<FliteVoice> Assets::voice(const std::string& name) {
  const auto known = voices_.find(name);
  if (known != voices_.end()) return known->second;
  auto opened = FliteVoice::open(name);
  if (opened) voices_.emplace(name, *opened);
  return opened;
}

Result<Dialogue> Assets::dialogue(const std::string& path) {
  const auto known = dialogues_.find(path);
  if (known != dialogues_.end()) return known->second;
  auto parsed = path.empty() ? Dialogue::parse(dialogue_, "the built-in dialogue") : Dialogue::load(path);
  if (parsed) dialogues_.emplace(path, *parsed);
  return parsed;
}

void add_builtin_providers(ProviderRegistry& registry, std::shared_ptr<Assets> assets, std::string inference_socket) {
  registry.add_vad(
      "silero",
      [assets](const ProviderEnvironment&, const json::object&) -> Result<std::shared_ptr<Vad>> {
        auto model = assets->silero();
        if (!model) return fail(model.error());
        return std::make_shared<SileroVad>(std::move(*model));
      },
      ProviderDescription{.help = "Silero VAD, on this machine."});
  registry.add_stt(
      "moonshine",
      [inference_socket](const ProviderEnvironment& environment, const json::object&) -> Result<std::shared_ptr<Stt>> {
        return std::make_shared<SharedMoonshine>(environment, inference_socket);
      },
      ProviderDescription{.help = "Moonshine tiny, on this machine, in English."});
  registry.add_tts(
      "flite",
      [assets](const ProviderEnvironment&, const json::object& options) -> Result<std::shared_ptr<Tts>> {
        auto voice = assets->voice(text_option(options.at("voice")));
        if (!voice) return fail(voice.error());
        return std::make_shared<FliteTts>(std::move(*voice));
      },
      describe_flite());
  registry.add_llm(
      "scripted",
      [assets](const ProviderEnvironment&, const json::object& options) -> Result<std::shared_ptr<Llm>> {
        const auto* path = options.if_contains("dialogue");
        auto dialogue = assets->dialogue(path ? text_option(*path) : std::string());
        if (!dialogue) return fail(dialogue.error());
        return std::make_shared<ScriptedLlm>(std::move(*dialogue));
      },
      describe_scripted());
  registry.add_llm(
      "openai",
      [](const ProviderEnvironment& environment, const json::object& options) -> Result<std::shared_ptr<Llm>> {
        auto openai = openai_options(options);
        if (openai.api_key.empty() && openai.base_url == OpenAiOptions().base_url) {
          return fail(Errc::invalid_argument, "it needs OPENAI_API_KEY in the environment (or llm.api_key in the agent file, or llm.base_url of a server without keys)");
        }
        auto proxies = net::ProxyRules::from_environment([](const char* name) -> const char* { return std::getenv(name); });
        if (!proxies) return fail(proxies.error());
        return std::make_shared<ConnectedOpenAi>(environment, std::move(*proxies), std::move(openai));
      },
      describe_openai());
}

}  // namespace parley::app
