// What HTTP messages are made of, for client and server alike.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::net {

struct HttpField {
  std::string name;
  std::string value;
};

// Header fields in their order; names are compared without case.
class HttpFields {
 public:
  HttpFields() = default;
  HttpFields(std::initializer_list<HttpField> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  // In place of every field of this name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);

  // The first value of this name; null if absent.
  const std::string* find(std::string_view name) const noexcept;
  // Likewise; empty if absent.
  std::string_view get(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  std::size_t count(std::string_view name) const noexcept;

  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<HttpField> fields_;
};

bool same_name(std::string_view a, std::string_view b) noexcept;

struct RequestHead {
  std::string method;
  std::string target;
  int minor_version = 1;
  HttpFields fields;
};

struct ResponseHead {
  int status = 200;
  int minor_version = 1;
  HttpFields fields;
};

// The media type of a Content-Type: "application/sdp; x=y" is "application/sdp". Lower case.
std::string media_type(std::string_view content_type);

// "Not Found".
std::string_view reason_phrase(int status) noexcept;

// A head as it goes onto the wire. Errc::invalid_argument: a name, value or method that would break the message.
Result<std::string> to_wire(const RequestHead& head);
Result<std::string> to_wire(const ResponseHead& head);

// A chunk of a chunked body (RFC 9112, 7.1).
std::string to_chunk(std::string_view data);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// "Sat, 21 Nov 2026 13:05:07 GMT".
std::string http_date(WallTime time);

// "aGk=" of "hi".
std::string base64(std::string_view bytes);
// In the alphabet for URLs (RFC 4648, 5), padded as well.
std::string base64url(std::string_view bytes);

}  // namespace parley::net
