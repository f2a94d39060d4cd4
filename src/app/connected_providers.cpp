#include "app/connected_providers.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"
#include "providers/deepgram/deepgram_stt.hpp"
#include "providers/deepgram/deepgram_tts.hpp"
#include "providers/openai/openai_llm.hpp"

namespace parley::app {

namespace json = boost::json;

namespace {

RealLoop& loop_of(const ProviderEnvironment& environment) { return dynamic_cast<RealLoop&>(environment.scope.loop()); }

// An OpenAI-compatible server, and the connections to it.
class ConnectedOpenAi final : public Llm {
 public:
  ConnectedOpenAi(const ProviderEnvironment& environment, net::HttpClientOptions connections, OpenAiOptions options)
      : client_(net::make_http_client(loop_of(environment), environment.scope, std::move(connections))), llm_(*client_, std::move(options)) {}

  std::string_view label() const noexcept override { return llm_.label(); }
  std::unique_ptr<LlmStream> chat(Scope& parent, ChatRequest request) override { return llm_.chat(parent, std::move(request)); }

 private:
  std::unique_ptr<net::HttpClient> client_;
  OpenAiLlm llm_;
};

class ConnectedDeepgramStt final : public Stt {
 public:
  ConnectedDeepgramStt(const ProviderEnvironment& environment, net::HttpClientOptions connections, DeepgramSttOptions options)
      : client_(net::make_websocket_client(loop_of(environment), environment.scope, std::move(connections))), stt_(*client_, std::move(options)) {}

  std::string_view label() const noexcept override { return stt_.label(); }
  bool interim_results() const noexcept override { return stt_.interim_results(); }
  std::unique_ptr<SttStream> stream(Scope& parent, const SttOptions& options) override { return stt_.stream(parent, options); }

 private:
  std::unique_ptr<net::WebSocketClient> client_;
  DeepgramStt stt_;
};

class ConnectedDeepgramTts final : public Tts {
 public:
  ConnectedDeepgramTts(const ProviderEnvironment& environment, net::HttpClientOptions connections, DeepgramTtsOptions options)
      : client_(net::make_websocket_client(loop_of(environment), environment.scope, std::move(connections))),
        tts_(environment.scope, *client_, std::move(options)) {}

  std::string_view label() const noexcept override { return tts_.label(); }
  int sample_rate() const noexcept override { return tts_.sample_rate(); }
  std::unique_ptr<TtsStream> stream(Scope& parent) override { return tts_.stream(parent); }

