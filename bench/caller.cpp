#include "bench/caller.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include "net/http_client.hpp"
#include "rtc/description.hpp"

namespace parley::bench {

namespace {

constexpr Duration kWithinSpeech = 300ms;  // shorter pauses of the agent's are part of its speech
constexpr auto kPacketsASecond = 1s / kFrameDuration;

std::uint32_t random_word(Random& random) { return static_cast<std::uint32_t>(random()); }

}  // namespace

Caller::Caller(Scope& parent, rtc::Engine& engine, net::HttpClient& client, ExitWatch& exits, const Speech& speech,
               const Plan& plan, Random random)
    : loop_(parent.loop()),
      client_(client),
      exits_(exits),
      speech_(speech),
      plan_(plan),
      random_(random),
      connection_(loop_, engine, {.bind_address = "127.0.0.1"}),
      scope_(parent, "caller") {
  log_.kept.reserve(static_cast<std::size_t>(2 * plan.length / kFrameDuration + kPacketsASecond));
}

Caller::~Caller() { scope_.kill(); }

Task<void> Caller::run() {
  auto done = co_await call();
  if (!done) log_.error = done.error().message();
  connection_.kill();
}

Task<Result<void>> Caller::call() {
  if (auto connected = co_await connect(); !connected) co_return connected;
  if (auto receiving = scope_.spawn("receive", receive()); !receiving) co_return receiving;
  auto talked = co_await talk();
  auto gone = co_await hang_up();
  co_return talked ? gone : talked;
}

Task<Result<void>> Caller::connect() {
  const auto deadline = loop_.in(kConnectWithin);
  auto server = caller::HttpCallServer::create(client_, plan_.calls_url, {});
  if (!server) co_return fail(server.error());
  server_ = std::move(*server);
  const auto local = co_await connection_.offer(deadline);
  if (!local) co_return fail(local.error());
  const rtc::LocalStream stream{.ssrc = random_word(random_) | 1U,
                                .cname = fmt::format("caller-{:08x}", random_word(random_))};
  auto offer = rtc::write_offer(*local, stream, random_());
  log_.posted = loop_.now();
  const auto answer = co_await server_->offer(std::move(offer), deadline);
  if (!answer) co_return fail(answer.error());
  const auto remote = rtc::read_answer(*answer);
  if (!remote) co_return fail(remote.error());
  packetizer_.emplace(RtpStreamSettings{.ssrc = stream.ssrc,
                                        .payload_type = remote->audio.opus,
                                        .audio_level_id = remote->audio.audio_level_id,
                                        .first_sequence = static_cast<std::uint16_t>(random_.below(1 << 15)),
                                        .first_timestamp = random_word(random_)});
  rtcp_.emplace(stream.ssrc, stream.cname, random_);
  if (auto accepted = co_await connection_.accept(*remote, deadline); !accepted) co_return accepted;
  while (!connection_.open()) {
    if (connection_.down() || deadline.passed(loop_.now()))
      co_return fail(Errc::unavailable, "answered, but not connected");
    if (auto event = co_await connection_.next(deadline); event && !event->packet.empty())
      log_.kept.push_back({event->at, std::move(event->packet)});
  }
  log_.connected = loop_.now();
  co_return co_await find_process();
}

// The process that serves this call: its end is what hanging up is measured to.
Task<Result<void>> Caller::find_process() {
  auto told = co_await client_.send({.url = plan_.worker_url}, loop_.in(kConnectWithin));
  if (!told) co_return fail(told.error());
  boost::system::error_code error;
  const auto status = boost::json::parse(told->body, error);
  if (error || !status.is_object()) co_return fail(Errc::protocol, "the worker's status is no JSON");
  for (const auto& each : status.at("calls").as_array()) {
    if (each.at("call_id").as_string() != server_->call_id()) continue;
    auto exit = exits_.watch(each.at("pid").to_number<int>());
    if (!exit) co_return fail(exit.error());
    log_.exit = std::move(*exit);
    co_return Result<void>{};
  }
  co_return fail(Errc::not_found, "the worker does not know of the call that it has just answered");
}

Task<void> Caller::receive() {
  while (!connection_.down()) {
    auto event = co_await connection_.next(Deadline::bounded_by_scope());
    if (!event || event->packet.empty()) continue;
    const ByteView bytes(event->packet);
    if (is_rtcp(bytes)) {
      (void)rtcp_->received(bytes, event->at, loop_.clock().wall(), reception_ ? &*reception_ : nullptr);
      continue;
    }
    if (log_.kept.size() == log_.kept.capacity()) continue;  // bounded; said at the end of talk()
    if (const auto rtp = parse_rtp(bytes)) {
      if (!reception_) reception_.emplace(rtp->ssrc, kTransportRate);
      reception_->packet(rtp->sequence, rtp->timestamp, event->at);
      const auto level = rtp->audio_level(rtc::kAudioLevelId);
      if (level && -static_cast<float>(level->level) > kLoud) {
        if (event->at - agent_last_ > kWithinSpeech) agent_began_ = event->at;
        agent_last_ = event->at;
      }
    }
    log_.kept.push_back({event->at, std::move(event->packet)});
  }
}

// Twenty milliseconds after twenty milliseconds, until it is time to hang up.
Task<Result<void>> Caller::talk() {
  constexpr Duration kFarBehind = 5 * kFrameDuration;  // rather skip than burst
  const auto until = log_.connected + plan_.length;
  since_ = loop_.now();
  patience_ = some(400ms, 900ms);
  auto last = since_;
  for (auto tick = since_; tick < until; tick += kFrameDuration) {
    co_await sleep_until(tick);
    const auto now = loop_.now();
    if (now - last > kLate) ++log_.ticks.late;
    ++log_.ticks.frames;
    last = now;
    for (; now - tick > kFarBehind; tick += kFrameDuration) packetizer_->silence(kTransportFrameSamples);
    if (connection_.down()) co_return fail(Errc::unavailable, "the agent hung up");
    if (auto lived = live(now); !lived) co_return lived;
    send_frame(now);
    const SenderStatus status{.rtp_timestamp = packetizer_->timestamp(), .packets = packets_, .octets = octets_};
    if (const auto report = rtcp_->poll(now, loop_.clock().wall(), status, reception_ ? &*reception_ : nullptr))
      connection_.send(*report);
  }
  if (log_.kept.size() == log_.kept.capacity())
    co_return fail(Errc::overloaded, "more packets came than a call can have");
  co_return Result<void>{};
}

// What a person does next.
Result<void> Caller::live(TimePoint now) {
  const bool heard = agent_speaks(now);
  switch (doing_) {
    case Doing::waits:
      if (heard && agent_began_ >= since_) {
        doing_ = Doing::listens;
        since_ = now;
        interrupt_.reset();
        if (!log_.said.empty() && random_.chance(plan_.interrupts)) interrupt_ = some(700ms, 1800ms);
      } else if (now - since_ > (log_.said.empty() ? kGreetingWithin : kAnswerWithin)) {
        return fail(Errc::timeout, log_.said.empty() ? "no greeting was heard" : "a turn was not answered");
      }
      break;
    case Doing::listens:
      if (interrupt_ && heard && now - agent_began_ >= *interrupt_) {
        begin_to_speak(true);
      } else if (now - agent_last_ >= kWithinSpeech + patience_) {
        begin_to_speak(false);
      }
      break;
    case Doing::speaks: break;  // ended by its last frame
  }
  return {};
}

void Caller::begin_to_speak(bool interrupts) {
  doing_ = Doing::speaks;
  saying_ = &speech_.utterances[random_.below(speech_.utterances.size())];
  next_frame_ = saying_->first_voiced;
  patience_ = some(400ms, 900ms);
  log_.said.push_back({.first = {}, .last = {}, .interrupts = interrupts});
}

void Caller::send_frame(TimePoint now) {
  const auto& frame = saying_ ? saying_->frames[next_frame_] : speech_.room[log_.ticks.frames % speech_.room.size()];
  const auto packet =
      packetizer_->packet(frame.opus, kTransportFrameSamples, {frame.level, -static_cast<float>(frame.level) > kLoud});
  if (packet && connection_.send(*packet)) {
    ++packets_;
    octets_ += static_cast<std::uint32_t>(frame.opus.size());
  }
  if (!saying_) return;
  if (next_frame_ == saying_->first_voiced) log_.said.back().first = now;
  if (next_frame_ == saying_->last_voiced) log_.said.back().last = now;
  if (next_frame_++ < saying_->last_voiced) return;
  saying_ = nullptr;
  doing_ = Doing::waits;
  since_ = now;
}

bool Caller::agent_speaks(TimePoint now) const noexcept {
  return agent_last_ != TimePoint{} && now - agent_last_ < kWithinSpeech;
}

Duration Caller::some(Duration least, Duration most) noexcept {
  return least + Duration(random_.below(static_cast<std::uint64_t>((most - least).count())));
}

Task<Result<void>> Caller::hang_up() {
  log_.hung_up = loop_.now();
  const auto deadline = loop_.in(kExitWithin);
  auto told = co_await server_->hang_up(deadline);
  connection_.kill();
  if (!told) co_return told;
  while (log_.exit->at == 0) {
    if (deadline.passed(loop_.now()))
      co_return fail(Errc::timeout,
                     fmt::format("its process lives {:.0f} s after hanging up", to_seconds(kExitWithin)));
    co_await sleep_for(kFrameDuration);
  }
  co_return Result<void>{};
}

}  // namespace parley::bench
