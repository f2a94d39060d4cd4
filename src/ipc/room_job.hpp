// What a job needs to serve a call in a LiveKit room: told by its supervisor, which holds the server's key and secret.
#pragma once

#include <map>
#include <string>

namespace parley::ipc {

struct RoomJob {
  std::string job_id;    // LiveKit's, AJ_...
  std::string url;       // of the server
  std::string token;     // of the agent's participant
  // For the server's API about this one room: remove and list participants, transfer, delete. Minted by the supervisor, valid as
  // long as any call may last.
  std::string api_token;
  std::string room_name;
  std::string room_sid;       // another sid on arrival: that room is over, and joining has made a new one
  std::string room_metadata;
  std::string metadata;       // of the dispatch; a JSON object, or any text
  std::string agent_identity; // ours
  std::string agent_name;     // lk.agent.name
  std::string participant_identity;  // of publisher and participant jobs: whom the call is with; empty: link_to decides
  std::map<std::string, std::string> attributes;  // of the job
  bool caller_was_there = false;  // when the job was dispatched, somebody was in the room

  bool operator==(const RoomJob&) const = default;
};

}  // namespace parley::ipc
