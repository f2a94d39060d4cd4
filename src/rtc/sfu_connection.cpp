#include "rtc/sfu_connection.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rtc/gone.hpp"
#include "rtc/native_sfu.hpp"

namespace parley::rtc {

namespace {

constexpr std::size_t kMaxStateEvents = 32;  // each state comes about once
constexpr std::size_t kMailboxPlaces =
    SfuConnection::kMaxQueued + SfuConnection::kMaxQueuedMessages + kMaxCandidates + 1 + kMaxStateEvents;

constexpr Inbox::Bounds kInboxBounds{SfuConnection::kMaxQueued, SfuConnection::kMaxQueuedMessages, SfuConnection::kMaxQueuedBytes};

std::vector<TurnServer> usable(const std::vector<IceServer>& servers) {
  std::vector<TurnServer> found;
  for (const auto& server : servers) {
    const auto address = parse_ice_server(server.url);
    if (address && address->turn && found.size() < SfuConnection::kMaxIceServers) found.push_back({*address, server.username, server.credential});
  }
  return found;
}

struct FirstOffer {
  NativeSfuPtr native;
  std::string description;
};

}  // namespace

struct SfuConnection::State {
  State(Loop& l, Engine& e, SfuSettings s)
      : loop(l),
        engine(e),
        settings(std::move(s)),
        mailbox(l, kMailboxPlaces),
        flags(std::make_shared<SfuFlags>()),
        inbox(std::make_shared<Inbox>(kInboxBounds)),
        candidates(std::make_shared<LocalCandidates>(mailbox.sender(), settings.connection.advertised_addresses)),
        gone(std::make_shared<Gone>(l.remote())) {
    candidates->only_relayed(settings.force_relay);
  }

  std::size_t count(SfuSection::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(sections, kind, &SfuSection::kind));
  }
  // With the smallest number that is free for its mid, as the library chooses that of the data section.
  std::string add(SfuSection section) {
    for (std::size_t number = 0; section.mid.empty(); ++number) {
      auto mid = fmt::format("{}", number);
      if (std::ranges::find(sections, mid, &SfuSection::mid) == sections.end()) section.mid = std::move(mid);
    }
    sections.push_back(std::move(section));
    return sections.back().mid;
  }
  NativeSettings native_settings() const {
    const auto& c = settings.connection;
    return {c.bind_address, c.port_begin, c.port_end, c.stun_server};
  }
  Task<Result<std::string>> native_offer(SfuSections now, Deadline deadline);
  // Those of `found` that are new, as lines for the library.
  std::vector<std::string> take_new(const std::vector<Candidate>& found);
  void hand_on(std::vector<std::string> lines);

  Loop& loop;
  Engine& engine;
  SfuSettings settings;
  Mailbox<SfuEvent> mailbox;
  std::shared_ptr<SfuFlags> flags;
  std::shared_ptr<Inbox> inbox;
  std::shared_ptr<LocalCandidates> candidates;
  std::shared_ptr<Gone> gone;
  NativeSfuPtr native;
  bool started = false;  // there was a native object
  bool killed = false;
  bool negotiating = false;

  SfuSections sections;
  std::size_t in_first_offer = 0;
  std::optional<SfuSections> offered;           // the answer to which is awaited
  std::optional<TransportParameters> transport;  // the server's, once an answer was accepted
  std::vector<Candidate> remote_candidates;      // the server's
  std::vector<std::string> waiting_candidates;   // of these, the ones that the library has not got
  std::string local, remote;
  std::uint64_t session_id = 0;
  std::uint64_t version = 0;
};

