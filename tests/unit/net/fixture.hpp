// A real loop with one root scope, on loopback sockets, and the ledger of what must be gone at the end of a test.
#pragma once

#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "net/tcp.hpp"

namespace parley::net {

// In a coroutine, where ASSERT_* cannot return.
#define CO_ASSERT(condition)                 \
  if (!(condition)) {                        \
    ADD_FAILURE() << "failed: " #condition;  \
    co_return;                               \
  }
#define CO_ASSERT_OK(result)                                                        \
  if (!(result)) {                                                                  \
    ADD_FAILURE() << "failed: " #result << ": " << (result).error().message();      \
    co_return;                                                                      \
  }

class OnRealLoop : public ::testing::Test {
 public:
  static constexpr Duration kTestLimit = 30s;

  void SetUp() override {
    descriptors_before_ = descriptors();
    loop_.emplace("test", logger());
    scope_.emplace(*loop_, "root");
  }
  void TearDown() override {
    scope_.reset();
    EXPECT_EQ(loop_->counters().tasks, 0);
    loop_.reset();
    EXPECT_EQ(descriptors(), descriptors_before_) << "a descriptor was left open";
  }

  virtual Logger logger() { return {}; }
  RealLoop& loop() { return *loop_; }
  Scope& scope() { return *scope_; }
  Deadline in(Duration duration) { return loop_->in(duration); }

  // Turns in which whatever is under way gets where it waits, and what was cancelled comes back.
  static Task<void> settle() {
    for (int i = 0; i < 20; ++i) co_await yield();
  }

  // Runs the loop until `task` has ended.
  void run(Task<void> task) {
    ASSERT_TRUE(scope_->spawn("test", stop_after(*loop_, std::move(task))));
    Scope watchdog(*loop_, "watchdog");
    ASSERT_TRUE(watchdog.spawn("watchdog", give_up(*loop_)));
    loop_->run();
  }

  static std::size_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

 private:
  static Task<void> stop_after(RealLoop& loop, Task<void> task) {
    struct Stop {
      RealLoop& loop;
      ~Stop() { loop.stop(); }
    } stop{loop};
    co_await std::move(task);
  }
  static Task<void> give_up(RealLoop& loop) {
    co_await sleep_for(kTestLimit);
    ADD_FAILURE() << "the test hangs";
    loop.stop();
  }

  std::size_t descriptors_before_ = 0;
  std::optional<RealLoop> loop_;
  std::optional<Scope> scope_;
};

// One side of a connection that says exactly what it is told to, byte for byte.
class RawClient {
 public:
  RawClient(RealLoop& loop, std::unique_ptr<TcpStream> stream) : loop_(&loop), stream_(std::move(stream)) {}

  static Task<Result<RawClient>> connect(RealLoop& loop, Endpoint to) {
    auto stream = co_await TcpStream::connect(loop, to, loop.in(5s));
    if (!stream) co_return fail(stream.error());
    co_return RawClient(loop, std::move(*stream));
  }

  Task<Result<void>> send(std::string bytes) { co_return co_await stream_->write(bytes, loop_->in(5s)); }

  // What has come when `marker` has, or all there was when the server ends or falls silent.
  Task<std::string> receive_until(std::string marker) {
    for (;;) {
      if (const auto at = received_.find(marker); !marker.empty() && at != std::string::npos) {
        auto part = received_.substr(0, at + marker.size());
        received_.erase(0, part.size());
        co_return part;
      }
      char buffer[4096];
      const auto count = co_await stream_->read(buffer, loop_->in(10s));
      ended_ = count && *count == 0;
      if (!count || *count == 0) co_return std::exchange(received_, {});
      received_.append(buffer, *count);
    }
  }
  Task<std::string> receive_all() { co_return co_await receive_until({}); }
  Task<std::string> receive_head() { co_return co_await receive_until("\r\n\r\n"); }

  bool ended() const { return ended_; }  // the server ended the connection in order
  TcpStream& stream() { return *stream_; }

 private:
  RealLoop* loop_;
  std::unique_ptr<TcpStream> stream_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace parley::net
