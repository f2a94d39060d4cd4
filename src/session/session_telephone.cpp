// What only a telephone can do.
#include <fmt/format.h>

#include <parley/async/within.hpp>

#include "session/pipeline_session.hpp"

namespace parley {

Task<Result<void>> PipelineSession::transfer(std::string to) {
  if (state_ != State::running) co_return fail(Errc::closing, "the call ends: nobody is passed on any more");
  if (to.empty()) co_return fail(Errc::invalid_argument, "nobody is named to whom the caller is to be passed on");
  const auto deadline = loop_.in(kTransferWithin);
  auto passed = co_await within(deadline, transport_.transfer(std::move(to), deadline));
  if (passed) end({StopCause::agent_hung_up, "the caller was passed on"});
  co_return passed;
}

Task<Result<void>> PipelineSession::send_dtmf(std::string keys) {
  constexpr std::string_view kKeys = "0123456789*#ABCDw";
  if (state_ != State::running) co_return fail(Errc::closing, "the call ends: no key is pressed any more");
  if (keys.empty() || keys.size() > kMaxDtmf) co_return fail(Errc::invalid_argument, fmt::format("1 to {} keys can be pressed at a time", kMaxDtmf));
  if (const auto at = keys.find_first_not_of(kKeys); at != std::string::npos) {
    co_return fail(Errc::invalid_argument, fmt::format("\"{}\" is no key: there are 0-9, *, #, A-D, and w to wait", keys[at]));
  }
  const auto deadline = loop_.in(kTransferWithin);
  co_return co_await within(deadline, transport_.send_dtmf(std::move(keys), deadline));
}

}  // namespace parley
