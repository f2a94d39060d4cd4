// The wire format of Deepgram's v1 listen socket: audio as binary messages, everything else as JSON in text messages.
//
// Pure: no socket. Source: Deepgram's API reference, Listen (streaming), and its notes on KeepAlive, Finalize and
// CloseStream.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::deepgram {

struct ListenOptions {
  std::string model = "nova-3";
  std::string language;              // empty: the session's
  Duration endpointing = 25ms;       // of silence after which it gives out what it has; zero: off
  bool punctuate = true;
  bool smart_format = false;
  bool filler_words = true;          // "uh": what tells that the caller is about to go on
  bool mip_opt_out = false;          // of the model improvement programme
  std::vector<std::string> keyterms;
};

// "/listen?model=nova-3&...": what comes after the base URL.
std::string listen_target(const ListenOptions& options, std::string_view language);

inline constexpr std::string_view kKeepAlive = R"({"type":"KeepAlive"})";
inline constexpr std::string_view kFinalize = R"({"type":"Finalize"})";
inline constexpr std::string_view kCloseStream = R"({"type":"CloseStream"})";

// What a message says.
struct Heard {
  enum class Type { results, speech_started, utterance_end, metadata, error, other };
  Type type = Type::other;
  std::string text;              // of results: the transcript; of an error: what it says
  std::string language;          // of results; empty where Deepgram does not tell
  double confidence = 1.0;
  bool is_final = false;
  bool speech_final = false;
  bool from_finalize = false;
};

// Errc::protocol: no JSON object, or results without a transcript.
Result<Heard> read_heard(std::string_view message);

// What a close code with this reason means: "NET-0001" may be tried again, what cannot be decoded may not.
bool worth_another_try(int close_code, std::string_view reason) noexcept;

}  // namespace parley::deepgram