 private:
  std::unique_ptr<net::WebSocketClient> client_;
  DeepgramTts tts_;
};

Result<net::HttpClientOptions> connections_to(std::string_view base_url, Assets& assets) {
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return fail(proxies.error());
  net::HttpClientOptions options;
  options.proxies = std::move(*proxies);
  if (base_url.starts_with("https:") || base_url.starts_with("wss:")) {
    auto tls = assets.tls();
    if (!tls) return fail(tls.error());
    options.tls = std::move(*tls);
  }
  return options;
}

// ---- keys ----

// The service that a provider is named after: its address, and the variable with its key, which other servers do not get.
struct Service {
  const char* provider;
  std::string base_url;
  const char* key_variable;
  std::string (*meant)(std::string_view base_url);  // the same for all that lead to the same server
};

std::string without_slash(std::string_view base_url) {
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  return std::string(base_url);
}

const Service& openai() {
  static const Service service{"openai", OpenAiOptions().base_url, "OPENAI_API_KEY", without_slash};
  return service;
}
const Service& deepgram_service() {
  static const Service service{"deepgram", std::string(deepgram::kBaseUrl), "DEEPGRAM_API_KEY", deepgram::socket_base};
  return service;
}

bool is_own_server(const Service& service, const json::object& given) {
  const auto* base_url = given.if_contains("base_url");
  return base_url && service.meant(text_option(*base_url)) != service.meant(service.base_url);
}

std::string key_of(const Service& service, const json::object& given) {
  if (const auto* key = given.if_contains("api_key")) return text_option(*key);
  const char* value = is_own_server(service, given) ? nullptr : std::getenv(service.key_variable);
  return value ? value : "";
}

std::vector<OptionMistake> missing_key(const Service& service, const json::object& given) {
  if (is_own_server(service, given) || !key_of(service, given).empty()) return {};
  return {{.message = fmt::format("provider \"{}\" needs {} in the environment (or api_key, or the base_url of a server without keys)",
                                  service.provider, service.key_variable)}};
}

// What every one of them takes.
std::vector<Option> options_of(const Service& service, std::string_view model, std::string base_url_help, std::vector<std::string> schemes) {
  return {{.name = "model", .type = Option::Type::line, .help = "The model's name, as the server knows it.", .otherwise = json::string(model), .minimum = 1},
          {.name = "base_url", .type = Option::Type::uri, .help = std::move(base_url_help), .otherwise = json::string(service.base_url), .one_of = std::move(schemes)},
          {.name = "api_key",
           .type = Option::Type::line,
           .help = fmt::format("Without it {} of the environment, where base_url is not given.", service.key_variable),
           .secret = true}};
}

ProviderDescription describe(const Service& service, std::string help, std::vector<Option> options) {
  return {.help = std::move(help), .options = std::move(options), .check = [&service](const json::object& given) { return missing_key(service, given); }};
}

Result<void> check_key(const Service& service, const json::object& given) {
  const auto mistakes = missing_key(service, given);
  if (mistakes.empty()) return {};
  return fail(Errc::invalid_argument, mistakes.front().message);
}

// ---- openai ----

OpenAiOptions openai_options(const json::object& given) {
  OpenAiOptions result;
  result.base_url = without_slash(text_option(given.at("base_url")));
  result.chat.model = text_option(given.at("model"));
  if (const auto* temperature = given.if_contains("temperature")) result.chat.temperature = temperature->to_number<double>();
  result.api_key = key_of(openai(), given);
  return result;
}

ProviderDescription describe_openai() {
  auto options = options_of(openai(), OpenAiOptions().chat.model, "Another server than OpenAI's own: vLLM, Ollama, llama.cpp, a gateway.", {});
  options.push_back({.name = "temperature", .type = Option::Type::number, .help = "0: always the likeliest words. Without it the server's own.", .minimum = 0, .maximum = 2});
  return describe(openai(), "Any server that speaks OpenAI's chat completions.", std::move(options));
}

// ---- deepgram ----

constexpr auto kDeepgramUrlHelp = "Another server that speaks Deepgram's protocol: what stands before /listen or /speak.";

DeepgramSttOptions stt_options(const json::object& given) {
  DeepgramSttOptions result;
  result.base_url = text_option(given.at("base_url"));
  result.api_key = key_of(deepgram_service(), given);
  auto& listen = result.listen;
  listen.model = text_option(given.at("model"));
  if (const auto* language = given.if_contains("language")) listen.language = text_option(*language);
  const auto& endpointing = given.at("endpointing");
  listen.endpointing = is_off(endpointing) ? Duration{} : duration_option(endpointing);
  listen.punctuate = switch_option(given.at("punctuate"));
  listen.smart_format = switch_option(given.at("smart_format"));
  listen.filler_words = switch_option(given.at("filler_words"));
  listen.mip_opt_out = switch_option(given.at("mip_opt_out"));
  if (const auto* terms = given.if_contains("keyterms")) {
    for (const auto& term : terms->as_array()) listen.keyterms.push_back(text_option(term));
  }
  return result;
}

Option training_option() {
  return {.name = "mip_opt_out", .type = Option::Type::boolean, .help = "Keep what is said out of Deepgram's model improvement programme.", .otherwise = false};
}

ProviderDescription describe_deepgram_stt() {
  const deepgram::ListenOptions defaults;
  auto options = options_of(deepgram_service(), defaults.model, kDeepgramUrlHelp, {"wss", "ws", "https", "http"});
  const std::vector<Option> more = {
      {.name = "language", .type = Option::Type::line, .help = "Such as en-US, de or multi. Without it the session's.", .minimum = 1},
      {.name = "endpointing",
       .type = Option::Type::duration,
       .help = "Of silence, after which Deepgram gives out what it has.",
       .can_be_off = true,
       .otherwise = "25ms",
       .minimum = 0.01,
       .maximum = 10},
      {.name = "punctuate", .type = Option::Type::boolean, .help = "Punctuation and capital letters.", .otherwise = defaults.punctuate},
      {.name = "smart_format", .type = Option::Type::boolean, .help = "Numbers, dates and the like as one writes them.", .otherwise = defaults.smart_format},
      {.name = "filler_words", .type = Option::Type::boolean, .help = "Transcribe \"uh\" and \"um\", which tell that the caller goes on.", .otherwise = defaults.filler_words},
      {.name = "keyterms", .type = Option::Type::texts, .help = "Names and terms to be expected."},
      training_option()};
  options.insert(options.end(), more.begin(), more.end());
  return describe(deepgram_service(), "Deepgram's streaming speech-to-text.", std::move(options));
}

DeepgramTtsOptions tts_options(const json::object& given) {
  DeepgramTtsOptions result;
  result.base_url = text_option(given.at("base_url"));
  result.api_key = key_of(deepgram_service(), given);
  result.speak.model = text_option(given.at("model"));
  result.speak.sample_rate = static_cast<int>(given.at("sample_rate").to_number<std::int64_t>());
  result.speak.mip_opt_out = switch_option(given.at("mip_opt_out"));
  return result;
}

std::vector<OptionMistake> mistakes_of_voice(const json::object& given) {
  auto mistakes = missing_key(deepgram_service(), given);
  const auto* rate = given.if_contains("sample_rate");
  if (rate && !deepgram::can_speak_at(static_cast<int>(rate->to_number<std::int64_t>()))) {
    mistakes.push_back({.option = "sample_rate", .message = "expected 8000, 16000, 24000, 32000 or 48000"});
  }
  return mistakes;
}

ProviderDescription describe_deepgram_tts() {
  const deepgram::SpeakOptions defaults;
  auto options = options_of(deepgram_service(), defaults.model, kDeepgramUrlHelp, {"wss", "ws", "https", "http"});
  options.push_back({.name = "sample_rate",
                     .type = Option::Type::integer,
                     .help = "Of the sound, in Hz: 8000, 16000, 24000, 32000 or 48000.",
                     .otherwise = defaults.sample_rate,
                     .minimum = 8000,
                     .maximum = 48'000});
  options.push_back(training_option());
  auto description = describe(deepgram_service(), "Deepgram's streaming text-to-speech (Aura).", std::move(options));
  description.check = mistakes_of_voice;
  return description;
}

bool asks_for(const std::vector<ProviderSpec>& chain, std::string_view name) {
  return std::ranges::any_of(chain, [name](const auto& spec) { return spec.provider == name; });
}

}  // namespace

bool needs_connection(const ProviderChoice& choice) noexcept {
  return asks_for(choice.llm, "openai") || asks_for(choice.stt, "deepgram") || asks_for(choice.tts, "deepgram");
}

void add_connected_providers(ProviderRegistry& registry, std::shared_ptr<Assets> assets) {
  registry.add_llm(
      "openai",
      [assets](const ProviderEnvironment& environment, const json::object& given) -> Result<std::shared_ptr<Llm>> {
        if (auto key = check_key(openai(), given); !key) return fail(key.error());
        auto options = openai_options(given);
        auto connections = connections_to(options.base_url, *assets);
        if (!connections) return fail(connections.error());
        return std::make_shared<ConnectedOpenAi>(environment, std::move(*connections), std::move(options));
      },
      describe_openai());
  registry.add_stt(
      "deepgram",
      [assets](const ProviderEnvironment& environment, const json::object& given) -> Result<std::shared_ptr<Stt>> {
        if (auto key = check_key(deepgram_service(), given); !key) return fail(key.error());
        auto options = stt_options(given);
        auto connections = connections_to(options.base_url, *assets);
        if (!connections) return fail(connections.error());
        return std::make_shared<ConnectedDeepgramStt>(environment, std::move(*connections), std::move(options));
      },
      describe_deepgram_stt());
  registry.add_tts(
      "deepgram",
      [assets](const ProviderEnvironment& environment, const json::object& given) -> Result<std::shared_ptr<Tts>> {
        const auto mistakes = mistakes_of_voice(given);
        if (!mistakes.empty()) return fail(Errc::invalid_argument, mistakes.front().message);
        auto options = tts_options(given);
        auto connections = connections_to(options.base_url, *assets);
        if (!connections) return fail(connections.error());
        return std::make_shared<ConnectedDeepgramTts>(environment, std::move(*connections), std::move(options));
      },
      describe_deepgram_tts());
}

std::vector<std::string> keys_in_environment() {
  std::vector<std::string> keys;
  for (const auto* service : {&openai(), &deepgram_service()}) {
    if (const char* key = std::getenv(service->key_variable); key && *key) keys.emplace_back(key);
  }
  return keys;
}

}  // namespace parley::app
