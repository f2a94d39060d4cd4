// First inputs: one message of each kind.
#include "ipc/message.hpp"
#include "seed_file.hpp"

using namespace parley;
using namespace parley::ipc;

namespace {

const RoomJob kRoomJob{.job_id = "AJ_livekit", .url = "wss://example.com", .token = "a.b.c", .api_token = "d.e.f", .room_name = "table 4",
                       .room_sid = "RM_1", .room_metadata = "{}", .metadata = R"({"table":4})", .agent_identity = "agent-AJ_livekit",
                       .agent_name = "reception", .participant_identity = "milla", .attributes = {{"lk.simulator.dispatch", "true"}},
                       .caller_was_there = true};

template <class Message>
void write(const std::string& folder, const std::string& side, std::vector<Message> messages) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto bytes = serialize(messages[i]);
    if (!bytes) std::abort();
    fuzz::write_seed(folder, side + std::to_string(i), as_bytes(*bytes));
  }
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  write<ToJob>(folder, "to_job", {Begin{"CA_1", "AJ_1", R"({"table":4})"}, Offer{1, "v=0\r\n", 10s},
                                  Stop{{StopCause::shutdown, "SIGTERM"}, true}, Drain{60s}, Welcome{7}, Begin{"CA_1", "AJ_1", "{}", kRoomJob}});
  write<FromJob>(folder, "from_job", {Hello{"CA_1", "AJ_1", Phase::running, {}}, Answer{1, std::string("v=0\r\n")},
                                      Answer{2, fail(Errc::timeout, "too late")}, JobEvent{1, "close", "{}"},
                                      PhaseChange{Phase::draining, 5s}, Turns{1000},
                                      AttemptEnd{{StopCause::caller_hung_up, "BYE"}, true, "{}"}, AfterCallDone{false, 2s},
                                      Hello{"CA_1", "AJ_1", Phase::running, {}, place_of(kRoomJob)}, Linked{"sip_+1555", "sip"}, Rejoining{true}});
  write<ToZygote>(folder, "to_zygote", {Spawn{1, JobKind::after_call, "CA_1", "AJ_2"}});
  write<FromZygote>(folder, "from_zygote", {Ready{2, "worker", false}, Spawned{1, 4711, ""}, Spawned{2, 0, "no memory"}});
}