namespace {

// While an offer or an answer is being worked on.
class Busy {
 public:
  explicit Busy(bool& flag) : flag_(flag) { flag_ = true; }
  ~Busy() { flag_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  bool& flag_;
};

}  // namespace

SfuConnection::SfuConnection(Loop& loop, Engine& engine, SfuSettings settings)
    : state_(std::make_unique<State>(loop, engine, std::move(settings))) {}

SfuConnection::~SfuConnection() { kill(); }

Result<std::string> SfuConnection::add_sender(SendSection section) {
  for (const auto* token : {&section.stream_id, &section.track_id, &section.cname}) {
    if (!is_sdp_token(*token)) return fail(Errc::invalid_argument, "a sending section needs a stream, a track and a cname without spaces");
  }
  if (state_->count(SfuSection::Kind::sender) == kMaxSenders) {
    return fail(Errc::overloaded, fmt::format("there are {} sending sections already", kMaxSenders));
  }
  return state_->add({.kind = SfuSection::Kind::sender, .send = std::move(section)});
}

Result<std::string> SfuConnection::add_receiver() {
  if (state_->count(SfuSection::Kind::receiver) == kMaxReceivers) {
    return fail(Errc::overloaded, fmt::format("there are {} receiving sections already", kMaxReceivers));
  }
  return state_->add({.kind = SfuSection::Kind::receiver});
}

Result<void> SfuConnection::set_sending(const std::string& mid, bool active) {
  const auto it = std::ranges::find(state_->sections, mid, &SfuSection::mid);
  if (it == state_->sections.end() || it->kind != SfuSection::Kind::sender) {
    return fail(Errc::not_found, fmt::format("there is no sending section \"{}\"", mid));
  }
  it->active = active;
  return {};
}

Task<Result<std::string>> SfuConnection::State::native_offer(SfuSections now, Deadline deadline) {
  if (native) {
    co_return co_await engine.run<std::string>(deadline, [native = native, now = std::move(now)] { return native->offer(now); });
  }
  auto first = co_await engine.run<FirstOffer>(
      deadline, [engine = engine.state(), settings = native_settings(), exits = NativeSfu::Exits{mailbox.sender(), flags, inbox, candidates},
                 now = std::move(now)]() -> Result<FirstOffer> {
        auto made = NativeSfu::make(engine, settings, exits);
        if (!made) return fail(made.error());
        auto description = (*made)->offer(now);
        if (!description) return fail(description.error());
        return FirstOffer{std::move(*made), std::move(*description)};
      });
  if (!first) co_return fail(first.error());
  started = true;
  if (killed) {
    first->native->when_gone([gone = gone] { ExternalSource::notify(gone); });
    co_return fail(Errc::closing, "the connection is closed");
  }
  native = std::move(first->native);
  co_return std::move(first->description);
}

void SfuConnection::set_ice_servers(std::vector<IceServer> servers, bool force_relay) {
  state_->settings.ice_servers = std::move(servers);
  state_->candidates->only_relayed(force_relay);
}

Task<Result<std::string>> SfuConnection::offer(Deadline deadline) {
  auto& s = *state_;
  if (down()) co_return fail(Errc::unavailable, "the connection is down");
  if (s.negotiating) co_return fail(Errc::overloaded, "an offer or an answer is being worked on");
  const Busy busy(s.negotiating);
  if (!s.native) {  // as the library: after the tracks of the first offer
    std::erase_if(s.sections, [](const SfuSection& section) { return section.kind == SfuSection::Kind::data; });
    s.add({.kind = SfuSection::Kind::data});
    s.session_id = s.loop.random()();
    s.in_first_offer = s.sections.size();
  }
  s.offered.reset();
  auto now = s.sections;
  if (!s.transport) now.resize(s.in_first_offer);  // until the server has answered, the library has no order of its own
  const auto description = co_await s.native_offer(now, deadline);
  if (!description) co_return fail(description.error());
  if (down()) co_return fail(Errc::unavailable, "the connection is down");
  const auto transport = read_native_offer(*description, now);
  if (!transport) co_return fail(transport.error());
  s.local = write_sfu_offer(now, *transport, s.session_id, ++s.version);
  s.offered = std::move(now);
  co_return s.local;
}

Task<Result<void>> SfuConnection::accept(std::string text, Deadline deadline) {
  auto& s = *state_;
  if (!s.native) co_return fail(Errc::closing, "the connection is closed");
  if (down()) co_return fail(Errc::unavailable, "the connection is down");
  if (s.negotiating) co_return fail(Errc::overloaded, "an offer or an answer is being worked on");
  if (!s.offered) co_return fail(Errc::invalid_argument, "no offer waits for an answer");
  const Busy busy(s.negotiating);
  const auto answer = read_sfu_answer(text, *s.offered);
  if (!answer) co_return fail(answer.error());
  if (s.transport) {
    if (auto same = check_same_transport(*s.transport, answer->transport); !same) co_return fail(same.error());
  }
  auto lines = std::exchange(s.waiting_candidates, {});
  for (auto& line : s.take_new(answer->transport.candidates)) lines.push_back(std::move(line));
  const auto accepted = co_await s.engine.run<bool>(
      deadline, [native = s.native, description = native_sfu_answer(*answer, *s.offered), lines,
                 servers = usable(s.settings.ice_servers)]() -> Result<bool> {
        if (auto done = native->accept(description, lines, servers); !done) return fail(done.error());
        return true;
      });
  if (!accepted) {
    s.waiting_candidates.insert(s.waiting_candidates.begin(), lines.begin(), lines.end());  // the library knows doubles
    co_return fail(accepted.error());
  }
  s.transport = answer->transport;
  s.remote = std::move(text);
  s.offered.reset();
  s.hand_on(std::exchange(s.waiting_candidates, {}));
  s.candidates->release();
  co_return Result<void>{};
}

std::vector<std::string> SfuConnection::State::take_new(const std::vector<Candidate>& found) {
  std::vector<std::string> lines;
  for (const auto& candidate : found) {
    if (remote_candidates.size() == kMaxCandidates || std::ranges::find(remote_candidates, candidate) != remote_candidates.end()) continue;
    remote_candidates.push_back(candidate);
    lines.push_back(to_string(candidate));
  }
  return lines;
}

void SfuConnection::State::hand_on(std::vector<std::string> lines) {
  if (lines.empty() || !native) return;
  auto submitted = engine.state()->pool.submit([native = native, lines = std::move(lines)] { native->add_candidates(lines); });
  if (!submitted) engine.state()->logger.warn("a candidate was left out: {}", submitted.error().message());
}

void SfuConnection::add_remote_candidate(std::string_view text) {
  auto& s = *state_;
  for (const std::string_view prefix : {"a=", "candidate:"}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  const auto candidate = text.size() > kMaxSdpLineBytes ? std::nullopt : parse_candidate(text);
  if (!candidate) return;
  auto lines = s.take_new({*candidate});
  if (s.transport && !s.negotiating) return s.hand_on(std::move(lines));
  for (auto& line : lines) s.waiting_candidates.push_back(std::move(line));
}

const std::string& SfuConnection::local_description() const noexcept { return state_->local; }
const std::string& SfuConnection::remote_description() const noexcept { return state_->remote; }

Mailbox<SfuEvent>::Pop SfuConnection::next(Deadline deadline) noexcept { return state_->mailbox.pop(deadline); }

bool SfuConnection::connected() const noexcept { return state_->flags->open && !down(); }
bool SfuConnection::data_open() const noexcept { return state_->flags->reliable_open && state_->flags->lossy_open && !down(); }
bool SfuConnection::down() const noexcept { return state_->flags->down; }
bool SfuConnection::ice_lost() const noexcept { return state_->flags->ice_lost; }

bool SfuConnection::send(const std::string& mid, ByteView packet) noexcept {
  return state_->native && !down() && state_->native->send(mid, packet);
}

Result<void> SfuConnection::send_data(DataKind kind, ByteView message) noexcept {
  if (!state_->native || down()) return fail(Errc::unavailable, "the connection is down");
  return state_->native->send_data(kind, message);
}

std::size_t SfuConnection::buffered(DataKind kind) const noexcept { return state_->native ? state_->native->buffered(kind) : 0; }

std::optional<Duration> SfuConnection::ice_silence() const noexcept {
  return state_->native ? state_->native->ice_silence() : std::nullopt;
}

Task<CloseReport> SfuConnection::close(Deadline deadline) {
  auto& s = *state_;
  const auto began = s.loop.now();
  if (s.native && !down()) s.native->flush_at_end();
  kill();
  const bool gone = !s.started || (co_await s.gone->event.wait(deadline)).has_value();
  CloseReport report;
  report.add({"connection", gone ? CloseOutcome::closed : CloseOutcome::abandoned, s.loop.now() - began,
              gone ? "" : "libdatachannel has not let go of it"});
  co_return report;
}

void SfuConnection::kill() noexcept {
  // The callbacks are taken back first of all, so that the library says no more: who waits in next() is told here.
  auto& s = *state_;
  s.killed = true;
  s.flags->down = true;
  s.mailbox.sender().try_push({.type = SfuEvent::Type::state, .at = s.loop.now()});
  if (!s.native) return;
  s.native->when_gone([gone = s.gone] { ExternalSource::notify(gone); });
  s.native.reset();
}

}  // namespace parley::rtc
