// The wire format of Deepgram's speak socket (Aura): JSON in, audio as binary messages and JSON out.
//
// Pure: no socket. Source: Deepgram's API reference, Speak (streaming).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

namespace parley::deepgram {

struct SpeakOptions {
  std::string model = "aura-2-andromeda-en";
  int sample_rate = 24'000;   // 8000, 16000, 24000, 32000 or 48000
  bool mip_opt_out = false;   // of the model improvement programme
};

// What Aura takes as linear16.
bool can_speak_at(int sample_rate) noexcept;

// "/speak?model=...": what comes after the base URL.
std::string speak_target(const SpeakOptions& options);

// {"type":"Speak"} messages of one text, each within kMaxSpeakBytes and cut between words. None: there is nothing to say.
inline constexpr std::size_t kMaxSpeakBytes = 1000;
std::vector<std::string> speak_messages(std::string_view text);

inline constexpr std::string_view kFlush = R"({"type":"Flush"})";
inline constexpr std::string_view kClear = R"({"type":"Clear"})";

// What a text message says.
struct Said {
  enum class Type { flushed, cleared, warning, error, other };
  Type type = Type::other;
  std::string text;  // of a warning or an error
  std::string code;
};

// Errc::protocol: no JSON object.
Result<Said> read_said(std::string_view message);

}  // namespace parley::deepgram
