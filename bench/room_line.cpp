#include "bench/room_line.hpp"

#include <fmt/format.h>

namespace parley::bench {

using Type = livekit::RoomEvent::Type;

RoomLine::RoomLine(Scope& parent, rtc::Engine& engine, net::HttpClient& client, net::WebSocketClient& sockets,
                   ExitWatch& exits, const Place& place, std::string name, OnAudio on_audio)
    : loop_(parent.loop()),
      client_(client),
      exits_(exits),
      place_(place),
      name_(std::move(name)),
      on_audio_(std::move(on_audio)),
      scope_(parent, "line"),
      api_(loop_, client, place.rooms) {
  const livekit::TokenClaims claims{.identity = "caller", .video = {.room = name_, .room_join = true}};
  livekit::RoomSettings settings{.url = place.rooms.url,
                                 .connection = {.bind_address = "127.0.0.1"},
                                 .microphone = livekit::LocalAudioOptions{.name = "microphone"}};
  if (auto token = livekit::make_token(place.rooms, claims, loop_.clock().wall())) {
    settings.token = std::move(*token);
  } else {
    log_.error = token.error().message();
  }
  settings.on_audio_packet = [this](ByteView packet, TimePoint at) {
    on_audio_({at, Bytes(packet.begin(), packet.end())}, true);
  };
  room_ = std::make_unique<livekit::Room>(scope_, engine, sockets, std::move(settings), loop_.logger());
}

RoomLine::~RoomLine() {
  room_->kill();
  scope_.kill();
}

Task<Result<void>> RoomLine::connect() {
  const auto deadline = loop_.in(kConnectWithin);
  if (!log_.error.empty()) co_return fail(Errc::invalid_argument, log_.error);
  if (auto joined = co_await room_->connect(deadline); !joined) co_return joined;
  if (auto watching = scope_.spawn("watch", watch()); !watching) co_return watching;
  log_.posted = loop_.now();
  const auto dispatched = co_await api_.create_dispatch(name_, kAgentName, "", deadline);
  if (!dispatched) co_return fail(dispatched.error());
  if (!co_await subscribed_.wait(deadline)) co_return fail(Errc::timeout, "no agent came into the room");
  log_.connected = loop_.now();
  co_return co_await find_process(client_, exits_, place_.worker_url, "room", name_, deadline);
}

Task<void> RoomLine::watch() {
  while (room_->state() != livekit::RoomState::closed) {
    const auto event = co_await room_->events().pop(Deadline::bounded_by_scope());
    if (!event) co_return;
    happened(*event);
  }
}

void RoomLine::happened(const livekit::RoomEvent& event) {
  switch (event.type) {
    case Type::track_subscribed:
      if (subscribed_.is_set()) return;
      log_.subscribed = loop_.now();
      subscribed_.set();
      return;
    case Type::participant_left: agent_left_ = true; return;  // nobody else is there
    case Type::reconnected:
      if (log_.cut == TimePoint{} || log_.resumed != TimePoint{} || !event.resuming) {
        log_.error = "the room was lost and joined anew";
        return;
      }
      log_.resumed = loop_.now();
      return;
    case Type::disconnected:
      if (log_.hung_up == TimePoint{})
        log_.error = fmt::format("out of the room: {} {}", to_string(event.reason), event.detail);
      return;
    default: return;
  }
}

bool RoomLine::down() const noexcept { return agent_left_ || room_->state() == livekit::RoomState::closed; }

void RoomLine::send(const SpeechFrame& frame, TimePoint now) {
  if (auto* microphone = room_->microphone()) microphone->send_encoded(frame.opus, frame.level, now);
}

void RoomLine::cut(TimePoint now) {
  log_.cut = now;
  room_->drill(livekit::Room::Drill::signal_lost);
}

Task<Result<void>> RoomLine::hang_up() {
  log_.hung_up = loop_.now();
  (void)co_await room_->close(loop_.in(kConnectWithin));
  if (log_.error.empty() && log_.cut != TimePoint{} && log_.resumed == TimePoint{})
    log_.error = "the signal that was cut did not come back";
  co_return log_.error.empty() ? Result<void>{} : fail(Errc::unavailable, log_.error);
}

}  // namespace parley::bench
