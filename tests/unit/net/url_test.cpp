#include "net/url.hpp"

#include <map>

#include <gtest/gtest.h>

#include "net/proxy.hpp"
#include "net/secret.hpp"

namespace parley::net {
namespace {

TEST(Urls, AreTakenApart) {
  const auto url = parse_url("HTTPS://User:p%40ss@Example.COM:8443/v1/chat?key=secret#part");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_TRUE(url->tls());
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/v1/chat?key=secret");
  EXPECT_EQ(url->user_info, "User:p@ss");
  EXPECT_EQ(url->authority(), "example.com:8443");
  EXPECT_EQ(url->shown(), "https://example.com:8443/v1/chat") << "a message must not show what may be secret";
}

TEST(Urls, DefaultsAreFilledIn) {
  const auto url = parse_url("http://[::1]");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 80);
  EXPECT_EQ(url->target, "/");
  EXPECT_EQ(url->authority(), "[::1]");
}

TEST(Urls, NameThatBeginsLikeAnAddress_IsAName) {
  for (const auto* name : {"10.0.0.1.example.com", "10.0.0.1x", "1.2.3.4.5"}) {
    const auto url = parse_url(std::string("http://") + name + ":81/x");
    ASSERT_TRUE(url) << name;
    EXPECT_EQ(url->host, name);
    EXPECT_EQ(url->target, "/x");
    EXPECT_EQ(host_name(std::string(name) + ":81"), name);
  }
}

TEST(Urls, WhatCannotBeUsed_IsRefusedWithAReason) {
  for (const auto* text : {"", "example.com", "/path", "ftp://example.com/", "http://", "http:///x", "http://a b/", "http://h:99999/",
                           "http://h:0/", "http://h:x/", "http://h:/", "http://[::1/", "http://[x]/", "http://a%00b/", "http://a\\b/", "http://h/\r\nX: y"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code(), Errc::invalid_argument);
  }
  EXPECT_FALSE(parse_url("http://h/" + std::string(9000, 'a')));
  EXPECT_EQ(parse_url("http://user:secret@h:0/?k=secret").error().message().find("secret"), std::string::npos);
}

TEST(Targets, AreDecoded) {
  const auto target = parse_target("/call/CA_x%20y?metadata=%7B%22a%22%3A1%7D&x&y=1+2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/call/CA_x y");
  ASSERT_TRUE(target->find("metadata"));
  EXPECT_EQ(*target->find("metadata"), "{\"a\":1}");
  EXPECT_EQ(*target->find("x"), "");
  EXPECT_EQ(target->find("z"), nullptr);
  EXPECT_EQ(parse_target("http://localhost:8080/call")->path, "/call");
  EXPECT_EQ(parse_target("HTTP://localhost?x=1")->path, "/");
  EXPECT_EQ(*parse_target("HTTP://localhost?x=1")->find("x"), "1");
  EXPECT_TRUE(parse_target("/call?")->query.empty());
  EXPECT_FALSE(parse_target("http://h/call?#x"));
  EXPECT_EQ(parse_target("*")->path, "*");
  EXPECT_FALSE(parse_target("/call/%zz"));
  EXPECT_FALSE(parse_target("call"));
}

TEST(HostHeader, GivesTheName) {
  EXPECT_EQ(host_name("LocalHost:8080"), "localhost");
  EXPECT_EQ(host_name("[::1]:8080"), "::1");
  EXPECT_EQ(host_name("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(host_name("a@localhost"), "");
  EXPECT_EQ(host_name("localhost/x"), "");
  EXPECT_EQ(host_name(""), "");
}

Result<ProxyRules> rules(std::map<std::string, std::string> environment) {
  return ProxyRules::from_environment([&](const char* name) -> const char* {
    const auto it = environment.find(name);
    return it == environment.end() ? nullptr : it->second.c_str();
  });
}

std::string via(const ProxyRules& rules, std::string_view url) {
  const auto* proxy = rules.proxy_for(*parse_url(url));
  return proxy ? proxy->authority() : "direct";
}

TEST(Proxies, EachSchemeHasItsOwn_LowerCaseFirst) {
  const auto made = rules({{"http_proxy", "http://a:1"}, {"HTTP_PROXY", "http://b:2"}, {"HTTPS_PROXY", "c:3"}});
  ASSERT_TRUE(made);
  EXPECT_EQ(via(*made, "http://example.com/"), "a:1");
  EXPECT_EQ(via(*made, "https://example.com/"), "c:3");
  EXPECT_EQ(via(*made, "wss://example.com/"), "c:3");
}

TEST(Proxies, ExceptionsAreReachedDirectly) {
  const auto made = rules({{"http_proxy", "http://p:1"}, {"no_proxy", "example.com, .internal ,10.0.0.1,only.org:8080"}});
  ASSERT_TRUE(made);
  EXPECT_EQ(via(*made, "http://example.com/"), "direct");
  EXPECT_EQ(via(*made, "http://api.example.com/"), "direct");
  EXPECT_EQ(via(*made, "http://notexample.com/"), "p:1");
  EXPECT_EQ(via(*made, "http://db.internal/"), "direct");
  EXPECT_EQ(via(*made, "http://10.0.0.1/"), "direct");
  EXPECT_EQ(via(*made, "http://110.0.0.1/"), "p:1");
  EXPECT_EQ(via(*made, "http://only.org:8080/"), "direct");
  EXPECT_EQ(via(*made, "http://only.org/"), "p:1");
  EXPECT_EQ(via(*rules({{"http_proxy", "http://p:1"}, {"NO_PROXY", "*"}}), "http://example.com/"), "direct");
}

TEST(Proxies, LoopbackIsAlwaysReachedDirectly) {
  const auto made = rules({{"http_proxy", "http://p:1"}});
  for (const auto* url : {"http://localhost/", "http://127.0.0.1:11434/", "http://[::1]/"}) EXPECT_EQ(via(*made, url), "direct");
}

TEST(Proxies, MalformedOne_NamesItsVariable) {
  const auto made = rules({{"https_proxy", "socks5://p:1"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "HTTPS_PROXY is no proxy that can be used: write it as http://host:port");
}

TEST(Secrets, AreEqualOnlyWhole) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_FALSE(same_secret("abc", "abcd"));
  EXPECT_FALSE(same_secret("abc", "abd"));
}

}  // namespace
}  // namespace parley::net
