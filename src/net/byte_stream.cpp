#include "net/byte_stream.hpp"

namespace parley::net {

Task<Result<std::size_t>> ByteStream::read(std::span<char> into, Deadline deadline) {
  for (;;) {
    const auto step = try_read(into);
    if (!step) co_return fail(step.error());
    if (step->want == Want::nothing) {
      if (++immediate_steps_ >= kMaxImmediateSteps) {
        immediate_steps_ = 0;
        co_await yield();
      }
      co_return step->bytes;
    }
    immediate_steps_ = 0;
    if (auto waited = co_await ready(step->want, deadline); !waited) co_return fail(waited.error());
  }
}

Task<Result<void>> ByteStream::write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto step = try_write(bytes);
    if (!step) co_return fail(step.error());
    bytes.remove_prefix(step->bytes);
    if (step->want == Want::nothing) continue;
    if (auto waited = co_await ready(step->want, deadline); !waited) co_return fail(waited.error());
  }
  co_return Result<void>{};
}

}  // namespace parley::net
