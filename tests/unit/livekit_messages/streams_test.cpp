// Streams from one to the other.
#include "fixture.hpp"

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class Streams : public TestRoom {
 protected:
  Streams() : alice(join("alice")), bob(join("bob")) {}
  Peer& alice;
  Peer& bob;
};

Task<Result<std::string>> read_next(Messages& messages, const std::string& topic, Deadline deadline) {
  auto reader = co_await messages.text_streams(topic).pop(deadline);
  if (!reader) co_return fail(reader.error());
  co_return co_await (*reader)->read_all(deadline, 8 * MiB);
}

TEST_F(Streams, AText_ComesAsItWasSent_WithItsTopicSenderAndAttributes) {
  auto& readers = bob.messages->text_streams("lk.chat");
  ASSERT_TRUE(run(alice.messages->send_text("Grüezi, how are you?", {.topic = "lk.chat", .attributes = {{"a", "1"}}, .id = "S1"}, in(1s))));
  settle();
  const auto reader = next_reader(readers);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->info().id, "S1");
  EXPECT_EQ(reader->info().topic, "lk.chat");
  EXPECT_EQ(reader->info().sender, "alice");
  EXPECT_EQ(reader->info().mime_type, "text/plain");
  EXPECT_THAT(reader->info().attributes, ElementsAre(Pair("a", "1")));
  EXPECT_EQ(reader->info().total_bytes, std::string("Grüezi, how are you?").size());
  EXPECT_LT(world.clock().wall() - reader->info().sent_at, 1s);
  EXPECT_EQ(*run(reader->read_all(in(1s))), "Grüezi, how are you?");
  EXPECT_EQ(*run(reader->read(in(1s))), "") << "the end stays the end";
  EXPECT_EQ(bob.messages->counters().streams, 1u);
  EXPECT_THAT(bob.errors, IsEmpty());
}

TEST_F(Streams, AnEmptyText_IsAStreamThatEndsAtOnce) {
  auto& readers = bob.messages->text_streams("t");
  ASSERT_TRUE(run(alice.messages->send_text("", {.topic = "t"}, in(1s))));
  settle();
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "");
}

TEST_F(Streams, ALongText_IsCutBetweenCharactersIntoChunksOfAtMost15000Bytes) {
  auto& readers = bob.messages->text_streams("t");
  std::string text;
  while (text.size() < 200'000) text += "日本語 🎧 und ä ";
  ASSERT_TRUE(run(alice.messages->send_text(text, {.topic = "t"}, in(1s))));
  std::size_t chunks = 0;
  for (const auto& packet : alice.sent) {
    if (!packet.has_stream_chunk()) continue;
    EXPECT_EQ(packet.stream_chunk().chunk_index(), chunks++);
    EXPECT_LE(packet.stream_chunk().content().size(), Messages::kChunkBytes);
    EXPECT_TRUE(is_utf8(packet.stream_chunk().content()));
  }
  EXPECT_GE(chunks, 14u);
  settle();
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), text);
}

TEST_F(Streams, WhatIsWrittenPieceByPiece_IsReadWhileItIsWritten) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(run((*writer)->write("Hello", in(1s))));
  settle();
  const auto reader = next_reader(readers);
  EXPECT_EQ(*run(reader->read(in(1s))), "Hello");
  EXPECT_EQ(run(reader->read(in(1s))).error().code(), Errc::timeout);
  ASSERT_TRUE(run((*writer)->write(", world", in(1s))));
  EXPECT_EQ(*run(reader->read(in(1s))), ", world") << "a timeout of one read does not end the stream";
  ASSERT_TRUE(run((*writer)->finish({{"lk.transcription_final", "true"}}, in(1s))));
  EXPECT_EQ(*run(reader->read(in(1s))), "");
  EXPECT_THAT(reader->info().attributes, ElementsAre(Pair("lk.transcription_final", "true")));
  EXPECT_FALSE(reader->info().total_bytes);
}

TEST_F(Streams, TheTrailersAttributes_ReplaceTheHeadersOfTheSameName) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t", .attributes = {{"final", "false"}, {"id", "7"}}}, in(1s)));
  ASSERT_TRUE(run((*writer)->finish({{"final", "true"}}, in(1s))));
  settle();
  const auto reader = next_reader(readers);
  EXPECT_THAT(reader->info().attributes, ElementsAre(Pair("final", "true"), Pair("id", "7")));
  EXPECT_THAT((*writer)->info().attributes, ElementsAre(Pair("final", "true"), Pair("id", "7")));
}

TEST_F(Streams, ACharacterThatIsWrittenInTwoHalves_IsSentWhole) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  ASSERT_TRUE(run((*writer)->write("a\xF0\x9F", in(1s))));
  ASSERT_TRUE(run((*writer)->write("\x8E\xA7z", in(1s))));
  ASSERT_TRUE(run((*writer)->finish({}, in(1s))));
  settle();
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "a\xF0\x9F\x8E\xA7z");
  for (const auto& packet : alice.sent) EXPECT_TRUE(is_utf8(packet.stream_chunk().content()));
}

