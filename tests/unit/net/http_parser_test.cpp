#include "net/http_parser.hpp"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

constexpr std::string_view kPost =
    "POST /call?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

int fault_of(std::string_view bytes, HttpLimits limits = {}) {
  RequestReader reader(limits);
  const auto fed = reader.feed(bytes);
  return fed ? 0 : fed.error().status;
}

TEST(RequestReader, WholeRequest) {
  RequestReader reader;
  EXPECT_TRUE(reader.idle());
  ASSERT_TRUE(reader.feed(kPost));
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.idle());
  EXPECT_TRUE(reader.keep_alive());
  EXPECT_EQ(reader.head().method, "POST");
  EXPECT_EQ(reader.head().target, "/call?x=1");
  EXPECT_EQ(reader.head().fields.get("content-TYPE"), "application/sdp");
  EXPECT_EQ(reader.take_body(), "v=0\r\n");
}

TEST(RequestReader, BytesOneByOne_GiveTheSame) {
  RequestReader reader;
  for (const char c : kPost) ASSERT_TRUE(reader.feed({&c, 1}));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.head().fields.size(), 3u);
  EXPECT_EQ(reader.take_body(), "v=0\r\n");
}

TEST(RequestReader, Pipelined_TheSecondWaitsForItsTurn) {
  RequestReader reader;
  ASSERT_TRUE(reader.feed(std::string(kPost) + "\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HT"));
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.head().target, "/call?x=1");
  reader.next();
  ASSERT_TRUE(reader.feed({}));
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.head().target, "/b");
  reader.next();
  ASSERT_TRUE(reader.feed({}));
  EXPECT_FALSE(reader.done());
  EXPECT_FALSE(reader.idle());
  ASSERT_TRUE(reader.feed("TP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(reader.head().target, "/c");
}

TEST(RequestReader, ChunkedBody_IsPutTogether_AndItsTrailersAreDropped) {
  RequestReader reader;
  ASSERT_TRUE(reader.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nHost: evil\r\n\r\n"));
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.take_body(), "abcde");
  EXPECT_EQ(reader.head().fields.count("Host"), 1u);
}

TEST(RequestReader, ChunkedBodyByteByByte_GivesTheSame) {
  RequestReader reader;
  for (const char c : std::string_view("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n")) {
    ASSERT_TRUE(reader.feed({&c, 1}));
  }
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.take_body(), "abc");
}

TEST(RequestReader, TooLongAHeader_Is431_BeforeItHasEnded) {
  EXPECT_EQ(fault_of("GET /" + std::string(17 * KiB, 'a')), 431);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(17 * KiB, 'a')), 431);
}

TEST(RequestReader, TooManyFields_Are431) {
  std::string request = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100; ++i) request += "a: b\r\n";
  EXPECT_EQ(fault_of(request + "\r\n"), 431);
}

TEST(RequestReader, TooLongABody_Is413_BeforeItIsSent) {
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"), 413);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"), 413);
}

TEST(RequestReader, ManyChunks_AreBoundedTogether) {
  RequestReader reader(HttpLimits{.body_bytes = 10});
  ASSERT_TRUE(reader.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n"));
  const auto fed = reader.feed("6\r\nabcdef\r\n");
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().status, 413);
}

TEST(RequestReader, EndlessChunkExtension_IsBounded) {
  RequestReader reader;
  ASSERT_TRUE(reader.feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;"));
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) refused = !reader.feed(std::string(KiB, 'x'));
  EXPECT_TRUE(refused);
}

TEST(RequestReader, WhatTwoServersWouldReadDifferently_IsRefused) {
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestReader, HostMissingOrTwice_IsRefused) {
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(fault_of("GET / HTTP/1.0\r\n\r\n"), 0);
}

TEST(RequestReader, NoHttp_IsRefused) {
  EXPECT_EQ(fault_of("\x16\x03\x01\x02\r\n\r\n"), 400);  // the beginning of a TLS handshake
  EXPECT_EQ(fault_of("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(fault_of("GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(fault_of(std::string_view("GET / HTTP/1.1\r\nHost: h\0\r\n\r\n", 29)), 400);
}

TEST(RequestReader, Http10_IsNotKeptAlive) {
  RequestReader reader;
  ASSERT_TRUE(reader.feed("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(reader.keep_alive());
}

TEST(ResponseReader, BodyComesInPieces) {
  ResponseReader reader;
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"));
  EXPECT_TRUE(reader.head_done());
  EXPECT_FALSE(reader.done());
  EXPECT_EQ(reader.take_body(), "abc");
  EXPECT_EQ(reader.take_body(), "");
  ASSERT_TRUE(reader.feed("def"));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.take_body(), "def");
  EXPECT_TRUE(reader.keep_alive());
  EXPECT_TRUE(reader.clean());
}

TEST(ResponseReader, InterimAnswers_AreOverlooked) {
  ResponseReader reader;
  ASSERT_TRUE(reader.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.head().status, 204);
  EXPECT_FALSE(reader.head().fields.has("Link"));
}

TEST(ResponseReader, AnswerToHead_HasNoBodyWhateverItsLength) {
  ResponseReader reader;
  reader.expect("HEAD");
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"));
  EXPECT_TRUE(reader.done());
}

TEST(ResponseReader, BodyWithoutLength_EndsWithTheConnection) {
  ResponseReader reader;
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\n\r\nabc"));
  EXPECT_FALSE(reader.done());
  ASSERT_TRUE(reader.feed_end());
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.take_body(), "abc");
  EXPECT_FALSE(reader.keep_alive());
}

TEST(ResponseReader, CutShort_IsAFault) {
  for (const auto* bytes : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    ResponseReader reader;
    ASSERT_TRUE(reader.feed(bytes)) << bytes;
    EXPECT_FALSE(reader.feed_end()) << bytes;
  }
}

TEST(ResponseReader, Garbage_IsAFault) {
  ResponseReader reader;
  EXPECT_FALSE(reader.feed("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
}

TEST(Wire, LineBreaksInAField_AreNotSent) {
  EXPECT_FALSE(to_wire(ResponseHead{.status = 200, .minor_version = 1, .fields = {{"Location", "/a\r\nSet-Cookie: x"}}}));
  EXPECT_FALSE(to_wire(RequestHead{.method = "GET", .target = "/a b", .minor_version = 1, .fields = {}}));
  EXPECT_FALSE(to_wire(RequestHead{.method = "GE T", .target = "/", .minor_version = 1, .fields = {}}));
  EXPECT_FALSE(to_wire(RequestHead{.method = "GET", .target = "/", .minor_version = 1, .fields = {{"a:", "b"}}}));
  const auto wire = to_wire(ResponseHead{.status = 422, .minor_version = 1, .fields = {{"A", "b"}}});
  ASSERT_TRUE(wire);
  EXPECT_EQ(*wire, "HTTP/1.1 422 Unprocessable Content\r\nA: b\r\n\r\n");
}

TEST(Wire, DateAndBase64AreTheStandards) {
  EXPECT_EQ(http_date(WallTime(std::chrono::seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110, 5.6.7
  EXPECT_EQ(base64("Aladdin:open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");                            // RFC 7617, 2
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(to_chunk("hello world"), "b\r\nhello world\r\n");
  EXPECT_EQ(media_type("Application/SDP ; charset=utf-8"), "application/sdp");
}

}  // namespace
}  // namespace parley::net
