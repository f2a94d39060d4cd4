// What the fakes have seen: GET /stats.
#pragma once

#include <cstdint>

namespace parley::fakes {

struct Stats {
  std::int64_t connections_open = 0;
  std::uint64_t connections = 0;
  std::int64_t chats_open = 0;
  std::uint64_t chats = 0;
  std::uint64_t chats_cut = 0;  // the client went before the end of the answer
  std::uint64_t tool_calls = 0;
  std::int64_t stt_open = 0;
  std::uint64_t stt = 0;
  std::uint64_t stt_finals = 0;
  double stt_audio_s = 0;
  std::int64_t tts_open = 0;
  std::uint64_t tts = 0;
  std::uint64_t tts_flushes = 0;
  std::uint64_t tts_clears = 0;
  double tts_audio_s = 0;
  std::uint64_t errors = 0;  // what no well-behaved client sends
};

}  // namespace parley::fakes
