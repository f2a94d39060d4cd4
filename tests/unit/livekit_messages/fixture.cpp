#include "fixture.hpp"

#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#else
#include <malloc.h>
#endif

namespace parley::livekit {

Peer::Peer(TestRoom& in, std::string its_identity, std::string its_sid) : room(in), identity(std::move(its_identity)), sid(std::move(its_sid)) {
  open.set();
}

Task<Result<void>> Peer::publish(rtc::DataKind kind, std::string bytes, Deadline deadline) {
  if (kind == rtc::DataKind::reliable) {
    if (auto ready = co_await open.wait(deadline); !ready) co_return ready;
  } else if (!open.is_set() || room.world.random().chance(loss)) {
    co_return Result<void>{};
  }
  proto::DataPacket packet;
  if (!packet.ParseFromString(bytes)) co_return fail(Errc::internal, "published something else than a packet");
  if (sent.size() < keep_sent) sent.push_back(packet);
  const bool on_behalf = packet.has_stream_header() && packet.stream_header().has_text_header() && !packet.participant_identity().empty();
  if (!on_behalf) packet.set_participant_identity(identity);
  packet.set_participant_sid(sid);
  const auto& to = packet.destination_identities();
  for (const auto& peer : room.peers) {
    if (peer.get() == this || (!to.empty() && std::ranges::find(to, peer->identity) == to.end())) continue;
    const bool reliable = kind == rtc::DataKind::reliable;
    auto& arriving = reliable ? peer->arriving_reliable : peer->arriving_lossy;
    (void)arriving.try_push({room.world.now() + (reliable ? reliable_delay : lossy_delay), packet.SerializeAsString()});
  }
  co_return Result<void>{};
}

bool Peer::has_participant(std::string_view wanted) const noexcept {
  return wanted != room.hidden && std::ranges::any_of(room.peers, [wanted](const auto& peer) { return peer->identity == wanted; });
}

Result<Messages::Unclaimed> Peer::receive(const std::string& bytes) {
  auto result = messages->received(bytes);
  if (!result) {
    if (errors.size() < 64) errors.push_back(result.error().message());
  } else if (result->user || result->digit != 0) {
    unclaimed.push_back(*result);
  }
  return result;
}

TestRoom::TestRoom() : loop(world.add_loop("test", Logger(log))) { scope.emplace(loop, "root", 1024); }

void TestRoom::TearDown() {
  for (auto& peer : peers) peer->messages.reset();
  scope.reset();
  peers.clear();
  EXPECT_EQ(loop.counters().tasks, 0) << world.describe();
  EXPECT_TRUE(world.idle()) << world.describe();
}

Peer& TestRoom::join(std::string identity) {
  auto sid = "PA_" + identity;
  auto& peer = *peers.emplace_back(std::make_unique<Peer>(*this, std::move(identity), std::move(sid)));
  peer.messages.emplace(*scope, peer, loop.logger());
  EXPECT_TRUE(scope->spawn("reliable", deliver(peer, peer.arriving_reliable)));
  EXPECT_TRUE(scope->spawn("lossy", deliver(peer, peer.arriving_lossy)));
  return peer;
}

void TestRoom::leave(Peer& peer) {
  peer.messages->close();
  for (auto& other : peers) {
    if (other.get() != &peer) other->messages->participant_left(peer.identity);
  }
  peer.identity += " (left)";
}

Task<void> TestRoom::deliver(Peer& peer, Channel<std::pair<TimePoint, std::string>>& arriving) {
  while (auto next = co_await arriving.pop(Deadline::bounded_by_scope())) {
    co_await sleep_until(next->first);
    (void)peer.receive(next->second);
  }
}

std::size_t allocated_bytes() {
#if __has_feature(address_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

proto::DataPacket from(const Peer& sender) {
  proto::DataPacket packet;
  packet.set_participant_identity(sender.identity);
  packet.set_participant_sid(sender.sid);
  return packet;
}

proto::DataPacket header(const Peer& sender, const std::string& id, const std::string& topic) {
  auto packet = from(sender);
  packet.mutable_stream_header()->set_stream_id(id);
  packet.mutable_stream_header()->set_topic(topic);
  packet.mutable_stream_header()->mutable_text_header();
  return packet;
}

proto::DataPacket byte_header(const Peer& sender, const std::string& id, const std::string& topic) {
  auto packet = header(sender, id, topic);
  packet.mutable_stream_header()->mutable_byte_header();
  return packet;
}

proto::DataPacket chunk(const Peer& sender, const std::string& id, std::uint64_t index, std::string content) {
  auto packet = from(sender);
  packet.mutable_stream_chunk()->set_stream_id(id);
  packet.mutable_stream_chunk()->set_chunk_index(index);
  packet.mutable_stream_chunk()->set_content(std::move(content));
  return packet;
}

proto::DataPacket trailer(const Peer& sender, const std::string& id, const std::string& reason) {
  auto packet = from(sender);
  packet.mutable_stream_trailer()->set_stream_id(id);
  packet.mutable_stream_trailer()->set_reason(reason);
  return packet;
}

proto::DataPacket rpc_request(const Peer& sender, const std::string& id, const std::string& method, std::string payload) {
  auto packet = from(sender);
  auto& request = *packet.mutable_rpc_request();
  request.set_id(id);
  request.set_method(method);
  request.set_payload(std::move(payload));
  request.set_response_timeout_ms(10'000);
  request.set_version(1);
  return packet;
}

std::shared_ptr<StreamReader> next_reader(Channel<std::shared_ptr<StreamReader>>& readers) {
  auto reader = readers.try_pop();
  EXPECT_TRUE(reader) << "no stream has come";
  return reader ? *reader : nullptr;
}

}  // namespace parley::livekit
