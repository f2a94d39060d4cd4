// The other side of mirrors in the simulated world: takes records as it is told to, for any number of processes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/event.hpp>

#include "net/http_client.hpp"

namespace parley {

struct Receiver {
  int status = 204;
  bool unreachable = false;
  bool hangs = false;
  Duration takes = 5ms;

  int asked = 0;
  int at_once = 0;       // requests, now
  int most_at_once = 0;  // of one mirror
  std::vector<std::string> keys;            // of requests, in the order in which they came
  std::vector<std::string> records;         // taken
  std::size_t largest_body = 0;

  std::size_t count(std::string_view text) const {
    std::size_t n = 0;
    for (const auto& record : records) n += record.find(text) != std::string::npos ? 1 : 0;
    return n;
  }
};

class ReceiverClient final : public net::HttpClient {
 public:
  explicit ReceiverClient(Receiver& receiver) : receiver_(receiver) {}

  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline deadline) override {
    struct AtOnce {
      explicit AtOnce(int& c) : count(c) { ++count; }
      ~AtOnce() { --count; }
      int& count;
    } const here(in_flight_);
    auto& r = receiver_;
    ++r.asked;
    r.most_at_once = std::max(r.most_at_once, in_flight_);
    r.keys.emplace_back(request.fields.get("Idempotency-Key"));
    r.largest_body = std::max(r.largest_body, request.body.size());
    if (request.method != "POST" || request.fields.get("Content-Type") != "application/x-ndjson") co_return fail(Errc::protocol, "no NDJSON");
    if (r.unreachable) co_return fail(Errc::unavailable, "http://mirror.test cannot be reached");
    co_await sleep_for(r.takes);
    if (r.hangs) {
      co_await sleep_until(deadline.at());
      co_return fail(Errc::timeout, "http://mirror.test did not answer before the deadline");
    }
    if (r.status >= 200 && r.status < 300) take(request.body);
    co_return std::unique_ptr<net::ResponseStream>(std::make_unique<Answer>(r.status));
  }

 private:
  class Answer final : public net::ResponseStream {
   public:
    explicit Answer(int status) { head_.status = status; }
    const net::ResponseHead& head() const noexcept override { return head_; }
    Task<Result<std::string>> read(Deadline) override { co_return std::string(); }

   private:
    net::ResponseHead head_;
  };

  void take(std::string_view body) {
    while (!body.empty()) {
      const auto end = body.find('\n');
      receiver_.records.emplace_back(body.substr(0, end));
      body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    }
  }

  Receiver& receiver_;
  int in_flight_ = 0;
};

}  // namespace parley
