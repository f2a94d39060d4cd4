#include "net/asio_op.hpp"

#include <unistd.h>

#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "fixture.hpp"

namespace parley::net {
namespace {

// Both ends of a pipe, and the buffer that a read of it fills: what an operation must own.
struct Pipe {
  explicit Pipe(RealLoop& loop) : reader(loop.io()) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    reader.assign(ends[0]);
    writer = ends[1];
  }
  ~Pipe() {
    ::close(writer);
    ++destroyed;
  }
  void write(std::string_view text) const { EXPECT_EQ(::write(writer, text.data(), text.size()), static_cast<ssize_t>(text.size())); }

  boost::asio::posix::stream_descriptor reader;
  int writer = -1;
  std::array<char, 64> buffer{};
  static inline int destroyed = 0;
};

Task<Result<std::size_t>> read_some(std::shared_ptr<Pipe> pipe, Deadline deadline) {
  auto& p = *pipe;
  co_return co_await asio_op<std::size_t>(
      deadline, std::move(pipe), [&p](auto done) { p.reader.async_read_some(boost::asio::buffer(p.buffer), std::move(done)); });
}

using AsioOperation = OnRealLoop;

TEST_F(AsioOperation, GivesItsResult) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    pipe->write("hello");
    const auto count = co_await read_some(pipe, t.in(1s));
    CO_ASSERT_OK(count);
    EXPECT_EQ(std::string(pipe->buffer.data(), *count), "hello");
  }(*this));
}

TEST_F(AsioOperation, Fails_AsASentence) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    pipe->reader.close();
    const auto count = co_await read_some(pipe, t.in(1s));
    CO_ASSERT(!count);
    EXPECT_EQ(count.error().message(), "bad file descriptor");
  }(*this));
}

TEST_F(AsioOperation, DeadlinePasses_ItIsCancelledAndNothingIsLate) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    const auto began = t.loop().now();
    const auto count = co_await read_some(pipe, t.in(5ms));
    CO_ASSERT(!count);
    EXPECT_EQ(count.error().code(), Errc::timeout);
    EXPECT_LT(t.loop().now() - began, 5s);
    co_await t.settle();
    EXPECT_EQ(pipe.use_count(), 1) << "the cancelled operation still holds its owner";
    pipe->write("too late");
    co_await t.settle();
    EXPECT_EQ(t.loop().counters().late_events, 0u);
    EXPECT_EQ(pipe->buffer[0], 0) << "a cancelled read took bytes";
  }(*this));
}

TEST_F(AsioOperation, KilledInMidOperation_TheBufferOutlivesTheFrame) {
  run([](AsioOperation& t) -> Task<void> {
    Pipe::destroyed = 0;
    {
      Scope call(t.scope(), "call");
      EXPECT_TRUE(call.spawn("read", [](std::shared_ptr<Pipe> pipe) -> Task<void> {
        (void)co_await read_some(std::move(pipe), Deadline::bounded_by_scope());
        ADD_FAILURE() << "a killed task went on";
      }(std::make_shared<Pipe>(t.loop()))));
      co_await t.settle();
      call.kill();
      EXPECT_EQ(Pipe::destroyed, 0) << "the operation is cancelled, but has not come back: its owner must live";
    }
    co_await t.settle();
    EXPECT_EQ(Pipe::destroyed, 1);
  }(*this));
}

TEST_F(AsioOperation, KilledAfterItSucceeded_BeforeTheTaskWentOn_IsDropped) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    std::optional<Scope> call;
    call.emplace(t.scope(), "call");
    EXPECT_TRUE(call->spawn("read", [](std::shared_ptr<Pipe> p) -> Task<void> {
      (void)co_await read_some(std::move(p), Deadline::bounded_by_scope());
    }(pipe)));
    co_await t.settle();
    pipe->write("x");
    t.loop().io().poll();  // the operation is done, its task is ready
    call.reset();
    co_await t.settle();
    EXPECT_EQ(pipe.use_count(), 1);
  }(*this));
}

