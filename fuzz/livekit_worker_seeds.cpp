// First inputs: one message of each kind.
#include "livekit_agent.pb.h"
#include "seed_file.hpp"

using namespace parley;

int main(int, char** argv) {
  const auto write = [folder = std::string(argv[1])](const char* name, const livekit::ServerMessage& message) {
    const auto bytes = message.SerializeAsString();
    fuzz::write_seed(folder, name, as_bytes(bytes));
  };
  livekit::Job job;
  job.set_id("AJ_1");
  job.set_dispatch_id("AD_1");
  job.set_type(livekit::JT_PARTICIPANT);
  job.set_metadata("{}");
  job.mutable_room()->set_sid("RM_1");
  job.mutable_room()->set_name("lobby");
  job.mutable_participant()->set_identity("caller");
  (*job.mutable_participant()->mutable_attributes())["sip.callID"] = "x";
  (*job.mutable_attributes())["lk.simulator.dispatch"] = "{}";
  livekit::ServerMessage message;
  *message.mutable_availability()->mutable_job() = job;
  write("availability", message);
  *message.mutable_assignment()->mutable_job() = job;
  message.mutable_assignment()->set_token("a.b.c");
  message.mutable_assignment()->set_url("wss://edge.example");
  write("assignment", message);
  message.mutable_termination()->set_job_id("AJ_1");
  write("termination", message);
  message.mutable_pong()->set_last_timestamp(1795000000000);
  write("pong", message);
  message.mutable_go_away()->set_reason("drain");
  write("go_away", message);
  message.mutable_register_()->set_worker_id("AW_1");
  message.mutable_register_()->mutable_server_info()->set_version("1.13.5");
  write("register", message);
}
