#include <gtest/gtest.h>

#include <parley/base/random.hpp>

#include "job/journal_record.hpp"

namespace parley::job {
namespace {

const WallTime kNoon = *parse_iso8601("2026-11-21T12:00:00.000Z");

JournalRecord record(std::uint64_t sequence, std::string type = "user_input_transcribed") {
  return {.type = std::move(type),
          .time = kNoon + std::chrono::milliseconds(sequence),
          .sequence = sequence,
          .call_id = "CA_abc",
          .attempt_id = "AJ_def",
          .data = {{"transcript", "line one\nline two \x01 \xc3\xa9"}}};
}

std::string line(std::uint64_t sequence) { return encode_record(record(sequence)).value(); }

std::vector<std::uint64_t> sequences(const JournalContents& contents) {
  std::vector<std::uint64_t> found;
  for (const auto& r : contents.records) found.push_back(r.sequence);
  return found;
}

using Sequences = std::vector<std::uint64_t>;

TEST(JournalFormat, RecordComesBackAsItWasWritten_OnOneLine) {
  const auto text = line(7);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto contents = parse_journal(text);
  ASSERT_EQ(contents.records.size(), 1u);
  const auto& r = contents.records[0];
  EXPECT_EQ(r.type, "user_input_transcribed");
  EXPECT_EQ(r.time, kNoon + std::chrono::milliseconds(7));
  EXPECT_EQ(r.sequence, 7u);
  EXPECT_EQ(r.call_id, "CA_abc");
  EXPECT_EQ(r.attempt_id, "AJ_def");
  EXPECT_EQ(r.data, record(7).data);
}

TEST(JournalFormat, KnownLine_KeepsItsBytes) {
  // Files of an older version must stay readable: this line is written down, not made.
  const std::string_view old =
      "J1 00000073 9bdcd17f "
      "{\"type\":\"call.started\",\"time\":\"2026-11-21T12:00:00.123Z\",\"seq\":1,\"call\":\"CA_abc\","
      "\"attempt\":\"AJ_def\",\"data\":{\"a\":1}}\n";
  const auto contents = parse_journal(old);
  ASSERT_EQ(contents.records.size(), 1u) << contents.damaged;
  EXPECT_EQ(*encode_record(contents.records[0]), old);
}

TEST(JournalFormat, TextThatIsNoUtf8_IsKeptButForItsBrokenBytes) {
  auto broken = record(1);
  broken.data["transcript"] = "four \xff people";
  const auto contents = parse_journal(encode_record(broken).value());
  ASSERT_EQ(contents.records.size(), 1u) << contents.damaged;
  EXPECT_EQ(contents.records[0].data.at("transcript"), "four \xEF\xBF\xBD people");
}

TEST(JournalFormat, RecordBeyondTheBound_IsRefused) {
  auto huge = record(1);
  huge.data["transcript"] = std::string(kMaxRecordBytes, 'x');
  const auto encoded = encode_record(huge);
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().code(), Errc::invalid_argument);
}

TEST(JournalFormat, WriterKilledInALine_CostsThatLineOnly) {
  const auto whole = line(2);
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    const auto contents = parse_journal(line(1) + whole.substr(0, cut) + "\n" + line(3));
    EXPECT_EQ(sequences(contents), (Sequences{1, 3})) << cut;
    // A line that lacks only its end is whole again when the next writer begins on a new line.
    EXPECT_EQ(contents.damaged, 1u) << cut;
    EXPECT_EQ(contents.missing, 1u) << cut;
    if (cut == whole.size() - 2) break;
  }
}

TEST(JournalFormat, LineWithoutItsEnd_IsATornTail_NotARecord) {
  const auto contents = parse_journal(line(1) + line(2).substr(0, line(2).size() - 1));
  EXPECT_EQ(sequences(contents), (Sequences{1}));
  EXPECT_TRUE(contents.torn_tail);
  EXPECT_EQ(contents.damaged, 0u);
}

TEST(JournalFormat, EveryFlippedBit_IsSeen) {
  const auto good = line(2);
  for (std::size_t byte = 0; byte + 1 < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << bit));
      const auto contents = parse_journal(line(1) + bad + line(3));
      for (const auto& r : contents.records) EXPECT_TRUE(r.sequence == 1 || r.sequence == 3) << byte << "/" << bit;
      EXPECT_EQ(contents.records.size(), 2u) << byte << "/" << bit;
      EXPECT_GE(contents.damaged, 1u);
    }
  }
}

TEST(JournalFormat, ZerosAndGarbageBetweenRecords_AreSkippedAndCounted) {
  const auto contents =
      parse_journal(line(1) + std::string(4096, '\0') + "\n" + "J1 zzzzzzzz 00000000 {}\n" + "{}\n\n\n" + line(4));
  EXPECT_EQ(sequences(contents), (Sequences{1, 4}));
  EXPECT_EQ(contents.damaged, 3u);
  EXPECT_EQ(contents.missing, 2u);
  EXPECT_EQ(contents.next_sequence(), 5u);
}

TEST(JournalFormat, RecordsOfAnotherCall_AreNotTaken) {
  auto other = record(2);
  other.call_id = "CA_other";
  const auto contents = parse_journal(*encode_record(other) + line(1), "CA_abc");
  EXPECT_EQ(sequences(contents), (Sequences{1}));
  EXPECT_EQ(contents.foreign, 1u);
}

TEST(JournalFormat, DeepJson_IsDamage_NotAStackOverflow) {
  const auto payload =
      "{\"type\":\"x\",\"time\":\"2026-11-21T12:00:00.000Z\",\"seq\":1,\"call\":\"C\",\"data\":{\"a\":" +
      std::string(100'000, '[') + std::string(100'000, ']') + "}}";
  char header[32];
  std::snprintf(header, sizeof header, "J1 %08zx %08x ", payload.size(), crc32c(as_bytes(payload)));
  const auto contents = parse_journal(header + payload + "\n");
  EXPECT_TRUE(contents.records.empty());
  EXPECT_EQ(contents.damaged, 1u);
}

TEST(JournalFormat, RandomBytes_NeverYieldARecord) {
  Random random(5);
  for (int run = 0; run < 300; ++run) {
    std::string bytes;
    for (int i = 0; i < 400; ++i) bytes += static_cast<char>(random());
    EXPECT_TRUE(parse_journal(bytes).records.empty());
  }
}

TEST(JournalFormat, Times) {
  EXPECT_EQ(to_iso8601(*parse_iso8601("2026-02-28T23:59:59.999Z")), "2026-02-28T23:59:59.999Z");
  for (const std::string_view bad :
       {"", "2026-02-30T00:00:00.000Z", "2026-02-28T24:00:00.000Z", "2026-02-28 23:59:59.999Z",
        "2026-02-28T23:59:59.999", "2026-0228T23:59:59.9999Z", "+026-02-28T23:59:59.999Z"}) {
    EXPECT_FALSE(parse_iso8601(bad)) << bad;
  }
}

TEST(JournalFormat, ReservedTypes_AreThoseWithADot) {
  EXPECT_TRUE(is_reserved_type(record_type::kTerminal));
  EXPECT_TRUE(is_reserved_type(record_type::kHookDone));
  EXPECT_FALSE(is_reserved_type("conversation_item_added"));
}

}  // namespace
}  // namespace parley::job
