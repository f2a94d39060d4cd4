// Session descriptions, line by line: what every description of ours begins with and what a transport says of itself.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "rtc/description.hpp"

namespace parley::rtc {

std::string_view to_string(Setup setup) noexcept;
std::string_view to_string(Direction direction) noexcept;

class SdpWriter {
 public:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += "\r\n";
  }

  void head(std::uint64_t session_id, std::uint64_t version = 1) {
    line("v=0");
    line("o=- {} {} IN IP4 127.0.0.1", session_id >> 1, version);  // 63 bits (RFC 8829 section 5.2.1)
    line("s=-");
    line("t=0 0");
  }

  void transport(const TransportParameters& t) {
    line("a=ice-ufrag:{}", t.ufrag);
    line("a=ice-pwd:{}", t.password);
    line("a=fingerprint:{} {}", t.fingerprint_algorithm, t.fingerprint);
    line("a=setup:{}", to_string(t.setup));
  }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace parley::rtc
