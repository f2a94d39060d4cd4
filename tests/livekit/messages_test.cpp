// Streams, RPC, DTMF and data with LiveKit's own SDK for Python at the other side (messages_peer.py), through a real server.
#include <deque>

#include <openssl/sha.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/json.hpp>

#include "room_fixture.hpp"

namespace parley::livekit {
namespace {

namespace json = boost::json;

// messages_peer.py as a process of its own.
class PeerProcess {
 public:
  PeerProcess(const std::string& identity, const std::string& room) {
    std::vector<std::string> words{PARLEY_SDK_PYTHON, PARLEY_MESSAGES_PEER, identity, room, "agent"};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ), 0);
  }
  ~PeerProcess() { end(); }
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
};

std::string sha256(std::string_view data) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), hash);
  return fmt::format("{:02x}", fmt::join(hash, ""));
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 7 + i / 256) % 256);
  return out;
}

// The agent, its peer, and what the peer has told.
class Talk {
 public:
  static constexpr Duration kWithin = 15s;

  Talk(InRooms& tests, std::unique_ptr<Room> joined) : self(tests), agent(std::move(joined)), peer("peer", tests.name), scope_(*tests.scope, "talk") {
    EXPECT_TRUE(scope_.spawn("events", take_events(*this)));
  }

  // Null: the peer did not come, and the test has failed.
  static Task<std::unique_ptr<Talk>> begin(InRooms& self) {
    auto settings = self.settings("agent");
    settings.token = self.token("agent", [](TokenClaims& claims) { claims.kind = "agent"; });
    auto room = co_await InRooms::join(self, settings);
    if (!room) co_return nullptr;
    auto talk = std::make_unique<Talk>(self, std::move(room));
    const auto ready = co_await talk->told("ready");
    EXPECT_TRUE(ready) << "the peer did not come";
    if (!ready) co_return nullptr;
    co_return talk;
  }

  Messages& messages() { return agent->messages(); }
  Deadline soon() const { return self.loop.in(kWithin); }

  Task<void> tell(json::object what) {
    const auto sent = co_await messages().send_data(json::serialize(what), "do", true, {"peer"}, soon());
    EXPECT_TRUE(sent) << sent.error().message();
  }
  // The next that the peer tells under this name; what has another name waits for its turn. nullopt: nothing came in time.
  Task<std::optional<json::object>> told(std::string name) {
    for (const auto until = soon(); !until.passed(self.loop.now());) {
      const auto found = std::ranges::find_if(did, [&](const json::object& each) { return each.contains(name); });
      if (found != did.end()) {
        auto taken = std::move(*found);
        did.erase(found);
        co_return taken;
      }
      heard.reset();
      (void)co_await heard.wait(until);
    }
    co_return std::nullopt;
  }
  Task<std::shared_ptr<StreamReader>> reader(bool text) {
    auto& readers = text ? messages().text_streams("to agent") : messages().byte_streams("to agent");
    auto reader = co_await readers.pop(soon());
    EXPECT_TRUE(reader);
    co_return reader ? *reader : nullptr;
  }
  // Once we have been told of it, or we would not be told that it is gone. Of one that publishes, the server tells at once.
  Task<void> remove_peer() {
    co_await tell({{"do", "publish"}});
    EXPECT_TRUE(co_await InRooms::until(self, 5s, [this] { return agent->participant("peer") != nullptr; }));
    const auto removed = co_await self.api->remove_participant(self.name, "peer", soon());
    EXPECT_TRUE(removed) << removed.error().message();
  }
  Task<RpcResult> rpc(std::string method, std::string payload = {}, Duration within = 10s) {
    return messages().perform_rpc("peer", std::move(method), std::move(payload), within);
  }

  InRooms& self;
  std::unique_ptr<Room> agent;
  PeerProcess peer;
  std::deque<json::object> did;
  std::vector<RoomEvent> data;
  std::string digits;
  Event heard;

 private:
  static Task<void> take_events(Talk& talk) {
    while (auto event = co_await talk.agent->events().pop(Deadline::bounded_by_scope())) {
      if (event->type == Type::dtmf) talk.digits += event->digit;
      if (event->type == Type::data && event->topic == "did") talk.did.push_back(json::parse(event->data).as_object());
      if (event->type == Type::data && event->topic != "did") talk.data.push_back(*event);
      talk.heard.set();
    }
  }
  Scope scope_;
};

