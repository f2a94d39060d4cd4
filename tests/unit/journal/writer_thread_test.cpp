// The writer on its real thread: hand-over, ending, a disk that hangs, a log that nobody reads.
#include "job/journal_writer_thread.hpp"

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "job/journal.hpp"

namespace parley::job {
namespace {

class Lines final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line.message);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A disk that answers when it is told to.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void wait_for_visitor() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class HangingFile final : public DiskFile {
 public:
  explicit HangingFile(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  Result<std::size_t> append(std::string_view bytes) override { return bytes.size(); }
  Result<void> sync() override {
    gate_->pass();
    return {};
  }
  Result<std::uint64_t> size() override { return 0; }
  Result<std::string> read(std::size_t) override { return std::string(); }

 private:
  std::shared_ptr<Gate> gate_;
};

class WriterThreads : public ::testing::Test {
 protected:
  WriterThreads() {
    char name[] = "/tmp/parley-writer-XXXXXX";
    directory = ::mkdtemp(name);
  }
  ~WriterThreads() override { std::filesystem::remove_all(directory); }

  std::string directory;
  std::unique_ptr<Disk> disk = system_disk();
  std::shared_ptr<Lines> log = std::make_shared<Lines>();
};

TEST_F(WriterThreads, Journal_IsOnTheDisk_WhenSyncSaysSo) {
  RealLoop loop("test");
  WriterThread thread({.log = log, .log_descriptor = -1});
  Journal journal(loop, thread.writer(), *create_journal(*disk, directory, "CA_1"), {.call_id = "CA_1"});
  std::size_t on_disk = 0;
  Scope scope(loop, "test");
  ASSERT_TRUE(
      scope.spawn("main", [](RealLoop& l, Journal& j, Disk& d, std::string where, std::size_t& count) -> Task<void> {
        for (int i = 0; i < 100; ++i) j.append("event", {{"n", i}});
        const auto synced = co_await j.sync(l.in(10s));
        if (synced) count = read_journal(d, where, "CA_1")->records.size();
        l.stop();
      }(loop, journal, *disk, directory, on_disk)));
  loop.run();
  EXPECT_EQ(on_disk, 100u);
  EXPECT_TRUE(thread.close(5s));
}

TEST_F(WriterThreads, Close_WritesWhatIsQueued) {
  RealLoop loop("test");
  WriterThread thread({.log = log, .log_descriptor = -1});
  const Logger logger(thread.writer().log_sink());
  Journal journal(loop, thread.writer(), *create_journal(*disk, directory, "CA_1"), {.call_id = "CA_1"});
  for (int i = 0; i < 1000; ++i) {
    journal.append("event", {{"n", i}});
    logger.info("line {}", i);
  }
  ASSERT_TRUE(thread.close(10s));
  EXPECT_EQ(read_journal(*disk, directory, "CA_1")->records.size(), 1000u);
  EXPECT_EQ(log->lines().size(), 1000u);
  logger.info("after the end");
  EXPECT_EQ(log->lines().back(), "after the end");
}

TEST_F(WriterThreads, HangingDisk_IsAbandonedAtTheBudget_AndTheLogStillSpeaks) {
  const auto gate = std::make_shared<Gate>();
  WriterThread thread({.log = log, .log_descriptor = -1});
  const auto file = thread.writer().attach(std::make_unique<HangingFile>(gate), "CA_1", "hanging");
  EXPECT_TRUE(thread.writer().append(file, "x\n"));
  thread.writer().request_sync(file);
  gate->wait_for_visitor();
  EXPECT_FALSE(thread.close(10ms));
  Logger(thread.writer().log_sink()).info("last words");
  EXPECT_EQ(log->lines(), (std::vector<std::string>{"last words"}));
  gate->open();
  EXPECT_TRUE(thread.close(10s));
}

TEST_F(WriterThreads, ManyThreadsLog_NoLineIsLostOrTorn) {
  WriterThread thread({.log = log, .log_descriptor = -1});
  const Logger logger(thread.writer().log_sink());
  {
    std::vector<std::jthread> speakers;
    for (int i = 0; i < 4; ++i) {
      speakers.emplace_back([&logger] {
        for (int n = 0; n < 250; ++n) logger.info("a line");
      });
    }
  }
  ASSERT_TRUE(thread.close(10s));
  const auto lines = log->lines();
  EXPECT_EQ(lines.size(), 1000u);
  for (const auto& line : lines) EXPECT_EQ(line, "a line");
}

TEST_F(WriterThreads, LogThatNobodyReads_CostsLines_NotTheJournal) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const std::string filling(1 << 20, 'x');
  while (::write(ends[1], filling.data(), filling.size()) > 0) {
  }
  RealLoop loop("test");
  WriterThread thread({.log = log, .log_descriptor = ends[1]});
  const Logger logger(thread.writer().log_sink());
  Journal journal(loop, thread.writer(), *create_journal(*disk, directory, "CA_1"), {.call_id = "CA_1"});
  for (int i = 0; i < 50; ++i) {
    logger.info("nobody hears this");
    journal.append("event");
  }
  ASSERT_TRUE(thread.close(10s));
  EXPECT_EQ(read_journal(*disk, directory, "CA_1")->records.size(), 50u);
  EXPECT_EQ(thread.writer().health().log_lines_lost, 50u);
  EXPECT_TRUE(log->lines().empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(WriterThreads, Flush_HandsOverWhatWasSaid) {
  WriterThread thread({.log = log, .log_descriptor = -1});
  const Logger logger(thread.writer().log_sink());
  for (int i = 0; i < 100; ++i) logger.info("line");
  logger.sink()->flush();
  // The writer may hold one line just now; everything else is out.
  EXPECT_GE(log->lines().size(), 99u);
  EXPECT_TRUE(thread.close(10s));
  EXPECT_EQ(log->lines().size(), 100u);
}

}  // namespace
}  // namespace parley::job
