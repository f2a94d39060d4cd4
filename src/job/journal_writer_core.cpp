#include "job/journal_writer_core.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <boost/json/object.hpp>

#include "job/journal_record.hpp"

namespace parley::job {

namespace {

constexpr std::size_t kMaxMergedBytes = 64 * KiB;  // one write(2)

}  // namespace

WriterCore::WriterCore(const Clock& clock, std::shared_ptr<LogSink> log, std::function<void()> work_came,
                       std::function<bool()> log_ready)
    : clock_(clock), log_(std::move(log)), work_came_(std::move(work_came)), log_ready_(std::move(log_ready)) {}

// ---- the queue

WriterCore::FileRef WriterCore::attach(std::unique_ptr<DiskFile> file, std::string call_id, std::string name) {
  auto ref = std::make_shared<File>(std::move(file), std::move(call_id), std::move(name));
  const std::lock_guard lock(mutex_);
  std::erase_if(files_, [](const auto& known) { return known.expired(); });
  files_.push_back(ref);
  return ref;
}

WriterCore::Taken WriterCore::enqueue(Operation operation) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return Taken::finished;
    const bool bounded = operation.kind != Kind::close;  // one a file
    if (bounded && (queue_.size() >= JournalWriter::kMaxQueuedOperations ||
                    queued_bytes_ + operation.bytes.size() > JournalWriter::kMaxQueuedBytes)) {
      return Taken::full;
    }
    first = queue_.empty();
    queued_bytes_ += operation.bytes.size();
    queue_.push_back(std::move(operation));
  }
  if (first) work_came_();
  return Taken::queued;
}

bool WriterCore::append(const FileRef& file, std::string line) {
  if (enqueue({.kind = Kind::append, .file = file, .bytes = std::move(line), .lines = 1}) == Taken::queued) return true;
  ++file->refused;
  const std::lock_guard lock(mutex_);
  ++health_.records_lost;
  return false;
}

void WriterCore::sync(const FileRef& file, Done done) {
  // Kept here as well, because a refused operation is gone.
  const auto shared = std::make_shared<Done>(std::move(done));
  const auto taken =
      enqueue({.kind = Kind::sync, .file = file, .done = [shared](Result<void> r) { (*shared)(std::move(r)); }});
  if (taken == Taken::full) (*shared)(fail(Errc::overloaded, "the queue to the disk is full"));
  if (taken == Taken::finished) (*shared)(fail(Errc::closing, "the writer has ended"));
}

void WriterCore::request_sync(const FileRef& file) {
  {
    const std::lock_guard lock(mutex_);
    const auto last = std::ranges::find(queue_.rbegin(), queue_.rend(), file, &Operation::file);
    if (last != queue_.rend() && last->kind == Kind::sync) return;
  }
  (void)enqueue({.kind = Kind::sync, .file = file});
}

void WriterCore::let_go(FileRef file, Done done) {
  const auto shared = std::make_shared<Done>(std::move(done));
  const auto tell = [shared](Result<void> result) {
    if (*shared) (*shared)(std::move(result));
  };
  if (enqueue({.kind = Kind::close, .file = file, .done = tell}) == Taken::queued) return;
  file.reset();
  tell(Result<void>());
}

void WriterCore::write_log(const LogLine& line) noexcept {
  if (!log_) return;
  bool first = false;
  bool finished = false;
  try {
    const std::lock_guard lock(mutex_);
    finished = finished_;
    if (!finished) {
      if (log_lines_.size() >= JournalWriter::kMaxLogLines) {
        ++health_.log_lines_lost;
        ++lost_log_lines_untold_;
        return;
      }
      first = log_lines_.empty();
      log_lines_.push_back({line.level, std::string(line.message), line.fields});
    }
  } catch (const std::bad_alloc&) {
    return;
  }
  if (finished) {
    log_->write(line);
  } else if (first) {
    work_came_();
  }
}

void WriterCore::flush_log() noexcept {
  if (!log_) return;
  while (write_one_log_line()) {
  }
  log_->flush();
}

WriterHealth WriterCore::health() const {
  const std::lock_guard lock(mutex_);
  auto health = health_;
  health.queued_bytes = queued_bytes_;
  return health;
}

// ---- the driver's side