TEST_F(Streams, HalfACharacterAtTheEnd_IsSentAsAReplacement) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  ASSERT_TRUE(run((*writer)->write("a\xC3", in(1s))));
  ASSERT_TRUE(run((*writer)->finish({}, in(1s))));
  settle();
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "a\xEF\xBF\xBD");
}

TEST_F(Streams, APeerThatCutsWithinACharacter_IsReadInWholeCharacters) {
  auto& readers = bob.messages->text_streams("t");
  (void)bob.receive(header(alice, "S", "t"));
  (void)bob.receive(chunk(alice, "S", 0, "a\xE6\x97"));
  const auto reader = next_reader(readers);
  EXPECT_EQ(*run(reader->read(in(1s))), "a");
  (void)bob.receive(chunk(alice, "S", 1, "\xA5"));
  EXPECT_EQ(*run(reader->read(in(1s))), "\xE6\x97\xA5");
  (void)bob.receive(trailer(alice, "S"));
  EXPECT_EQ(*run(reader->read(in(1s))), "");
}

TEST_F(Streams, Bytes_ComeAsTheyAre_WithNameAndType) {
  auto& readers = bob.messages->byte_streams("lk.agent.pre-connect-audio-buffer");
  auto writer = run(alice.messages->open_bytes({.topic = "lk.agent.pre-connect-audio-buffer", .mime_type = "audio/opus", .name = "before", .total_bytes = 40'000}, in(1s)));
  std::string bytes(40'000, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(world.random().below(256));
  ASSERT_TRUE(run((*writer)->write(bytes, in(1s))));
  ASSERT_TRUE(run((*writer)->finish({}, in(1s))));
  settle();
  const auto reader = next_reader(readers);
  EXPECT_EQ(reader->info().name, "before");
  EXPECT_EQ(reader->info().mime_type, "audio/opus");
  EXPECT_EQ(reader->info().total_bytes, 40'000u);
  EXPECT_EQ(*run(reader->read_all(in(1s))), bytes);
}

TEST_F(Streams, TextAndBytesOfOneTopic_HaveEachTheirReaders) {
  auto& texts = bob.messages->text_streams("t");
  auto& bytes = bob.messages->byte_streams("t");
  ASSERT_TRUE(run(alice.messages->send_text("text", {.topic = "t"}, in(1s))));
  auto writer = run(alice.messages->open_bytes({.topic = "t"}, in(1s)));
  settle();
  EXPECT_EQ(texts.size(), 1u);
  EXPECT_EQ(bytes.size(), 1u);
  EXPECT_EQ(&texts, &bob.messages->text_streams("t"));
}

TEST_F(Streams, OnlyItsDestinations_GetAStream) {
  auto& carol = join("carol");
  auto& at_bob = bob.messages->text_streams("t");
  auto& at_carol = carol.messages->text_streams("t");
  ASSERT_TRUE(run(alice.messages->send_text("for carol", {.topic = "t", .destinations = {"carol"}}, in(1s))));
  settle();
  EXPECT_TRUE(at_bob.empty());
  EXPECT_EQ(*run(next_reader(at_carol)->read_all(in(1s))), "for carol");
  for (const auto& packet : alice.sent) EXPECT_THAT(packet.destination_identities(), SizeIs(1)) << "chunks and trailers too";
}

TEST_F(Streams, OnAnothersBehalf_TheStreamIsTheirs_ThoughItsChunksAreNot) {
  auto& readers = bob.messages->text_streams("lk.transcription");
  ASSERT_TRUE(run(alice.messages->send_text("what the caller said", {.topic = "lk.transcription", .sender = "caller"}, in(1s))));
  settle();
  const auto reader = next_reader(readers);
  EXPECT_EQ(reader->info().sender, "caller");
  EXPECT_EQ(*run(reader->read_all(in(1s))), "what the caller said");
}

TEST_F(Streams, FiftyWritersAtOnce_InBothDirections_NothingIsMixedUp) {
  auto& at_bob = bob.messages->text_streams("t");
  auto& at_alice = alice.messages->text_streams("t");
  std::vector<std::unique_ptr<StreamWriter>> writers;
  std::vector<std::string> texts;
  for (int i = 0; i < 50; ++i) {
    auto& from = i % 2 == 0 ? alice : bob;
    auto writer = run(from.messages->open_text({.topic = "t", .attributes = {{"n", std::to_string(i)}}}, in(1s)));
    ASSERT_TRUE(writer);
    writers.push_back(std::move(*writer));
    texts.emplace_back();
  }
  for (int round = 0; round < 400; ++round) {
    const auto i = world.random().below(50);
    const auto piece = std::to_string(world.random().below(1'000'000)) + "é";
    texts[i] += piece;
    ASSERT_TRUE(run(writers[i]->write(piece, in(1s))));
  }
  for (auto& writer : writers) ASSERT_TRUE(run(writer->finish({}, in(1s))));
  settle();
  std::size_t read = 0;
  for (auto* readers : {&at_bob, &at_alice}) {
    while (auto reader = readers->try_pop()) {
      const auto n = std::stoul((*reader)->info().attributes.at("n"));
      EXPECT_EQ(*run((*reader)->read_all(in(1s))), texts[n]);
      ++read;
    }
  }
  EXPECT_EQ(read, 50u);
}

TEST_F(Streams, AnAnnouncedTotal_ThatIsNotWritten_IsOursToHear_AndAnErrorAtTheOtherEnd) {
  auto& readers = bob.messages->text_streams("t");
  auto writer = run(alice.messages->open_text({.topic = "t", .total_bytes = 10}, in(1s)));
  ASSERT_TRUE(run((*writer)->write("12345", in(1s))));
  EXPECT_EQ(run((*writer)->finish({}, in(1s))).error().code(), Errc::invalid_argument);
  writer->reset();
  settle();
  const auto reader = next_reader(readers);
  EXPECT_EQ(*run(reader->read(in(1s))), "12345");
  EXPECT_EQ(run(reader->read(in(1s))).error().code(), Errc::unavailable);
}

TEST_F(Streams, InlineContentOfANewerPeer_IsAWholeStream) {
  auto& readers = bob.messages->text_streams("t");
  auto packet = header(alice, "S", "t");
  packet.mutable_stream_header()->set_inline_content("all at once");
  EXPECT_TRUE(bob.receive(packet));
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "all at once");
}

TEST_F(Streams, ATotalOfZero_MeansNotKnown) {
  auto& readers = bob.messages->text_streams("t");
  auto packet = header(alice, "S", "t");
  packet.mutable_stream_header()->set_total_length(0);
  EXPECT_TRUE(bob.receive(packet));
  EXPECT_TRUE(bob.receive(chunk(alice, "S", 0, "more than nothing")));
  EXPECT_TRUE(bob.receive(trailer(alice, "S")));
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "more than nothing");
}

TEST_F(Streams, TwoSendersWithOneId_AreTwoStreams) {
  auto& carol = join("carol");
  auto& readers = bob.messages->text_streams("t");
  (void)bob.receive(header(alice, "S", "t"));
  (void)bob.receive(header(carol, "S", "t"));
  (void)bob.receive(chunk(carol, "S", 0, "carol's"));
  (void)bob.receive(chunk(alice, "S", 0, "alice's"));
  (void)bob.receive(trailer(alice, "S"));
  (void)bob.receive(trailer(carol, "S"));
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "alice's");
  EXPECT_EQ(*run(next_reader(readers)->read_all(in(1s))), "carol's");
}

TEST_F(Streams, ALoopThatTakesStreamsAsTheyCome_GetsEachInOrder) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(bob.messages->text_streams("t").empty());
    ASSERT_TRUE(run(alice.messages->send_text("text " + std::to_string(i), {.topic = "t"}, in(1s))));
    EXPECT_EQ(*run(read_next(*bob.messages, "t", in(1s))), "text " + std::to_string(i));
  }
}

