// How streams end that do not end by themselves.
#include "fixture.hpp"

namespace parley::livekit {
namespace {

using ::testing::HasSubstr;

class StreamEndings : public TestRoom {
 protected:
  StreamEndings() : alice(join("alice")), bob(join("bob")) {}

  // A stream of alice's that has "begun" and goes on, as bob reads it.
  std::shared_ptr<StreamReader> begun(const std::string& id = "S") {
    auto& readers = bob.messages->text_streams("t");
    EXPECT_TRUE(bob.receive(header(alice, id, "t")));
    EXPECT_TRUE(bob.receive(chunk(alice, id, 0, "begun")));
    return next_reader(readers);
  }
  Result<std::string> read(const std::shared_ptr<StreamReader>& reader) { return run(reader->read(in(1s))); }

  Peer& alice;
  Peer& bob;
};

Task<void> read_into(std::shared_ptr<StreamReader> reader, Deadline deadline, std::optional<Result<std::string>>& out) {
  out.emplace(co_await reader->read_all(deadline));
}

TEST_F(StreamEndings, TheSenderLeaves_WhatCameIsRead_ThenUnavailable) {
  const auto reader = begun();
  leave(alice);
  EXPECT_EQ(*read(reader), "begun");
  const auto end = read(reader);
  EXPECT_EQ(end.error().code(), Errc::unavailable);
  EXPECT_THAT(end.error().message(), HasSubstr("alice"));
}

TEST_F(StreamEndings, TheSenderLeaves_AReaderThatWaits_HearsOfItAtOnce) {
  const auto reader = begun();
  std::optional<Result<std::string>> result;
  start(read_into(reader, in(1min), result));
  settle();
  ASSERT_FALSE(result);
  leave(alice);
  const auto before = world.now();
  ASSERT_TRUE(until([&] { return result.has_value(); }));
  EXPECT_EQ(result->error().code(), Errc::unavailable);
  EXPECT_LT(world.now() - before, 10ms);
}

TEST_F(StreamEndings, AnotherLeaves_TheStreamGoesOn) {
  auto& carol = join("carol");
  const auto reader = begun();
  leave(carol);
  EXPECT_TRUE(bob.receive(trailer(alice, "S")));
  EXPECT_EQ(*run(reader->read_all(in(1s))), "begun");
}

TEST_F(StreamEndings, TheOneItIsOnBehalfOfLeaves_TheAgentGoesOnSending) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t", .sender = "caller"}, in(1s)));
  ASSERT_TRUE(run((*writer)->write("what was ", in(1s))));
  settle();
  bob.messages->participant_left("caller");
  ASSERT_TRUE(run((*writer)->write("said", in(1s))));
  ASSERT_TRUE(run((*writer)->finish({}, in(1s))));
  settle();
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "what was said");
}

TEST_F(StreamEndings, TheTrailersReason_ReachesTheReader) {
  const auto reader = begun();
  EXPECT_TRUE(bob.receive(trailer(alice, "S", "interrupted")));
  EXPECT_EQ(*read(reader), "begun");
  const auto end = read(reader);
  EXPECT_EQ(end.error().code(), Errc::unavailable);
  EXPECT_THAT(end.error().message(), HasSubstr("interrupted"));
  EXPECT_EQ(read(reader).error().code(), Errc::unavailable) << "and it stays so";
}

TEST_F(StreamEndings, AWriterThatIsDestroyed_EndsItsStreamAsInterrupted) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  ASSERT_TRUE(run((*writer)->write("half of", in(1s))));
  writer->reset();
  settle();
  EXPECT_EQ(alice.sent.back().stream_trailer().reason(), "interrupted");
  const auto reader = next_reader(readers);
  EXPECT_EQ(*read(reader), "half of");
  EXPECT_EQ(read(reader).error().code(), Errc::unavailable);
}

Task<void> write_much(std::unique_ptr<StreamWriter> writer, Event& written, Deadline deadline) {
  (void)co_await writer->write(std::string(100'000, 'x'), deadline);
  written.set();
}

TEST_F(StreamEndings, AWriterThatIsDestroyedInTheMiddleOfAWrite_EndsItsStreamToo) {
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  Scope script(*scope, "script");
  Event written;
  alice.open.reset();
  ASSERT_TRUE(script.spawn("writes", write_much(std::move(*writer), written, in(1min))));
  settle();
  script.kill();
  alice.open.set();
  settle();
  EXPECT_FALSE(written.is_set());
  EXPECT_EQ(alice.sent.back().stream_trailer().reason(), "interrupted");
}

TEST_F(StreamEndings, AReaderThatIsDestroyed_DropsTheRest_WithoutAWord) {
  auto reader = begun();
  reader.reset();
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 1, "nobody reads this")));
  EXPECT_TRUE(bob.receive(trailer(alice, "S")));
  EXPECT_EQ(bob.messages->counters().ignored, 2u);
}

