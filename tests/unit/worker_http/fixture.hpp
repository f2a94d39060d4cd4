// The HTTP API in front of a fake desk, on free ports of loopback.
#pragma once

#include <memory>
#include <string>

#include "fake_desk.hpp"
#include "net/http_parser.hpp"
#include "net_test/fixture.hpp"
#include "worker/http_api.hpp"

namespace parley::worker {

using net::RawClient;

class WithApi : public net::OnRealLoop {
 public:
  static constexpr auto kOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n";

  void SetUp() override {
    OnRealLoop::SetUp();
    config.port = 0;
    config.health_port = 0;
  }
  void TearDown() override {
    api.reset();
    OnRealLoop::TearDown();
  }

  void listen() {
    static constexpr PageFile kPages[] = {{"/index.html", "text/html; charset=utf-8", "<h1>hello</h1>"},
                                          {"/call.js", "text/javascript", "'use strict'"}};
    auto made = HttpApi::listen(loop(), scope(), desk, config, kPages);
    ASSERT_TRUE(made) << made.error().message();
    api = std::move(*made);
  }

  struct Answer {
    int status = 0;
    net::HttpFields fields;
    std::string body;
  };

  Task<RawClient> client(std::uint16_t port) {
    auto connected = co_await RawClient::connect(loop(), {"127.0.0.1", port});
    EXPECT_TRUE(connected);
    co_return std::move(*connected);
  }

  // One request on a connection of its own; `fields` in lines without their ends.
  Task<Answer> ask(std::string method, std::string target, std::string fields = {}, std::string body = {}, std::uint16_t port = 0) {
    auto raw = co_await client(port ? port : api->port());
    if (fields.find("Host:") == std::string::npos) fields += "\nHost: localhost";
    std::string wire = fmt::format("{} {} HTTP/1.1\r\nConnection: close\r\n", method, target);
    for (std::size_t at = 0; at < fields.size();) {
      const auto end = std::min(fields.find('\n', at), fields.size());
      if (end > at) wire += fields.substr(at, end - at) + "\r\n";
      at = end + 1;
    }
    if (!body.empty()) wire += fmt::format("Content-Length: {}\r\n", body.size());
    (void)co_await raw.send(wire + "\r\n" + body);
    net::ResponseReader reader;
    reader.expect(method);
    const auto all = co_await raw.receive_all();
    EXPECT_TRUE(reader.feed(all) && reader.feed_end()) << all;
    if (!reader.head_done()) co_return Answer{};
    co_return Answer{.status = reader.head().status, .fields = reader.head().fields, .body = reader.take_body()};
  }
  Task<Answer> post(std::string target, std::string fields = "Content-Type: application/sdp", std::string body = kOffer) {
    return ask("POST", std::move(target), std::move(fields), std::move(body));
  }
  Task<Answer> health(std::string target, std::string fields = {}) {
    return ask("GET", std::move(target), std::move(fields), {}, api->health_port());
  }

  // A client whose stream of events has begun.
  Task<RawClient> watching(std::string call_id, std::string last_id = {}) {
    auto raw = co_await client(api->port());
    if (!last_id.empty()) last_id = "Last-Event-ID: " + last_id + "\r\n";
    (void)co_await raw.send(fmt::format("GET /call/{}/events HTTP/1.1\r\nHost: localhost\r\n{}\r\n", call_id, last_id));
    const auto head = co_await raw.receive_head();
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200")) << head;
    co_return raw;
  }

  FakeDesk desk;
  HttpApiConfig config;
  std::unique_ptr<HttpApi> api;
};

}  // namespace parley::worker
