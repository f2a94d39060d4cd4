#include "job/journal_record.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <parley/base/utf8.hpp>

namespace parley::job {

namespace {

constexpr std::string_view kMagic = "J1 ";
constexpr std::size_t kHeaderBytes = 21;  // "J1 " + 8 + " " + 8 + " "
constexpr std::size_t kMaxTypeBytes = 64;
constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMaxDepth = 32;

// As it is written: lower case, so that every flipped bit is seen.
std::optional<std::uint32_t> hex32(std::string_view text) noexcept {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> number(std::string_view text) noexcept {
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The JSON text of a line, if length and CRC agree with it.
std::optional<std::string_view> checked_payload(std::string_view line) noexcept {
  if (line.size() < kHeaderBytes || !line.starts_with(kMagic) || line[11] != ' ' || line[20] != ' ')
    return std::nullopt;
  const auto length = hex32(line.substr(3, 8));
  const auto crc = hex32(line.substr(12, 8));
  const auto payload = line.substr(kHeaderBytes);
  if (!length || !crc || *length != payload.size() || payload.size() > kMaxRecordBytes) return std::nullopt;
  if (crc32c(as_bytes(payload)) != *crc) return std::nullopt;
  return payload;
}

std::optional<std::string> text_of(const boost::json::object& object, std::string_view name, std::size_t max_bytes) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_string() || value->get_string().size() > max_bytes) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<JournalRecord> parse_payload(std::string_view payload) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  auto value = boost::json::parse(payload, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  auto& object = value.get_object();

  auto type = text_of(object, "type", kMaxTypeBytes);
  auto call = text_of(object, "call", kMaxIdBytes);
  const auto time_text = text_of(object, "time", 32);
  const auto time = time_text ? parse_iso8601(*time_text) : std::nullopt;
  const auto* sequence = object.if_contains("seq");
  if (!type || type->empty() || !call || !time || !sequence) return std::nullopt;
  boost::system::error_code no_number;
  const auto number = sequence->to_number<std::uint64_t>(no_number);
  if (no_number) return std::nullopt;

  JournalRecord record{.type = std::move(*type), .time = *time, .sequence = number, .call_id = std::move(*call)};
  if (auto attempt = text_of(object, "attempt", kMaxIdBytes)) record.attempt_id = std::move(*attempt);
  if (auto* data = object.if_contains("data"); data && data->is_object()) record.data = std::move(data->get_object());
  return record;
}

}  // namespace

bool is_reserved_type(std::string_view type) noexcept { return type.find('.') != std::string_view::npos; }

std::optional<WallTime> parse_iso8601(std::string_view text) noexcept {
  // 2026-11-21T13:05:07.123Z
  if (text.size() != 24 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text[19] != '.' || text[23] != 'Z') {
    return std::nullopt;
  }
  const auto year = number(text.substr(0, 4)), month = number(text.substr(5, 2)), day = number(text.substr(8, 2));
  const auto hour = number(text.substr(11, 2)), minute = number(text.substr(14, 2)),
             second = number(text.substr(17, 2));
  const auto ms = number(text.substr(20, 3));
  if (!year || !month || !day || !hour || !minute || !second || !ms) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::milliseconds(*ms);
}

Result<std::string> encode_record(const JournalRecord& record) {
  boost::json::object object;
  object["type"] = record.type;
  object["time"] = to_iso8601(record.time);
  object["seq"] = record.sequence;
  object["call"] = record.call_id;
  if (!record.attempt_id.empty()) object["attempt"] = record.attempt_id;
  object["data"] = record.data;
  const auto payload = valid_utf8(boost::json::serialize(object));
  if (payload.size() > kMaxRecordBytes) {
    return fail(Errc::invalid_argument,
                fmt::format("a {} record of {} bytes is too long for a journal", record.type, payload.size()));
  }
  return fmt::format("{}{:08x} {:08x} {}\n", kMagic, payload.size(), crc32c(as_bytes(payload)), payload);
}

std::string_view text_of_line(std::string_view line) noexcept {
  constexpr std::size_t kFrame = kMagic.size() + 8 + 1 + 8 + 1;
  return line.substr(std::min(kFrame, line.size()), line.size() - std::min(kFrame + 1, line.size()));
}

JournalContents parse_journal(std::string_view bytes, std::string_view call_id) {
  JournalContents contents;
  if (bytes.size() > kMaxReadBytes) {
    contents.cut_off = true;
    bytes = bytes.substr(0, kMaxReadBytes);
  }
  std::string call(call_id);
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto line = bytes.substr(0, end);
    bytes = end == std::string_view::npos ? std::string_view{} : bytes.substr(end + 1);
    if (line.empty()) continue;  // a writer began
    // A line without its end is no record even if it looks whole: its writer may be writing it just now.
    contents.torn_tail = end == std::string_view::npos;
    const auto payload = contents.torn_tail ? std::nullopt : checked_payload(line);
    auto record = payload ? parse_payload(*payload) : std::nullopt;
    if (!record) {
      if (!contents.torn_tail) ++contents.damaged;
      continue;
    }
    if (call.empty()) call = record->call_id;
    if (record->call_id != call) {
      ++contents.foreign;
      continue;
    }
    if (record->sequence > contents.last_sequence) {
      contents.missing += record->sequence - contents.last_sequence - 1;
      contents.last_sequence = record->sequence;
    }
    contents.records.push_back(std::move(*record));
  }
  return contents;
}

}  // namespace parley::job
