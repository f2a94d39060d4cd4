#include "livekit/room/join_request.hpp"

#include <gtest/gtest.h>

#include <openssl/evp.h>

#include "net/url.hpp"

namespace parley::livekit {
namespace {

proto::JoinRequest unwrapped(const std::string& url) {
  const auto at = url.find("join_request=");
  EXPECT_NE(at, std::string::npos) << url;
  auto text = net::parse_target("/rtc?" + url.substr(at)).value().query.at(0).second;
  for (auto& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  std::string bytes(text.size(), '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  EXPECT_GE(length, 0) << "no base64 with its padding: " << text;
  const auto padding = text.size() - text.find_last_not_of('=') - 1;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  proto::WrappedJoinRequest wrapped;
  proto::JoinRequest request;
  EXPECT_TRUE(wrapped.ParseFromString(bytes));
  EXPECT_EQ(wrapped.compression(), proto::WrappedJoinRequest::NONE);
  EXPECT_TRUE(request.ParseFromString(wrapped.join_request()));
  return request;
}

TEST(JoinRequest, WhateverItsLength_TheServerReadsItBackFromTheUrl) {
  for (std::size_t length = 0; length < 8; ++length) {
    const auto request = make_join_request(std::string(length, 'm'), {{"lk.agent.state", "initializing"}});
    const auto url = signal_url("wss://lk.example.com", request);
    ASSERT_TRUE(url);
    EXPECT_EQ(url->find('='), url->find("join_request=") + 12) << "padding is written as %3D: " << *url;
    const auto read = unwrapped(*url);
    EXPECT_EQ(read.metadata(), std::string(length, 'm'));
    EXPECT_EQ(read.participant_attributes().at("lk.agent.state"), "initializing");
    EXPECT_EQ(read.client_info().sdk(), proto::ClientInfo::CPP);
    EXPECT_EQ(read.client_info().protocol(), 15);
    EXPECT_EQ(read.client_info().client_protocol(), 0);
    EXPECT_FALSE(read.connection_settings().auto_subscribe());
    EXPECT_FALSE(read.reconnect());
  }
}

TEST(JoinRequest, Resume_NamesTheParticipantAndWhy) {
  const auto url = signal_url("ws://127.0.0.1:7880", make_resume_request("PA_x", proto::RR_SIGNAL_DISCONNECTED));
  ASSERT_TRUE(url);
  const auto read = unwrapped(*url);
  EXPECT_TRUE(read.reconnect());
  EXPECT_EQ(read.participant_sid(), "PA_x");
  EXPECT_EQ(read.reconnect_reason(), proto::RR_SIGNAL_DISCONNECTED);
}

TEST(JoinRequest, UrlOfAnyOfTheFourSchemes_BecomesAWebSocketAtRtc) {
  const auto request = make_join_request({}, {});
  EXPECT_TRUE(signal_url("http://h:7880/", request).value().starts_with("ws://h:7880/rtc?join_request="));
  EXPECT_TRUE(signal_url("https://h", request).value().starts_with("wss://h/rtc?join_request="));
  EXPECT_TRUE(signal_url("wss://h/behind/a/proxy/", request).value().starts_with("wss://h/behind/a/proxy/rtc?"));
  EXPECT_EQ(signal_url("h:7880", request).error().code(), Errc::invalid_argument);
  EXPECT_EQ(signal_url("ws:///", request).error().code(), Errc::invalid_argument);
}

TEST(JoinRequest, LongerThanAUrlMayBe_IsRefusedWithWhatToDo) {
  const auto url = signal_url("wss://h", make_join_request(std::string(10'000, 'm'), {}));
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code(), Errc::overloaded);
  EXPECT_NE(url.error().message().find("shorten metadata"), std::string::npos);
}

}  // namespace
}  // namespace parley::livekit
