#include "app/livekit_commands.hpp"

#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "livekit/api/access_token.hpp"

namespace parley::app {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr WallTime kNow{std::chrono::seconds(1795000000)};

class LiveKitCommands : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto* name : {"LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}) ::unsetenv(name);
  }
  // As a shell would: the exit code, with `out` and `err` filled.
  int token(std::vector<std::string> words) {
    CLI::App cli;
    TokenOptions options;
    add_token_options(cli, options);
    if (!parse(cli, std::move(words))) return 2;
    return run_token(options, kNow, out, err);
  }
  int dispatch(std::vector<std::string> words) {
    CLI::App cli;
    DispatchOptions options;
    add_dispatch_options(cli, options);
    if (!parse(cli, std::move(words))) return 2;
    return run_dispatch(options, out, err);
  }
  json::object claims() const {
    auto text = out.str();
    text.pop_back();
    return livekit::read_token(text).value().claims;
  }
  static std::vector<std::string> with_key(std::vector<std::string> words) {
    words.insert(words.end(), {"--api-key", "devkey", "--api-secret", "secret"});
    return words;
  }

  std::ostringstream out, err;

 private:
  bool parse(CLI::App& cli, std::vector<std::string> words) {
    std::ranges::reverse(words);
    try {
      cli.parse(std::move(words));
      return true;
    } catch (const CLI::ParseError& error) {
      err << error.what();
      return false;
    }
  }
};

TEST_F(LiveKitCommands, Token_ToJoin_IsWhatIsMadeWithoutAGrant) {
  EXPECT_EQ(token(with_key({"--room", "lobby", "--identity", "caller", "--name", "Caller", "--agent", "reception", "--agent-metadata", "{}",
                            "--attribute", "a=1", "--attribute", "b=x=y", "--metadata", "m", "--valid-for", "10m", "--no", "publish,data"})),
            0);
  EXPECT_EQ(json::value(claims()), json::parse(R"({"iss": "devkey", "sub": "caller", "name": "Caller", "nbf": 1795000000, "exp": 1795000600,
      "metadata": "m", "attributes": {"a": "1", "b": "x=y"},
      "video": {"room": "lobby", "roomJoin": true, "canPublish": false, "canPublishData": false},
      "roomConfig": {"agents": [{"agentName": "reception", "metadata": "{}"}]}})"))
      << json::serialize(claims());
  EXPECT_EQ(err.str(), "");
}

TEST_F(LiveKitCommands, Token_HasTheGrantsThatAreNamed_AndNoOther) {
  EXPECT_EQ(token(with_key({"--grant", "create,list", "--grant", "agent"})), 0);
  EXPECT_EQ(claims().at("video"), json::parse(R"({"roomCreate": true, "roomList": true, "agent": true})"));
}

TEST_F(LiveKitCommands, TokenAsJson_IsWhatFrontEndsAskFor) {
  EXPECT_EQ(token(with_key({"--room", "lobby", "--identity", "caller", "--json", "--url", "wss://lk.example"})), 0);
  const auto answer = json::parse(out.str()).as_object();
  EXPECT_EQ(answer.at("serverUrl"), "wss://lk.example");
  EXPECT_EQ(livekit::read_token(answer.at("participantToken").as_string()).value().identity, "caller");
}

TEST_F(LiveKitCommands, KeyFromTheEnvironment_IsTaken) {
  ::setenv("LIVEKIT_API_KEY", "envkey", 1);
  ::setenv("LIVEKIT_API_SECRET", "secret", 1);
  EXPECT_EQ(token({"--room", "lobby", "--identity", "caller"}), 0);
  EXPECT_EQ(claims().at("iss"), "envkey");
}

TEST_F(LiveKitCommands, TokenThatCannotBeMade_SaysWhichOptionIsMissing) {
  EXPECT_EQ(token({"--room", "lobby", "--identity", "caller"}), 2);
  EXPECT_EQ(err.str(), "parley token: LIVEKIT_API_KEY (or --api-key) and LIVEKIT_API_SECRET (or --api-secret) are not set: they have to be "
                       "those of the LiveKit server\n");
  const auto wrong = [this](std::vector<std::string> words) {
    err.str("");
    EXPECT_EQ(token(with_key(std::move(words))), 2);
    return err.str();
  };
  EXPECT_THAT(wrong({"--identity", "caller"}), HasSubstr("--room is missing"));
  EXPECT_THAT(wrong({"--grant", "admin"}), HasSubstr("--room is missing"));
  EXPECT_THAT(wrong({"--room", "lobby"}), HasSubstr("--identity is missing"));
  EXPECT_THAT(wrong({"--room", "lobby", "--identity", "a", "--attribute", "x"}), HasSubstr("name=value"));
  EXPECT_THAT(wrong({"--room", "lobby", "--identity", "a", "--agent-metadata", "x"}), HasSubstr("--agent"));
  EXPECT_THAT(wrong({"--room", "lobby", "--identity", "a", "--valid-for", "soon"}), HasSubstr("--valid-for soon: expected"));
  EXPECT_THAT(wrong({"--room", "lobby", "--identity", "a", "--grant", "fly"}), HasSubstr("fly"));
  EXPECT_EQ(out.str(), "");
}

TEST_F(LiveKitCommands, DispatchWithoutServerOrRoom_SaysWhatIsMissing) {
  EXPECT_EQ(dispatch({"list", "--room", "lobby"}), 2);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("LIVEKIT_URL (or --url)"), HasSubstr("LIVEKIT_API_SECRET")));
  err.str("");
  EXPECT_EQ(dispatch({"create", "--agent-name", "reception"}), 2);
  EXPECT_THAT(err.str(), HasSubstr("--room is required"));
  err.str("");
  EXPECT_EQ(dispatch(with_key({"list", "--room", "lobby", "--url", "lk.example"})), 2);
  EXPECT_THAT(err.str(), HasSubstr("write it as wss://"));
}

TEST_F(LiveKitCommands, DispatchAtAServerThatIsNotThere_SaysSo) {
  EXPECT_EQ(dispatch(with_key({"list", "--room", "lobby", "--url", "ws://127.0.0.1:1"})), kExitNotDone);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("parley dispatch: list dispatches: "), HasSubstr("127.0.0.1:1")));
}

}  // namespace
}  // namespace parley::app