TEST_F(AsioOperation, StopInMidOperation_ThrowsStopped) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    Scope call(t.scope(), "call");
    bool stopped = false;
    EXPECT_TRUE(call.spawn("read", [](std::shared_ptr<Pipe> p, bool& s) -> Task<void> {
      try {
        (void)co_await read_some(std::move(p), Deadline::bounded_by_scope());
      } catch (const Stopped& reason) {
        s = true;
        throw;
      }
    }(pipe, stopped)));
    co_await t.settle();
    call.request_stop({StopCause::shutdown, {}});
    const auto report = co_await call.close(t.in(1s));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(report.clean()) << to_string(report);
  }(*this));
}

TEST_F(AsioOperation, ToldToStopBefore_StartsNothing) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    Scope call(t.scope(), "call");
    bool started = false;
    EXPECT_TRUE(call.spawn("read", [](std::shared_ptr<Pipe> p, bool& s) -> Task<void> {
      try {
        co_await sleep_for(1h);
      } catch (const Stopped&) {
      }
      (void)co_await asio_op<std::size_t>(Deadline::bounded_by_scope(), p, [&](auto) { s = true; });
    }(pipe, started)));
    co_await t.settle();
    (void)co_await call.close(t.in(1s));
    EXPECT_FALSE(started);
  }(*this));
}

// An operation that cannot be cancelled: its completion comes when nobody waits any more.
TEST_F(AsioOperation, CompletionAfterItsWaiterWent_IsCountedLate) {
  run([](AsioOperation& t) -> Task<void> {
    std::move_only_function<void()> complete;
    const auto owner = std::make_shared<int>(1);
    const auto waited = co_await asio_op(t.in(1ms), owner, [&](auto done) {
      complete = [done]() mutable { done(boost::system::error_code()); };
    });
    EXPECT_FALSE(waited);
    EXPECT_EQ(owner.use_count(), 2);
    complete();
    EXPECT_EQ(t.loop().counters().late_events, 1u);
    complete = nullptr;
    EXPECT_EQ(owner.use_count(), 1);
  }(*this));
}

TEST_F(AsioOperation, ReadAndWriteWaitsOfOneDescriptor_AreCancelledApart) {
  run([](AsioOperation& t) -> Task<void> {
    const auto pipe = std::make_shared<Pipe>(t.loop());
    Scope call(t.scope(), "call");
    std::size_t got = 0;
    EXPECT_TRUE(call.spawn("read", [](std::shared_ptr<Pipe> p, std::size_t& g) -> Task<void> {
      g = (co_await read_some(std::move(p), Deadline::bounded_by_scope())).value_or(0);
    }(pipe, got)));
    co_await t.settle();
    auto& reader = pipe->reader;
    const auto errors = co_await asio_op(t.in(1ms), pipe, [&](auto done) {
      reader.async_wait(boost::asio::posix::descriptor_base::wait_error, std::move(done));
    });
    EXPECT_FALSE(errors);
    co_await t.settle();
    pipe->write("still here");
    (void)co_await call.wait_idle(t.in(1s));
    EXPECT_EQ(got, 10u);
  }(*this));
}

// The end of a process that never turns its loop again; a test's loop is destroyed with the operation in it.
TEST_F(AsioOperation, LoopDestroyedWithACancelledOperationInIt_FreesTheOwner) {
  Pipe::destroyed = 0;
  run([](AsioOperation& t) -> Task<void> {
    EXPECT_TRUE(t.scope().spawn("read", [](std::shared_ptr<Pipe> p) -> Task<void> {
      (void)co_await read_some(std::move(p), Deadline::bounded_by_scope());
    }(std::make_shared<Pipe>(t.loop()))));
    co_await t.settle();
  }(*this));
  TearDown();
  EXPECT_EQ(Pipe::destroyed, 1);
  SetUp();
}

}  // namespace
}  // namespace parley::net
