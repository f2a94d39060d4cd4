#include "net/http_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

namespace parley::net {

namespace http = boost::beast::http;
using ErrorCode = boost::beast::error_code;

namespace {

// Chunk headers and trailers may span what one feed brought, but not more than this beyond the header's bound.
constexpr std::size_t kMaxPendingExtra = 32 * KiB;

std::string_view view(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

// "0\r\n\r\n": what is always still to come of a chunked body.
constexpr std::size_t kShortestRest = 5;

HttpFault fault_of(const ErrorCode& ec, const HttpLimits& limits) {
  if (ec == http::error::header_limit) {
    return {431, fmt::format("the header is longer than {} bytes or has more than {} fields", limits.header_bytes, limits.fields)};
  }
  if (ec == http::error::body_limit) return {413, fmt::format("the body is longer than {} bytes", limits.body_bytes)};
  if (ec == http::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (ec == http::error::bad_transfer_encoding) return {400, "the transfer encoding is not understood, or stands beside a Content-Length"};
  return {400, "malformed HTTP: " + ec.message()};
}

// Beast's callbacks, gathered: fields into `fields`, body into `body`.
template <bool isRequest>
class Collector : public http::basic_parser<isRequest> {
 public:
  explicit Collector(const HttpLimits& limits) : limits_(limits) {
    this->header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    this->body_limit(limits.body_bytes);
    this->eager(true);
  }

  std::string body;

 protected:
  virtual HttpFields& fields() = 0;

 private:
  void on_field_impl(http::field name, boost::beast::string_view text, boost::beast::string_view value, ErrorCode& ec) final {
    if (this->is_header_done()) return;  // a trailer: nothing here needs one
    if (fields().size() >= limits_.fields) {
      ec = http::error::header_limit;
      return;
    }
    // What Beast would take for no body at all, and another server on the way for one.
    if (name == http::field::transfer_encoding && !same_name(view(value), "chunked")) {
      ec = http::error::bad_transfer_encoding;
      return;
    }
    fields().add(std::string(view(text)), std::string(view(value)));
  }
  void on_header_impl(ErrorCode& ec) final { ec = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode& ec) final { ec = {}; }
  std::size_t on_body_impl(boost::beast::string_view text, ErrorCode& ec) final {
    ec = {};
    body.append(text.data(), text.size());
    return text.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, ErrorCode& ec) final { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view text, ErrorCode& ec) final {
    return on_body_impl(text, ec);
  }
  void on_finish_impl(ErrorCode& ec) final { ec = {}; }

 protected:
  HttpLimits limits_;
};

// Parses what it can of `pending`.
template <class Parser>
HttpResult<> parse(Parser& parser, std::string& pending, const HttpLimits& limits) {
  std::size_t used = 0;
  while (!parser.is_done() && used < pending.size()) {
    const auto rest = std::string_view(pending).substr(used);
    // Less cannot end a chunked body, and Beast 1.81 asserts that it is never given less in the middle of a last chunk.
    if (parser.is_header_done() && parser.chunked() && rest.size() < kShortestRest) break;
    ErrorCode ec;
    used += parser.put(boost::asio::buffer(rest.data(), rest.size()), ec);
    if (ec == http::error::need_more) break;
    if (ec) return std::unexpected(fault_of(ec, limits));
  }
  pending.erase(0, used);
  if (pending.size() > limits.header_bytes + kMaxPendingExtra) {
    return std::unexpected(HttpFault{400, "a chunk header, a trailer or what follows the message is too long"});
  }
  return {};
}

}  // namespace

struct RequestReader::Parser final : Collector<true> {
  using Collector::Collector;
  RequestHead head;
  HttpFields& fields() override { return head.fields; }

 private:
  void on_request_impl(http::verb, boost::beast::string_view method, boost::beast::string_view target, int version,
                       ErrorCode& ec) override {
    ec = version == 10 || version == 11 ? ErrorCode() : make_error_code(http::error::bad_version);
    head.method = view(method);
    head.target = view(target);
    head.minor_version = version % 10;
  }
  void on_response_impl(int, boost::beast::string_view, int, ErrorCode&) override {}
};

RequestReader::RequestReader(HttpLimits limits) : limits_(limits), parser_(std::make_unique<Parser>(limits)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;

HttpResult<> RequestReader::feed(std::string_view bytes) {
  pending_.append(bytes);
  return advance();
}

HttpResult<> RequestReader::advance() {
  // Empty lines before a request are to be overlooked (RFC 9112, 2.2).
  if (!parser_->got_some()) {
    std::size_t empty = 0;
    while (std::string_view(pending_).substr(empty).starts_with("\r\n")) empty += 2;
    pending_.erase(0, empty);
    if (pending_ == "\r") return {};
  }
  if (auto parsed = parse(*parser_, pending_, limits_); !parsed) return parsed;
  if (!head_done()) return {};
  const auto& head = parser_->head;
  if (head.minor_version == 1 && head.fields.count("Host") != 1) {
    return std::unexpected(HttpFault{400, "an HTTP/1.1 request needs exactly one Host"});
  }
  if (head.minor_version == 0 && head.fields.has("Transfer-Encoding")) {
    return std::unexpected(HttpFault{400, "HTTP/1.0 has no transfer encodings"});
  }
  return {};
}

bool RequestReader::idle() const noexcept { return pending_.empty() && !parser_->got_some(); }
bool RequestReader::head_done() const noexcept { return parser_->is_header_done(); }
bool RequestReader::done() const noexcept { return parser_->is_done(); }
bool RequestReader::keep_alive() const noexcept { return parser_->keep_alive(); }
const RequestHead& RequestReader::head() const noexcept { return parser_->head; }

std::string RequestReader::take_body() { return std::exchange(parser_->body, {}); }

void RequestReader::next() { parser_ = std::make_unique<Parser>(limits_); }

struct ResponseReader::Parser final : Collector<false> {
  using Collector::Collector;
  ResponseHead head;
  HttpFields& fields() override { return head.fields; }

 private:
  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int, ErrorCode&) override {}
  void on_response_impl(int status, boost::beast::string_view, int version, ErrorCode& ec) override {
    ec = version == 10 || version == 11 ? ErrorCode() : make_error_code(http::error::bad_version);
    head.status = status;
    head.minor_version = version % 10;
  }
};

ResponseReader::ResponseReader(HttpLimits limits) : limits_(limits) { expect("GET"); }
ResponseReader::~ResponseReader() = default;
ResponseReader::ResponseReader(ResponseReader&&) noexcept = default;

void ResponseReader::expect(std::string_view method) {
  no_body_ = method == "HEAD" || method == "CONNECT";
  started_ = false;
  parser_ = std::make_unique<Parser>(limits_);
  parser_->skip(no_body_);
}

HttpResult<> ResponseReader::feed(std::string_view bytes) {
  started_ = started_ || !bytes.empty();
  pending_.append(bytes);
  return advance();
}

HttpResult<> ResponseReader::advance() {
  // Interim answers (100 Continue, 103 Early Hints) come before the one that counts.
  for (;;) {
    if (auto parsed = parse(*parser_, pending_, limits_); !parsed) return parsed;
    const bool interim = done() && head().status < 200 && head().status != 101;
    if (!interim) return {};
    parser_ = std::make_unique<Parser>(limits_);
    parser_->skip(no_body_);
    if (pending_.empty()) return {};
  }
}

HttpResult<> ResponseReader::feed_end() {
  if (done()) return {};
  ErrorCode ec;
  if (parser_->got_some()) parser_->put_eof(ec);
  if (ec || !done()) return std::unexpected(HttpFault{400, "the connection ended in the middle of the answer"});
  return {};
}

bool ResponseReader::started() const noexcept { return started_; }
bool ResponseReader::head_done() const noexcept { return parser_->is_header_done(); }
bool ResponseReader::done() const noexcept { return parser_->is_done(); }
bool ResponseReader::keep_alive() const noexcept { return parser_->keep_alive(); }
const ResponseHead& ResponseReader::head() const noexcept { return parser_->head; }
std::string ResponseReader::take_body() { return std::exchange(parser_->body, {}); }

}  // namespace parley::net
