#include "rtc/peer_connection.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::rtc {

namespace {

std::vector<std::string> as_lines(const std::vector<Candidate>& candidates) {
  std::vector<std::string> lines;
  for (const auto& candidate : candidates) lines.push_back(to_string(candidate));
  return lines;
}

}  // namespace

Result<void> check(const ConnectionSettings& settings) {
  if (!settings.bind_address.empty() && !is_ip_address(settings.bind_address)) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is no IP address to bind media to", settings.bind_address));
  }
  for (const auto& address : settings.advertised_addresses) {
    if (!is_ip_address(address)) return fail(Errc::invalid_argument, fmt::format("\"{}\" is no IP address to advertise", address));
  }
  const bool any = settings.port_begin == 0 && settings.port_end == 0;
  if (!any && (settings.port_begin < 1024 || settings.port_begin > settings.port_end)) {
    return fail(Errc::invalid_argument, fmt::format("{}-{} is no UDP port range: give FIRST-LAST, both from 1024 to 65535",
                                                    settings.port_begin, settings.port_end));
  }
  return {};
}

PeerConnection::PeerConnection(Loop& loop, Engine& engine, ConnectionSettings settings)
    : loop_(loop),
      engine_(engine),
      settings_(std::move(settings)),
      mailbox_(loop, kMaxQueued),
      flags_(std::make_shared<NativeFlags>()),
      gone_(std::make_shared<Gone>(loop.remote())) {}

PeerConnection::~PeerConnection() { kill(); }

NativeSettings PeerConnection::native_settings() const {
  return {settings_.bind_address, settings_.port_begin, settings_.port_end, settings_.stun_server};
}

Task<Result<TransportParameters>> PeerConnection::answer(const RemoteDescription& offer, Deadline deadline) {
  auto native = co_await engine_.run<NativePtr>(
      deadline, [engine = engine_.state(), settings = native_settings(), exits = exits(), remote = native_description(offer),
                 mid = offer.audio.mid, opus = offer.audio.opus, candidates = as_lines(offer.transport.candidates)] {
        return Native::answer(engine, settings, exits, remote, mid, opus, candidates);
      });
  if (!native) co_return fail(native.error());
  native_ = std::move(*native);
  started_ = true;
  co_return co_await gathered(deadline);
}

Task<Result<TransportParameters>> PeerConnection::offer(Deadline deadline) {
  auto native = co_await engine_.run<NativePtr>(
      deadline, [engine = engine_.state(), settings = native_settings(), exits = exits()] {
        return Native::offer(engine, settings, exits, "0", kOpusPayloadType);
      });
  if (!native) co_return fail(native.error());
  native_ = std::move(*native);
  started_ = true;
  co_return co_await gathered(deadline);
}

Task<Result<void>> PeerConnection::accept(const RemoteDescription& answer, Deadline deadline) {
  if (!native_) co_return fail(Errc::closing, "the connection is closed");
  auto accepted = co_await engine_.run<bool>(
      deadline, [native = native_, remote = native_description(answer), candidates = as_lines(answer.transport.candidates)]() -> Result<bool> {
        if (auto done = native->accept(remote, candidates); !done) return fail(done.error());
        return true;
      });
  if (!accepted) co_return fail(accepted.error());
  co_return Result<void>{};
}

Task<Result<TransportParameters>> PeerConnection::gathered(Deadline deadline) {
  const auto until = loop_.in(kGatherWithin).within(deadline);
  while (!flags_->gathered && !until.passed(loop_.now())) {
    (void)co_await next(until);  // media cannot come before the other side has our description
  }
  if (!native_) co_return fail(Errc::closing, "the connection is closed");
  const auto sdp = native_->local_description();
  if (!sdp) co_return fail(sdp.error());
  auto local = read_native(*sdp);
  if (!local) co_return fail(local.error());
  if (local->candidates.empty()) {
    co_return fail(Errc::unavailable, "this machine has no network address to receive media on, or no free UDP port in the range");
  }
  local->candidates = advertise(std::move(local->candidates), settings_.advertised_addresses);
  co_return local;
}

Task<CloseReport> PeerConnection::close(Deadline deadline) {
  const auto began = loop_.now();
  kill();
  const bool gone = !started_ || (co_await gone_->event.wait(deadline)).has_value();
  CloseReport report;
  report.add({"connection", gone ? CloseOutcome::closed : CloseOutcome::abandoned, loop_.now() - began,
              gone ? "" : "libdatachannel has not let go of it"});
  co_return report;
}

void PeerConnection::kill() noexcept {
  // The callbacks are taken back first of all, so that the library says no more: who waits in next() is told here.
  flags_->down = true;
  mailbox_.sender().try_push({loop_.now(), {}});
  if (!native_) return;
  native_->when_gone([gone = gone_] { ExternalSource::notify(gone); });
  native_.reset();
}

}  // namespace parley::rtc
