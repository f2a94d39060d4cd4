#include "app/builtin_providers.hpp"

#include <algorithm>
#include <cstdlib>

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

// A provider's options: text and numbers by name. What is not asked for is a mistake in the agent.
class Options {
 public:
  Options(std::string provider, const json::object& object) : provider_(std::move(provider)), object_(object) {}

  Result<std::string> text(std::string_view key, std::string otherwise) {
    asked_.emplace_back(key);
    const auto* value = object_.if_contains(key);
    if (!value) return otherwise;
    if (const auto* text = value->if_string()) return std::string(*text);
    return fail(Errc::invalid_argument, fmt::format("provider \"{}\": \"{}\" is a text", provider_, key));
  }

  Result<std::optional<double>> number(std::string_view key) {
    asked_.emplace_back(key);
    const auto* value = object_.if_contains(key);
    if (!value) return std::nullopt;
    if (value->is_number()) return value->to_number<double>();
    return fail(Errc::invalid_argument, fmt::format("provider \"{}\": \"{}\" is a number", provider_, key));
  }

  // Errc::invalid_argument names what nobody asked for.
  Result<void> end() const {
    for (const auto& [key, value] : object_) {
      if (std::ranges::find(asked_, std::string_view(key)) != asked_.end()) continue;
      return fail(Errc::invalid_argument, fmt::format("provider \"{}\" has no option \"{}\" (it has: {})", provider_,
                                                      std::string_view(key), fmt::join(asked_, ", ")));
    }
    return {};
  }

 private:
  std::string provider_;
  const json::object& object_;
  std::vector<std::string> asked_;
};

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

Result<OpenAiOptions> openai_options(const json::object& object) {
  Options options("openai", object);
  OpenAiOptions result;
  const bool own_server = object.contains("base_url");
  auto base_url = options.text("base_url", result.base_url);
  auto model = options.text("model", result.chat.model);
  auto api_key = options.text("api_key", own_server ? "" : from_environment("OPENAI_API_KEY"));
  auto temperature = options.number("temperature");
  if (!base_url) return fail(base_url.error());
  if (!model) return fail(model.error());
  if (!api_key) return fail(api_key.error());
  if (!temperature) return fail(temperature.error());
  if (auto rest = options.end(); !rest) return fail(rest.error());
  if (api_key->empty() && !own_server) {
    return fail(Errc::invalid_argument, "provider \"openai\" needs OPENAI_API_KEY (or llm.api_key in agent.yaml, or llm.base_url of a server without keys)");
  }
  while (base_url->ends_with('/')) base_url->pop_back();
  result.base_url = std::move(*base_url);
  result.api_key = std::move(*api_key);
  result.chat.model = std::move(*model);
  result.chat.temperature = *temperature;
  return result;
}

Result<void> no_options(const char* provider, const json::object& object) { return Options(provider, object).end(); }

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
  registry.add_vad("silero", [assets](const ProviderEnvironment&, const json::object& object) -> Result<std::shared_ptr<Vad>> {
    if (auto none = no_options("silero", object); !none) return fail(none.error());
    auto model = assets->silero();
    if (!model) return fail(model.error());
    return std::make_shared<SileroVad>(std::move(*model));
  });
  registry.add_stt("moonshine", [inference_socket](const ProviderEnvironment& environment, const json::object& object) -> Result<std::shared_ptr<Stt>> {
    if (auto none = no_options("moonshine", object); !none) return fail(none.error());
    return std::make_shared<SharedMoonshine>(environment, inference_socket);
  });
  registry.add_tts("flite", [assets](const ProviderEnvironment&, const json::object& object) -> Result<std::shared_ptr<Tts>> {
    Options options("flite", object);
    auto name = options.text("voice", "slt");
    if (!name) return fail(name.error());
    if (auto rest = options.end(); !rest) return fail(rest.error());
    auto voice = assets->voice(*name);
    if (!voice) return fail(voice.error());
    return std::make_shared<FliteTts>(std::move(*voice));
  });
  registry.add_llm("scripted", [assets](const ProviderEnvironment&, const json::object& object) -> Result<std::shared_ptr<Llm>> {
    Options options("scripted", object);
    auto path = options.text("dialogue", "");
    if (!path) return fail(path.error());
    if (auto rest = options.end(); !rest) return fail(rest.error());
    auto dialogue = assets->dialogue(*path);
    if (!dialogue) return fail(dialogue.error());
    return std::make_shared<ScriptedLlm>(std::move(*dialogue));
  });
  registry.add_llm("openai", [](const ProviderEnvironment& environment, const json::object& object) -> Result<std::shared_ptr<Llm>> {
    auto options = openai_options(object);
    if (!options) return fail(options.error());
    auto proxies = net::ProxyRules::from_environment([](const char* name) -> const char* { return std::getenv(name); });
    if (!proxies) return fail(proxies.error());
    return std::make_shared<ConnectedOpenAi>(environment, std::move(*proxies), std::move(*options));
  });
}

}  // namespace parley::app
