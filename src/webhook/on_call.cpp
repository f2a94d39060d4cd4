#include "webhook/on_call.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "webhook/signed_post.hpp"

namespace parley::webhook {

namespace {

constexpr std::size_t kMaxRefusal = 400;  // bytes of the sentence for the caller

// Errc::refused by the server's own word; Errc::protocol: no answer.
Result<boost::json::object> read_overrides(const net::ClientResponse& response) {
  if (response.head.status == 204) return boost::json::object();
  if (response.head.status != 200) return fail(Errc::protocol, fmt::format("the server answered {}", describe_status(response)));
  boost::system::error_code failed;
  auto parsed = boost::json::parse(response.body, failed);
  if (failed) return fail(Errc::protocol, fmt::format("the server's answer is not valid JSON ({})", failed.message()));
  auto* object = parsed.if_object();
  if (!object) return fail(Errc::protocol, "the server's answer is not a JSON object");
  const auto* refuse = object->if_contains("refuse");
  if (!refuse) return std::move(*object);
  const bool sentence = refuse->is_string() && !refuse->get_string().empty() && refuse->get_string().size() <= kMaxRefusal;
  if (!sentence) return fail(Errc::protocol, fmt::format("the server's `refuse` is not a text of 1 to {} bytes", kMaxRefusal));
  return fail(Errc::refused, std::string(refuse->get_string()));
}

}  // namespace

Task<Result<boost::json::object>> ask_on_call(agent_file::OnCallSettings settings, Call call, net::HttpClient& client, Logger logger) {
  const auto server = server_of(settings.http);
  SignedPost post{.target = std::move(settings.http),
                  .body = boost::json::serialize(boost::json::object{{"call", to_json(call)}}),
                  .idempotency_key = call.id + "/on_call"};
  auto response = co_await send(client, std::move(post), Deadline::bounded_by_scope());
  auto overrides = response ? read_overrides(*response) : fail(response.error());
  if (overrides) co_return overrides;
  const bool asked_to_refuse = response && overrides.error().code() == Errc::refused;
  if (asked_to_refuse) {
    logger.info("on_call: {} refuses the call: {}", server, overrides.error().message());
    co_return overrides;
  }
  const auto* then = settings.refuse_if_unreachable ? "the call is refused (if_unreachable)" : "the call goes on without it";
  logger.warn("on_call: {} ({}); {}", overrides.error().message(), server, then);
  if (!settings.refuse_if_unreachable) co_return boost::json::object();
  co_return fail(Errc::refused, "This call cannot be taken at the moment: please try again later.");
}

}  // namespace parley::webhook
