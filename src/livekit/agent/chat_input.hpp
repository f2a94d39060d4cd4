// What a caller types (text streams on "lk.chat"): each text once it is complete.
//
// Thread: the loop's only.
// Bound:  one text at a time, kMaxText long, within kReadWithin; who else is in the room is not read.
// Ending: its task is its scope's.
#pragma once

#include <functional>
#include <string>

#include "livekit/agent/room_port.hpp"

namespace parley::livekit {

class ChatInput {
 public:
  static constexpr std::size_t kMaxText = 16 * KiB;
  static constexpr Duration kReadWithin = 5s;

  // Listens from now on: before the room is joined. `is_caller` says of whom it is.
  ChatInput(Scope& parent, RoomPort& room, std::function<bool(std::string_view identity)> is_caller,
            std::function<void(std::string text)> said, Logger logger);

 private:
  Task<void> listen();

  Loop& loop_;
  std::function<bool(std::string_view)> is_caller_;
  std::function<void(std::string)> said_;
  Logger logger_;
  Channel<std::shared_ptr<StreamReader>>& streams_;
  Scope scope_;
};

}  // namespace parley::livekit
