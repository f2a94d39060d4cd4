#include "voice/recording_transport.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <parley/events.hpp>

namespace parley::voice {

namespace {

// Letters and digits alone: how a text is spoken changes the rest of it.
std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80) letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return letters;
}

std::string_view text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace

RecordingTransport::RecordingTransport(Loop& loop, Transport& transport, RecordingOptions options, const std::optional<Greeting>& greeting,
                                       Emit emit, Logger logger)
    : loop_(loop),
      transport_(transport),
      options_(std::move(options)),
      emit_(std::move(emit)),
      logger_(logger.with(log_field::kComponent, "recording")),
      tick_(loop.now()) {
  if (options_.consent == RecordingConsent::none) {
    begin();
  } else if (!greeting) {
    refuse("its agent has no greeting, which would have to say so");
  } else {
    greeting_ = letters_of(greeting->say);
  }
}

RecordingTransport::~RecordingTransport() = default;

void RecordingTransport::begin() {
  auto file = RecordingFile::create(options_.path, options_.channels);
  if (!file) return refuse(file.error().message());
  state_ = State::recording;
  file_ = std::move(*file);
  timeline_.emplace(tick_, [this](std::unique_ptr<RecordedPair> pair, std::int64_t silent) { file_->add(std::move(pair), silent); });
  emit_(events::kRecordingStarted, {{"path", options_.path}, {"channels", options_.channels == RecordingChannels::stereo ? "stereo" : "mono"}});
}

void RecordingTransport::refuse(std::string_view why) {
  state_ = State::over;
  logger_.error("the call is not recorded: {}", why);
  emit_(events::kRecordingStopped, {{"path", options_.path}, {"reason", why}, {"duration", 0.0}});
}

void RecordingTransport::said(std::string_view type, const boost::json::object& data) {
  if (state_ != State::waiting) return;
  if (type == events::kSpeechCreated && greeting_speech_.empty()) greeting_speech_ = text_of(data, "speech_id");
  if (type != events::kConversationItemAdded) return;
  const auto* item = data.if_contains("item");
  if (!item || !item->is_object() || text_of(item->get_object(), "role") != "assistant") return;
  const auto& message = item->get_object();
  const auto* cut = message.if_contains("interrupted");
  const bool greeted = !greeting_speech_.empty() && text_of(data, "speech_id") == greeting_speech_;
  const bool whole = greeted && !(cut && cut->is_bool() && cut->get_bool()) && (greeting_.empty() || letters_of(text_of(message, "text")) == greeting_);
  if (whole) {
    begin();
  } else {
    refuse("the caller has not heard the greeting to its end");
  }
}

std::optional<AudioFrame> RecordingTransport::receive(TimePoint now) {
  auto frame = transport_.receive(now);
  tick_ = now;
  if (state_ == State::recording) {
    timeline_->caller(frame ? &*frame : nullptr, now);
    look_for_failure();
  }
  return frame;
}

void RecordingTransport::send(const AudioFrame& frame, TimePoint now) {
  tick_ = now;
  if (state_ == State::recording && transport_.can_deliver()) timeline_->agent(frame, now);
  transport_.send(frame, now);
}

void RecordingTransport::look_for_failure() {
  const auto failure = file_->failure();
  if (!failure) return;
  logger_.error("the recording stops here, the call goes on: {}", failure->message());
  stop(failure->message());
}

void RecordingTransport::stop(const std::string& reason) {
  state_ = State::over;
  emit_(events::kRecordingStopped, {{"path", options_.path}, {"reason", reason}, {"duration", to_seconds(file_->written())}});
}

void RecordingTransport::finish() noexcept {
  if (state_ == State::waiting) state_ = State::over;
  if (state_ != State::recording) return;
  state_ = State::finishing;
  timeline_->finish(tick_);
  file_->finish();
}

Task<CloseReport> RecordingTransport::close_recording(Deadline deadline) {
  CloseReport report;
  finish();
  if (!file_) co_return report;
  const auto began = loop_.now();
  const auto closed = co_await file_->close(deadline);
  const bool late = !closed && closed.error().code() == Errc::timeout;
  if (state_ == State::finishing) {
    if (!closed) logger_.error("the recording has no end: {}", closed.error().message());
    stop(closed ? "the call ended" : closed.error().message());
  }
  report.add({"recording", late ? CloseOutcome::abandoned : CloseOutcome::closed, loop_.now() - began, late ? closed.error().message() : ""});
  report.took = loop_.now() - began;
  co_return report;
}

}  // namespace parley::voice
