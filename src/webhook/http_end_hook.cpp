#include <boost/json.hpp>
#include <fmt/format.h>

#include "webhook/end_hooks.hpp"
#include "webhook/signed_post.hpp"

namespace parley::webhook {

namespace {

struct HttpHook {
  agent_file::HttpHookSettings settings;
  ClientFactory clients;
  FillTarget fill;
};

Result<void> judge(const net::ClientResponse& response) {
  const int status = response.head.status;
  if (status / 100 == 2) return {};
  const auto what = fmt::format("the server answered {}", describe_status(response));
  if (status / 100 == 3) return fail(Errc::protocol, what + ", and redirects are not followed: correct the hook's URL");
  if (status == 408 || status == 429 || status / 100 == 5) return fail(Errc::unavailable, what);
  return fail(Errc::refused, what + ": it will not change by itself; tried again until give_up_after all the same");
}

Task<Result<void>> post_record(std::shared_ptr<const HttpHook> hook, boost::json::object record, EndHookContext context) {
  if (!context.scope) co_return fail(Errc::internal, "an HTTP hook needs a scope");
  auto target = hook->fill ? hook->fill(hook->settings.http, record) : hook->settings.http;
  if (!target) co_return fail(target.error());
  const auto server = server_of(*target);
  const auto client = hook->clients(context.scope->loop(), *context.scope);
  SignedPost post{.target = std::move(*target), .body = boost::json::serialize(record), .idempotency_key = context.idempotency_key};
  auto response = co_await send(*client, std::move(post), context.deadline);
  auto done = response ? judge(*response) : fail(response.error());
  if (!done) co_return fail(done.error().within(server));
  co_return done;
}

}  // namespace

EndHook http_end_hook(agent_file::HttpHookSettings settings, ClientFactory clients, FillTarget fill) {
  auto hook = std::make_shared<const HttpHook>(HttpHook{std::move(settings), std::move(clients), std::move(fill)});
  return [hook = std::move(hook)](boost::json::object record, EndHookContext context) {
    return post_record(hook, std::move(record), std::move(context));
  };
}

}  // namespace parley::webhook
