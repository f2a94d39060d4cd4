#include "voice/room_way.hpp"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/events.hpp>

namespace parley::voice {

namespace {

std::optional<boost::json::object> as_object(std::string_view text) {
  boost::system::error_code error;
  auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string_view text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool on_this_machine(std::string_view url) {
  const auto begin = url.find("://");
  const auto host = begin == std::string_view::npos ? url : url.substr(begin + 3);
  return std::ranges::any_of(std::initializer_list<std::string_view>{"127.", "localhost", "[::1]"}, [&](auto each) { return host.starts_with(each); });
}

}  // namespace

boost::json::object room_metadata(const ipc::RoomJob& job) {
  auto metadata = as_object(job.room_metadata).value_or(boost::json::object());
  if (auto own = as_object(job.metadata)) {
    for (auto& each : *own) metadata[each.key()] = std::move(each.value());
  } else if (!job.metadata.empty()) {
    metadata["text"] = job.metadata;
  }
  return metadata;
}

livekit::RoomSettings RoomWay::settings_of(const RoomMedia& media, const ipc::RoomJob& job) {
  livekit::RoomSettings settings{.url = job.url, .token = job.token, .connection = media.connection};
  if (settings.connection.bind_address.empty() && on_this_machine(job.url)) settings.connection.bind_address = "127.0.0.1";
  settings.microphone = livekit::LocalAudioOptions{.opus = media.opus};
  settings.attributes[std::string(livekit::kAgentState)] = "initializing";
  if (!job.agent_name.empty()) settings.attributes[std::string(livekit::kAgentName)] = job.agent_name;
  return settings;
}

livekit::RoomCall RoomWay::call_of(const ipc::RoomJob& job, const RoomOptions& options) {
  livekit::RoomCall call{.room_sid = job.room_sid,
                         .caller_identity = job.participant_identity,
                         .link_to = {},
                         .caller_was_there = job.caller_was_there,
                         .close_on_disconnect = options.close_on_disconnect,
                         .delete_on_close = options.delete_on_close};
  for (const auto& kind : options.link_to) call.link_to.push_back(livekit::participant_kind(kind));
  return call;
}

livekit::RoomNews RoomWay::news_of(livekit::RoomNews news) {
  auto told = std::move(news.rejoining);
  news.rejoining = [this, told = std::move(told)](bool now) {
    if (told) told(now);
    if (!now) presence_.joined();
  };
  return news;
}

RoomWay::RoomWay(Scope& parent, rtc::Engine& engine, const RoomMedia& media, const ipc::RoomJob& job, const RoomOptions& options,
                 Listener listener, Logger logger)
    : clients_(media.clients(parent.loop(), parent, job.url.starts_with("wss") || job.url.starts_with("https"))),
      room_(parent, engine, *clients_.sockets, settings_of(media, job), logger),
      server_(job.api_token.empty() ? nullptr : std::make_unique<livekit::ServerAdapter>(parent.loop(), *clients_.http, job.url, job.api_token, job.room_name)),
      presence_(parent, room_, logger),
      transport_(parent, room_, server_.get(), call_of(job, options), news_of(std::move(listener.news)), logger),
      scope_(parent, "text"),
      chat_(scope_, room_, [this](std::string_view identity) { return transport_.is_caller(identity); }, std::move(listener.typed), logger) {}

Task<Result<void>> RoomWay::join(Deadline deadline) {
  auto joined = co_await transport_.join(deadline);
  if (joined) presence_.joined();
  co_return joined;
}

Participant RoomWay::caller() const {
  const auto* caller = transport_.caller();
  return caller ? Participant{caller->identity, caller->attributes} : Participant{};
}

void RoomWay::said(std::string_view type, const boost::json::object& data) {
  if (type == events::kAgentStateChanged) presence_.agent_state(text_of(data, "new_state"));
  if (type != events::kUserInputTranscribed) return;
  const auto* caller = transport_.caller();
  const auto* final = data.if_contains("is_final");
  if (!caller) return;
  presence_.caller_words(caller->identity, transport_.caller_track(), text_of(data, "transcript"), final && final->is_bool() && final->get_bool(),
                         text_of(data, "language"));
}

void RoomWay::agent_words(const SessionPort::AgentWords& words) {
  presence_.agent_words(fmt::format("{}/{}", words.speech_id, words.part), words.heard, words.final);
}

void RoomWay::request_stop(StopReason reason) noexcept {
  scope_.request_stop(reason);
  presence_.request_stop(reason);
  transport_.request_stop(std::move(reason));
}

Task<CloseReport> RoomWay::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  auto report = co_await transport_.close(deadline);
  report.add("presence", co_await presence_.close(deadline));
  report.add("text", co_await scope_.close(deadline));
  co_return report;
}

void RoomWay::kill() noexcept {
  scope_.kill();
  presence_.kill();
  transport_.kill();
}

}  // namespace parley::voice
