// Data packets of a room, one after another, with time between them, and an application that takes what comes:
// records of [what: u8], of a packet also [length: u16][a serialized livekit.DataPacket].
#include <memory>
#include <optional>

#include <parley/base/bytes.hpp>

#include "livekit/room/messages.hpp"
#include "livekit/room/messages_packet.hpp"
#include "sim/world.hpp"

using namespace parley;
using namespace parley::livekit;

namespace {

void must(bool holds) {
  if (!holds) __builtin_trap();
}

class Port final : public DataPort {
 public:
  // What we say in answer is sound, and never goes to everybody.
  Task<Result<void>> publish(parley::rtc::DataKind, std::string bytes, Deadline) override {
    proto::DataPacket packet;
    must(packet.ParseFromString(bytes));
    must(packet.destination_identities_size() == 1 && !packet.destination_identities(0).empty());
    must(packet.has_rpc_ack() || packet.has_rpc_response() || packet.has_rpc_request());
    co_return Result<void>{};
  }
  bool has_participant(std::string_view) const noexcept override { return true; }
  const std::string& own_identity() const noexcept override { return identity_; }
  const std::string& own_sid() const noexcept override { return identity_; }

 private:
  std::string identity_ = "agent";
};

Task<RpcResult> answer(RpcRequest request) {
  co_await sleep_for(1s);
  co_return request.payload;
}

Task<void> read(std::shared_ptr<StreamReader> reader, bool text, Deadline deadline) {
  for (;;) {
    auto piece = co_await reader->read(deadline);
    if (!piece || piece->empty()) co_return;
    must(!text || is_utf8(*piece));
    must(piece->size() <= Messages::kMaxUnread);
  }
}

Task<void> ask(Messages& messages, Duration within) { (void)co_await messages.perform_rpc("a", "m", "", within); }

class Call {
 public:
  Call() : loop_(world_.add_loop("fuzz")), scope_(loop_, "root", 256), messages_(std::in_place, scope_, port_, Logger()) {
    messages_->register_method("m", answer);
    (void)messages_->text_streams("t");
    (void)messages_->byte_streams("t");
  }
  ~Call() { messages_.reset(); }

  void run(ByteReader in) {
    for (int records = 0; records < 256; ++records) {
      const auto what = in.u8();
      if (!what) return;
      switch (*what % 8) {
        case 0: world_.run_for(std::chrono::milliseconds(*what * 100)); break;
        case 1: take(true); break;
        case 2: take(false); break;
        case 3: messages_->participant_left("a"); break;
        case 4: (void)scope_.spawn("ask", ask(*messages_, std::chrono::milliseconds(*what * 10))); break;
        case 5: messages_->reset(); break;
        default: packet(in); break;
      }
    }
  }

 private:
  void packet(ByteReader& in) {
    const auto length = in.u16_le();
    const auto bytes = in.take(std::min<std::size_t>(length.value_or(0), in.left()));
    const auto unclaimed = messages_->received(as_text(*bytes));
    must(!unclaimed || unclaimed->digit == 0 || std::string_view("0123456789*#ABCD").contains(unclaimed->digit));
    const auto& counters = messages_->counters();
    must(counters.malformed + counters.ignored <= counters.packets);
  }
  void take(bool text) {
    auto reader = (text ? messages_->text_streams("t") : messages_->byte_streams("t")).try_pop();
    if (reader) (void)scope_.spawn("read", read(std::move(*reader), text, loop_.in(10s)));
  }

  sim::World world_{1};
  sim::SimLoop& loop_;
  Port port_;
  Scope scope_;
  std::optional<Messages> messages_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Call().run(ByteReader({data, size}));
  return 0;
}
