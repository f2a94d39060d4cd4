// What the native connections share. For native*.cpp alone: it shows the library's headers.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <rtc/rtc.hpp>

#include <parley/async/mailbox.hpp>
#include <parley/base/exception.hpp>

#include "rtc/native.hpp"

namespace parley::rtc {

// What the library's callbacks hold: no connection, no track, nothing whose destruction could happen inside a callback.
// The flags stand for the listener: once it has let go of them, what comes is late.
template <class Event, class Flags>
class Reporter {
 public:
  Reporter(typename Mailbox<Event>::Sender sender, const std::shared_ptr<Flags>& flags, std::shared_ptr<Engine::State> engine)
      : sender_(std::move(sender)), flags_(flags), engine_(std::move(engine)) {}

  void set(std::atomic<bool> Flags::*flag, bool value = true) const {
    if (const auto flags = flags_.lock()) {
      (*flags).*flag = value;
      Event event{};
      event.at = clock_.now();
      sender_.try_push(std::move(event));  // full: then somebody is about to look at the flags anyway
    } else {
      ++engine_->late_events;
    }
  }

  void push(Event event) const {
    event.at = clock_.now();
    if (!sender_.try_push(std::move(event))) count_lost();
  }

  void count_lost() const { ++(flags_.expired() ? engine_->late_events : engine_->dropped_events); }

  const Logger& logger() const noexcept { return engine_->logger; }

 private:
  typename Mailbox<Event>::Sender sender_;
  std::weak_ptr<Flags> flags_;
  std::shared_ptr<Engine::State> engine_;
  SystemClock clock_;  // packets are stamped where they arrive
};

inline Bytes copied(const ::rtc::binary& data) {
  Bytes bytes(data.size());
  if (!bytes.empty()) std::memcpy(bytes.data(), data.data(), data.size());
  return bytes;
}

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

::rtc::Configuration configuration(const NativeSettings& settings);

template <class Flags, class Reporter>
void report_states(::rtc::PeerConnection& connection, const std::shared_ptr<const Reporter>& reporter) {
  using Connection = ::rtc::PeerConnection;
  connection.onIceStateChange([reporter](Connection::IceState state) {
    const bool lost = state == Connection::IceState::Disconnected || state == Connection::IceState::Failed;
    if (lost) reporter->set(&Flags::ice_lost);
  });
  connection.onStateChange([reporter](Connection::State state) {
    const bool over = state == Connection::State::Disconnected || state == Connection::State::Failed ||
                      state == Connection::State::Closed;
    if (over) reporter->set(&Flags::down);
  });
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

void add_candidates(::rtc::PeerConnection& connection, const Logger& logger, const std::vector<std::string>& candidates);

// Whoever drops the last reference, the destruction happens on a helper thread.
template <class T>
std::shared_ptr<T> destroyed_on_helper(std::shared_ptr<Engine::State> engine, std::unique_ptr<T> native) {
  return std::shared_ptr<T>(native.release(), [state = std::move(engine)](T* last) {
    const auto owned = std::make_shared<std::unique_ptr<T>>(last);
    if (state->pool.submit([owned] { owned->reset(); })) return;
    // No helper thread will do it, and here it could block: the process's end is its end.
    static_cast<void>(owned->release());
    ++state->abandoned;
  });
}

}  // namespace parley::rtc
