// What the agent's side needs of a room and of its server: the seams at which tests stand in for both.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "livekit/room/room.hpp"

namespace parley::livekit {

// A room, as Room is one (room_adapter.hpp).
class RoomPort {
 public:
  virtual ~RoomPort() = default;

  virtual Task<Result<void>> connect(Deadline deadline) = 0;
  virtual Channel<RoomEvent>& events() noexcept = 0;
  virtual const RoomInfoView& info() const noexcept = 0;
  virtual const Participant& local() const noexcept = 0;
  virtual const Participant* participant(std::string_view identity) const noexcept = 0;
  virtual std::vector<const Participant*> participants() const = 0;
  virtual LocalAudioTrack* microphone() noexcept = 0;
  virtual std::shared_ptr<RemoteAudioTrack> audio_of(std::string_view identity) noexcept = 0;
  virtual TimePoint last_heard() const noexcept = 0;

  virtual Task<Result<void>> set_attributes(std::map<std::string, std::string> attributes, Deadline deadline) = 0;
  virtual Channel<std::shared_ptr<StreamReader>>& text_streams(const std::string& topic) = 0;
  virtual Channel<std::shared_ptr<StreamReader>>& byte_streams(const std::string& topic) = 0;
  virtual Task<Result<std::unique_ptr<StreamWriter>>> open_text(StreamOptions options, Deadline deadline) = 0;
  virtual Task<Result<void>> send_text(std::string text, StreamOptions options, Deadline deadline) = 0;
  virtual Task<Result<void>> send_transcription(std::string participant_identity, std::string track_sid,
                                                std::vector<TranscriptionSegment> segments, Deadline deadline) = 0;
  virtual Task<Result<void>> send_dtmf(std::string keys, std::vector<std::string> destinations, Deadline deadline) = 0;

  virtual void request_stop(StopReason reason) noexcept = 0;
  virtual Task<CloseReport> close(Deadline deadline) = 0;
  virtual void kill() noexcept = 0;
};

// Somebody in the room, as the server tells it.
struct Listed {
  std::string identity;
  ParticipantKind kind = ParticipantKind::standard;
  bool on_behalf = false;  // of another agent: its avatar
};

// The server's API about this one room.
class RoomServer {
 public:
  virtual ~RoomServer() = default;

  virtual Task<Result<std::vector<Listed>>> list_participants(Deadline deadline) = 0;
  virtual Task<Result<void>> remove_participant(std::string identity, Deadline deadline) = 0;
  virtual Task<Result<void>> delete_room(Deadline deadline) = 0;
  virtual Task<Result<void>> transfer(std::string identity, std::string to, Deadline deadline) = 0;
};

}  // namespace parley::livekit
