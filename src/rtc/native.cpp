#include "rtc/native.hpp"

#include <cstring>

#include <fmt/format.h>
#include <rtc/rtc.hpp>

#include <parley/base/exception.hpp>

namespace parley::rtc {

namespace {

// What the library's callbacks hold: no connection, no track, nothing whose destruction could happen inside a callback.
// The flags stand for the listener: once it has let go of them, what comes is late.
class Reporter {
 public:
  Reporter(const Native::Exits& exits, std::shared_ptr<Engine::State> engine)
      : sender_(exits.sender), flags_(exits.flags), engine_(std::move(engine)) {}

  void set(std::atomic<bool> NativeFlags::*flag) const {
    if (const auto flags = flags_.lock()) {
      (*flags).*flag = true;
      sender_.try_push({clock_.now(), {}});  // full: then somebody is about to look at the flags anyway
    } else {
      ++engine_->late_events;
    }
  }

  void packet(const ::rtc::binary& data) const {
    Bytes bytes(data.size());
    if (bytes.empty()) return;
    std::memcpy(bytes.data(), data.data(), data.size());
    if (sender_.try_push({clock_.now(), std::move(bytes)})) return;
    ++(flags_.expired() ? engine_->late_events : engine_->dropped_events);
  }

 private:
  Mailbox<NativeEvent>::Sender sender_;
  std::weak_ptr<NativeFlags> flags_;
  std::shared_ptr<Engine::State> engine_;
  SystemClock clock_;  // packets are stamped where they arrive
};

// Every call into the library: it throws when an object has closed meanwhile.
template <class Function>
Result<void> guarded(std::string_view what, Function function) noexcept {
  try {
    function();
    return {};
  } catch (...) {
    return fail(Errc::unavailable, fmt::format("{}: {}", what, describe_current_exception()));
  }
}

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

// A system's library may be without our patch.
template <class Connection>
std::optional<Duration> silence_of(const Connection& connection) {
  if constexpr (requires { connection.iceSilence(); }) {
    return connection.iceSilence();
  } else {
    return std::nullopt;
  }
}

}  // namespace

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
  using Connection = ::rtc::PeerConnection;
  const auto reporter = std::make_shared<const Reporter>(exits, engine_);
  connection_->onIceStateChange([reporter](Connection::IceState state) {
    const bool lost = state == Connection::IceState::Disconnected || state == Connection::IceState::Failed;
    if (lost) reporter->set(&NativeFlags::ice_lost);
  });
  connection_->onStateChange([reporter](Connection::State state) {
    const bool over = state == Connection::State::Disconnected || state == Connection::State::Failed ||
                      state == Connection::State::Closed;
    if (over) reporter->set(&NativeFlags::down);
  });
  connection_->onGatheringStateChange([reporter](Connection::GatheringState state) {
    if (state == Connection::GatheringState::Complete) reporter->set(&NativeFlags::gathered);
  });
  track_->onOpen([reporter] { reporter->set(&NativeFlags::open); });
  track_->onMessage([reporter](const ::rtc::binary& data) { reporter->packet(data); }, [](const std::string&) {});
}

NativePtr Native::make(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits, const std::string& mid,
                       std::uint8_t opus) {
  std::unique_ptr<Native> native(new Native(engine, settings, exits, mid, opus));
  return NativePtr(native.release(), [state = std::move(engine)](Native* last) {
    const auto owned = std::make_shared<std::unique_ptr<Native>>(last);
    if (state->pool.submit([owned] { owned->reset(); })) return;
    // No helper thread will do it, and here it could block: the process's end is its end.
    static_cast<void>(owned->release());
    ++state->abandoned;
  });
}

Result<NativePtr> Native::answer(std::shared_ptr<Engine::State> engine, const NativeSettings& settings, const Exits& exits,
                                 const std::string& remote, const std::string& mid, std::uint8_t opus,
                                 const std::vector<std::string>& candidates) {
  NativePtr native;
  const auto done = guarded("the offer could not be answered", [&] {
    native = make(std::move(engine), settings, exits, mid, opus);
    native->connection_->setRemoteDescription({remote, ::rtc::Description::Type::Offer});
    native->connection_->setLocalDescription(::rtc::Description::Type::Answer);
    native->add_candidates(candidates);
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
    add_candidates(candidates);
  });
}

void Native::add_candidates(const std::vector<std::string>& candidates) {
  for (const auto& candidate : candidates) {
    if (auto added = guarded("a candidate was left out", [&] { connection_->addRemoteCandidate(::rtc::Candidate(candidate)); });
        !added) {
      engine_->logger.debug("{}", added.error().message());
    }
  }
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
