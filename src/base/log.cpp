#include <parley/base/log.hpp>

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>

#include <parley/base/time.hpp>

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

std::string as_text_line(const LogLine& line) {
  std::string text(line.message);
  for (const auto& field : line.fields) text += fmt::format("  {}={}", field.name, field.value);
  return text;
}

std::string as_json_line(const LogLine& line) {
  boost::json::object object;
  object["time"] = to_iso8601(SystemClock().wall());
  object["level"] = level_name(line.level);
  object["message"] = line.message;
  for (const auto& field : line.fields) object[field.name] = field.value;
  return boost::json::serialize(object);
}

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(LogFormat format) : format_(format) {
    sink_.set_pattern(format == LogFormat::json ? "%v" : "%Y-%m-%d %H:%M:%S.%e %-5l %v");
  }

  void write(const LogLine& line) noexcept override {
    try {
      const std::string text = format_ == LogFormat::json ? as_json_line(line) : as_text_line(line);
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