WriterCore::Kind WriterCore::next() const {
  const std::lock_guard lock(mutex_);
  if (!queue_.empty()) return queue_.front().kind;
  return log_lines_.empty() ? Kind::nothing : Kind::log;
}

std::optional<WriterCore::Operation> WriterCore::take() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  auto first = std::move(queue_.front());
  queue_.pop_front();
  while (first.kind == Kind::append && !queue_.empty()) {
    const auto& more = queue_.front();
    if (more.kind != Kind::append || more.file != first.file) break;
    if (first.bytes.size() + more.bytes.size() > kMaxMergedBytes) break;
    first.bytes += more.bytes;
    first.lines += more.lines;
    queue_.pop_front();
  }
  queued_bytes_ -= first.bytes.size();
  return first;
}

std::vector<WriterCore::Done> WriterCore::take_same_syncs(const FileRef& file) {
  std::vector<Done> done;
  const std::lock_guard lock(mutex_);
  while (!queue_.empty() && queue_.front().kind == Kind::sync && queue_.front().file == file) {
    done.push_back(std::move(queue_.front().done));
    queue_.pop_front();
  }
  return done;
}

bool WriterCore::work() {
  auto operation = take();
  if (!operation) return write_one_log_line();
  File& file = *operation->file;
  switch (operation->kind) {
    case Kind::append: perform_append(file, std::move(*operation)); break;
    case Kind::sync: perform_sync(file, std::move(*operation)); break;
    default: perform_close(std::move(*operation)); break;
  }
  return true;
}

void WriterCore::perform_append(File& file, Operation operation) {
  if (const auto refused = file.refused.exchange(0); refused > 0) {
    file.lost += refused;
    file.lost_why = "the queue to the disk was full";
  }
  const bool fits = file.held.empty() || file.held.size() + operation.bytes.size() <= JournalWriter::kMaxHeldBytes;
  if (!fits && !write_held(file)) return lose(file, operation.lines, file.lost_why);
  if (!file.lost_why.empty() && file.lost > 0) mark_gap(file);
  file.held += operation.bytes;
  file.held_lines += operation.lines;
  write_held(file);
}

void WriterCore::perform_sync(File& file, Operation operation) {
  auto others = take_same_syncs(operation.file);
  const auto result = sync_now(file);
  if (operation.done) operation.done(result);
  for (auto& done : others) {
    if (done) done(result);
  }
}

Result<void> WriterCore::sync_now(File& file) {
  if (!file.disk) return fail(Errc::io, fmt::format("{} has no file on the disk", file.name));
  if (!write_held(file)) return fail(Errc::overloaded, fmt::format("the disk under {} is full", file.name));
  const auto began = clock_.now();
  auto result = file.disk->sync();
  const auto took = clock_.now() - began;
  {
    const std::lock_guard lock(mutex_);
    ++health_.syncs;
    health_.slowest_sync = std::max(health_.slowest_sync, took);
    if (!result) ++health_.failed_syncs;
  }
  if (result) {
    disk_works(file, Trouble::sync);
  } else {
    disk_failed(file, result.error(), Trouble::sync);
    file.lost_why = result.error().message();  // nobody knows what of the last records the disk has
  }
  return result;
}

void WriterCore::perform_close(Operation operation) {
  File& file = *operation.file;
  if (!write_held(file)) lose(file, std::exchange(file.held_lines, 0), "no space was left when the file was closed");
  file.held.clear();
  file.disk.reset();
  if (operation.done) operation.done(Result<void>());
}

bool WriterCore::write_one_log_line() {
  OwnedLine line;
  std::uint64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    if (log_lines_.empty()) return false;
    line = std::move(log_lines_.front());
    log_lines_.pop_front();
    lost = std::exchange(lost_log_lines_untold_, 0);
  }
  if (log_ready_ && !log_ready_()) {
    const std::lock_guard lock(mutex_);
    ++health_.log_lines_lost;
    lost_log_lines_untold_ += lost + 1;
    return true;
  }
  if (lost > 0) tell(LogLevel::warn, fmt::format("{} log lines were dropped: whoever reads the log is too slow", lost));
  log_->write({line.level, line.message, line.fields});
  return true;
}

std::vector<WriterCore::FileRef> WriterCore::open_files() {
  std::vector<FileRef> files;
  const std::lock_guard lock(mutex_);
  for (const auto& known : files_) {
    if (auto file = known.lock()) files.push_back(std::move(file));
  }
  return files;
}

