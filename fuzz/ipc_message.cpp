// What a process that lies may send to another: every parser of src/ipc/message.cpp. What is let through is within its
// bounds, and can be sent on as the same message.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ipc/message.hpp"

using namespace parley;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

bool bounded(const ipc::RoomJob& room) {
  return room.token.size() <= ipc::kMaxRoomTokenBytes && room.room_metadata.size() + room.metadata.size() <= ipc::kMaxRoomMetadataBytes &&
         room.attributes.size() <= ipc::kMaxRoomAttributes;
}

void check(const ipc::FromJob& message) {
  if (const auto* event = std::get_if<ipc::JobEvent>(&message)) {
    expect(event->data_json.size() <= ipc::kMaxEventBytes && event->data_json.find('\n') == std::string::npos);
    expect(event->type.size() <= ipc::kMaxEventTypeBytes && event->type.find('\n') == std::string::npos);
  } else if (const auto* phase = std::get_if<ipc::PhaseChange>(&message)) {
    expect(!phase->leave_within || *phase->leave_within <= ipc::kMaxPromise);
  } else if (const auto* hello = std::get_if<ipc::Hello>(&message)) {
    expect(!hello->leave_within || *hello->leave_within <= ipc::kMaxPromise);
    expect(!hello->room || hello->room->room_name.size() <= ipc::kMaxRoomNameBytes);
  } else if (const auto* answer = std::get_if<ipc::Answer>(&message)) {
    expect(!answer->sdp || answer->sdp->size() <= ipc::kMaxSdpBytes);
  } else if (const auto* end = std::get_if<ipc::AttemptEnd>(&message)) {
    expect(end->teardown_json.size() <= ipc::kMaxTeardownBytes);
  }
}

void check(const ipc::ToJob& message) {
  if (const auto* offer = std::get_if<ipc::Offer>(&message)) expect(offer->sdp.size() <= ipc::kMaxSdpBytes);
  if (const auto* begin = std::get_if<ipc::Begin>(&message)) expect(begin->metadata_json.size() <= ipc::kMaxMetadataBytes && (!begin->room || bounded(*begin->room)));
}

void check(const ipc::ToZygote&) {}

void check(const ipc::FromZygote& message) {
  if (const auto* ready = std::get_if<ipc::Ready>(&message)) expect(ready->thread_names.size() <= ipc::kMaxTextBytes);
}

template <class Message>
void try_parser(Result<Message> (*parse)(std::string_view), std::string_view bytes) {
  const auto message = parse(bytes);
  if (!message) return expect(!message.error().message().empty());
  check(*message);
  const auto sent_on = ipc::serialize(*message);
  expect(sent_on.has_value() && sent_on->size() <= ipc::kMaxMessageBytes);
  const auto again = parse(*sent_on);
  expect(again && again->index() == message->index());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_parser(ipc::parse_from_job, bytes);
  try_parser(ipc::parse_to_job, bytes);
  try_parser(ipc::parse_to_zygote, bytes);
  try_parser(ipc::parse_from_zygote, bytes);
  return 0;
}
