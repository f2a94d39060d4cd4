// The `room` part of an agent file: how an agent behaves in a LiveKit room.
#pragma once

#include <string>
#include <vector>

namespace parley {

struct RoomOptions {
  bool close_on_disconnect = true;  // false: when the caller leaves, the agent waits for the next one
  bool delete_on_close = false;     // the room is deleted when the call ends
  // Kinds of participants that the agent talks to: the first of them is its caller. Decided when it joins, before it knows
  // who calls: one call cannot change it.
  std::vector<std::string> link_to{"standard", "sip", "connector"};
};

}  // namespace parley