TEST_F(Streams, AReliableChannelThatIsStuck_TimesOut_AndTheStreamCannotGoOn) {
  auto writer = run(alice.messages->open_text({.topic = "t"}, in(1s)));
  alice.open.reset();
  EXPECT_EQ(run((*writer)->write("x", in(1s))).error().code(), Errc::timeout);
  alice.open.set();
  EXPECT_EQ(run((*writer)->write("y", in(1s))).error().code(), Errc::timeout) << "a chunk is missing: the rest would be nonsense";
  EXPECT_EQ(run((*writer)->finish({}, in(1s))).error().code(), Errc::timeout);
  writer->reset();
  settle();
  EXPECT_EQ(alice.sent.back().stream_trailer().reason(), "error");
}

TEST_F(Streams, MoreWritersThanMayBeOpen_AreRefused_UntilOneIsFinished) {
  std::vector<std::unique_ptr<StreamWriter>> writers;
  for (std::size_t i = 0; i < Messages::kMaxStreams; ++i) writers.push_back(std::move(*run(alice.messages->open_text({.topic = "t"}, in(1s)))));
  EXPECT_EQ(run(alice.messages->open_text({.topic = "t"}, in(1s))).error().code(), Errc::overloaded);
  ASSERT_TRUE(run(writers.back()->finish({}, in(1s))));
  writers.pop_back();
  EXPECT_TRUE(run(alice.messages->open_text({.topic = "t"}, in(1s))));
}

TEST_F(Streams, AttributesThatAreTooLong_AreRefusedBeforeAnythingIsSent) {
  const std::map<std::string, std::string> attributes{{"a", std::string(Messages::kMaxAttributesBytes, 'x')}};
  EXPECT_EQ(run(alice.messages->open_text({.topic = "t", .attributes = attributes}, in(1s))).error().code(), Errc::invalid_argument);
  EXPECT_THAT(alice.sent, IsEmpty());
}

}  // namespace
}  // namespace parley::livekit
