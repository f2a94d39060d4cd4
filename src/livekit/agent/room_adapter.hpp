// A Room and a ServerApi behind the seams of room_port.hpp: nothing but passing on.
//
// Thread: the loop's only.
#pragma once

#include "livekit/agent/room_port.hpp"
#include "livekit/api/server_api.hpp"

namespace parley::livekit {

class RoomAdapter final : public RoomPort {
 public:
  RoomAdapter(Scope& parent, rtc::Engine& engine, net::WebSocketClient& sockets, RoomSettings settings, Logger logger)
      : room_(parent, engine, sockets, std::move(settings), std::move(logger)) {}

  Task<Result<void>> connect(Deadline deadline) override { return room_.connect(deadline); }
  Channel<RoomEvent>& events() noexcept override { return room_.events(); }
  const RoomInfoView& info() const noexcept override { return room_.info(); }
  const Participant& local() const noexcept override { return room_.local(); }
  const Participant* participant(std::string_view identity) const noexcept override { return room_.participant(identity); }
  std::vector<const Participant*> participants() const override { return room_.participants(); }
  LocalAudioTrack* microphone() noexcept override { return room_.microphone(); }
  std::shared_ptr<RemoteAudioTrack> audio_of(std::string_view identity) noexcept override { return room_.audio_of(identity); }
  TimePoint last_heard() const noexcept override { return room_.last_heard(); }
  Task<Result<void>> set_attributes(std::map<std::string, std::string> attributes, Deadline deadline) override {
    return room_.set_attributes(std::move(attributes), deadline);
  }
  Channel<std::shared_ptr<StreamReader>>& text_streams(const std::string& topic) override { return room_.messages().text_streams(topic); }
  Channel<std::shared_ptr<StreamReader>>& byte_streams(const std::string& topic) override { return room_.messages().byte_streams(topic); }
  Task<Result<std::unique_ptr<StreamWriter>>> open_text(StreamOptions options, Deadline deadline) override {
    return room_.messages().open_text(std::move(options), deadline);
  }
  Task<Result<void>> send_text(std::string text, StreamOptions options, Deadline deadline) override {
    return room_.messages().send_text(std::move(text), std::move(options), deadline);
  }
  Task<Result<void>> send_transcription(std::string participant_identity, std::string track_sid,
                                        std::vector<TranscriptionSegment> segments, Deadline deadline) override {
    return room_.messages().send_transcription(std::move(participant_identity), std::move(track_sid), std::move(segments), deadline);
  }
  Task<Result<void>> send_dtmf(std::string keys, std::vector<std::string> destinations, Deadline deadline) override {
    return room_.messages().send_dtmf(std::move(keys), std::move(destinations), deadline);
  }
  void request_stop(StopReason reason) noexcept override { room_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) override { return room_.close(deadline); }
  void kill() noexcept override { room_.kill(); }

 private:
  Room room_;
};

class ServerAdapter final : public RoomServer {
 public:
  ServerAdapter(Loop& loop, net::HttpClient& http, std::string url, std::string token, std::string room)
      : api_(loop, http, std::move(url), std::move(token)), room_(std::move(room)) {}

  Task<Result<std::vector<Listed>>> list_participants(Deadline deadline) override;
  Task<Result<void>> remove_participant(std::string identity, Deadline deadline) override {
    return api_.remove_participant(room_, std::move(identity), deadline);
  }
  Task<Result<void>> delete_room(Deadline deadline) override { return api_.delete_room(room_, deadline); }
  Task<Result<void>> transfer(std::string identity, std::string to, Deadline deadline) override {
    return api_.transfer_sip_participant(room_, std::move(identity), std::move(to), false, deadline);
  }

 private:
  ServerApi api_;
  std::string room_;
};

}  // namespace parley::livekit
