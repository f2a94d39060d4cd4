// A journal's file as it may lie on a disk: any bytes, and valid records whose data are anything. Reader, record builder,
// redaction and timeline take them all, within their bounds.
#include <cstdlib>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "job/hooks.hpp"
#include "job/journal_record.hpp"
#include "job/journal_redaction.hpp"
#include "job/journal_timeline.hpp"
#include "job/record.hpp"

using namespace parley;
using namespace parley::job;

namespace {

void check(const JournalContents& contents) {
  RecordBuilder builder("CA_1");
  builder.add(contents);
  const JournalRecord terminal{
      .type = std::string(record_type::kTerminal), .sequence = 1, .call_id = "CA_1", .data = builder.record()};
  if (!encode_record(terminal)) std::abort();  // the terminal record always fits
  if (builder.hooks().size() > RecordBuilder::kMaxHooks) std::abort();
  for (const auto& hook : pending_hooks(builder, {}, "CA_1")) {
    if (hook.settled() || hook_key("CA_1", hook.name, hook.n) != hook.key) std::abort();
    (void)decide(hook, nullptr, WallTime{});
  }
  for (const char c : timeline_text(contents)) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') std::abort();  // nothing for a terminal to obey
  }
  (void)timeline_json(contents);
}

bool has_digit(std::string_view text) {
  for (const char c : text) {
    if (c >= '0' && c <= '9') return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = as_text(ByteView(data, size));
  const auto contents = parse_journal(bytes);
  check(contents);
  for (const auto& record : contents.records) {
    const auto again = encode_record(record);
    if (again && parse_journal(*again).records.size() != 1) std::abort();
  }

  // The same bytes as data of one record: the CRC is no obstacle then. The first byte chooses the type.
  if (size < 2) return 0;
  constexpr std::string_view kTypes[] = {record_type::kCallStarted,   record_type::kAttemptStarted,
                                         record_type::kAttemptEnding, record_type::kAttemptEnded,
                                         record_type::kAttemptExited, record_type::kRemember,
                                         record_type::kSummary,       record_type::kHooksDue,
                                         record_type::kHookStarted,   record_type::kHookDone,
                                         record_type::kHookFailed,    record_type::kHookGivenUp,
                                         record_type::kGap,           "conversation_item_added",
                                         "session_usage_updated",     "dtmf_received"};
  const auto type = kTypes[data[0] % std::size(kTypes)];
  boost::system::error_code error;
  const auto value = boost::json::parse(boost::json::string_view(bytes.data() + 1, bytes.size() - 1), error);
  if (error || !value.is_object()) return 0;
  JournalContents one;
  const auto redacted = redact(type, value.get_object(), {});
  for (const auto* name : {"text", "transcript", "arguments"}) {
    const auto* said = redacted.if_contains(name);
    if (said && said->is_string() && has_digit(said->get_string())) std::abort();
  }
  for (const auto& payload : {value.get_object(), redacted}) {
    one.records.push_back({.type = std::string(type), .sequence = 1, .call_id = "CA_1", .data = payload});
  }
  check(one);
  return 0;
}
