#include "webhook/signed_post.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "net/url.hpp"
#include "webhook/signature.hpp"

namespace parley::webhook {

namespace {

constexpr std::size_t kMaxReasonBytes = 400;

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
  return text;
}

// What the operator may see of an error of the client's: no path.
Error without_address(const Error& error, const net::Url& url) {
  return {error.code(), replaced(error.message(), url.shown(), "the server")};
}

net::ClientRequest make_request(SignedPost post, std::chrono::sys_seconds now) {
  net::ClientRequest request{.method = "POST", .url = std::move(post.target.url), .fields = {}, .body = std::move(post.body)};
  for (auto& [name, value] : post.target.headers) request.fields.add(std::move(name), std::move(value));
  request.fields.set("Content-Type", "application/json");
  request.fields.set("Idempotency-Key", std::move(post.idempotency_key));
  if (!post.target.signing_secret.empty()) request.fields.set(kSignatureField, sign(post.target.signing_secret, now, request.body));
  return request;
}

std::string own_words(const std::string& body) {
  boost::system::error_code failed;
  const auto parsed = boost::json::parse(body, failed);
  const auto* object = failed ? nullptr : parsed.if_object();
  const auto* error = object ? object->if_contains("error") : nullptr;
  if (!error || !error->is_string()) return {};
  std::string words(error->get_string());
  if (words.size() <= kMaxReasonBytes) return words;
  auto end = kMaxReasonBytes;
  while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xC0) == 0x80) --end;
  return words.substr(0, end) + "...";
}

}  // namespace

Task<Result<net::ClientResponse>> send(net::HttpClient& client, SignedPost post, Deadline limit) {
  auto& loop = co_await this_loop();
  const auto url = net::parse_url(post.target.url);
  const bool usable = url && (url->scheme == "http" || url->scheme == "https");
  if (!usable) co_return fail(Errc::invalid_argument, "the server's URL cannot be used: it is not of the form https://host/path");
  const auto began = loop.now();
  const auto deadline = loop.in(post.target.timeout).within(limit);
  const auto max_answer = post.max_answer;
  auto request = make_request(std::move(post), std::chrono::floor<std::chrono::seconds>(loop.clock().wall()));
  auto answered = co_await client.send(std::move(request), deadline, max_answer);
  if (answered) co_return answered;
  if (answered.error().code() != Errc::timeout) co_return fail(without_address(answered.error(), *url));
  co_return fail(Errc::timeout, fmt::format("the server did not answer within {:.3g} s", to_seconds(deadline.at() - began)));
}

std::string server_of(const agent_file::HttpTarget& target) {
  const auto url = net::parse_url(target.url);
  return url ? url->authority() : "a URL that cannot be used";
}

std::string describe_status(const net::ClientResponse& response) {
  const auto status = fmt::format("{} {}", response.head.status, net::reason_phrase(response.head.status));
  const auto words = own_words(response.body);
  return words.empty() ? status : fmt::format("{}: {}", status, words);
}

}  // namespace parley::webhook
