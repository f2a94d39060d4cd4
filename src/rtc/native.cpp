#include "rtc/native.hpp"

#include "rtc/native_parts.hpp"

namespace parley::rtc {

::rtc::Configuration configuration(const NativeSettings& settings) {
  ::rtc::Configuration config;
  config.disableAutoNegotiation = true;
  config.forceMediaTransport = true;
  if (!settings.bind_address.empty()) config.bindAddress = settings.bind_address;
  if (settings.port_end != 0) {
    config.portRangeBegin = settings.port_begin;
    config.portRangeEnd = settings.port_end;
  }
  if (!settings.stun_server.empty()) config.iceServers.emplace_back("stun:" + settings.stun_server);
  return config;
}

void add_candidates(::rtc::PeerConnection& connection, const Logger& logger, const std::vector<std::string>& candidates) {
  for (const auto& candidate : candidates) {
    if (auto added = guarded("a candidate was left out", [&] { connection.addRemoteCandidate(::rtc::Candidate(candidate)); });
        !added) {
      logger.debug("{}", added.error().message());
    }
  }
}

Native::Native(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits,
               const std::string& mid, std::uint8_t opus)
    : engine_(std::move(engine)) {
  ++engine_->connections;
  try {
    connection_ = std::make_shared<::rtc::PeerConnection>(configuration(settings));
    ::rtc::Description::Audio audio(mid, ::rtc::Description::Direction::SendRecv);
    audio.addOpusCodec(opus);
    track_ = connection_->addTrack(std::move(audio));
    listen(exits);
  } catch (...) {
    track_.reset();
    connection_.reset();
    --engine_->connections;
    throw;
  }
}

void Native::listen(const Exits& exits) {
  using NativeReporter = Reporter<NativeEvent, NativeFlags>;
  const auto reporter = std::make_shared<const NativeReporter>(exits.sender, exits.flags, engine_);
  report_states<NativeFlags>(*connection_, reporter);
  connection_->onGatheringStateChange([reporter](::rtc::PeerConnection::GatheringState state) {
    if (state == ::rtc::PeerConnection::GatheringState::Complete) reporter->set(&NativeFlags::gathered);
  });
  track_->onOpen([reporter] { reporter->set(&NativeFlags::open); });
  track_->onMessage(
      [reporter](const ::rtc::binary& data) {
        if (!data.empty()) reporter->push({.packet = copied(data)});
      },
      [](const std::string&) {});
}

NativePtr Native::make(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits, const std::string& mid,
                       std::uint8_t opus) {
  std::unique_ptr<Native> native(new Native(engine, settings, exits, mid, opus));
  return destroyed_on_helper(std::move(engine), std::move(native));
}

Result<NativePtr> Native::answer(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits,
                                 const std::string& remote, const std::string& mid, std::uint8_t opus,
                                 const std::vector<std::string>& candidates) {
  NativePtr native;
  const auto done = guarded("the offer could not be answered", [&] {
    native = make(std::move(engine), settings, exits, mid, opus);
    native->connection_->setRemoteDescription({remote, ::rtc::Description::Type::Offer});
    native->connection_->setLocalDescription(::rtc::Description::Type::Answer);
    add_candidates(*native->connection_, native->engine_->logger, candidates);
  });
  if (!done) return fail(done.error());
  return native;
}

Result<NativePtr> Native::offer(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits,
                                const std::string& mid, std::uint8_t opus) {
  NativePtr native;
  const auto done = guarded("no offer could be made", [&] {
    native = make(std::move(engine), settings, exits, mid, opus);
    native->connection_->setLocalDescription(::rtc::Description::Type::Offer);
  });
  if (!done) return fail(done.error());
  return native;
}

Result<void> Native::accept(const std::string& remote, const std::vector<std::string>& candidates) {
  return guarded("the answer could not be used", [&] {
    connection_->setRemoteDescription({remote, ::rtc::Description::Type::Answer});
    add_candidates(*connection_, engine_->logger, candidates);
  });
}

Result<std::string> Native::local_description() const {
  std::string text;
  const auto done = guarded("there is no local description", [&] {
    if (const auto local = connection_->localDescription()) text = std::string(*local);
  });
  if (!done) return fail(done.error());
  if (text.empty()) return fail(Errc::unavailable, "there is no local description");
  return text;
}

bool Native::send(ByteView packet) noexcept {
  bool sent = false;
  const auto done = guarded("not sent", [&] {
    sent = track_->isOpen() && track_->send(reinterpret_cast<const std::byte*>(packet.data()), packet.size());
  });
  return done && sent;
}

std::optional<Duration> Native::ice_silence() const noexcept {
  std::optional<Duration> silence;
  (void)guarded("ICE", [&] { silence = silence_of(*connection_); });
  return silence;
}

void Native::when_gone(std::function<void()> function) {
  const std::lock_guard lock(gone_mutex_);
  gone_ = std::move(function);
}

Native::~Native() {
  // Callbacks first: taking one back waits until it has returned. Then close, then let go, the track before its owner.
  (void)guarded("reset", [&] { track_->resetCallbacks(); });
  (void)guarded("reset", [&] { connection_->resetCallbacks(); });
  (void)guarded("close", [&] { connection_->close(); });
  (void)guarded("release", [&] { track_.reset(); });
  (void)guarded("release", [&] { connection_.reset(); });
  --engine_->connections;
  if (gone_) gone_();
}

}  // namespace parley::rtc
