#include "net/tcp.hpp"

#include <parley/base/bytes.hpp>

#include "fixture.hpp"

namespace parley::net {
namespace {

class Tcp : public OnRealLoop {
 public:
  struct Pair {
    std::unique_ptr<TcpStream> here;
    std::unique_ptr<TcpStream> there;
  };
  Task<Pair> pair() {
    auto listener = TcpListener::listen(loop(), {"127.0.0.1", 0});
    auto here = co_await TcpStream::connect(loop(), listener->endpoint(), in(1s));
    auto there = co_await listener->accept(in(1s));
    co_return Pair{std::move(*here), std::move(*there)};
  }
};

TEST_F(Tcp, PortInUse_SaysWhichAndWhatToDo) {
  auto first = TcpListener::listen(loop(), {"127.0.0.1", 0});
  ASSERT_TRUE(first);
  const auto second = TcpListener::listen(loop(), first->endpoint());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(), fmt::format("cannot listen on 127.0.0.1:{}: another program uses this port; stop it or choose another port",
                                                  first->endpoint().port));
}

TEST_F(Tcp, ListenOnAName_IsRefusedWithAdvice) {
  const auto listener = TcpListener::listen(loop(), {"example.com", 80});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), Errc::invalid_argument);
  EXPECT_NE(listener.error().message().find("numeric address"), std::string::npos);
}

TEST_F(Tcp, ListenOnAForeignAddress_IsRefusedWithAdvice) {
  const auto listener = TcpListener::listen(loop(), {"192.0.2.1", 0});
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().message().find("no such address"), std::string::npos) << listener.error().message();
}

TEST_F(Tcp, NobodyListens_ConnectionIsRefusedAtOnce) {
  run([](Tcp& t) -> Task<void> {
    Endpoint free;
    {
      auto listener = TcpListener::listen(t.loop(), {"127.0.0.1", 0});
      free = listener->endpoint();
    }
    const auto stream = co_await TcpStream::connect(t.loop(), free, t.in(5s));
    CO_ASSERT(!stream);
    EXPECT_EQ(stream.error().code(), Errc::unavailable);
    EXPECT_EQ(stream.error().message(), "connection refused");
  }(*this));
}

TEST_F(Tcp, Ipv6Loopback_Works) {
  run([](Tcp& t) -> Task<void> {
    auto listener = TcpListener::listen(t.loop(), {"::1", 0});
    if (!listener) {
      EXPECT_NE(listener.error().message().find("no such address"), std::string::npos);
      co_return;  // a machine without IPv6
    }
    auto stream = co_await TcpStream::connect(t.loop(), listener->endpoint(), t.in(1s));
    CO_ASSERT_OK(stream);
    EXPECT_EQ((*stream)->peer().address, "::1");
  }(*this));
}

TEST_F(Tcp, BytesGoBothWays_AndTheEndIsSeen) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    EXPECT_TRUE(co_await here->write("ping", t.in(1s)));
    char buffer[16];
    auto count = co_await there->read(buffer, t.in(1s));
    CO_ASSERT_OK(count);
    EXPECT_EQ(std::string_view(buffer, *count), "ping");
    EXPECT_TRUE(here->quiet());
    there->end_output();
    count = co_await here->read(buffer, t.in(1s));
    CO_ASSERT_OK(count);
    EXPECT_EQ(*count, 0u);
    EXPECT_FALSE(here->quiet());
  }(*this));
}

TEST_F(Tcp, PeerTakesNothing_WriteEndsAtItsDeadline) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    const std::string much(64 * MiB, 'x');
    const auto written = co_await here->write(much, t.in(20ms));
    CO_ASSERT(!written);
    EXPECT_EQ(written.error().code(), Errc::timeout);
  }(*this));
}

TEST_F(Tcp, PeerGone_WriteSaysSo_AndTheProcessLives) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    there.reset();
    const std::string much(64 * MiB, 'x');
    const auto written = co_await here->write(much, t.in(1s));
    CO_ASSERT(!written);
    EXPECT_EQ(written.error().code(), Errc::unavailable);
  }(*this));
}

TEST_F(Tcp, KilledWhileItWaits_TheOtherSideSeesTheEnd) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    Scope call(t.scope(), "call");
    EXPECT_TRUE(call.spawn("read", [](std::unique_ptr<TcpStream> stream) -> Task<void> {
      char buffer[16];
      (void)co_await stream->read(buffer, Deadline::bounded_by_scope());
    }(std::move(there))));
    co_await t.settle();
    call.kill();
    char buffer[16];
    const auto count = co_await here->read(buffer, t.in(1s));
    EXPECT_EQ(count.value_or(1), 0u);
  }(*this));
}

TEST_F(Tcp, ClosedWhileATaskWaits_ItsWaitEnds) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    Scope call(t.scope(), "call");
    std::string said;
    EXPECT_TRUE(call.spawn("read", [](TcpStream& stream, std::string& s) -> Task<void> {
      char buffer[16];
      const auto count = co_await stream.read(buffer, Deadline::bounded_by_scope());
      s = count ? "read" : count.error().message();
    }(*here, said)));
    co_await t.settle();
    here->close();
    EXPECT_TRUE(co_await call.wait_idle(t.in(1s)));
    EXPECT_EQ(said, "the connection was closed");
    EXPECT_FALSE(co_await here->write("x", t.in(1s)));
  }(*this));
}

TEST_F(Tcp, EndInput_EndsAWaitingRead_AsIfThePeerHadGone) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    Scope call(t.scope(), "call");
    std::size_t count = 99;
    EXPECT_TRUE(call.spawn("read", [](TcpStream& stream, std::size_t& c) -> Task<void> {
      char buffer[16];
      c = (co_await stream.read(buffer, Deadline::bounded_by_scope())).value_or(98);
    }(*here, count)));
    co_await t.settle();
    here->end_input();
    EXPECT_TRUE(co_await call.wait_idle(t.in(1s)));
    EXPECT_EQ(count, 0u);
  }(*this));
}

TEST_F(Tcp, ReaderThatNeverWaits_LetsOthersRun) {
  run([](Tcp& t) -> Task<void> {
    auto [here, there] = co_await t.pair();
    Scope call(t.scope(), "call");
    EXPECT_TRUE(call.spawn("write", [](TcpStream& stream, Tcp& test) -> Task<void> {
      const std::string much(256 * KiB, 'x');
      (void)co_await stream.write(much, test.in(5s));
    }(*there, t)));
    std::size_t came = 0;
    int others = 0;
    EXPECT_TRUE(call.spawn("other", [](int& o) -> Task<void> {
      for (;;) {
        ++o;
        co_await yield();
      }
    }(others)));
    char small[16];
    while (came < 256 * KiB) came += (co_await here->read(small, t.in(5s))).value_or(256 * KiB);
    EXPECT_GT(others, 256);
  }(*this));
}

TEST(Endpoints, LoopbackInAllItsForms) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("127.8.9.1"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_TRUE(is_loopback("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.com"));
  EXPECT_FALSE(is_loopback("localhost"));
  EXPECT_FALSE(is_loopback(std::string_view("127.0.0.1\0x", 11)));
  EXPECT_TRUE(is_wildcard("0.0.0.0"));
  EXPECT_TRUE(is_wildcard("::"));
  EXPECT_EQ(to_string(Endpoint{"::1", 80}), "[::1]:80");
}

}  // namespace
}  // namespace parley::net
