#include <algorithm>

#include <parley/base/log.hpp>

namespace parley {
namespace {

class RedactingSink final : public LogSink {
 public:
  RedactingSink(std::shared_ptr<LogSink> sink, std::vector<std::string> secrets)
      : sink_(std::move(sink)), secrets_(std::move(secrets)) {
    std::erase_if(secrets_, [](const std::string& secret) { return secret.size() < kMinSecretBytes; });
    // A secret may be part of another: the longer one goes first, or its rest would stay.
    std::ranges::sort(secrets_,
                      [](const auto& a, const auto& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; });
    const auto again = std::ranges::unique(secrets_);
    secrets_.erase(again.begin(), again.end());
  }

  void write(const LogLine& line) noexcept override {
    try {
      if (is_clean(line)) return sink_->write(line);
      std::vector<LogField> fields;
      fields.reserve(line.fields.size());
      for (const auto& field : line.fields) fields.push_back({field.name, redacted(field.value)});
      const std::string message = redacted(line.message);
      sink_->write({line.level, message, fields});
    } catch (...) {
      // Rather no line than a secret in it.
    }
  }

  void flush() noexcept override { sink_->flush(); }

 private:
  bool is_clean(std::string_view text) const {
    return std::ranges::none_of(secrets_,
                                [text](const auto& secret) { return text.find(secret) != std::string_view::npos; });
  }
  bool is_clean(const LogLine& line) const {
    return is_clean(line.message) && std::ranges::all_of(line.fields, [this](const auto& field) {
             return is_clean(std::string_view(field.value));
           });
  }

  std::string redacted(std::string_view text) const {
    std::string result(text);
    for (const auto& secret : secrets_) {
      for (auto at = result.find(secret); at != std::string::npos; at = result.find(secret, at + 3))
        result.replace(at, secret.size(), "***");
    }
    return result;
  }

  std::shared_ptr<LogSink> sink_;
  std::vector<std::string> secrets_;
};

}  // namespace

std::shared_ptr<LogSink> redacting_sink(std::shared_ptr<LogSink> sink, std::vector<std::string> secrets) {
  return std::make_shared<RedactingSink>(std::move(sink), std::move(secrets));
}

}  // namespace parley
