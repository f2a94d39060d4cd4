#include "ipc/socket_link.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

namespace parley::ipc {
namespace {

class SocketLinkTest : public ::testing::Test {
 protected:
  SocketLinkTest() {
    auto ends = *make_socket_pair();
    link = std::make_unique<SocketLink>(loop, std::move(ends.first));
    peer = std::move(ends.second);
  }
  void TearDown() override { link.reset(); }

  void run(Task<void> task) {
    Scope scope(loop, "test");
    ASSERT_TRUE(scope.spawn("main", [](RealLoop& l, Task<void> t) -> Task<void> {
      co_await std::move(t);
      l.stop();
    }(loop, std::move(task))));
    loop.run();
  }
  Result<Packet> receive(Duration patience = 5s) {
    Result<Packet> got = fail(Errc::internal, "not received");
    run([](SocketLink& l, Deadline d, Result<Packet>& out) -> Task<void> { out = co_await l.receive(d); }(*link, loop.in(patience), got));
    return got;
  }

  RealLoop loop{"test"};
  std::unique_ptr<SocketLink> link;
  Fd peer;
};

TEST_F(SocketLinkTest, PacketsStayWhole_WithTheirDescriptors) {
  const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int descriptors[] = {file.get()};
  ASSERT_TRUE(send_packet(peer.get(), "one", descriptors));
  ASSERT_TRUE(send_packet(peer.get(), "two"));
  auto first = receive();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->bytes, "one");
  ASSERT_EQ(first->handles.size(), 1u);
  EXPECT_NE(::fcntl(dynamic_cast<FdHandle&>(*first->handles.front()).get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(receive()->bytes, "two");
}

TEST_F(SocketLinkTest, OtherSideGone_WhatItSentIsStillRead_ThenItIsClosing) {
  ASSERT_TRUE(link->send("unread by the other side, so that its end is a reset"));
  ASSERT_TRUE(send_packet(peer.get(), "last words"));
  peer.reset();
  EXPECT_EQ(receive()->bytes, "last words");
  EXPECT_EQ(receive().error().code(), Errc::closing);
  EXPECT_EQ(link->send("x").error().code(), Errc::unavailable);
}

TEST_F(SocketLinkTest, NothingComes_Timeout) { EXPECT_EQ(receive(10ms).error().code(), Errc::timeout); }

TEST_F(SocketLinkTest, LongerThanAnyMessage_IsAProtocolError) {
  ASSERT_GT(::send(peer.get(), std::string(kMaxMessageBytes + 1, 'x').data(), kMaxMessageBytes + 1, 0), 0);
  EXPECT_EQ(receive().error().code(), Errc::protocol);
}

TEST_F(SocketLinkTest, OtherSideDoesNotRead_SendRefusesInTheEnd_AndNothingOfWhatItTookIsLost) {
  const std::string packet(16 * KiB, 'x');
  std::size_t taken = 0;
  while (link->send(packet)) {
    ++taken;
    ASSERT_LT(taken, 10'000u) << "no bound";
  }
  EXPECT_EQ(link->send(packet).error().code(), Errc::overloaded);
  std::size_t read = 0;
  run([](RealLoop& l, SocketLink& out, int in, std::size_t& count, std::size_t expected) -> Task<void> {
    const auto deadline = l.in(10s);
    while (count < expected && !deadline.passed(l.now())) {
      while (receive_packet(in)) ++count;
      (void)co_await out.flushed(l.in(1ms));
    }
  }(loop, *link, peer.get(), read, taken));
  EXPECT_EQ(read, taken);
}

TEST_F(SocketLinkTest, DestroyedWhileItWaits_NothingHappens) {
  Scope scope(loop, "reader");
  ASSERT_TRUE(scope.spawn("receive", [](SocketLink& l) -> Task<void> { (void)co_await l.receive(Deadline::bounded_by_scope()); }(*link)));
  run([]() -> Task<void> { co_await sleep_for(1ms); }());
  scope.kill();
  link.reset();
  run([]() -> Task<void> { co_await sleep_for(1ms); }());
}

}  // namespace
}  // namespace parley::ipc
