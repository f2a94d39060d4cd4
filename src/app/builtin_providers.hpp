// The providers that Parley brings: silero, moonshine, flite and scripted on this machine, openai and deepgram elsewhere.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <parley/providers.hpp>

#include "net/tls.hpp"
#include "providers/flite/flite_voice.hpp"
#include "providers/scripted/dialogue.hpp"
#include "providers/silero/silero_model.hpp"

namespace parley::app {

// What providers need from the disk: loaded and warmed once, in the process that jobs are forked from, and shared by
// them. A job that was started by exec loads its own.
//
// Thread: one; nothing changes after prewarm() in the process that forks.
class Assets {
 public:
  // `models`: the folder of the model files. `dialogue`: the scripted dialogue of agents that name none.
  Assets(std::string models, std::string dialogue) : models_(std::move(models)), dialogue_(std::move(dialogue)) {}

  // What these providers load. The first error, after trying all.
  Result<void> prewarm(const ProviderChoice& choice);
  // Whether the files that these providers need are there and whole. Loads what is small, and only looks at the rest.
  Result<void> check(const ProviderChoice& choice);

  Result<std::shared_ptr<const SileroModel>> silero();
  Result<FliteVoice> voice(const std::string& name);
  // By the path of its file; empty: the built-in one.
  Result<Dialogue> dialogue(const std::string& path);
  // The authorities that the system trusts.
  Result<std::shared_ptr<net::TlsContext>> tls();

  std::string moonshine_folder() const { return models_ + "/moonshine-tiny-en"; }

 private:
  std::string models_;
  std::string dialogue_;
  std::shared_ptr<const SileroModel> silero_;
  std::map<std::string, FliteVoice> voices_;
  std::map<std::string, Dialogue> dialogues_;
  std::shared_ptr<net::TlsContext> tls_;
};

// Registers them. `inference_socket`: where the inference process answers.
void add_builtin_providers(ProviderRegistry& registry, std::shared_ptr<Assets> assets, std::string inference_socket);

}  // namespace parley::app