bool WriterCore::holding() const {
  const std::lock_guard lock(mutex_);
  return health_.disk_full;
}

void WriterCore::retry() {
  bool all = true;
  for (const auto& file : open_files()) {
    if (!file->held.empty()) all = write_held(*file) && all;
  }
  if (!all) return;
  const std::lock_guard lock(mutex_);
  health_.disk_full = false;  // or nobody is left who wants space
}

void WriterCore::finish() {
  while (work()) {
  }
  for (const auto& file : open_files()) {
    if (file->disk) (void)sync_now(*file);
  }
  refuse();
  while (work()) {  // what came while it was being finished
  }
}

void WriterCore::refuse() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
}

// ---- one file

bool WriterCore::write_held(File& file) {
  if (!file.disk) {
    file.held.clear();
    lose(file, std::exchange(file.held_lines, 0), "there is no file");
    return true;
  }
  if (file.held.empty()) {
    if (file.lost_why.empty()) return true;
    mark_gap(file);
  }
  begin(file);
  while (!file.held.empty()) {
    const auto written = file.disk->append(file.held);
    if (!written || *written == 0)
      return write_failed(file, written ? Error(Errc::overloaded, "nothing was written") : written.error());
    file.held.erase(0, *written);
  }
  file.marked = 0;
  {
    const std::lock_guard lock(mutex_);
    health_.records_written += std::exchange(file.held_lines, 0);
  }
  disk_works(file, Trouble::write);
  return true;
}

bool WriterCore::write_failed(File& file, const Error& error) {
  disk_failed(file, error, Trouble::write);
  if (error.code() == Errc::overloaded) return false;
  // How much of it reached the file is unknown: whatever comes next begins on a new line.
  file.begun = false;
  file.held.clear();
  file.lost += std::exchange(file.marked, 0);
  lose(file, std::exchange(file.held_lines, 0), error.message());
  return true;
}

void WriterCore::begin(File& file) {
  if (std::exchange(file.begun, true)) return;
  const auto size = file.disk->size();
  if (!size || *size > 0) file.held.insert(0, 1, '\n');
}

void WriterCore::mark_gap(File& file) {
  JournalRecord gap{
      .type = std::string(record_type::kGap), .time = clock_.wall(), .sequence = 0, .call_id = file.call_id};
  gap.data = {{"lost", file.lost}, {"why", std::exchange(file.lost_why, {})}};
  file.marked += std::exchange(file.lost, 0);
  if (const auto line = encode_record(gap)) file.held += *line;
}

void WriterCore::lose(File& file, std::uint64_t lines, std::string_view why) {
  if (lines == 0) return;
  file.lost += lines;
  lost_in_trouble_ += lines;
  file.lost_why = why.empty() ? "no space is left" : why;
  const std::lock_guard lock(mutex_);
  health_.records_lost += lines;
}

void WriterCore::disk_failed(const File& file, const Error& error, Trouble trouble) {
  const bool full = error.code() == Errc::overloaded;
  {
    const std::lock_guard lock(mutex_);
    health_.last_error = error.message();
    health_.trouble = true;
    health_.disk_full = health_.disk_full || full;
  }
  if (std::exchange(trouble_, std::max(trouble_, trouble)) != Trouble::none) return;
  tell(LogLevel::error, fmt::format("{} ({}: {}): calls go on, their journals get gaps; {}",
                                    full ? "the disk under the journals is full" : "a journal cannot be written",
                                    file.name, error.message(), full ? "free space there" : "look after the disk"));
}

void WriterCore::disk_works(const File& file, Trouble overcome) {
  if (trouble_ == Trouble::none || trouble_ > overcome) return;
  trouble_ = Trouble::none;
  {
    const std::lock_guard lock(mutex_);
    health_.trouble = false;
    health_.disk_full = false;
  }
  tell(LogLevel::info, fmt::format("journals can be written again ({}); records lost meanwhile: {}", file.name,
                                   std::exchange(lost_in_trouble_, 0)));
}

void WriterCore::tell(LogLevel level, std::string_view message) noexcept {
  static const std::vector<LogField> kWriter{{log_field::kComponent, "writer"}};
  if (log_) log_->write({level, message, kWriter});
}

}  // namespace parley::job
