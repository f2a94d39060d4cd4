// A desk whose answers a test decides.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include <parley/async/event.hpp>

#include "worker/call_desk.hpp"

namespace parley::worker {

class FakeDesk final : public CallDesk {
 public:
  struct Call {
    std::deque<CallEvent> events;
    bool ended = false;
    bool cut_off = false;
    int watchers = 0;
    Event changed;

    void tell(std::string type, std::string data) {
      events.push_back({.id = events.size() + 1, .type = std::move(type), .data = std::move(data)});
      changed.set();
    }
    void end() {
      ended = true;
      changed.set();
    }
  };

  Task<Result<CallAnswer>> offer(std::string sdp, boost::json::object metadata, Deadline deadline) override {
    ++offers;
    last_sdp = std::move(sdp);
    last_metadata = std::move(metadata);
    if (hold) (void)co_await hold->wait(deadline);
    if (refusal) co_return fail(*refusal);
    const auto id = fmt::format("CA_{}", offers);
    calls[id] = std::make_shared<Call>();
    co_return CallAnswer{.call_id = id, .sdp = "v=0\r\ns=answer\r\n"};
  }

  Task<Result<CallAnswer>> reoffer(std::string call_id, std::string sdp, Deadline) override {
    last_sdp = std::move(sdp);
    if (!calls.contains(call_id)) co_return fail(Errc::not_found, "no such call");
    if (refusal) co_return fail(*refusal);
    co_return CallAnswer{.call_id = call_id, .sdp = "v=0\r\ns=again\r\n"};
  }

  Result<void> hang_up(std::string_view call_id) override {
    const auto it = calls.find(call_id);
    if (it == calls.end()) return fail(Errc::not_found, "no such call");
    ++hang_ups;
    return {};
  }

  Result<std::unique_ptr<CallWatch>> watch(std::string_view call_id, std::uint64_t last_id) override {
    const auto it = calls.find(call_id);
    if (it == calls.end()) return fail(Errc::not_found, "no such call");
    if (it->second->watchers >= 4) return fail(Errc::overloaded, "4 watch this call already");
    return std::make_unique<Watch>(it->second, last_id);
  }

  bool healthy() const noexcept override { return well; }
  boost::json::object status() const override { return {{"state", "serving"}}; }
  std::string metrics() const override { return "parley_slots 10\n"; }

  Call& start_call(const std::string& id) { return *(calls[id] = std::make_shared<Call>()); }

  int offers = 0;
  int hang_ups = 0;
  bool well = true;
  Event* hold = nullptr;
  std::optional<Error> refusal;
  std::string last_sdp;
  boost::json::object last_metadata;
  std::map<std::string, std::shared_ptr<Call>, std::less<>> calls;

 private:
  class Watch final : public CallWatch {
   public:
    Watch(std::shared_ptr<Call> call, std::uint64_t last_id) : call_(std::move(call)), last_id_(last_id) { ++call_->watchers; }
    ~Watch() override { --call_->watchers; }

    Task<Result<CallEvent>> next(Deadline deadline) override {
      for (;;) {
        if (call_->cut_off) co_return fail(Errc::overloaded, "too far behind");
        if (last_id_ < call_->events.size()) co_return call_->events[last_id_++];
        if (call_->ended) co_return fail(Errc::closing, "the call has ended");
        call_->changed.reset();
        if (auto waited = co_await call_->changed.wait(deadline); !waited) co_return fail(waited.error());
      }
    }

   private:
    std::shared_ptr<Call> call_;
    std::uint64_t last_id_;
  };
};

}  // namespace parley::worker
