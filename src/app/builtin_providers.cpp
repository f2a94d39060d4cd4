#include "app/builtin_providers.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <parley/async/scope.hpp>

#include "app/connected_providers.hpp"
#include "async/real_loop.hpp"
#include "ipc/inference_client.hpp"
#include "ipc/inference_socket.hpp"
#include "providers/flite/flite_tts.hpp"
#include "providers/moonshine/moonshine_model.hpp"
#include "providers/moonshine/moonshine_stt.hpp"
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

bool asks_for(const std::vector<ProviderSpec>& chain, std::string_view name) {
  return std::ranges::any_of(chain, [name](const auto& spec) { return spec.provider == name; });
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
  if (needs_connection(choice)) note(tls());
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

Result<std::shared_ptr<net::TlsContext>> Assets::tls() {
  if (!tls_) {
    auto made = net::TlsContext::create();
    if (!made) return made;
    tls_ = std::move(*made);
  }
  return tls_;
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
  add_connected_providers(registry, std::move(assets));
}

}  // namespace parley::app
