#include "livekit/agent/room_presence.hpp"

#include <algorithm>

#include <parley/base/ids.hpp>

namespace parley::livekit {

namespace {

constexpr const char* kTopic = "lk.transcription";
constexpr const char* kSegmentId = "lk.segment_id";
constexpr const char* kTrackId = "lk.transcribed_track_id";
constexpr const char* kFinal = "lk.transcription_final";

}  // namespace

RoomPresence::RoomPresence(Scope& parent, RoomPort& room, Logger logger)
    : loop_(parent.loop()), room_(room), logger_(std::move(logger)), scope_(parent, "presence") {
  (void)scope_.spawn("state", tell_state());
  (void)scope_.spawn("words", tell_words());
}

RoomPresence::~RoomPresence() { kill(); }

void RoomPresence::joined() {
  joined_ = true;
  told_state_.clear();
  state_changed_.set();
  words_changed_.set();
}

// ---- the state

void RoomPresence::agent_state(std::string_view state) {
  state_ = state;
  state_changed_.set();
}

Task<void> RoomPresence::tell_state() {
  for (int tries = 0;;) {
    (void)co_await state_changed_.wait(Deadline::bounded_by_scope());
    state_changed_.reset();
    if (!joined_ || state_.empty() || state_ == told_state_) continue;
    const auto state = state_;
    const auto sent = co_await send_state(state);
    told_state_ = sent ? state : std::string();  // one that was not answered in time may yet arrive
    if (sent) {
      tries = 0;
    } else if (sent.error().code() == Errc::refused) {
      logger_.warn("front ends do not see the agent's state: {}", sent.error().message());
      co_return;
    } else if (++tries < kMaxTries) {
      co_await sleep_for(kTryAgainAfter);
      state_changed_.set();
    } else {
      tries = 0;
    }
    if (state_ != state) state_changed_.set();
  }
}

Task<Result<void>> RoomPresence::send_state(std::string state) {
  co_return co_await room_.set_attributes({{std::string(kAgentState), std::move(state)}}, loop_.in(kSendWithin));
}

// ---- words

void RoomPresence::agent_words(std::string_view key, std::string_view heard, bool final) {
  if (heard.empty()) return;
  const auto segment = segment_of(key);
  segment->identity = room_.local().identity;
  if (auto* microphone = room_.microphone()) segment->track_sid = microphone->sid();
  update(segment, heard, final);
}

void RoomPresence::caller_words(std::string_view identity, std::string_view track_sid, std::string_view text, bool final,
                                std::string_view language) {
  if (text.empty() || identity.empty()) return;
  const auto segment = segment_of({});
  segment->identity = identity;
  segment->track_sid = track_sid;
  segment->language = language;
  update(segment, text, final);
}

// The one of this key that is not over yet, or a new one.
RoomPresence::SegmentPtr RoomPresence::segment_of(std::string_view key) {
  const auto known = std::ranges::find_if(segments_, [&](const auto& each) { return each->key == key && !each->final; });
  if (known != segments_.end()) return *known;
  if (segments_.size() >= kMaxSegments) {
    segments_.pop_front();
    ++dropped_;
  }
  auto made = std::make_shared<Segment>();
  made->key = key;
  made->id = make_id(loop_.random(), "SG_");
  segments_.push_back(made);
  return made;
}

void RoomPresence::update(const SegmentPtr& segment, std::string_view text, bool final) {
  if (segment->text == text && segment->final == final) return;
  // What was taken for heard may be corrected by a word; captions do not take words back while they grow.
  if (!segment->key.empty() && !final && text.size() < segment->text.size()) return;
  segment->text = text;
  segment->final = final;
  segment->pending = true;
  words_changed_.set();
}

RoomPresence::SegmentPtr RoomPresence::next_pending() const {
  const auto next = std::ranges::find_if(segments_, [](const auto& each) { return each->pending; });
  return next == segments_.end() ? nullptr : *next;
}

Task<void> RoomPresence::tell_words() {
  for (;;) {
    auto segment = joined_ ? next_pending() : nullptr;
    if (!segment) {
      words_changed_.reset();
      (void)co_await words_changed_.wait(Deadline::bounded_by_scope());
      continue;
    }
    segment->pending = false;
    const bool last = segment->final;
    co_await send(segment);
    if (last) segments_.remove(segment);
  }
}

Task<void> RoomPresence::send(SegmentPtr segment) {
  const auto text = segment->text;
  const bool final = segment->final;
  const bool agents = !segment->key.empty();
  auto sent = agents ? co_await send_agents(*segment, text, final) : co_await send_callers(*segment, text, final);
  TranscriptionSegment legacy{.id = segment->id, .text = text, .final = final, .language = segment->language};
  std::vector<TranscriptionSegment> all;
  all.push_back(std::move(legacy));
  auto told = co_await room_.send_transcription(segment->identity, segment->track_sid, std::move(all), loop_.in(kSendWithin));
  if (sent && told) {
    told_of_failure_ = false;
  } else if (!std::exchange(told_of_failure_, true)) {
    logger_.info("transcripts do not reach front ends just now: {}", (sent ? told : sent).error().message());
  }
}

// What is new goes into the segment's one stream. One that broke is followed by another, which has everything again.
Task<Result<void>> RoomPresence::send_agents(Segment& segment, std::string text, bool final) {
  const auto deadline = loop_.in(kSendWithin);
  if (!segment.stream) {
    segment.sent = 0;
    auto opened = co_await room_.open_text({.topic = kTopic, .attributes = attributes_of(segment, false)}, deadline);
    if (!opened) co_return fail(std::move(opened.error()));
    segment.stream = std::move(*opened);
  }
  Result<void> sent;
  if (text.size() > segment.sent) sent = co_await segment.stream->write(text.substr(segment.sent), deadline);
  if (sent) segment.sent = std::max(segment.sent, text.size());
  if (sent && final) sent = co_await segment.stream->finish(attributes_of(segment, true), deadline);
  if (!sent || final) segment.stream.reset();
  co_return sent;
}

Task<Result<void>> RoomPresence::send_callers(Segment& segment, std::string text, bool final) {
  StreamOptions options{.topic = kTopic, .attributes = attributes_of(segment, final), .sender = segment.identity};
  co_return co_await room_.send_text(std::move(text), std::move(options), loop_.in(kSendWithin));
}

std::map<std::string, std::string> RoomPresence::attributes_of(const Segment& segment, bool final) {
  std::map<std::string, std::string> attributes{{kSegmentId, segment.id}, {kFinal, final ? "true" : "false"}};
  if (!segment.track_sid.empty()) attributes[kTrackId] = segment.track_sid;
  return attributes;
}

}  // namespace parley::livekit
