// First inputs: streams, RPCs and single packets as peers send them.
#include "livekit/room/messages_packet.hpp"
#include "seed_file.hpp"

using namespace parley;
using namespace parley::livekit;

namespace {

proto::DataPacket packet() {
  proto::DataPacket packet;
  packet.set_participant_identity("a");
  packet.set_participant_sid("PA_a");
  return packet;
}

class Seed {
 public:
  Seed& then(std::uint8_t what) {
    ByteWriter(bytes_).u8(what);
    return *this;
  }
  Seed& then(const proto::DataPacket& packet) {
    const auto bytes = packet.SerializeAsString();
    then(std::uint8_t{6});
    ByteWriter(bytes_).u16_le(static_cast<std::uint16_t>(bytes.size()));
    ByteWriter(bytes_).bytes(as_bytes(bytes));
    return *this;
  }
  void write(const std::string& folder, const std::string& name) const { fuzz::write_seed(folder, name, bytes_); }

 private:
  Bytes bytes_;
};

proto::DataPacket header(bool text) {
  auto out = packet();
  auto& header = *out.mutable_stream_header();
  header.set_stream_id("S");
  header.set_topic("t");
  header.set_total_length(10);
  (*header.mutable_attributes())["a"] = "1";
  if (text) {
    header.mutable_text_header();
  } else {
    header.mutable_byte_header()->set_name("n");
  }
  return out;
}

proto::DataPacket chunk(std::uint64_t index, const std::string& content) {
  auto out = packet();
  out.mutable_stream_chunk()->set_stream_id("S");
  out.mutable_stream_chunk()->set_chunk_index(index);
  out.mutable_stream_chunk()->set_content(content);
  return out;
}

proto::DataPacket trailer(const std::string& reason) {
  auto out = packet();
  out.mutable_stream_trailer()->set_stream_id("S");
  out.mutable_stream_trailer()->set_reason(reason);
  (*out.mutable_stream_trailer()->mutable_attributes())["b"] = "2";
  return out;
}

proto::DataPacket request(const std::string& method) {
  auto out = packet();
  auto& request = *out.mutable_rpc_request();
  request.set_id("R");
  request.set_method(method);
  request.set_payload("{}");
  request.set_response_timeout_ms(8000);
  request.set_version(1);
  return out;
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  constexpr std::uint8_t kTime = 8, kTakeText = 1, kTakeBytes = 2, kLeft = 3, kAsk = 252, kReset = 5;
  Seed().then(header(true)).then(kTakeText).then(chunk(0, "a\xC3\xA4")).then(kTime).then(chunk(1, "1234567")).then(trailer("")).then(kTime).write(folder, "text");
  Seed().then(header(false)).then(kTakeBytes).then(chunk(0, "\xFF\xFE")).then(kTime).then(trailer("interrupted")).write(folder, "bytes");
  Seed().then(header(true)).then(kTakeText).then(chunk(0, "x")).then(kLeft).then(kTime).write(folder, "left");
  Seed().then(request("m")).then(kTime).then(request("m")).then(request("n")).then(kTime).write(folder, "served");
  auto ack = packet();
  ack.mutable_rpc_ack()->set_request_id("R");
  auto error = packet();
  error.mutable_rpc_response()->set_request_id("R");
  error.mutable_rpc_response()->mutable_error()->set_code(1500);
  Seed().then(kAsk).then(kTime).then(ack).then(error).then(kReset).then(kTime).write(folder, "asked");
  auto user = packet();
  user.mutable_user()->set_payload("x");
  user.mutable_user()->set_topic("t");
  auto dtmf = packet();
  dtmf.mutable_sip_dtmf()->set_code(11);
  auto encrypted = packet();
  encrypted.mutable_encrypted_packet()->set_iv("x");
  Seed().then(user).then(dtmf).then(encrypted).write(folder, "packets");
}
