#include <parley/base/log.hpp>

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>

#include <parley/base/time.hpp>
#include <parley/base/utf8.hpp>

namespace parley {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view level_name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
  }
  return "info";
}

// Of little use to people who read along: which process it is, they see from what it says.
bool is_for_machines(const LogField& field) noexcept {
  return field.name == log_field::kJob ||
         (field.name == log_field::kComponent && (field.value == "supervisor" || field.value == "job"));
}

std::string as_text_line(const LogLine& line) {
  std::string text(line.message);
  for (const auto& field : line.fields) {
    if (!is_for_machines(field)) text += fmt::format("  {}={}", field.name, field.value);
  }
  text = valid_utf8(std::move(text));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string as_json_line(const LogLine& line, WallTime now) {
  boost::json::object object;
  object["ts"] = to_iso8601(now);
  object["level"] = level_name(line.level);
  object["message"] = line.message;
  for (const auto& field : line.fields) object[field.name] = field.value;
  return valid_utf8(boost::json::serialize(object));
}

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(LogFormat format) : format_(format) {
    sink_.set_pattern(format == LogFormat::json ? "%v" : "%Y-%m-%d %H:%M:%S.%e %-5l %v");
  }

  void write(const LogLine& line) noexcept override {
    try {
      const std::string text = format_log_line(format_, line, SystemClock().wall());
      sink_.log(spdlog::details::log_msg("parley", to_spdlog(line.level), text));
    } catch (...) {
      // A log line that cannot be written is not worth a call.
    }
  }

  void flush() noexcept override {
    try {
      sink_.flush();
    } catch (...) {
    }
  }

 private:
  LogFormat format_;
  spdlog::sinks::stderr_sink_mt sink_;
};

}  // namespace

std::string format_log_line(LogFormat format, const LogLine& line, WallTime now) {
  return format == LogFormat::json ? as_json_line(line, now) : as_text_line(line);
}

Logger Logger::with(std::string name, std::string value) const {
  Logger next = *this;
  const auto known = std::ranges::find(next.fields_, name, &LogField::name);
  if (known != next.fields_.end()) {
    known->value = std::move(value);
  } else {
    next.fields_.push_back({std::move(name), std::move(value)});
  }
  return next;
}

void Logger::line(LogLevel level, std::string_view message) const noexcept {
  if (enabled(level)) sink_->write({level, message, fields_});
}

std::shared_ptr<LogSink> stderr_sink(LogFormat format) { return std::make_shared<StderrSink>(format); }

}  // namespace parley
