#include "bench/line.hpp"

#include <boost/json/parse.hpp>

namespace parley::bench {

Task<Result<void>> Line::find_process(net::HttpClient& client, ExitWatch& exits, std::string worker_url,
                                      std::string name, std::string value, Deadline deadline) {
  auto told = co_await client.send({.url = std::move(worker_url)}, deadline);
  if (!told) co_return fail(told.error());
  boost::system::error_code error;
  const auto status = boost::json::parse(told->body, error);
  if (error || !status.is_object()) co_return fail(Errc::protocol, "the worker's status is no JSON");
  for (const auto& each : status.at("calls").as_array()) {
    const auto* field = each.as_object().if_contains(name);
    if (!field || field->as_string() != value) continue;
    const auto pid = each.at("pid").to_number<int>();
    auto exit = exits.watch(pid);
    if (!exit) co_return fail(exit.error());
    log_.exit = std::move(*exit);
    log_.began = began_at(pid).value_or(TimePoint{});
    co_return Result<void>{};
  }
  co_return fail(Errc::not_found, "the worker does not know of the call that it has just answered");
}

}  // namespace parley::bench
