// A LiveKit room and its server as tests want them: what happens in the room is done by the test.
#pragma once

#include <gtest/gtest.h>

#include <list>
#include <map>

#include "livekit/agent/room_port.hpp"
#include "sim/world.hpp"

namespace parley::livekit {

class FakeMicrophone final : public LocalAudioTrack {
 public:
  const std::string& sid() const noexcept override { return sid_; }
  void send(const AudioFrame&, TimePoint) override { ++sent; }
  void send_encoded(ByteView, std::uint8_t, TimePoint) override { ++sent; }
  bool can_deliver() const noexcept override { return delivers; }
  void set_muted(bool muted) override { muted_ = muted; }
  bool muted() const noexcept override { return muted_; }
  Event& subscribed() noexcept override { return subscribed_; }

  int sent = 0;
  bool delivers = true;

 private:
  std::string sid_ = "TR_agent";
  bool muted_ = false;
  Event subscribed_;
};

// Someone's voice: frames filled with one number.
class FakeVoice final : public RemoteAudioTrack {
 public:
  FakeVoice(std::string sid, std::string identity, std::int16_t code) : sid_(std::move(sid)), identity_(std::move(identity)), code_(code) {}
  const std::string& sid() const noexcept override { return sid_; }
  const std::string& identity() const noexcept override { return identity_; }
  std::optional<AudioFrame> receive(TimePoint) override {
    if (silent) return std::nullopt;
    return AudioFrame{.samples = std::vector<std::int16_t>(kTransportFrameSamples, code_)};
  }
  std::optional<TimePoint> last_received() const noexcept override { return std::nullopt; }
  bool silent = false;

 private:
  std::string sid_, identity_;
  std::int16_t code_;
};

class FakeReader final : public StreamReader {
 public:
  FakeReader(StreamInfo info, std::string content) : info_(std::move(info)), content_(std::move(content)) {}
  const StreamInfo& info() const noexcept override { return info_; }
  Task<Result<std::string>> read(Deadline deadline) override {
    if (delay > Duration::zero()) {
      auto& loop = co_await this_loop();
      if (loop.in(delay).at() > deadline.at()) {
        co_await sleep_until(deadline.at());
        co_return fail(Errc::timeout, "nothing came");
      }
      co_await sleep_for(std::exchange(delay, Duration::zero()));
    }
    co_return std::exchange(content_, std::string());
  }
  Duration delay{};

 private:
  StreamInfo info_;
  std::string content_;
};

// A stream that the agent opened, as front ends read it.
struct SentStream {
  StreamOptions options;
  std::string text;
  int writes = 0;
  bool finished = false;
  std::map<std::string, std::string> closing;
};
struct SentTranscription {
  std::string identity, track_sid, id, text;
  bool final;
};

class FakeRoom final : public RoomPort {
 public:
  explicit FakeRoom(Loop& loop) : loop_(loop) {
    info_.sid = "RM_1";
    local_.identity = "agent";
    local_.kind = ParticipantKind::agent;
  }

