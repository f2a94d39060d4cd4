// A world with a disk, and what stands between a journal and it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "job/journal.hpp"
#include "sim/disk.hpp"
#include "sim/world.hpp"

namespace parley::job {

inline const std::string kDirectory = "/state/calls";
inline const std::string kCall = "CA_abc";

class Lines final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override { lines.emplace_back(line.message); }
  std::vector<std::string> lines;

  std::size_t with(std::string_view part) const {
    std::size_t count = 0;
    for (const auto& line : lines) count += line.find(part) != std::string::npos ? 1 : 0;
    return count;
  }
};

// One simulated process with a writer; kill() is kill -9.
struct Process {
  Process(sim::World& world, sim::SimDisk& simulated, std::string process_name)
      : name(std::move(process_name)),
        hardware(simulated),
        log(std::make_shared<Lines>()),
        loop(world.add_loop(name, Logger(log, LogLevel::debug))),
        disk(simulated.process(name)) {
    writer.emplace(loop, simulated, log);
    scope.emplace(loop, name);
  }
  ~Process() { die(); }

  void die() {
    hardware.kill(name);
    writer.reset();  // the thread is gone; what it had not written never will be
    scope.reset();
    journal.reset();
  }

  // For the first process of a call, or a later one: creates or opens.
  void begin_journal(std::string attempt = "AJ_1", Redaction redaction = {}) {
    auto opened = create_journal(*disk, kDirectory, kCall);
    if (!opened) opened = open_journal(*disk, kDirectory, kCall);
    ASSERT_TRUE(opened) << opened.error().message();
    journal = std::make_unique<Journal>(
        loop, writer->writer(), *std::move(opened),
        JournalConfig{.call_id = kCall, .attempt_id = std::move(attempt), .redaction = redaction});
  }

  std::string name;
  sim::SimDisk& hardware;
  std::shared_ptr<Lines> log;
  sim::SimLoop& loop;
  std::shared_ptr<Disk> disk;
  std::optional<sim::SimWriter> writer;
  std::unique_ptr<Journal> journal;
  std::optional<Scope> scope;
};

class OnDisk : public ::testing::Test {
 protected:
  JournalContents contents() {
    const auto bytes = disk.content(journal_path(kDirectory, kCall));
    return bytes ? parse_journal(*bytes, kCall) : JournalContents{};
  }
  std::vector<std::string> types() {
    std::vector<std::string> found;
    for (const auto& r : contents().records) found.push_back(r.type);
    return found;
  }
  // The result of a sync that is waited for.
  Result<void> sync(Process& process, Duration patience = 5s) {
    std::optional<Result<void>> result;
    EXPECT_TRUE(process.scope->spawn("sync", [](Journal& j, Duration p, std::optional<Result<void>>& r) -> Task<void> {
      r = co_await j.sync(j.loop().in(p));
    }(*process.journal, patience, result)));
    EXPECT_TRUE(world.run_until([&] { return result.has_value(); }, 1min)) << world.describe();
    return result.value_or(fail(Errc::internal, "no result"));
  }

  sim::World world{21};
  sim::SimDisk disk{Random(99), world.clock()};
};

}  // namespace parley::job
