// Addresses relayed by a TURN server, which is libjuice's own.
#include <juice/juice.h>

#include "sfu_fixture.hpp"

namespace parley::rtc {
namespace {

class TurnServer {
 public:
  TurnServer(const char* user, const char* password) {
    juice_server_credentials_t credentials{user, password, 10};
    juice_server_config_t config{};
    config.credentials = &credentials;
    config.credentials_count = 1;
    config.bind_address = "127.0.0.1";
    config.external_address = "127.0.0.1";
    config.realm = "test";
    server_ = juice_server_create(&config);
  }
  ~TurnServer() { juice_server_destroy(server_); }
  TurnServer(const TurnServer&) = delete;
  TurnServer& operator=(const TurnServer&) = delete;

  std::uint16_t port() const { return juice_server_get_port(server_); }

 private:
  juice_server_t* server_;
};

TEST_F(ToSfu, RelayForcedOnUs_OnlyTheRelayedAddressIsTold) {
  run([](ToSfu& self) -> Task<void> {
    const TurnServer turn("user", "secret");
    Link link(self, self.sfu_settings());
    EXPECT_TRUE(link.ours.add_sender(microphone()));
    EXPECT_TRUE(link.ours.add_receiver());
    const auto offer = co_await link.ours.offer(self.loop.in(kSoon));
    EXPECT_TRUE(offer);
    // As a server tells them: after our offer has been made.
    link.ours.set_ice_servers({{.url = "turns:nowhere.example.org:443"},
                               {.url = fmt::format("turn:127.0.0.1:{}?transport=udp", turn.port()), .username = "user", .credential = "secret"}},
                              true);
    EXPECT_TRUE(co_await link.ours.accept(link.sfu.answer(*offer), self.loop.in(kSoon)));
    EXPECT_TRUE(co_await until(link, [&] { return !link.candidates.empty() && link.candidates.back().empty(); }));
    EXPECT_EQ(link.candidates.size(), 2u);
    EXPECT_NE(link.candidates.front().find(" typ relay "), std::string::npos) << link.candidates.front();
    EXPECT_TRUE(co_await up(link));
    co_await talk(link, "0", "1");
  }(*this));
}

TEST_F(ToSfu, TurnServerThatRefusesUs_LeavesNoAddressAndSaysWhenItIsDone) {
  run([](ToSfu& self) -> Task<void> {
    const TurnServer turn("user", "secret");
    auto settings = self.sfu_settings();
    settings.force_relay = true;
    settings.ice_servers = {{.url = fmt::format("turn:127.0.0.1:{}", turn.port()), .username = "user", .credential = "wrong"}};
    Link link(self, settings);
    EXPECT_TRUE(link.ours.add_receiver());
    co_await negotiate(link);
    EXPECT_TRUE(co_await until(link, [&] { return !link.candidates.empty(); }, 15s));
    EXPECT_EQ(link.candidates, std::vector<std::string>{""});
  }(*this));
}

}  // namespace
}  // namespace parley::rtc
