// Told by the helper thread on which a native object was destroyed.
#pragma once

#include <parley/async/event.hpp>

namespace parley::rtc {

struct Gone final : ExternalSource {
  using ExternalSource::ExternalSource;
  void deliver() noexcept override { event.set(); }
  Event event;
};

}  // namespace parley::rtc
