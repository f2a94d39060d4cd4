#include "job/journal_writer.hpp"

#include "job/journal_writer_core.hpp"

namespace parley::job {

namespace {

class WriterLogSink final : public LogSink {
 public:
  explicit WriterLogSink(std::shared_ptr<WriterCore> core) : core_(std::move(core)) {}
  void write(const LogLine& line) noexcept override { core_->write_log(line); }
  void flush() noexcept override { core_->flush_log(); }

 private:
  std::shared_ptr<WriterCore> core_;
};

}  // namespace

JournalWriter::FileRef JournalWriter::attach(std::unique_ptr<DiskFile> file, std::string call_id,
                                             std::string name) const {
  return core_->attach(std::move(file), std::move(call_id), std::move(name));
}

bool JournalWriter::append(const FileRef& file, std::string line) const { return core_->append(file, std::move(line)); }

void JournalWriter::sync(const FileRef& file, Done done) const { core_->sync(file, std::move(done)); }

void JournalWriter::request_sync(const FileRef& file) const { core_->request_sync(file); }

void JournalWriter::let_go(FileRef file, Done done) const { core_->let_go(std::move(file), std::move(done)); }

WriterHealth JournalWriter::health() const { return core_->health(); }

std::shared_ptr<LogSink> JournalWriter::log_sink() const { return std::make_shared<WriterLogSink>(core_); }

}  // namespace parley::job
