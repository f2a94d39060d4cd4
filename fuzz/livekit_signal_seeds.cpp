// First inputs: a join, people who come and go, and sections that are asked for.
#include "livekit/room/proto.hpp"
#include "seed_file.hpp"

using namespace parley;
using namespace parley::livekit;

namespace {

class Seed {
 public:
  Seed& then(const proto::SignalResponse& said) {
    const auto bytes = said.SerializeAsString();
    ByteWriter(bytes_).u16_le(static_cast<std::uint16_t>(bytes.size()));
    ByteWriter(bytes_).bytes(as_bytes(bytes));
    return *this;
  }
  void write(const std::string& folder, const std::string& name) const { fuzz::write_seed(folder, name, bytes_); }

 private:
  Bytes bytes_;
};

void set(proto::ParticipantInfo& info, const char* identity, const char* sid, std::uint32_t version) {
  info.set_identity(identity);
  info.set_sid(sid);
  info.set_version(version);
  info.set_state(proto::ParticipantInfo::ACTIVE);
  (*info.mutable_attributes())["k"] = "v";
  auto& track = *info.add_tracks();
  track.set_sid(std::string("TR_") + sid);
  track.set_type(proto::AUDIO);
}

proto::SignalResponse join() {
  proto::SignalResponse said;
  auto& join = *said.mutable_join();
  join.mutable_room()->set_sid("RM_1");
  set(*join.mutable_participant(), "agent", "PA_a", 1);
  set(*join.add_other_participants(), "caller", "PA_c", 1);
  return said;
}

proto::SignalResponse update(const char* sid, std::uint32_t version, bool gone) {
  proto::SignalResponse said;
  auto& info = *said.mutable_update()->add_participants();
  set(info, "caller", sid, version);
  if (gone) info.set_state(proto::ParticipantInfo::DISCONNECTED);
  return said;
}

proto::SignalResponse speakers() {
  proto::SignalResponse said;
  auto& speaker = *said.mutable_speakers_changed()->add_speakers();
  speaker.set_sid("PA_c");
  speaker.set_level(0.5F);
  speaker.set_active(true);
  return said;
}

proto::SignalResponse required(unsigned audios) {
  proto::SignalResponse said;
  said.mutable_media_sections_requirement()->set_num_audios(audios);
  return said;
}

proto::SignalResponse answer(std::uint32_t id) {
  proto::SignalResponse said;
  said.mutable_answer()->set_id(id);
  said.mutable_answer()->set_sdp("m=audio 9 X 111\r\na=mid:1\r\na=msid:PA_c|TR_x TR_x\r\n");
  if (id > 1) (*said.mutable_answer()->mutable_mid_to_track_id())["1"] = "TR_x";
  return said;
}

proto::SignalResponse resumed() {
  proto::SignalResponse said;
  said.mutable_reconnect()->set_last_message_seq(7);
  return said;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const std::string folder = argv[1];
  Seed()
      .then(join())
      .then(update("PA_c", 2, false))
      .then(speakers())
      .then(update("PA_c", 3, true))
      .write(folder, "comes_and_goes");
  Seed()
      .then(join())
      .then(update("PA_2", 1, false))
      .then(resumed())
      .then(update("PA_2", 2, false))
      .write(folder, "replaced");
  Seed()
      .then(required(0))
      .then(answer(1))
      .then(required(2))
      .then(resumed())
      .then(answer(2))
      .then(required(40))
      .write(folder, "sections");
  return 0;
}
