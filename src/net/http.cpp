#include "net/http.hpp"

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/beast/http/status.hpp>
#include <openssl/evp.h>

namespace parley::net {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

bool is_target(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

Result<std::string> append_fields(std::string wire, const HttpFields& fields) {
  for (const auto& field : fields) {
    if (!is_token(field.name) || !is_value(field.value)) {
      return fail(Errc::invalid_argument, fmt::format("the header field \"{}\" cannot be sent: it holds a line break or another forbidden character",
                                                      is_token(field.name) ? field.name : "?"));
    }
    wire.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return wire.append("\r\n");
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

void HttpFields::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void HttpFields::remove(std::string_view name) {
  std::erase_if(fields_, [&](const HttpField& field) { return same_name(field.name, name); });
}

const std::string* HttpFields::find(std::string_view name) const noexcept {
  const auto it = std::ranges::find_if(fields_, [&](const HttpField& field) { return same_name(field.name, name); });
  return it == fields_.end() ? nullptr : &it->value;
}

std::string_view HttpFields::get(std::string_view name) const noexcept {
  const auto* value = find(name);
  return value ? std::string_view(*value) : std::string_view();
}

std::size_t HttpFields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(fields_, [&](const HttpField& field) { return same_name(field.name, name); }));
}

std::string media_type(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  std::string made(type);
  std::ranges::transform(made, made.begin(), lower);
  return made;
}

std::string_view reason_phrase(int status) noexcept {
  if (status == 422) return "Unprocessable Content";
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return {text.data(), text.size()};
}

Result<std::string> to_wire(const RequestHead& head) {
  if (!is_token(head.method)) return fail(Errc::invalid_argument, "the request's method is malformed");
  if (!is_target(head.target)) return fail(Errc::invalid_argument, "the request's target is malformed: encode spaces and controls");
  return append_fields(fmt::format("{} {} HTTP/1.{}\r\n", head.method, head.target, head.minor_version), head.fields);
}

Result<std::string> to_wire(const ResponseHead& head) {
  return append_fields(fmt::format("HTTP/1.1 {} {}\r\n", head.status, reason_phrase(head.status)), head.fields);
}

std::string to_chunk(std::string_view data) { return fmt::format("{:x}\r\n{}\r\n", data.size(), data); }

std::string http_date(WallTime time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string base64(std::string_view bytes) {
  std::string made((bytes.size() + 2) / 3 * 4 + 1, 0);
  const auto length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  made.resize(static_cast<std::size_t>(length));
  return made;
}

std::string base64url(std::string_view bytes) {
  auto text = base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

}  // namespace parley::net
