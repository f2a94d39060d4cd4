// Log lines: what a process tells its operator.
//
// A Logger is a small value: a sink shared with others, and fields (log_field) that every line carries.
// It is passed in, so that several simulated processes in one test each have their own.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <parley/base/time.hpp>

namespace parley {

enum class LogLevel { debug, info, warn, error };

struct LogField {
  std::string name;
  std::string value;
};

// The names of fields that mean the same on every line (docs/operations.md).
namespace log_field {
inline constexpr const char* kComponent = "component";  // the process's role, or the part of it that speaks
inline constexpr const char* kCall = "call_id";
inline constexpr const char* kJob = "job_id";  // the attempt
inline constexpr const char* kRoom = "room";
}  // namespace log_field

// Valid during LogSink::write() only.
struct LogLine {
  LogLevel level;
  std::string_view message;
  const std::vector<LogField>& fields;
};

// Where lines go. write() never blocks for long and never throws; it may be called from any thread.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogLine& line) noexcept = 0;
  // Everything written so far is handed to the operating system. Called once before a process ends.
  virtual void flush() noexcept {}
};

class Logger {
 public:
  // A logger without a sink drops every line.
  Logger() = default;
  explicit Logger(std::shared_ptr<LogSink> sink, LogLevel level = LogLevel::info) : sink_(std::move(sink)), level_(level) {}

  // The same sink, one more field on every line.
  Logger with(std::string name, std::string value) const;

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::debug, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::info, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::warn, format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::error, format, std::forward<Args>(args)...);
  }

  void line(LogLevel level, std::string_view message) const noexcept;
  bool enabled(LogLevel level) const noexcept { return sink_ && level >= level_; }
  const std::shared_ptr<LogSink>& sink() const noexcept { return sink_; }

 private:
  template <class... Args>
  void write(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled(level)) line(level, fmt::format(format, std::forward<Args>(args)...));
  }

  std::shared_ptr<LogSink> sink_;
  LogLevel level_ = LogLevel::info;
  std::vector<LogField> fields_;
};

// Lines for people ("text") or for machines ("json", one object a line: ts, level, message, then the fields) on standard
// error, through spdlog's sinks. Whatever a message holds, it is one line, of valid UTF-8.
enum class LogFormat { text, json };
// The line without its end; as text without time and level.
std::string format_log_line(LogFormat format, const LogLine& line, WallTime now);
std::shared_ptr<LogSink> stderr_sink(LogFormat format);

// Writes to `sink`, with "***" in the place of every one of `secrets` in messages and in the values of fields. What is
// shorter than kMinSecretBytes is no secret: it would be found in ordinary words.
constexpr std::size_t kMinSecretBytes = 6;
std::shared_ptr<LogSink> redacting_sink(std::shared_ptr<LogSink> sink, std::vector<std::string> secrets);

}  // namespace parley
