#include "rtc/native_sfu.hpp"

#include <algorithm>
#include <future>

#include "rtc/native_parts.hpp"
#include "rtc/sfu_listener.hpp"

namespace parley::rtc {

namespace {

using Connection = ::rtc::PeerConnection;
using Media = ::rtc::Description::Media;

::rtc::Description::Direction native_direction(Direction direction) noexcept {
  switch (direction) {
    case Direction::sendrecv: return ::rtc::Description::Direction::SendRecv;
    case Direction::sendonly: return ::rtc::Description::Direction::SendOnly;
    case Direction::recvonly: return ::rtc::Description::Direction::RecvOnly;
    case Direction::inactive: return ::rtc::Description::Direction::Inactive;
  }
  return ::rtc::Description::Direction::Inactive;
}

::rtc::Configuration sfu_configuration(const NativeSettings& settings) {
  auto config = configuration(settings);
  config.maxMessageSize = SfuConnection::kMaxReceivedBytes + 1;  // the library cuts what is longer: so it shows
  config.disableAutoGathering = true;
  return config;
}

Media media_of(const SfuSection& section) {
  ::rtc::Description::Audio audio(section.mid, native_direction(section.direction()));
  audio.addOpusCodec(kOpusPayloadType, "minptime=10;useinbandfec=1");
  if (section.kind == SfuSection::Kind::sender) {
    const auto& send = section.send;
    audio.addExtMap({kAudioLevelId, std::string(kAudioLevelUri)});
    audio.addSSRC(send.ssrc, send.cname, send.stream_id, send.track_id);
  }
  return audio;
}

}  // namespace

NativeSfu::NativeSfu(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits)
    : engine_(std::move(engine)), inbox_(exits.inbox), candidates_(exits.candidates) {
  ++engine_->connections;
  try {
    listener_ = std::make_shared<const Listener>(exits.sender, exits.flags, engine_, inbox_);
    connection_ = std::make_shared<Connection>(sfu_configuration(settings));
    listen();
    reliable_ = make_channel(DataKind::reliable);
    lossy_ = make_channel(DataKind::lossy);
  } catch (...) {
    release();
    --engine_->connections;
    throw;
  }
}

void NativeSfu::listen() {
  report_states<SfuFlags>(*connection_, listener_);
  connection_->setMediaHandler(std::make_shared<RtcpTap>([listener = listener_](const ::rtc::binary& data) { listener->packet({}, data); }));
  connection_->onLocalCandidate([candidates = candidates_](const ::rtc::Candidate& found) { candidates->found(found.candidate()); });
  connection_->onGatheringStateChange([candidates = candidates_](Connection::GatheringState state) {
    if (state == Connection::GatheringState::Complete) candidates->complete();
  });
  connection_->onDataChannel([](const Channel& theirs) { theirs->close(); });  // nobody would take what comes on it
}

NativeSfu::Channel NativeSfu::make_channel(DataKind kind) {
  ::rtc::DataChannelInit init;
  if (kind == DataKind::lossy) {
    init.reliability.unordered = true;
    init.reliability.maxRetransmits = 0;
  }
  const auto made = connection_->createDataChannel(kind == DataKind::lossy ? "_lossy" : "_reliable", init);
  listen(made, kind);
  return made;
}

void NativeSfu::listen(const Channel& made, DataKind kind) {
  const auto is_open = kind == DataKind::lossy ? &SfuFlags::lossy_open : &SfuFlags::reliable_open;
  made->onOpen([listener = listener_, is_open] {
    listener->set(&SfuFlags::open);
    listener->set(is_open);
  });
  made->onClosed([listener = listener_, is_open] { listener->set(is_open, false); });
  // Not onMessage: it leaves what comes before the channel's acknowledgement in a queue that blocks the library when full.
  made->onAvailable([listener = listener_, weak = std::weak_ptr(made), kind] {
    if (const auto open = weak.lock()) listener->take(*open, kind);
  });
}

Result<NativeSfuPtr> NativeSfu::make(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits) {
  NativeSfuPtr native;
  const auto done = guarded("no connection could be made", [&] {
    std::unique_ptr<NativeSfu> made(new NativeSfu(engine, settings, exits));
    native = destroyed_on_helper(std::move(engine), std::move(made));
  });
  if (!done) return fail(done.error());
  return native;
}

void NativeSfu::bring_up(const SfuSection& section) {
  if (const auto track = find_track(section.mid)) {
    auto media = track->description();
    media.setDirection(native_direction(section.direction()));
    track->setDescription(std::move(media));
    return;
  }
  const auto track = connection_->addTrack(media_of(section));
  track->onOpen([listener = listener_] { listener->set(&SfuFlags::open); });
  if (section.kind == SfuSection::Kind::receiver) {
    track->onMessage([listener = listener_, mid = section.mid](const ::rtc::binary& data) { listener->packet(mid, data); },
                     [](const std::string&) {});
  }
  const std::lock_guard lock(tracks_mutex_);
  tracks_.push_back({section.mid, track});
}

Result<std::string> NativeSfu::offer(const SfuSections& sections) {
  const std::lock_guard lock(negotiating_);
  std::string text;
  const auto done = guarded("no offer could be made", [&] {
    if (connection_->state() == Connection::State::Closed) throw std::runtime_error("the connection is closed");
    for (const auto& section : sections) {
      if (section.kind != SfuSection::Kind::data) bring_up(section);
    }
    if (connection_->signalingState() == Connection::SignalingState::HaveLocalOffer) {
      connection_->setLocalDescription(::rtc::Description::Type::Rollback);
    }
    connection_->setLocalDescription(::rtc::Description::Type::Offer);
    if (const auto local = connection_->localDescription()) text = std::string(*local);
  });
  if (!done) return fail(done.error());
  return text;
}

void NativeSfu::gather(const std::vector<TurnServer>& servers) {
  if (connection_->gatheringState() != Connection::GatheringState::New) return;
  std::vector<::rtc::IceServer> native;
  for (const auto& [address, username, credential] : servers) native.emplace_back(address.host, address.port, username, credential);
  connection_->gatherLocalCandidates(std::move(native));
}

Result<void> NativeSfu::accept(const std::string& remote, const std::vector<std::string>& candidates,
                               const std::vector<TurnServer>& servers) {
  const std::lock_guard lock(negotiating_);
  if (auto gathered = guarded("no UDP port could be opened", [&] { gather(servers); }); !gathered) return gathered;
  return guarded("the answer could not be used", [&] {
    connection_->setRemoteDescription({remote, ::rtc::Description::Type::Answer});
    rtc::add_candidates(*connection_, engine_->logger, candidates);
  });
}

void NativeSfu::add_candidates(const std::vector<std::string>& candidates) {
  rtc::add_candidates(*connection_, engine_->logger, candidates);
}

std::shared_ptr<::rtc::Track> NativeSfu::find_track(std::string_view mid) const {
  const std::lock_guard lock(tracks_mutex_);
  const auto it = std::ranges::find(tracks_, mid, &Track::mid);
  return it == tracks_.end() ? nullptr : it->track;
}

bool NativeSfu::send(std::string_view mid, ByteView packet) noexcept {
  bool sent = false;
  const auto done = guarded("not sent", [&] {
    const auto track = find_track(mid);
    sent = track && track->isOpen() && track->send(reinterpret_cast<const std::byte*>(packet.data()), packet.size());
  });
  return done && sent;
}

Result<void> NativeSfu::send_data(DataKind kind, ByteView message) noexcept {
  const auto& on = channel(kind);
  std::optional<Error> refused;
  const auto done = guarded("the message was not sent", [&] {
    if (!on->isOpen()) throw std::runtime_error("the data channel is not open");
    const auto longest = std::min(SfuConnection::kMaxDataBytes, on->maxMessageSize());
    if (message.size() > longest) {
      refused.emplace(Errc::invalid_argument, fmt::format("the message has {} bytes, and at most {} fit", message.size(), longest));
    } else if (on->bufferedAmount() >= SfuConnection::kMaxBufferedBytes) {
      refused.emplace(Errc::overloaded, "too much data waits to be sent already");
    } else {
      on->send(reinterpret_cast<const std::byte*>(message.data()), message.size());  // false: it is queued
    }
  });
  if (refused) return fail(std::move(*refused));
  return done;
}

std::size_t NativeSfu::buffered(DataKind kind) const noexcept {
  std::size_t bytes = 0;
  (void)guarded("data", [&] { bytes = channel(kind)->bufferedAmount(); });
  return bytes;
}

std::optional<Duration> NativeSfu::ice_silence() const noexcept {
  std::optional<Duration> silence;
  (void)guarded("ICE", [&] { silence = silence_of(*connection_); });
  return silence;
}

void NativeSfu::when_gone(std::function<void()> function) {
  const std::lock_guard lock(gone_mutex_);
  gone_ = std::move(function);
}

// Closing shuts SCTP down, which sends what waits and ends when the other side has acknowledged it.
void NativeSfu::flush() {
  if (!reliable_->isOpen() || connection_->state() == Connection::State::Closed) return;
  const auto closed = std::make_shared<std::promise<void>>();
  connection_->onStateChange([closed](Connection::State state) {
    if (state == Connection::State::Closed) closed->set_value();  // it comes once
  });
  connection_->close();
  closed->get_future().wait_for(SfuConnection::kFlushWithin);
}

// Callbacks first: taking one back waits until it has returned. Then close, then let go, what belongs to it before the owner.
void NativeSfu::release() noexcept {
  for (const auto& [mid, track] : tracks_) (void)guarded("reset", [&] { track->resetCallbacks(); });
  for (auto* channel : {&reliable_, &lossy_}) {
    if (*channel) (void)guarded("reset", [&] { (*channel)->resetCallbacks(); });
  }
  if (connection_) {
    (void)guarded("reset", [&] { connection_->resetCallbacks(); });
    (void)guarded("reset", [&] { connection_->setMediaHandler(nullptr); });
    (void)guarded("close", [&] { connection_->close(); });
  }
  for (auto* channel : {&reliable_, &lossy_}) (void)guarded("release", [&] { channel->reset(); });
  (void)guarded("release", [&] { tracks_.clear(); });
  (void)guarded("release", [&] { connection_.reset(); });
}

NativeSfu::~NativeSfu() {
  inbox_->close();  // a callback may be waiting for a place
  if (flush_at_end_) (void)guarded("flush", [&] { flush(); });
  release();
  --engine_->connections;
  if (gone_) gone_();
}

}  // namespace parley::rtc