// Bodies of tests return when the talk could not begin: that is a failure already.
#define BEGIN_TALK(name)                    \
  const auto name = co_await Talk::begin(self); \
  CO_ASSERT(name)

std::string_view text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view("(no text)");
}
std::int64_t number_of(const json::object& object, std::string_view key) { return object.at(key).to_number<std::int64_t>(); }

using MessagesWithSdk = InRooms;

TEST_F(MessagesWithSdk, ATextOfOurs_IsReadThere_ShortOrLong) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    std::string text;
    while (text.size() < 300'000) text += "Grüezi, 日本語 🎧! ";
    for (const auto& each : {std::string("hello"), std::string(), text}) {
      CO_ASSERT_OK(co_await talk->messages().send_text(each, {.topic = "to peer", .attributes = {{"a", "ä"}}, .destinations = {"peer"}}, talk->soon()));
      const auto got = co_await talk->told("text");
      CO_ASSERT(got);
      EXPECT_EQ(text_of(got->at("text").as_object(), "sha256"), sha256(each));
      EXPECT_EQ(text_of(*got, "ended"), "whole");
      EXPECT_EQ(text_of(*got, "sender"), "agent");
      EXPECT_EQ(text_of(got->at("attributes").as_object(), "a"), "ä");
    }
  }(*this));
}

TEST_F(MessagesWithSdk, ATextOnThePeersBehalf_IsTheirs) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    auto writer = co_await talk->messages().open_text({.topic = "lk.transcription", .attributes = {{"lk.transcription_final", "false"}}, .sender = "peer"}, talk->soon());
    CO_ASSERT_OK(writer);
    CO_ASSERT_OK(co_await (*writer)->write("what the ", talk->soon()));
    CO_ASSERT_OK(co_await (*writer)->write("caller said", talk->soon()));
    CO_ASSERT_OK(co_await (*writer)->finish({{"lk.transcription_final", "true"}}, talk->soon()));
    const auto got = co_await talk->told("text");
    CO_ASSERT(got);
    EXPECT_EQ(text_of(*got, "begins"), "what the caller said");
    EXPECT_EQ(text_of(*got, "sender"), "peer");
    EXPECT_EQ(text_of(*got, "topic"), "lk.transcription");
  }(*this));
}

TEST_F(MessagesWithSdk, AWriterThatIsDestroyed_EndsTheStreamThere) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    auto writer = co_await talk->messages().open_text({.topic = "to peer"}, talk->soon());
    CO_ASSERT_OK(writer);
    CO_ASSERT_OK(co_await (*writer)->write("half of", talk->soon()));
    writer->reset();
    const auto got = co_await talk->told("text");
    CO_ASSERT(got);
    EXPECT_EQ(text_of(*got, "begins"), "half of");
  }(*this));
}

