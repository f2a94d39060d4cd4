#include "net/sse.hpp"

#include <charconv>

#include <fmt/format.h>

namespace parley::net {

Result<void> SseParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const auto end = bytes.find_first_of("\r\n");
    const auto part = bytes.substr(0, end);
    if (line_.size() + part.size() > kMaxLineBytes) {
      return fail(Errc::protocol, fmt::format("a line of the event stream is longer than {} bytes", kMaxLineBytes));
    }
    line_.append(part);
    if (end == std::string_view::npos) return {};
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (auto taken = take_line(); !taken) return taken;
  }
  return {};
}

std::optional<SseEvent> SseParser::next() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<void> SseParser::take_line() {
  std::string_view line = line_;
  if (at_start_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  at_start_ = false;
  if (line.empty()) {
    dispatch();
  } else if (const auto colon = line.find(':'); colon != 0) {
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (data_.size() + value.size() > kMaxEventBytes) {
      return fail(Errc::protocol, fmt::format("an event of the stream is longer than {} bytes", kMaxEventBytes));
    }
    take_field(line.substr(0, colon), value);
  }
  line_.clear();
  return {};
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    data_.append(value).push_back('\n');
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    std::uint64_t milliseconds = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (ec == std::errc() && end == value.data() + value.size()) retry_ms_ = milliseconds;
  }
}

void SseParser::dispatch() {
  if (!data_.empty()) {
    data_.pop_back();
    events_.push_back({.type = type_.empty() ? "message" : std::move(type_), .data = std::move(data_), .id = last_id_});
  }
  type_.clear();
  data_.clear();
}

std::string sse_event(std::string_view id, std::string_view type, std::string_view data) {
  id = id.substr(0, id.find_first_of("\r\n"));
  type = type.substr(0, type.find_first_of("\r\n"));
  std::string frame;
  frame.reserve(id.size() + type.size() + data.size() + 32);
  if (!id.empty()) frame.append("id: ").append(id).append("\n");
  if (!type.empty()) frame.append("event: ").append(type).append("\n");
  for (;;) {
    const auto end = data.find_first_of("\r\n");
    frame.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return frame.append("\n");
}

std::string sse_comment(std::string_view text) { return fmt::format(": {}\n\n", text); }

std::string sse_retry(std::uint64_t milliseconds) { return fmt::format("retry: {}\n\n", milliseconds); }

}  // namespace parley::net
