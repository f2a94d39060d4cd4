// Servers of the simulated world: they answer what a test says, after the time that it says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/http_client.hpp"

namespace parley::webhook {

class ScriptedHttp final : public net::HttpClient {
 public:
  struct Answer {
    int status = 200;
    std::string body{};
    Duration after{};
    std::optional<Error> error{};
  };

  std::function<Answer(const net::ClientRequest&)> answer = [](const net::ClientRequest&) { return Answer{.body = "{}"}; };
  std::vector<net::ClientRequest> requests;
  int waiting = 0;  // that were not answered, and not dropped

  void always(Answer with) {
    answer = [with = std::move(with)](const net::ClientRequest&) { return with; };
  }

  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline deadline) override {
    auto& loop = co_await this_loop();
    const auto told = answer(request);
    requests.push_back(std::move(request));
    const Waiting here(waiting);
    const auto at = loop.in(told.after);
    co_await sleep_until(at.within(deadline).at());
    if (deadline < at) co_return fail(Errc::timeout, "http://tools.example/secret/path did not answer before the deadline");
    if (told.error) co_return fail(*told.error);
    co_return std::make_unique<Stream>(told.status, told.body);
  }

 private:
  struct Waiting {
    explicit Waiting(int& n) : count(n) { ++count; }
    ~Waiting() { --count; }
    int& count;
  };
  class Stream final : public net::ResponseStream {
   public:
    Stream(int status, std::string body) : head_{.status = status, .minor_version = 1, .fields = {}}, body_(std::move(body)) {}
    const net::ResponseHead& head() const noexcept override { return head_; }
    Task<Result<std::string>> read(Deadline) override { co_return std::exchange(body_, {}); }

   private:
    net::ResponseHead head_;
    std::string body_;
  };
};

// What was logged, for tests that look for secrets.
class LogForTest final : public LogSink {
 public:
  void write(const LogLine& line) noexcept override { text.append(line.message).append("\n"); }
  std::string text;
};

}  // namespace parley::webhook