TEST_F(MessagesWithSdk, TheirTexts_AreReadHere_ShortLongAndPieceByPiece) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    (void)talk->messages().text_streams("to agent");
    co_await talk->tell({{"do", "text"}, {"text", "Grüezi 🎧 "}, {"times", 20'000}});
    const auto reader = co_await talk->reader(true);
    CO_ASSERT(reader);
    EXPECT_EQ(reader->info().sender, "peer");
    const auto text = co_await reader->read_all(talk->soon());
    CO_ASSERT_OK(text);
    std::string expected;
    for (int i = 0; i < 20'000; ++i) expected += "Grüezi 🎧 ";
    EXPECT_EQ(reader->info().total_bytes, expected.size());
    EXPECT_TRUE(*text == expected) << text->size();

    co_await talk->tell({{"do", "pieces"}, {"pieces", {"one ", "two ", "three"}}, {"attributes", {{"final", "false"}, {"id", "7"}}}, {"last_attributes", {{"final", "true"}}}});
    const auto pieces = co_await talk->reader(true);
    CO_ASSERT(pieces);
    EXPECT_EQ(pieces->info().attributes.at("final"), "false");
    const auto whole = co_await pieces->read_all(talk->soon());
    CO_ASSERT_OK(whole);
    EXPECT_EQ(*whole, "one two three");
    EXPECT_EQ(pieces->info().attributes.at("final"), "true");
    EXPECT_EQ(pieces->info().attributes.at("id"), "7");
  }(*this));
}

TEST_F(MessagesWithSdk, Bytes_BothWays_WithNameAndType) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    (void)talk->messages().byte_streams("to agent");
    const auto bytes = pattern(700'000);
    auto writer = co_await talk->messages().open_bytes({.topic = "to peer", .mime_type = "audio/wav", .name = "greeting.wav", .total_bytes = bytes.size()}, talk->soon());
    CO_ASSERT_OK(writer);
    CO_ASSERT_OK(co_await (*writer)->write(bytes, talk->soon()));
    CO_ASSERT_OK(co_await (*writer)->finish({}, talk->soon()));
    const auto got = co_await talk->told("bytes");
    CO_ASSERT(got);
    EXPECT_EQ(text_of(got->at("bytes").as_object(), "sha256"), sha256(bytes));
    EXPECT_EQ(text_of(*got, "name"), "greeting.wav");
    EXPECT_EQ(text_of(*got, "mime_type"), "audio/wav");
    EXPECT_EQ(number_of(*got, "size"), 700'000);

    co_await talk->tell({{"do", "bytes"}, {"size", 700'000}, {"name", "before"}, {"mime_type", "audio/opus"}});
    const auto reader = co_await talk->reader(false);
    CO_ASSERT(reader);
    EXPECT_EQ(reader->info().name, "before");
    EXPECT_EQ(reader->info().mime_type, "audio/opus");
    const auto read = co_await reader->read_all(talk->soon());
    CO_ASSERT_OK(read);
    EXPECT_TRUE(*read == bytes) << read->size();
  }(*this));
}

TEST_F(MessagesWithSdk, ThePeerIsRemovedInTheMiddleOfItsStream_WhatCameIsRead_ThenUnavailable) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    (void)talk->messages().text_streams("to agent");
    co_await talk->tell({{"do", "begin"}, {"text", "half of"}});
    const auto reader = co_await talk->reader(true);
    CO_ASSERT(reader);
    const auto half = co_await reader->read(talk->soon());
    CO_ASSERT_OK(half);
    EXPECT_EQ(*half, "half of");
    co_await talk->remove_peer();
    const auto end = co_await reader->read(talk->soon());
    CO_ASSERT(!end);
    EXPECT_EQ(end.error().code(), Errc::unavailable);
  }(*this));
}

TEST_F(MessagesWithSdk, RpcsOfOurs_AreAnsweredThere_WithEveryCodeOfTheirs) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    const auto echo = co_await talk->rpc("echo", "ä");
    CO_ASSERT(echo);
    EXPECT_EQ(*echo, "agent: ä");
    const auto longest = co_await talk->rpc("size", std::to_string(Messages::kMaxRpcBytes));
    CO_ASSERT(longest);
    EXPECT_EQ(longest->size(), Messages::kMaxRpcBytes);
    const auto code = [](const RpcResult& result) { return result ? 0 : result.error().code; };
    const auto own = co_await talk->rpc("own error");
    CO_ASSERT(!own);
    EXPECT_EQ(own.error().code, 4711u);
    EXPECT_EQ(own.error().message, "no seats left");
    EXPECT_EQ(own.error().data, "row 12");
    EXPECT_EQ(code(co_await talk->rpc("nobody has this")), RpcError::kUnsupportedMethod);
    EXPECT_EQ(code(co_await talk->rpc("fails")), RpcError::kApplication);
    EXPECT_EQ(code(co_await talk->rpc("size", std::to_string(Messages::kMaxRpcBytes + 1))), RpcError::kResponseTooLarge);
    EXPECT_EQ(code(co_await talk->rpc("echo", std::string(Messages::kMaxRpcBytes + 1, 'x'))), RpcError::kRequestTooLarge);
    EXPECT_EQ(code(co_await talk->rpc("never", "", 2s)), RpcError::kResponseTimeout);
    EXPECT_EQ(code(co_await talk->messages().perform_rpc("somebody", "echo", "")), RpcError::kRecipientNotFound);
  }(*this));
}

