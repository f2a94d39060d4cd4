// Server-sent events (WHATWG HTML, 9.2): reading them from a provider, writing them for a watcher.
//
// Pure: bytes in, events out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>

namespace parley::net {

struct SseEvent {
  std::string type = "message";
  std::string data;
  std::string id;  // the last id seen, this event's or an earlier one's
};

// Bound: kMaxLineBytes a line, kMaxEventBytes an event; beyond them feed() fails and the stream is of no more use.
class SseParser {
 public:
  static constexpr std::size_t kMaxLineBytes = 1 * MiB;
  static constexpr std::size_t kMaxEventBytes = 4 * MiB;

  // Takes what has come. Errc::protocol: a line or an event is too long.
  Result<void> feed(std::string_view bytes);

  // The next whole event. An event without its closing empty line is none.
  std::optional<SseEvent> next();

  // What the server asked for: wait so many milliseconds before coming back.
  std::optional<std::uint64_t> retry_ms() const noexcept { return retry_ms_; }
  const std::string& last_id() const noexcept { return last_id_; }

 private:
  Result<void> take_line();
  void take_field(std::string_view name, std::string_view value);
  void dispatch();

  bool at_start_ = true;   // a byte order mark may come
  bool after_cr_ = false;  // a line feed belongs to the line that has ended
  std::string line_;
  std::string type_;
  std::string data_;
  std::string last_id_;
  std::optional<std::uint64_t> retry_ms_;
  std::deque<SseEvent> events_;
};

// One event as it goes onto the wire. Line breaks in `data` are kept; `id` and `type` end at their first.
std::string sse_event(std::string_view id, std::string_view type, std::string_view data);
// A line that readers overlook: it keeps the connection alive.
std::string sse_comment(std::string_view text);
// How long a reader waits before it comes back.
std::string sse_retry(std::uint64_t milliseconds);

}  // namespace parley::net
