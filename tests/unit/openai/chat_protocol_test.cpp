#include "providers/openai/chat_protocol.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace parley::openai {
namespace {

ChatRequest booking() {
  ChatRequest request;
  request.instructions = "You answer the telephone.";
  request.context.add(ChatRole::user, "A table for two, please.");
  request.context.items.push_back(FunctionCall{"c1", "book_table", R"({"people":2})"});
  request.context.items.push_back(FunctionCall{"c2", "note", R"({})"});
  request.context.items.push_back(FunctionCallOutput{"c1", "book_table", R"("booked")", false});
  request.context.items.push_back(FunctionCallOutput{"c2", "note", "ok", false});
  request.context.items.push_back(AgentHandoff{"a", "b"});
  request.tools.push_back({"book_table", "Books a table.", {{"type", "object"}}});
  return request;
}

TEST(ChatRequestBody, CallsOfOneStepStandInOneMessage_EachResultAfterThem) {
  const auto body = boost::json::serialize(chat_request(booking(), {.model = "m", .temperature = {}, .extra = {}}));
  EXPECT_EQ(body,
            R"({"model":"m","messages":[{"role":"system","content":"You answer the telephone."},)"
            R"({"role":"user","content":"A table for two, please."},)"
            R"({"role":"assistant","content":null,"tool_calls":[)"
            R"({"id":"c1","type":"function","function":{"name":"book_table","arguments":"{\"people\":2}"}},)"
            R"({"id":"c2","type":"function","function":{"name":"note","arguments":"{}"}}]},)"
            R"({"role":"tool","tool_call_id":"c1","content":"\"booked\""},{"role":"tool","tool_call_id":"c2","content":"ok"}],)"
            R"("stream":true,"stream_options":{"include_usage":true},)"
            R"("tools":[{"type":"function","function":{"name":"book_table","description":"Books a table.","parameters":{"type":"object"}}}],)"
            R"("tool_choice":"auto"})");
}

TEST(ChatRequestBody, WithoutTools_HasNoToolChoice_AndAtTheStepLimitNoneMayBeCalled) {
  ChatRequest request = booking();
  request.tools_allowed = false;
  EXPECT_EQ(chat_request(request, {}).at("tool_choice"), "none");
  request.tools.clear();
  EXPECT_FALSE(chat_request(request, {}).contains("tool_choice"));
}

// Everything an answer gave out, as text: words as they are, calls as "name(arguments)#id", usage as "[p/c]".
std::string read(std::initializer_list<std::string_view> events, ChatReader& reader) {
  std::string all;
  for (const auto event : events) {
    auto chunks = reader.push(event);
    if (!chunks) return all + "!" + std::string(to_string(chunks.error().code())) + ": " + chunks.error().message();
    for (const auto& chunk : *chunks) {
      if (const auto* text = std::get_if<std::string>(&chunk)) all += *text;
      if (const auto* call = std::get_if<FunctionCall>(&chunk)) all += call->name + "(" + call->arguments + ")#" + call->id;
      if (const auto* usage = std::get_if<LlmUsage>(&chunk)) {
        all += "[" + std::to_string(usage->prompt_tokens) + "/" + std::to_string(usage->completion_tokens) + "]";
      }
    }
  }
  return all;
}

std::string read(std::initializer_list<std::string_view> events) {
  ChatReader reader;
  return read(events, reader);
}

TEST(ChatAnswer, TextComesAsItArrives_UsageAtTheEnd) {
  ChatReader reader;
  EXPECT_EQ(read({R"({"choices":[{"delta":{"role":"assistant","content":""}}]})",
                  R"({"choices":[{"delta":{"content":"Good "}}]})", R"({"choices":[{"delta":{"content":"evening."}}]})",
                  R"({"choices":[{"delta":{},"finish_reason":"stop"}]})",
                  R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3}})", "[DONE]"},
                 reader),
            "Good evening.[12/3]");
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(reader.end());
}

TEST(ChatAnswer, CallInPieces_IsJoined) {
  EXPECT_EQ(read({R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"book","arguments":""}}]}}]})",
                  R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"people\""}}]}}]})",
                  R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":4}"}}]}}]})",
                  R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})"}),
            R"(book({"people":4})#c1)");
}

TEST(ChatAnswer, SeveralCallsInOneDelta_AreAllKept) {
  EXPECT_EQ(read({R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}},)"
                  R"({"index":1,"id":"b","function":{"name":"y","arguments":"{}"}}]},"finish_reason":"stop"}]})"}),
            "x({})#ay({})#b");
}

TEST(ChatAnswer, WholeCallBeforeALengthEnd_IsGivenOut_AHalfOneIsAnError) {
  EXPECT_EQ(read({R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]},"finish_reason":"length"}]})"}),
            "x({})#a");
  EXPECT_EQ(read({R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{\"p"}}]},"finish_reason":"length"}]})"}),
            "!protocol: the call of x was cut off by the length limit");
}

TEST(ChatAnswer, NullDeltaAndNullContent_AreNothing) {
  EXPECT_EQ(read({R"({"choices":[{"delta":null}]})", R"({"choices":[{"delta":{"content":null,"tool_calls":null}}]})", R"({"choices":null})"}), "");
}

TEST(ChatAnswer, ErrorInTheStream_IsTheServersWords) {
  EXPECT_EQ(read({R"({"error":{"message":"model is loading","code":503}})"}), "!unavailable: model is loading");
}

TEST(ChatAnswer, Garbage_IsNamed) {
  EXPECT_EQ(read({"<html>"}), "!protocol: no JSON object in the answer: <html>");
  EXPECT_EQ(read({"[1]"}), "!protocol: no JSON object in the answer: [1]");
  EXPECT_EQ(read({R"({"choices":[7]})"}), R"(!protocol: a choice that is no object in the answer: {"choices":[7]})");
  EXPECT_EQ(read({"[DONE]", "{}"}), "!protocol: more came after the end of the answer");
}

TEST(ChatAnswer, EndsBeforeItsEnd_IsAnError) {
  ChatReader reader;
  EXPECT_EQ(read({R"({"choices":[{"delta":{"content":"Good "}}]})"}, reader), "Good ");
  ASSERT_FALSE(reader.end());
  EXPECT_EQ(reader.end().error().code(), Errc::protocol);
}

TEST(ChatAnswer, Floods_AreBounded) {
  ChatReader many;
  Result<std::vector<LlmChunk>> last;
  for (std::size_t i = 0; i <= ChatReader::kMaxCalls && (i == 0 || last); ++i) {
    last = many.push(R"({"choices":[{"delta":{"tool_calls":[{"index":)" + std::to_string(i) + "}]}}]}");
  }
  EXPECT_FALSE(last);
  ChatReader longs;
  const std::string piece(60'000, 'a');
  last = std::vector<LlmChunk>{};
  for (int i = 0; i < 6 && last; ++i) {
    last = longs.push(R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":")" + piece + R"("}}]}}]})");
  }
  EXPECT_FALSE(last);
}

TEST(ErrorMessages, ComeFromTheBodyWhateverItsShape) {
  EXPECT_EQ(error_message(R"({"error":{"message":"bad key"}})"), "bad key");
  EXPECT_EQ(error_message(R"({"error":"model not found"})"), "model not found");
  EXPECT_EQ(error_message("Bad Gateway"), "Bad Gateway");
  EXPECT_EQ(error_message(std::string(5000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace parley::openai
