// A journal's mirror over the real client, to a real server.
#include "job/http_mirror.hpp"

#include "net/http_server.hpp"
#include "net/net_http_client.hpp"
#include "net_test/fixture.hpp"

namespace parley::job {
namespace {

class Loopback : public net::OnRealLoop {
 public:
  void TearDown() override {
    server.reset();
    OnRealLoop::TearDown();
  }
  Task<net::ServerResponse> handle(net::ServerRequest request) {
    net::ServerResponse response;
    if (++requests == 1) {
      response.status = 503;  // the first try of all
    } else {
      bodies += request.body;
      type = request.head.fields.get("Content-Type");
      credentials = request.head.fields.get("Authorization");
      response.body = "thanks";
    }
    co_return response;
  }
  std::unique_ptr<net::HttpServer> server;
  int requests = 0;
  std::string bodies, type, credentials;
};

TEST_F(Loopback, Records_AreThere_AfterAFailedTry) {
  net::HttpServerOptions options;
  options.name = "receiver";
  options.linger = 50ms;
  auto made = net::HttpServer::listen(loop(), scope(), options, [this](net::ServerRequest r) { return handle(std::move(r)); });
  ASSERT_TRUE(made) << made.error().message();
  server = std::move(*made);
  auto client = std::shared_ptr<net::HttpClient>(net::make_http_client(loop(), scope()));
  HttpMirror mirror(scope(), client, fmt::format("http://me:word@127.0.0.1:{}/journals", server->endpoint().port));
  mirror.add(R"({"type":"call.started","seq":1})");
  mirror.add(R"({"type":"close","seq":2})");
  run([](HttpMirror& m, Deadline deadline) -> Task<void> { co_await m.flush(deadline); }(mirror, in(10s)));
  EXPECT_EQ(bodies, "{\"type\":\"call.started\",\"seq\":1}\n{\"type\":\"close\",\"seq\":2}\n");
  EXPECT_EQ(type, "application/x-ndjson");
  EXPECT_EQ(credentials, "Basic bWU6d29yZA==");
  EXPECT_EQ(mirror.health().records, 2u);
  EXPECT_EQ(mirror.health().failures, 1u);
  EXPECT_EQ(mirror.health().lost, 0u);
}

}  // namespace
}  // namespace parley::job
