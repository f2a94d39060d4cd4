#include "bench/caller.hpp"

#include <fmt/format.h>

namespace parley::bench {

namespace {

constexpr Duration kWithinSpeech = 300ms;  // shorter pauses of the agent's are part of its speech
constexpr auto kPacketsASecond = 1s / kFrameDuration;

}  // namespace

Caller::Caller(Loop& loop, const Speech& speech, const Plan& plan, Random random, const MakeLine& make_line)
    : loop_(loop),
      speech_(speech),
      plan_(plan),
      random_(random),
      line_(make_line(random_, [this](Kept packet, bool speaks) { hear(std::move(packet), speaks); })) {
  log_.kept.reserve(static_cast<std::size_t>(2 * plan.length / kFrameDuration + kPacketsASecond));
}

Task<void> Caller::run() {
  auto done = co_await call();
  if (!done) log_.error = done.error().message();
  line_->drop();
}

Task<Result<void>> Caller::call() {
  if (auto connected = co_await line_->connect(); !connected) co_return connected;
  auto talked = co_await talk();
  auto gone = co_await hang_up();
  co_return talked ? gone : talked;
}

void Caller::hear(Kept packet, bool speaks) {
  if (log_.kept.size() == log_.kept.capacity()) return;  // bounded; said at the end of talk()
  if (speaks) {
    if (packet.at - agent_last_ > kWithinSpeech) agent_began_ = packet.at;
    agent_last_ = packet.at;
  }
  log_.kept.push_back(std::move(packet));
}

// Twenty milliseconds after twenty milliseconds, until it is time to hang up.
Task<Result<void>> Caller::talk() {
  constexpr Duration kFarBehind = 5 * kFrameDuration;  // rather skip than burst
  const auto until = line().connected + plan_.length;
  const auto cut_from = line().connected + plan_.length / 3;
  since_ = loop_.now();
  patience_ = some(400ms, 900ms);
  auto last = since_;
  for (auto tick = since_; tick < until; tick += kFrameDuration) {
    co_await sleep_until(tick);
    const auto now = loop_.now();
    if (now - last > kLate) ++log_.ticks.late;
    ++log_.ticks.frames;
    last = now;
    for (; now - tick > kFarBehind; tick += kFrameDuration) line_->skip();
    if (line_->down()) co_return fail(Errc::unavailable, "the agent hung up");
    if (auto lived = live(now); !lived) co_return lived;
    if (!cut_ && now >= cut_from && agent_speaks(now)) {
      cut_ = true;
      line_->cut(now);
    }
    send_frame(now);
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
  line_->send(saying_ ? saying_->frames[next_frame_] : speech_.room[log_.ticks.frames % speech_.room.size()], now);
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
  const auto deadline = loop_.in(kExitWithin);
  if (auto told = co_await line_->hang_up(); !told) co_return told;
  while (line().exit->at == 0) {
    if (deadline.passed(loop_.now()))
      co_return fail(Errc::timeout,
                     fmt::format("its process lives {:.0f} s after hanging up", to_seconds(kExitWithin)));
    co_await sleep_for(kFrameDuration);
  }
  co_return Result<void>{};
}

}  // namespace parley::bench
