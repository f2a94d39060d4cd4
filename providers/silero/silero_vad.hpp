// The `silero` provider: the VAD slot on Silero's model.
#pragma once

#include <memory>

#include <parley/vad.hpp>

#include "providers/silero/silero_model.hpp"

namespace parley {

class SileroVad final : public Vad {
 public:
  explicit SileroVad(std::shared_ptr<const SileroModel> model) noexcept : model_(std::move(model)) {}

  std::string_view label() const noexcept override { return "silero"; }
  std::unique_ptr<VadStream> stream(const VadOptions& options) override;

 private:
  std::shared_ptr<const SileroModel> model_;
};

}  // namespace parley
