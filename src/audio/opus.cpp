#include "audio/opus.hpp"

#include <fmt/format.h>
#include <opus/opus.h>

#include <algorithm>
#include <array>

namespace parley {
namespace {

constexpr int kMono = 1;
constexpr std::size_t kOpusGranule = 120;  // 2.5 ms: opus_decode counts lost sound in these

Result<void> check_size(ByteView packet) {
  if (packet.empty()) return fail(Errc::protocol, "an Opus packet is empty");
  if (packet.size() > kMaxOpusPayloadBytes) {
    return fail(Errc::protocol,
                fmt::format("an Opus packet has {} bytes, {} at most are taken", packet.size(), kMaxOpusPayloadBytes));
  }
  return {};
}

opus_int32 length(ByteView packet) noexcept { return static_cast<opus_int32>(packet.size()); }

Error opus_error(std::string_view what, int code) {
  return {Errc::protocol, fmt::format("{}: {}", what, opus_strerror(code))};
}

// Concealment at `position` samples after the last packet: full, then falling, then none.
float concealment_gain(std::size_t position) noexcept {
  constexpr auto kFull = static_cast<float>(samples_in(OpusDecoder::kFullConcealment, kTransportRate));
  constexpr auto kEnd = static_cast<float>(samples_in(OpusDecoder::kMaxConcealment, kTransportRate));
  return std::clamp((kEnd - static_cast<float>(position)) / (kEnd - kFull), 0.0F, 1.0F);
}

::OpusEncoder* native_encoder(void* encoder) noexcept { return static_cast<::OpusEncoder*>(encoder); }
::OpusDecoder* native_decoder(void* decoder) noexcept { return static_cast<::OpusDecoder*>(decoder); }

}  // namespace

void OpusEncoder::Destroy::operator()(void* encoder) const noexcept { opus_encoder_destroy(native_encoder(encoder)); }
void OpusDecoder::Destroy::operator()(void* decoder) const noexcept { opus_decoder_destroy(native_decoder(decoder)); }

Result<OpusEncoder> OpusEncoder::create(const OpusSettings& settings) {
  if (settings.bitrate < 6'000 || settings.bitrate > 128'000 || settings.complexity < 0 || settings.complexity > 10) {
    return fail(Errc::invalid_argument, fmt::format("Opus cannot be set to {} bits per second at complexity {}: use "
                                                    "6000 to 128000 and 0 to 10",
                                                    settings.bitrate, settings.complexity));
  }
  int error = OPUS_OK;
  auto* raw = opus_encoder_create(kTransportRate, kMono, OPUS_APPLICATION_VOIP, &error);
  if (error != OPUS_OK) return fail(Errc::internal, fmt::format("create an Opus encoder: {}", opus_strerror(error)));
  OpusEncoder encoder(raw, settings.loss_percent);
  opus_encoder_ctl(raw, OPUS_SET_BITRATE(settings.bitrate));
  opus_encoder_ctl(raw, OPUS_SET_COMPLEXITY(settings.complexity));
  opus_encoder_ctl(raw, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  opus_encoder_ctl(raw, OPUS_SET_INBAND_FEC(1));
  opus_encoder_ctl(raw, OPUS_SET_DTX(0));  // silence is not even encoded: see AudioSender
  encoder.set_loss_percent(settings.loss_percent);
  return encoder;
}

OpusEncoder::OpusEncoder(void* encoder, int loss_percent)
    : encoder_(encoder), packet_(kMaxOpusPacketBytes), loss_percent_(loss_percent) {}

Result<ByteView> OpusEncoder::encode(Samples frame) {
  if (frame.size() != kTransportFrameSamples) {
    return fail(Errc::invalid_argument,
                fmt::format("Opus encodes frames of {} samples, not {}", kTransportFrameSamples, frame.size()));
  }
  const auto made = opus_encode(native_encoder(encoder_.get()), frame.data(), static_cast<int>(frame.size()),
                                packet_.data(), static_cast<opus_int32>(packet_.size()));
  if (made < 0) return fail(Errc::internal, fmt::format("encode with Opus: {}", opus_strerror(made)));
  return ByteView(packet_).first(static_cast<std::size_t>(made));
}

void OpusEncoder::set_loss_percent(int percent) {
  loss_percent_ = std::clamp(percent, 0, 100);
  opus_encoder_ctl(native_encoder(encoder_.get()), OPUS_SET_PACKET_LOSS_PERC(loss_percent_));
}

Result<std::size_t> opus_duration(ByteView packet) {
  if (auto ok = check_size(packet); !ok) return fail(ok.error());
  std::array<opus_int16, 48> sizes;
  const int frames = opus_packet_parse(packet.data(), length(packet), nullptr, nullptr, sizes.data(), nullptr);
  if (frames < 0) return fail(opus_error("not an Opus packet", frames));
  const int samples = opus_packet_get_nb_samples(packet.data(), length(packet), kTransportRate);
  if (samples <= 0) return fail(opus_error("not an Opus packet", samples));
  return static_cast<std::size_t>(samples);
}

bool opus_has_fec(ByteView packet) noexcept {
  if (!check_size(packet)) return false;
  const bool celt_only = (packet[0] & 0x80) != 0;
  if (celt_only) return false;
  std::array<const unsigned char*, 48> frames;
  std::array<opus_int16, 48> sizes;
  const int count = opus_packet_parse(packet.data(), length(packet), nullptr, frames.data(), sizes.data(), nullptr);
  if (count <= 0 || sizes[0] == 0) return false;
  // The range coder's first symbols are single even bits, so they stand in the first byte as they are: one voice
  // activity flag for each 20 ms of SILK, then the flag for LBRR frames (RFC 6716 sections 4.2.3 and 4.2.4).
  const int samples = opus_packet_get_samples_per_frame(packet.data(), kTransportRate);
  const int silk_frames = std::max(1, samples / static_cast<int>(kTransportFrameSamples));
  return ((frames[0][0] >> (7 - silk_frames)) & 1) != 0;
}

Result<OpusDecoder> OpusDecoder::create() {
  int error = OPUS_OK;
  auto* raw = opus_decoder_create(kTransportRate, kMono, &error);
  if (error != OPUS_OK) return fail(Errc::internal, fmt::format("create an Opus decoder: {}", opus_strerror(error)));
  return OpusDecoder(raw);
}

OpusDecoder::OpusDecoder(void* decoder) : decoder_(decoder) {}

Result<void> OpusDecoder::decode(ByteView packet, std::vector<std::int16_t>& out) {
  const auto samples = opus_duration(packet);
  if (!samples) return fail(samples.error());
  out.resize(kMaxOpusPacketSamples);
  const int made = opus_decode(native_decoder(decoder_.get()), packet.data(), length(packet), out.data(),
                               static_cast<int>(kMaxOpusPacketSamples), 0);
  if (made < 0) {
    out.clear();
    return fail(opus_error("decode with Opus", made));
  }
  out.resize(static_cast<std::size_t>(made));
  concealed_ = 0;
  return {};
}

Result<void> OpusDecoder::decode_lost(ByteView next, std::size_t samples, std::vector<std::int16_t>& out) {
  if (const auto ok = opus_duration(next); !ok) return fail(ok.error());
  if (!opus_has_fec(next)) {
    conceal(samples, out);
    return {};
  }
  samples = std::min(samples - samples % kOpusGranule, kMaxOpusPacketSamples);
  out.resize(samples);
  const int made =
      opus_decode(native_decoder(decoder_.get()), next.data(), length(next), out.data(), static_cast<int>(samples), 1);
  if (made < 0) {
    conceal(samples, out);
    return {};
  }
  out.resize(static_cast<std::size_t>(made));
  concealed_ = 0;
  return {};
}

void OpusDecoder::conceal(std::size_t samples, std::vector<std::int16_t>& out) {
  samples = std::min(samples - samples % kOpusGranule, kMaxOpusPacketSamples);
  out.assign(samples, 0);
  const auto from = concealment_gain(concealed_);
  const auto to = concealment_gain(concealed_ + samples);
  concealed_ += samples;
  if (from <= 0.0F || samples == 0) return;
  const int made = opus_decode(native_decoder(decoder_.get()), nullptr, 0, out.data(), static_cast<int>(samples), 0);
  if (made < 0) std::ranges::fill(out, std::int16_t{0});
  apply_ramp(out, from, to);
}

void OpusDecoder::reset() {
  opus_decoder_ctl(native_decoder(decoder_.get()), OPUS_RESET_STATE);
  concealed_ = 0;
}

}  // namespace parley
