#include "job/journal.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/callback.hpp>
#include <parley/base/ids.hpp>

namespace parley::job {

namespace {

constexpr std::string_view kOpenSuffix = ".journal";
constexpr std::string_view kSettledSuffix = ".done";

Result<void> check_call_id(std::string_view call_id) {
  if (is_id(call_id)) return {};
  return fail(Errc::invalid_argument, fmt::format("\"{}\" is no call id", call_id.substr(0, 64)));
}

Result<OpenJournal> with_contents(std::unique_ptr<DiskFile> file, std::string path, std::string_view call_id) {
  const auto bytes = file->read(kMaxReadBytes + 1);
  if (!bytes) return fail(bytes.error().within(path));
  return OpenJournal{.file = std::move(file), .path = std::move(path), .contents = parse_journal(*bytes, call_id)};
}

std::optional<std::string_view> without(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  if (!is_id(name)) return std::nullopt;
  return name;
}

}  // namespace

Journal::Journal(Loop& loop, JournalWriter writer, OpenJournal opened, JournalConfig config)
    : loop_(loop),
      writer_(std::move(writer)),
      config_(std::move(config)),
      path_(std::move(opened.path)),
      has_file_(opened.file != nullptr),
      file_(writer_.attach(std::move(opened.file), config_.call_id, path_.empty() ? config_.call_id : path_)),
      builder_(config_.call_id),
      next_sequence_(opened.contents.next_sequence()) {
  builder_.add(opened.contents);
}

Journal::~Journal() {
  if (file_) writer_.let_go(std::move(file_));
}

Task<Result<void>> Journal::let_go(Deadline deadline) {
  if (!file_) co_return Result<void>{};
  auto file = std::exchange(file_, nullptr);
  auto done = co_await from_callback<Result<void>>(deadline, [&](Callback<Result<void>> told) {
    writer_.let_go(std::move(file), [told](Result<void> result) { told(std::move(result)); });
  });
  if (!done) co_return fail(Errc::timeout, fmt::format("the journal of {} is still being written", config_.call_id));
  co_return std::move(*done);
}

void Journal::append(std::string_view type, boost::json::object data) {
  const bool reserved = is_reserved_type(type);
  const bool plain = reserved && type != record_type::kSummary;
  JournalRecord record{.type = std::string(type),
                       .time = loop_.clock().wall(),
                       .sequence = next_sequence_,
                       .call_id = config_.call_id,
                       .attempt_id = config_.attempt_id,
                       .data = plain ? std::move(data) : redact(type, std::move(data), config_.redaction)};
  builder_.add(record);
  write(record, reserved);
}

void Journal::write(const JournalRecord& record, bool reserved) {
  if (limit_reached_ && !reserved) {
    ++lost_;
    return;
  }
  auto line = encode_record(record);
  if (!line) {
    loop_.logger().warn("{}: {}", config_.call_id, line.error().message());
    ++lost_;
    ++next_sequence_;  // a reader sees that one is missing
    return;
  }
  if (!reserved && bytes_ + line->size() > config_.max_bytes) return reach_limit();
  ++next_sequence_;
  bytes_ += line->size();
  if (config_.mirror) config_.mirror->add(text_of_line(*line));
  if (!file_ || !writer_.append(file_, *std::move(line))) ++lost_;
}

void Journal::reach_limit() {
  limit_reached_ = true;
  ++lost_;
  loop_.logger().warn("{}: the journal of this call has {} bytes, its bound: further events are not written",
                      config_.call_id, bytes_);
  append(record_type::kGap,
         {{"lost", 0}, {"why", "the journal has reached its bound: further events of this call are not in it"}});
}

void Journal::remember(std::string_view key, boost::json::value value) {
  append(record_type::kRemember, {{"key", key}, {"value", std::move(value)}});
}

Task<Result<void>> Journal::sync(Deadline deadline) {
  if (!file_) co_return fail(Errc::closing, fmt::format("the journal of {} was given up", config_.call_id));
  auto done = co_await from_callback<Result<void>>(deadline, [this](Callback<Result<void>> told) {
    writer_.sync(file_, [told](Result<void> result) { told(std::move(result)); });
  });
  if (!done) co_return fail(Errc::timeout, fmt::format("{} was not on the disk before the deadline", config_.call_id));
  co_return std::move(*done);
}

void Journal::request_sync() {
  if (file_) writer_.request_sync(file_);
}

bool Journal::append_terminal() {
  if (builder_.terminal()) return false;
  if (!builder_.over()) append(record_type::kAttemptExited, {{"detail", "nobody saw the end of its process"}});
  append(record_type::kTerminal, builder_.record());
  return true;
}

// ---- files

std::string journal_path(std::string_view directory, std::string_view call_id) {
  return fmt::format("{}/{}{}", directory, call_id, kOpenSuffix);
}

std::string settled_path(std::string_view directory, std::string_view call_id) {
  return fmt::format("{}/{}{}", directory, call_id, kSettledSuffix);
}

Result<OpenJournal> create_journal(Disk& disk, const std::string& directory, std::string_view call_id) {
  if (auto checked = check_call_id(call_id); !checked) return fail(checked.error());
  if (auto made = disk.make_directory(directory); !made) return fail(made.error());
  auto path = journal_path(directory, call_id);
  auto file = disk.create(path);
  if (!file) return fail(file.error());
  if (auto synced = disk.sync_directory(directory); !synced) return fail(synced.error());
  return OpenJournal{.file = *std::move(file), .path = std::move(path)};
}

Result<OpenJournal> open_journal(Disk& disk, const std::string& directory, std::string_view call_id) {
  if (auto checked = check_call_id(call_id); !checked) return fail(checked.error());
  auto path = journal_path(directory, call_id);
  auto file = disk.open_to_append(path);
  if (!file) return fail(file.error());
  return with_contents(*std::move(file), std::move(path), call_id);
}

Result<OpenJournal> adopt_journal(int descriptor, std::string_view directory, std::string_view call_id) {
  auto file = adopt_file(descriptor);
  if (auto checked = check_call_id(call_id); !checked) return fail(checked.error());
  return with_contents(std::move(file), journal_path(directory, call_id), call_id);
}

Result<JournalContents> read_journal(Disk& disk, const std::string& directory, std::string_view call_id) {
  if (auto checked = check_call_id(call_id); !checked) return fail(checked.error());
  auto file = disk.open_to_read(journal_path(directory, call_id));
  if (!file && file.error().code() == Errc::not_found) file = disk.open_to_read(settled_path(directory, call_id));
  if (!file && file.error().code() == Errc::not_found) {
    return fail(Errc::not_found, fmt::format("there is no journal of {} in {}", call_id, directory));
  }
  if (!file) return fail(file.error());
  const auto bytes = (*file)->read(kMaxReadBytes + 1);
  if (!bytes) return fail(bytes.error());
  return parse_journal(*bytes, call_id);
}

Result<std::vector<JournalEntry>> list_journals(Disk& disk, const std::string& directory) {
  const auto files = disk.list(directory);
  if (!files) return fail(files.error());
  std::vector<JournalEntry> journals;
  for (const auto& file : *files) {
    const auto open = without(file.name, kOpenSuffix);
    const auto settled = without(file.name, kSettledSuffix);
    if (!open && !settled) continue;
    const auto locked = open ? disk.locked(fmt::format("{}/{}", directory, file.name)) : Result<bool>(false);
    journals.push_back({.call_id = std::string(open ? *open : *settled),
                        .settled = settled.has_value(),
                        .locked = locked.value_or(true),  // in doubt it is somebody's
                        .bytes = file.bytes,
                        .modified = file.modified});
  }
  return journals;
}

Result<void> settle_journal(Disk& disk, const std::string& directory, std::string_view call_id) {
  if (auto moved = disk.rename(journal_path(directory, call_id), settled_path(directory, call_id)); !moved)
    return moved;
  return disk.sync_directory(directory);
}

}  // namespace parley::job
