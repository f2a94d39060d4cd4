#include "rtc/engine.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <fmt/format.h>
#include <rtc/global.hpp>

namespace parley::rtc {

namespace {

// What the library says when a connection ends, whoever ended it. States tell us what we need to know of it.
constexpr std::array<std::string_view, 8> kTeardownNoise = {
    "SCTP sending failed", "DTLS handshake failed",           "certificate verify failed", "Handshake failed",
    "DTLS alert",          "Send while ICE is not connected", "unknown address",           "Uncaught exception in callback: Track is closed"};

// ICE tries every pair of addresses, and some cannot even be sent to: from loopback into the network, from IPv4 to IPv6.
// That is how it finds the one that works; when none does, the state says so.
constexpr std::array<std::string_view, 2> kPairOutOfReach = {"juice: Send failed, errno=", "juice: STUN message send failed"};

bool is_ordinary(std::string_view message) noexcept {
  const auto in_message = [message](std::string_view part) { return message.find(part) != std::string_view::npos; };
  return std::ranges::any_of(kTeardownNoise, in_message) || std::ranges::any_of(kPairOutOfReach, in_message);
}

LogLevel level_of(::rtc::LogLevel level, std::string_view message) noexcept {
  if (is_ordinary(message)) return LogLevel::debug;
  switch (level) {
    case ::rtc::LogLevel::Fatal:
    case ::rtc::LogLevel::Error: return LogLevel::error;
    case ::rtc::LogLevel::Warning: return LogLevel::warn;
    default: return LogLevel::debug;
  }
}

// The library has one log for a process; the last Engine gets it.
void route_log(const Logger& logger) {
  const auto level = logger.enabled(LogLevel::debug) ? ::rtc::LogLevel::Info
                     : logger.sink()                 ? ::rtc::LogLevel::Warning
                                                     : ::rtc::LogLevel::None;
  ::rtc::InitLogger(level, [logger](::rtc::LogLevel line_level, const std::string& message) {
    logger.line(level_of(line_level, message), message);
  });
}

}  // namespace

Engine::Engine(Logger logger) : state_(std::make_shared<State>()) {
  state_->logger = logger.with(log_field::kComponent, "libdatachannel");
  route_log(state_->logger);
}

Engine::~Engine() {
  constexpr Duration kGrace = 2s;  // disposal of the law of endings
  state_->abandoned += state_->pool.close(kGrace);
}

Engine::Counts Engine::counts() const noexcept {
  return {state_->connections, state_->late_events, state_->dropped_events, state_->abandoned};
}

Task<CloseReport> Engine::close(Deadline deadline) {
  auto& loop = co_await this_loop();
  const auto began = loop.now();
  CloseReport report;
  while (state_->connections > 0 && !deadline.passed(loop.now())) co_await sleep_for(1ms);
  if (const auto left = state_->connections.load(); left > 0) {
    report.add({"libdatachannel", CloseOutcome::abandoned, loop.now() - began, fmt::format("{} connections are still there", left)});
    co_return report;
  }
  const auto ended = co_await run<bool>(deadline, [left = deadline.left(loop.now())]() -> Result<bool> {
    return ::rtc::Cleanup().wait_for(left) == std::future_status::ready;
  });
  const bool clean = ended && *ended;
  report.add({"libdatachannel", clean ? CloseOutcome::closed : CloseOutcome::abandoned, loop.now() - began,
              clean ? "" : "its threads did not end in time"});
  co_return report;
}

}  // namespace parley::rtc
