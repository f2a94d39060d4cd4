// OpenAI's chat completions: an answer in words that come one by one, or a function call.
//
// A tool is called where the instructions or the caller's last message say `use the tool NAME`, once for each message of
// the caller's; its arguments are made up from its JSON schema.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/options.hpp"

namespace parley::fakes {

// What the request asks for.
struct ChatWish {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  std::size_t turn = 0;           // messages of the caller's so far
  std::size_t prompt_bytes = 0;
  std::string tool;               // to be called; empty: none
  std::string tool_arguments;
  std::string tool_result;        // to be told; empty: none

  // An error is a sentence for the body of a 400.
  static std::expected<ChatWish, std::string> parse(std::string_view body);
};

// One answer. Pulled piece by piece, each with its time.
class ChatAnswer {
 public:
  ChatAnswer(const Options& options, ChatWish wish, std::uint64_t number, TimePoint now);

  bool calls_tool() const noexcept { return !wish_.tool.empty(); }
  // The data of the next server-sent event, if it is due.
  std::optional<std::string> next(TimePoint now);
  std::optional<TimePoint> due() const;  // none: all was said

  // The answer in one piece, and when it is due: for requests without `stream`.
  std::string whole() const;
  TimePoint whole_due() const { return from_ + options_.token * static_cast<std::int64_t>(words_.size()); }

 private:
  std::string event(std::string delta, std::string_view finish_reason) const;
  std::string usage() const;
  std::string tool_call() const;

  const Options& options_;
  ChatWish wish_;
  std::string id_;
  TimePoint from_;  // the first word
  std::vector<std::string> words_;
  std::size_t said_ = 0;
  enum class Part { words, finish, usage, done, over } part_ = Part::words;
};

}  // namespace parley::fakes
