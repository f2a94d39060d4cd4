// A worker, its host with slots, and the server that it is registered at.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "livekit/worker/agent_worker.hpp"
#include "sim/world.hpp"
#include "sim_server.hpp"

namespace parley::livekit {

class SlotHost final : public JobHost {
 public:
  explicit SlotHost(std::size_t slots) : slots(slots) {}

  JobReply offered(const JobOffer& offer) override {
    offers.push_back(offer);
    if (!available()) return {};
    EXPECT_TRUE(reserved.insert(offer.id).second) << offer.id << " is reserved twice";
    auto with = reply;
    with.available = true;
    return with;
  }
  void start(JobStart job) override {
    EXPECT_EQ(reserved.erase(job.job.id), 1u) << job.job.id << " starts without a reservation";
    running.insert(job.job.id);
    starts.push_back(std::move(job));
  }
  void release(const std::string& job_id) override {
    EXPECT_EQ(reserved.erase(job_id), 1u) << job_id << " is released without a reservation";
    released.push_back(job_id);
  }
  void terminate(const std::string& job_id) override { terminated.push_back(job_id); }
  bool available() const noexcept override { return reserved.size() + running.size() < slots; }
  double load() const noexcept override { return static_cast<double>(job_count()) / static_cast<double>(slots); }
  std::size_t job_count() const noexcept override { return reserved.size() + running.size(); }

  std::size_t slots;
  JobReply reply;
  std::vector<JobOffer> offers;
  std::vector<JobStart> starts;
  std::vector<std::string> released, terminated;
  std::set<std::string> reserved, running;
};

class Lines final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override { lines.push_back({line.level, std::string(line.message)}); }
  std::size_t count(std::string_view with) const {
    return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const auto& line) { return line.second.find(with) != std::string::npos; }));
  }
  std::vector<std::pair<LogLevel, std::string>> lines;
};

class WorkerTest : public ::testing::Test {
 protected:
  explicit WorkerTest(std::uint64_t seed = 5) : world(seed), loop(world.add_loop("supervisor")), scope(loop, "supervisor") {
    settings.credentials = {.url = "ws://lk.example/", .api_key = "devkey", .api_secret = "secret"};
    settings.agent_name = "reception";
    settings.version = "0.1";
  }
  ~WorkerTest() override {
    worker.reset();
    EXPECT_EQ(server.open, 0) << "a socket is left";
  }

  void start() {
    worker.emplace(scope, server, settings, host, Logger(log));
    worker->start();
  }
  void register_worker() {
    if (!worker) start();
    ASSERT_TRUE(world.run_until([&] { return worker->registered(); }, 60s)) << worker->trouble() << "; " << world.describe();
  }
  CloseReport close(Duration within = 5s) {
    std::optional<CloseReport> report;
    EXPECT_TRUE(scope.spawn("close", [](AgentWorker& w, Deadline d, std::optional<CloseReport>& out) -> Task<void> {
      out = co_await w.close(d);
    }(*worker, loop.in(within), report)));
    EXPECT_TRUE(world.run_until([&] { return report.has_value(); }, within + 1s)) << world.describe();
    return report.value_or(CloseReport{});
  }
  void end(const std::string& job, JobStatus status = JobStatus::success, std::string error = {}) {
    host.running.erase(job);
    worker->status(job, status, std::move(error));
    worker->load_changed();
  }

  sim::World world;
  sim::SimLoop& loop;
  Scope scope;
  SimServer server;
  SlotHost host{20};
  AgentWorkerSettings settings;
  std::shared_ptr<Lines> log = std::make_shared<Lines>();
  std::optional<AgentWorker> worker;
};

}  // namespace parley::livekit