TEST_F(StreamEndings, NothingForAMinute_TheStreamIsEnded) {
  const auto reader = begun();
  settle(Messages::kStreamSilence - 1s);
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 1, " and on")));
  settle(Messages::kStreamSilence - 2s);
  EXPECT_EQ(*read(reader), "begun and on");
  EXPECT_EQ(read(reader).error().code(), Errc::timeout) << "a second too early";
  settle(2s);
  EXPECT_EQ(read(reader).error().code(), Errc::unavailable);
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 2, "too late")));
  EXPECT_EQ(bob.messages->counters().ignored, 1u);
}

TEST_F(StreamEndings, EachSilentStreamHasItsOwnMinute) {
  const auto first = begun("S1");
  settle(30s);
  const auto second = begun("S2");
  settle(31s);
  EXPECT_EQ(*read(first), "begun");
  EXPECT_EQ(*read(second), "begun");
  EXPECT_EQ(read(first).error().code(), Errc::unavailable);
  EXPECT_EQ(read(second).error().code(), Errc::timeout);
  settle(30s);
  EXPECT_EQ(read(second).error().code(), Errc::unavailable);
}

TEST_F(StreamEndings, AFullReconnectOfOurs_EndsStreamsBothWays) {
  const auto reader = begun();
  auto writer = run(bob.messages->open_text({.topic = "t"}, in(1s)));
  bob.messages->reset();
  EXPECT_EQ(*read(reader), "begun");
  EXPECT_EQ(read(reader).error().code(), Errc::unavailable);
  const auto sent = bob.sent.size();
  EXPECT_EQ(run((*writer)->write("more", in(1s))).error().code(), Errc::unavailable);
  EXPECT_EQ(run((*writer)->finish({}, in(1s))).error().code(), Errc::unavailable);
  writer->reset();
  settle();
  EXPECT_EQ(bob.sent.size(), sent) << "no trailer of a stream that the others have ended already";
  EXPECT_TRUE(run(bob.messages->open_text({.topic = "t"}, in(1s)))) << "new ones are welcome";
}

TEST_F(StreamEndings, Close_ReadersAndWritersSayClosing_AndNothingMoreIsSent) {
  const auto reader = begun();
  auto writer = run(bob.messages->open_text({.topic = "t"}, in(1s)));
  std::optional<Result<std::string>> waiting;
  start(read_into(begun("S2"), in(1min), waiting));
  settle();
  const auto sent = bob.sent.size();
  bob.messages->close();
  settle(1ms);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->error().code(), Errc::closing);
  EXPECT_EQ(*read(reader), "begun");
  EXPECT_EQ(read(reader).error().code(), Errc::closing);
  EXPECT_EQ(run((*writer)->write("x", in(1s))).error().code(), Errc::closing);
  EXPECT_EQ(run(bob.messages->open_text({.topic = "t"}, in(1s))).error().code(), Errc::closing);
  EXPECT_EQ(run(bob.messages->send_text("x", {.topic = "t"}, in(1s))).error().code(), Errc::closing);
  EXPECT_TRUE(bob.messages->text_streams("t").closed());
  EXPECT_TRUE(bob.messages->text_streams("another").closed());
  EXPECT_EQ(bob.receive(header(alice, "S3", "t")).error().code(), Errc::closing);
  writer->reset();
  settle();
  EXPECT_EQ(bob.sent.size(), sent);
}

TEST_F(StreamEndings, ReadersAndWriters_MayOutliveTheirMessages) {
  const auto reader = begun();
  auto writer = run(bob.messages->open_text({.topic = "t"}, in(1s)));
  bob.messages.reset();
  EXPECT_EQ(*read(reader), "begun");
  EXPECT_EQ(read(reader).error().code(), Errc::closing);
  EXPECT_EQ(run((*writer)->write("x", in(1s))).error().code(), Errc::closing);
  writer->reset();
  bob.messages.emplace(*scope, bob, Logger());
}

}  // namespace
}  // namespace parley::livekit