Task<void> ask_into(Talk& talk, std::string method, std::optional<RpcResult>& out) { out.emplace(co_await talk.rpc(std::move(method))); }

TEST_F(MessagesWithSdk, ThePeerIsRemovedBeforeItsAnswer_1503) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    std::optional<RpcResult> result;
    Scope asking(*self.scope, "asking");
    CO_ASSERT_OK(asking.spawn("ask", ask_into(*talk, "never", result)));
    co_await talk->remove_peer();
    CO_ASSERT(co_await until(self, 9s, [&] { return result.has_value(); }));
    CO_ASSERT(!*result);
    EXPECT_EQ(result->error().code, RpcError::kRecipientDisconnected);
  }(*this));
}

TEST_F(MessagesWithSdk, TheirRpcs_AreAnsweredHere_WithEveryCodeOfOurs) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    auto& messages = talk->messages();
    messages.register_method("echo", [](RpcRequest request) -> Task<RpcResult> { co_return request.caller + ": " + request.payload; });
    messages.register_method("size", [](RpcRequest request) -> Task<RpcResult> { co_return std::string(std::stoul(request.payload), 'x'); });
    messages.register_method("own error", [](RpcRequest) -> Task<RpcResult> { co_return std::unexpected(RpcError{4711, "no seats left", "row 12"}); });
    messages.register_method("never", [](RpcRequest) -> Task<RpcResult> {
      co_await sleep_for(1h);
      co_return "";
    });
    co_await talk->tell({{"do", "rpc"}, {"method", "echo"}, {"payload", "ä"}});
    const auto echo = co_await talk->told("answer");
    CO_ASSERT(echo);
    EXPECT_EQ(text_of(*echo, "answer"), "peer: ä");
    co_await talk->tell({{"do", "rpc"}, {"method", "size"}, {"payload", std::to_string(Messages::kMaxRpcBytes)}});
    const auto longest = co_await talk->told("answer");
    CO_ASSERT(longest);
    EXPECT_EQ(number_of(*longest, "length"), static_cast<std::int64_t>(Messages::kMaxRpcBytes));

    co_await talk->tell({{"do", "rpc"}, {"method", "own error"}});
    const auto own = co_await talk->told("code");
    CO_ASSERT(own);
    EXPECT_EQ(number_of(*own, "code"), 4711);
    EXPECT_EQ(text_of(*own, "message"), "no seats left");
    EXPECT_EQ(text_of(*own, "data"), "row 12");
    const std::pair<json::object, std::uint32_t> others[] = {
        {{{"do", "rpc"}, {"method", "nobody has this"}}, RpcError::kUnsupportedMethod},
        {{{"do", "rpc"}, {"method", "size"}, {"payload", "no number"}}, RpcError::kApplication},
        {{{"do", "rpc"}, {"method", "size"}, {"payload", std::to_string(Messages::kMaxRpcBytes + 1)}}, RpcError::kResponseTooLarge},
        {{{"do", "rpc"}, {"method", "never"}, {"timeout_s", 8}}, RpcError::kResponseTimeout}};
    for (const auto& [command, code] : others) {
      co_await talk->tell(command);
      const auto error = co_await talk->told("code");
      CO_ASSERT(error);
      EXPECT_EQ(number_of(*error, "code"), code) << json::serialize(command);
    }
  }(*this));
}

TEST_F(MessagesWithSdk, TheServersOwnRpc_IsAnswered) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    agent->messages().register_method("echo", [](RpcRequest request) -> Task<RpcResult> { co_return "to the server: " + request.payload; });
    TokenClaims claims{.identity = "admin"};
    claims.video.room = self.name;
    claims.video.room_admin = true;
    net::ClientRequest request{.method = "POST", .url = "http" + self.credentials.url.substr(2) + "/twirp/livekit.RoomService/PerformRpc"};
    request.fields.add("Content-Type", "application/json");
    request.fields.add("Authorization", "Bearer " + make_token(self.credentials, claims, self.loop.clock().wall()).value());
    request.body = fmt::format(R"({{"room":"{}","destination_identity":"agent","method":"echo","payload":"hi","response_timeout_ms":9000}})", self.name);
    const auto answer = co_await self.http->send(std::move(request), self.loop.in(15s));
    CO_ASSERT_OK(answer);
    EXPECT_EQ(answer->head.status, 200u) << answer->body;
    EXPECT_NE(answer->body.find("to the server: hi"), std::string::npos) << answer->body;
  }(*this));
}

