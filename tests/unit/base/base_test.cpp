#include <map>

#include <gtest/gtest.h>

#include <parley/base/bytes.hpp>
#include <parley/base/ids.hpp>
#include <parley/base/log.hpp>
#include <parley/base/random.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley {
namespace {

TEST(ByteReader, BytesRunOut_NothingIsConsumed) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u16_be(), 0x0102);
  EXPECT_EQ(reader.u32_be(), std::nullopt);
  EXPECT_EQ(reader.left(), 1u);
  EXPECT_EQ(reader.u8(), 3);
  EXPECT_EQ(reader.u8(), std::nullopt);
}

TEST(ByteWriter, BothByteOrders_ComeBackThroughTheReader) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u16_be(0xabcd);
  writer.u32_be(0xdeadbeef);
  writer.u16_le(0xabcd);
  writer.u32_le(0xdeadbeef);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u16_be(), 0xabcd);
  EXPECT_EQ(reader.u32_be(), 0xdeadbeef);
  EXPECT_EQ(reader.u16_le(), 0xabcd);
  EXPECT_EQ(reader.u32_le(), 0xdeadbeef);
}

TEST(Crc32c, CheckValueOfTheStandard) { EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u); }

TEST(Random, SameSeed_SameNumbers) {
  Random a(7), b(7), c(8);
  EXPECT_EQ(a(), b());
  EXPECT_NE(a(), c());
}

TEST(Random, Below_CoversTheRangeAndStaysInIt) {
  Random random(1);
  std::map<std::uint64_t, int> seen;
  for (int i = 0; i < 6000; ++i) ++seen[random.below(6)];
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_LT(seen.rbegin()->first, 6u);
  for (const auto& [value, count] : seen) EXPECT_NEAR(count, 1000, 150) << value;
}

TEST(Ids, MadeIds_AreIds_AndOtherTextIsNot) {
  Random random(3);
  const auto id = make_id(random, "CA_");
  EXPECT_TRUE(is_id(id)) << id;
  EXPECT_NE(id, make_id(random, "CA_"));
  for (const char* text : {"", "CA_", "CA-x", "CA_../etc/passwd", "CA_a b", "CA_a\n"}) EXPECT_FALSE(is_id(text)) << text;
  EXPECT_FALSE(is_id("CA_" + std::string(100, 'a')));
}

TEST(Deadline, APartNeverOutlivesTheWhole) {
  const TimePoint start{};
  const Deadline whole(start + 2s), part(start + 5s);
  EXPECT_EQ(part.within(whole), whole);
  EXPECT_EQ(whole.left(start + 500ms), 1500ms);
  EXPECT_EQ(whole.left(start + 3s), 0s);
  EXPECT_TRUE(whole.passed(start + 2s));
  EXPECT_FALSE(Deadline::bounded_by_scope().is_set());
  EXPECT_EQ(part.within(Deadline::bounded_by_scope()), part);
}

TEST(Time, WallTime_IsWrittenAsIso8601) {
  EXPECT_EQ(to_iso8601(WallTime(std::chrono::milliseconds(1'795'266'307'123))), "2026-11-21T13:05:07.123Z");
}

TEST(Error, SeenFromOneLevelUp_KeepsItsCodeAndItsCause) {
  const Error error = errno_error("open /nowhere", 2).within("journal");
  EXPECT_EQ(error.code(), Errc::io);
  EXPECT_EQ(error.message(), "journal: open /nowhere: No such file or directory");
}

class Collecting final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override {
    text += line.message;
    for (const auto& field : line.fields) text += " " + field.name + "=" + field.value;
    text += "\n";
  }
  std::string text;
};

TEST(Logger, FieldsTravelWithTheLogger_AndLevelsBelowItsOwnAreDropped) {
  auto sink = std::make_shared<Collecting>();
  const auto call = Logger(sink, LogLevel::info).with("call", "CA_1");
  call.debug("not shown");
  call.with("job", "AJ_1").warn("late by {} ms", 3);
  call.info("done");
  EXPECT_EQ(sink->text, "late by 3 ms call=CA_1 job=AJ_1\ndone call=CA_1\n");
  Logger().error("a logger without a sink drops {}", "this");
}

std::string line_of(LogFormat format, std::string_view message, const std::vector<LogField>& fields) {
  return format_log_line(format, {LogLevel::warn, message, fields}, WallTime(std::chrono::milliseconds(1'795'266'307'123)));
}

TEST(LogFormat, Json_IsOneObject_TimeFirst_ThenLevelAndMessage_ThenItsFields) {
  EXPECT_EQ(line_of(LogFormat::json, "it is late", {{"component", "job"}, {"call_id", "CA_1"}, {"job_id", "AJ_1"}, {"room", "ward \"7\""}}),
            R"({"ts":"2026-11-21T13:05:07.123Z","level":"warn","message":"it is late","component":"job","call_id":"CA_1",)"
            R"("job_id":"AJ_1","room":"ward \"7\""})");
}

TEST(LogFormat, Text_SaysWhatPeopleWant) {
  EXPECT_EQ(line_of(LogFormat::text, "it is late", {{"component", "job"}, {"call_id", "CA_1"}, {"job_id", "AJ_1"}}), "it is late  call_id=CA_1");
  EXPECT_EQ(line_of(LogFormat::text, "no route", {{"component", "libdatachannel"}}), "no route  component=libdatachannel");
}

TEST(LogFormat, MessageOfStrangers_IsOneLineOfUtf8) {
  EXPECT_EQ(line_of(LogFormat::text, "a\nb\x1b[31m\xff", {}), "a b [31m\xef\xbf\xbd");
  EXPECT_EQ(line_of(LogFormat::json, "a\nb\xff", {}),
            "{\"ts\":\"2026-11-21T13:05:07.123Z\",\"level\":\"warn\",\"message\":\"a\\nb\xef\xbf\xbd\"}");
}

TEST(Logger, FieldSaidTwice_IsThereOnce) {
  auto sink = std::make_shared<Collecting>();
  const auto job = Logger(sink, LogLevel::info).with("call", "CA_1").with("job", "AJ_1");
  job.with("call", "CA_2").info("done");
  EXPECT_EQ(sink->text, "done call=CA_2 job=AJ_1\n");
}

}  // namespace
}  // namespace parley
