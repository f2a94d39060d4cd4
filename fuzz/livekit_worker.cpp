// What a LiveKit server says to a worker: a ServerMessage, read and acted on at once.
#include <cstdlib>

#include "livekit/worker/job_desk.hpp"

using namespace parley;
using namespace parley::livekit;

namespace {

class TakesAll final : public JobHost {
 public:
  JobReply offered(const JobOffer& offer) override {
    if (offer.id.empty() || offer.id.size() > wire::kMaxId || offer.room_name.empty()) std::abort();
    ++reserved;
    return {.available = true, .participant_name = offer.room_name, .participant_attributes = offer.attributes};
  }
  void start(JobStart job) override {
    if (job.token.empty() || job.token.size() > kMaxTokenBytes) std::abort();
    --reserved;
  }
  void release(const std::string&) override { --reserved; }
  void terminate(const std::string& job_id) override {
    if (job_id.empty()) std::abort();
  }
  bool available() const noexcept override { return true; }
  double load() const noexcept override { return 0; }
  std::size_t job_count() const noexcept override { return 0; }

  int reserved = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const AgentWorkerSettings settings{.agent_name = "reception"};
  TakesAll host;
  AgentWorker::Counters counters;
  const Logger logger;
  JobDesk desk(settings, host, counters, logger);
  for (int times = 0; times < 2; ++times) {
    auto said = wire::read(as_text(ByteView(data, size)));
    if (!said) return 0;
    if (auto* offer = std::get_if<wire::Offer>(&*said)) {
      (void)desk.offered(offer->job, TimePoint{});
      (void)desk.assigned({.job = offer->job, .url = {}, .token = "token"});
    } else if (auto* assignment = std::get_if<wire::Assignment>(&*said)) {
      (void)desk.assigned(*assignment);
    } else if (auto* termination = std::get_if<wire::Termination>(&*said)) {
      desk.terminated(termination->job_id);
    }
  }
  desk.release_all();
  if (host.reserved != 0) std::abort();
  return 0;
}