TEST_F(MessagesWithSdk, DtmfDataAndTheLegacyTranscription_BothWays) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    CO_ASSERT_OK(co_await talk->messages().send_dtmf("0159*#AD", {"peer"}, talk->soon()));
    std::string digits;
    for (int i = 0; i < 8; ++i) {
      const auto got = co_await talk->told("digit");
      CO_ASSERT(got);
      digits += text_of(*got, "digit");
    }
    EXPECT_EQ(digits, "0159*#AD");
    co_await talk->tell({{"do", "dtmf"}, {"digits", "0123456789*#ABCD"}});
    EXPECT_TRUE(co_await until(self, 10s, [&] { return talk->digits == "0123456789*#ABCD"; })) << talk->digits;

    for (const bool reliable : {true, false}) {
      CO_ASSERT_OK(co_await talk->messages().send_data("over there", "game", reliable, {}, talk->soon()));
      const auto got = co_await talk->told("data");
      CO_ASSERT(got);
      EXPECT_EQ(text_of(*got, "data"), "over there");
      EXPECT_EQ(text_of(*got, "topic"), "game");
      EXPECT_EQ(text_of(*got, "sender"), "agent");
      talk->data.clear();
      co_await talk->tell({{"do", "data"}, {"text", "over here"}, {"topic", "game"}, {"reliable", reliable}});
      CO_ASSERT(co_await until(self, 10s, [&] { return !talk->data.empty(); }));
      EXPECT_EQ(talk->data[0].data, "over here");
      EXPECT_EQ(talk->data[0].topic, "game");
      EXPECT_EQ(talk->data[0].identity, "peer");
    }
  }(*this));
}

TEST_F(MessagesWithSdk, TheLegacyTranscription_ReachesOlderFrontEnds) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    CO_ASSERT(co_await until(self, 5s, [&] { return !talk->agent->microphone()->sid().empty(); }));
    CO_ASSERT_OK(co_await talk->messages().send_transcription("agent", talk->agent->microphone()->sid(), {{"SG_1", "Hello there.", true, "en"}}, talk->soon()));
    const auto got = co_await talk->told("transcription");
    CO_ASSERT(got);
    EXPECT_EQ(json::serialize(got->at("transcription")), R"(["Hello there."])");
  }(*this));
}

// A stream goes on in both directions while the signal connection is cut and comes back.
TEST_F(MessagesWithSdk, TheSignalIsCutInTheMiddleOfStreams_NothingIsLostOrDoubled) {
  run([](InRooms& self) -> Task<void> {
    BEGIN_TALK(talk);
    (void)talk->messages().text_streams("to agent");
    json::array pieces;
    std::string theirs, ours;
    for (int i = 0; i < 100; ++i) {
      pieces.emplace_back(fmt::format("{} ", i));
      theirs += fmt::format("{} ", i);
    }
    co_await talk->tell({{"do", "pieces"}, {"pieces", pieces}, {"attributes", json::object{}}, {"last_attributes", json::object{}}, {"pause_s", 0.02}});
    auto writer = co_await talk->messages().open_text({.topic = "to peer"}, talk->soon());
    CO_ASSERT_OK(writer);
    for (int i = 0; i < 100; ++i) {
      if (i == 25) talk->agent->drill(Room::Drill::signal_lost);
      const auto piece = fmt::format("{} ", i);
      ours += piece;
      CO_ASSERT_OK(co_await (*writer)->write(piece, talk->soon()));
      co_await sleep_for(20ms);
    }
    CO_ASSERT_OK(co_await (*writer)->finish({}, talk->soon()));
    const auto reader = co_await talk->reader(true);
    CO_ASSERT(reader);
    const auto read = co_await reader->read_all(talk->soon());
    CO_ASSERT_OK(read);
    EXPECT_EQ(*read, theirs);
    const auto got = co_await talk->told("text");
    CO_ASSERT(got);
    EXPECT_EQ(text_of(got->at("text").as_object(), "sha256"), sha256(ours));
    EXPECT_EQ(talk->agent->counters().resumes, 1u);
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
