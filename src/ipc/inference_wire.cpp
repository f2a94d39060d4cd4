#include "ipc/inference_wire.hpp"

#include <algorithm>
#include <cmath>

#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

// Generated code is not held to our warnings.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include "inference.pb.h"
#pragma clang diagnostic pop

namespace parley::ipc {

namespace {

constexpr std::size_t kMaxPacket = 64 * KiB;
constexpr float kFullScale = 32767.0F;

std::unexpected<Error> broken(std::string_view what) { return fail(Errc::protocol, std::string(what)); }

template <class Message>
Result<Message> parse(std::string_view bytes) {
  Message message;
  if (bytes.size() > kMaxPacket || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return broken("not a message of the inference process");
  }
  return message;
}

std::uint32_t to_ms(Duration patience) {
  const auto bounded = std::clamp(patience, Duration::zero(), kMaxInferencePatience);
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::milliseconds>(bounded).count());
}

// Written or read to the end, or an error.
template <class Call>
Result<void> whole(std::string_view what, std::size_t bytes, Call call) {
  std::size_t done = 0;
  while (done < bytes) {
    const auto count = call(done, bytes - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(what, errno));
    if (count == 0) return broken("the audio is shorter than was said");
    done += static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace

std::string serialize(const ToInference& message) {
  inference_wire::ToInference out;
  if (const auto* request = std::get_if<RecognizeRequest>(&message)) {
    auto& recognize = *out.mutable_recognize();
    recognize.set_id(request->id);
    recognize.set_samples(static_cast<std::uint32_t>(request->samples));
    recognize.set_patience_ms(to_ms(request->patience));
  } else {
    out.mutable_cancel()->set_id(std::get<CancelRequest>(message).id);
  }
  return out.SerializeAsString();
}

std::string serialize(const InferenceAnswer& answer) {
  inference_wire::FromInference out;
  out.set_id(answer.id);
  if (!answer.text) {
    out.set_error(static_cast<std::uint32_t>(answer.text.error().code()) + 1);
    out.set_text(answer.text.error().message().substr(0, 1 * KiB));
  } else if (answer.text->size() > kMaxInferenceText) {
    out.set_error(static_cast<std::uint32_t>(Errc::internal) + 1);
    out.set_text(
        fmt::format("the model's answer has {} bytes, the bound is {}", answer.text->size(), kMaxInferenceText));
  } else {
    out.set_text(*answer.text);
  }
  return out.SerializeAsString();
}

Result<ToInference> parse_to_inference(std::string_view bytes) {
  const auto message = parse<inference_wire::ToInference>(bytes);
  if (!message) return fail(message.error());
  if (message->has_cancel()) return CancelRequest{.id = message->cancel().id()};
  if (!message->has_recognize()) return broken("a request of unknown kind");
  const auto& in = message->recognize();
  if (in.samples() == 0 || in.samples() > kMaxInferenceSamples)
    return broken(fmt::format("a request of {} samples", in.samples()));
  const Duration patience = std::chrono::milliseconds(in.patience_ms());
  return RecognizeRequest{
      .id = in.id(), .samples = in.samples(), .patience = std::min(patience, Duration(kMaxInferencePatience))};
}

Result<InferenceAnswer> parse_inference_answer(std::string_view bytes) {
  auto message = parse<inference_wire::FromInference>(bytes);
  if (!message) return fail(message.error());
  if (message->text().size() > kMaxInferenceText) return broken("an answer that is too long");
  if (message->error() == 0) return InferenceAnswer{.id = message->id(), .text = std::move(*message->mutable_text())};
  if (message->error() > static_cast<std::uint32_t>(Errc::internal) + 1) return broken("an unknown error");
  return InferenceAnswer{.id = message->id(),
                         .text = fail(static_cast<Errc>(message->error() - 1), std::move(*message->mutable_text()))};
}

Result<Fd> make_inference_audio(std::span<const float> samples) {
  if (samples.empty() || samples.size() > kMaxInferenceSamples) {
    return fail(Errc::invalid_argument, fmt::format("{} samples: between 1 and {} can be recognised at once",
                                                    samples.size(), kMaxInferenceSamples));
  }
  std::vector<std::int16_t> values(samples.size());
  std::ranges::transform(samples, values.begin(), [](float sample) {
    const auto finite = std::isfinite(sample) ? std::clamp(sample, -1.0F, 1.0F) : 0.0F;
    return static_cast<std::int16_t>(std::lround(finite * kFullScale));
  });
  Fd fd(::memfd_create("parley-audio", MFD_CLOEXEC));
  if (!fd) return fail(errno_error("memfd_create", errno));
  const auto* bytes = reinterpret_cast<const char*>(values.data());
  const auto written = whole(
      "write audio", values.size() * sizeof(std::int16_t),
      [&](std::size_t at, std::size_t left) { return ::pwrite(fd.get(), bytes + at, left, static_cast<off_t>(at)); });
  if (!written) return fail(written.error());
  return fd;
}

Result<std::vector<float>> read_inference_audio(int fd, std::size_t samples) {
  if (samples == 0 || samples > kMaxInferenceSamples) return broken("a request of impossible length");
  std::vector<std::int16_t> values(samples);
  auto* bytes = reinterpret_cast<char*>(values.data());
  const auto got = whole("read audio", values.size() * sizeof(std::int16_t), [&](std::size_t at, std::size_t left) {
    return ::pread(fd, bytes + at, left, static_cast<off_t>(at));
  });
  if (!got) return broken(got.error().message());
  std::vector<float> audio(samples);
  std::ranges::transform(values, audio.begin(),
                         [](std::int16_t value) { return static_cast<float>(value) / kFullScale; });
  return audio;
}

}  // namespace parley::ipc
