// The `scripted` provider: the LLM slot on a dialogue file. It needs no key and no network.
//
// The dialogue's state is computed anew from the history of each request, so that an answer thrown away (preemptive
// generation, an interruption) leaves no trace.
#pragma once

#include <memory>

#include <parley/llm.hpp>

#include "providers/scripted/dialogue.hpp"

namespace parley {

struct ScriptedOptions {
  std::uint64_t seed = 0;  // varies the wordings; 0: in the order of the file
  bool pace = true;        // honour the file's first_token and token delays
};

// Outlives its streams.
class ScriptedLlm final : public Llm {
 public:
  explicit ScriptedLlm(Dialogue dialogue, ScriptedOptions options = {})
      : dialogue_(std::move(dialogue)), options_(options) {}

  std::string_view label() const noexcept override { return "scripted"; }
  std::unique_ptr<LlmStream> chat(Scope& parent, ChatRequest request) override;

 private:
  Dialogue dialogue_;
  ScriptedOptions options_;
};

}  // namespace parley