  // ---- what happens in it
  Participant& comes(std::string identity, ParticipantKind kind = ParticipantKind::standard, std::map<std::string, std::string> attributes = {}) {
    auto& participant = people[identity];
    participant.identity = identity;
    participant.kind = kind;
    participant.state = ParticipantState::active;
    participant.attributes = std::move(attributes);
    happens({.type = RoomEvent::Type::participant_joined, .identity = std::move(identity)});
    return participant;
  }
  void leaves(const std::string& identity, DisconnectReason reason = DisconnectReason::client_initiated) {
    people.erase(identity);
    voices.erase(identity);
    happens({.type = RoomEvent::Type::participant_left, .identity = identity, .reason = reason});
  }
  std::shared_ptr<FakeVoice> speaks(const std::string& identity, std::int16_t code, bool preconnect = false) {
    const auto sid = "TR_" + identity;
    people[identity].tracks[sid] = TrackInfo{.sid = sid, .name = {}, .mime_type = {}, .stream = {}, .source = TrackSource::microphone, .preconnect_buffer = preconnect};
    auto voice = std::make_shared<FakeVoice>(sid, identity, code);
    voices[identity] = voice;
    happens({.type = RoomEvent::Type::track_subscribed, .identity = identity, .track_sid = sid});
    return voice;
  }
  void happens(RoomEvent event) { (void)events_.try_push(std::move(event)); }
  void hears_us() {
    mic.subscribed().set();
    happens({.type = RoomEvent::Type::local_track_subscribed, .identity = "agent"});
  }
  void ends(DisconnectReason reason) {
    happens({.type = RoomEvent::Type::disconnected, .reason = reason});
    events_.close();
  }
  std::shared_ptr<FakeReader> sends(const std::string& topic, std::string sender, std::string content,
                                    std::map<std::string, std::string> attributes = {}, std::string mime = {}) {
    StreamInfo info{.id = "s", .topic = topic, .mime_type = std::move(mime), .name = {}, .sender = std::move(sender), .attributes = std::move(attributes), .total_bytes = {}};
    auto reader = std::make_shared<FakeReader>(std::move(info), std::move(content));
    (void)channel(topic).try_push(reader);
    return reader;
  }

  // ---- RoomPort
  Task<Result<void>> connect(Deadline) override {
    ++connects;
    co_await sleep_for(connecting);
    co_return connect_result;
  }
  Channel<RoomEvent>& events() noexcept override { return events_; }
  const RoomInfoView& info() const noexcept override { return info_; }
  const Participant& local() const noexcept override { return local_; }
  const Participant* participant(std::string_view identity) const noexcept override {
    const auto it = people.find(std::string(identity));
    return it == people.end() ? nullptr : &it->second;
  }
  std::vector<const Participant*> participants() const override {
    std::vector<const Participant*> all;
    for (const auto& [identity, each] : people) all.push_back(&each);
    return all;
  }
  LocalAudioTrack* microphone() noexcept override { return &mic; }
  std::shared_ptr<RemoteAudioTrack> audio_of(std::string_view identity) noexcept override {
    const auto it = voices.find(std::string(identity));
    return it == voices.end() ? nullptr : it->second;
  }
  TimePoint last_heard() const noexcept override { return loop_.now(); }
  Task<Result<void>> set_attributes(std::map<std::string, std::string> attributes, Deadline deadline) override {
    if (slow > Duration::zero()) co_await sleep_until(std::min(deadline.at(), loop_.now() + slow));
    if (attributes_result) states.push_back(attributes.at("lk.agent.state"));
    co_return attributes_result;
  }
  Channel<std::shared_ptr<StreamReader>>& text_streams(const std::string& topic) override { return channel(topic); }
  Channel<std::shared_ptr<StreamReader>>& byte_streams(const std::string& topic) override { return channel(topic); }
  Task<Result<std::unique_ptr<StreamWriter>>> open_text(StreamOptions options, Deadline deadline) override {
    if (auto ready = co_await wait_for_room(deadline); !ready) co_return fail(ready.error());
    streams.push_back({.options = std::move(options), .text = {}, .closing = {}});
    co_return std::unique_ptr<StreamWriter>(std::make_unique<Writer>(*this, streams.back()));
  }
  Task<Result<void>> send_text(std::string text, StreamOptions options, Deadline deadline) override {
    if (auto ready = co_await wait_for_room(deadline); !ready) co_return ready;
    streams.push_back({.options = std::move(options), .text = std::move(text), .writes = 1, .finished = true, .closing = {}});
    co_return Result<void>{};
  }
  Task<Result<void>> send_transcription(std::string identity, std::string track_sid, std::vector<TranscriptionSegment> segments, Deadline deadline) override {
    if (auto ready = co_await wait_for_room(deadline); !ready) co_return ready;
    for (auto& each : segments) legacy.push_back({identity, track_sid, each.id, each.text, each.final});
    co_return Result<void>{};
  }
  Task<Result<void>> send_dtmf(std::string keys, std::vector<std::string> destinations, Deadline) override {
    dtmf = keys + "@" + destinations.at(0);
    co_return Result<void>{};
  }
  void request_stop(StopReason) noexcept override {
    if (!left_at) left_at = loop_.now();
  }
  Task<CloseReport> close(Deadline) override {
    request_stop({});
    co_await sleep_for(closing);
    closed = true;
    CloseReport report;
    report.add({.name = "room", .outcome = CloseOutcome::closed, .took = {}, .detail = {}});
    co_return report;
  }
  void kill() noexcept override { request_stop({}); }

