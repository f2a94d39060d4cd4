// What a job needs to serve a call in a LiveKit room: told by its supervisor, which holds the server's key and secret. And
// what a job tells of it to a supervisor that did not start it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <parley/base/bytes.hpp>

namespace parley::ipc {

constexpr std::size_t kMaxRoomNameBytes = 1 * KiB;      // names, identities, ids
constexpr std::size_t kMaxRoomUrlBytes = 4 * KiB;
constexpr std::size_t kMaxRoomTokenBytes = 16 * KiB;
constexpr std::size_t kMaxRoomMetadataBytes = 64 * KiB;  // of the room and the dispatch together
constexpr std::size_t kMaxRoomAttributes = 256;
constexpr std::size_t kMaxRoomAttributeBytes = 32 * KiB;  // of all of them

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

// Which job of a LiveKit server a call is, and who we are in its room.
struct RoomPlace {
  std::string job_id;  // LiveKit's, AJ_...
  std::string room_name;
  std::string room_sid;
  std::string agent_identity;

  bool operator==(const RoomPlace&) const = default;
};

inline RoomPlace place_of(const RoomJob& job) { return {job.job_id, job.room_name, job.room_sid, job.agent_identity}; }

}  // namespace parley::ipc