  std::map<std::string, Participant> people;
  std::map<std::string, std::shared_ptr<FakeVoice>> voices;
  FakeMicrophone mic;
  RoomInfoView info_;
  Participant local_;
  int connects = 0;
  Duration connecting = 50ms;
  Result<void> connect_result;
  Duration closing = 20ms;
  bool closed = false;
  std::optional<TimePoint> left_at;
  std::string dtmf;
  Duration slow{};  // of everything that is sent
  Result<void> attributes_result;
  std::vector<std::string> states;
  std::list<SentStream> streams;
  std::vector<SentTranscription> legacy;

 private:
  class Writer final : public StreamWriter {
   public:
    Writer(FakeRoom& room, SentStream& stream) : room_(room), stream_(stream) {}
    const StreamInfo& info() const noexcept override { return info_; }
    Task<Result<void>> write(std::string piece, Deadline deadline) override {
      if (auto ready = co_await room_.wait_for_room(deadline); !ready) co_return ready;
      stream_.text += piece;
      ++stream_.writes;
      co_return Result<void>{};
    }
    Task<Result<void>> finish(std::map<std::string, std::string> attributes, Deadline deadline) override {
      if (auto ready = co_await room_.wait_for_room(deadline); !ready) co_return ready;
      stream_.finished = true;
      stream_.closing = std::move(attributes);
      co_return Result<void>{};
    }

   private:
    FakeRoom& room_;
    SentStream& stream_;
    StreamInfo info_;
  };

  Task<Result<void>> wait_for_room(Deadline deadline) {
    if (slow == Duration::zero()) co_return Result<void>{};
    const auto done = loop_.now() + slow;
    co_await sleep_until(std::min(deadline.at(), done));
    if (done > deadline.at()) co_return fail(Errc::timeout, "no room in the channel");
    co_return Result<void>{};
  }
  Channel<std::shared_ptr<StreamReader>>& channel(const std::string& topic) {
    auto& made = channels_[topic];
    if (!made) made = std::make_unique<Channel<std::shared_ptr<StreamReader>>>(32);
    return *made;
  }

  Loop& loop_;
  Channel<RoomEvent> events_{256};
  std::map<std::string, std::unique_ptr<Channel<std::shared_ptr<StreamReader>>>> channels_;
};

class FakeServer final : public RoomServer {
 public:
  Task<Result<std::vector<Listed>>> list_participants(Deadline) override {
    co_await sleep_for(answers_in);
    co_return listed;
  }
  Task<Result<void>> remove_participant(std::string identity, Deadline) override {
    co_await sleep_for(answers_in);
    asked.push_back("remove " + identity);
    co_return result;
  }
  Task<Result<void>> delete_room(Deadline) override {
    co_await sleep_for(answers_in);
    asked.push_back("delete");
    co_return result;
  }
  Task<Result<void>> transfer(std::string identity, std::string to, Deadline) override {
    co_await sleep_for(answers_in);
    asked.push_back("transfer " + identity + " " + to);
    co_return result;
  }

  Duration answers_in = 5ms;
  Result<std::vector<Listed>> listed = std::vector<Listed>{};
  Result<void> result;
  std::vector<std::string> asked;
};

}  // namespace parley::livekit
