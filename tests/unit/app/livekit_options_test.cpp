// What the command line and the environment say of a LiveKit server, and what other processes may see of it.
#include "app/livekit_options.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace parley::app {
namespace {

constexpr const char* kVariables[] = {"LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_AGENT_NAME_OVERRIDE"};

class LiveKitOptionsTest : public ::testing::Test {
 protected:
  LiveKitOptionsTest() { clear(); }
  ~LiveKitOptionsTest() override { clear(); }
  static void clear() {
    for (const char* name : kVariables) ::unsetenv(name);
  }
  static LiveKitOptions parsed(std::vector<std::string> words) {
    CLI::App app;
    LiveKitOptions options;
    add_livekit_options(app, options);
    std::ranges::reverse(words);
    app.parse(words);
    return options;
  }
};

TEST_F(LiveKitOptionsTest, OptionWinsOverTheVariable) {
  ::setenv("LIVEKIT_URL", "ws://of.environment", 1);
  ::setenv("LIVEKIT_AGENT_NAME_OVERRIDE", "override", 1);
  EXPECT_EQ(parsed({}).url, "ws://of.environment");
  EXPECT_EQ(parsed({"--url", "ws://of.option"}).url, "ws://of.option");
  EXPECT_EQ(registered_name(parsed({}), "of file"), "override");
  EXPECT_EQ(registered_name(parsed({"--agent-name", "option"}), "of file"), "option");
}

TEST_F(LiveKitOptionsTest, NameOfTheFile_UnlessItHasNone) {
  EXPECT_EQ(registered_name({}, "reception"), "reception");
  EXPECT_EQ(registered_name({}, "agent"), "") << "the name of every agent that was not given one";
}

TEST_F(LiveKitOptionsTest, AllThree_OrNone) {
  EXPECT_EQ(*credentials_of({}), std::nullopt);
  const auto all = credentials_of({.url = "wss://example.com", .api_key = "key", .api_secret = "secret"});
  ASSERT_TRUE(all && *all);
  EXPECT_EQ((*all)->url, "wss://example.com");
}

TEST_F(LiveKitOptionsTest, SomeOfThem_IsAMistakeThatNamesTheOthers) {
  const auto without_secret = credentials_of({.url = "wss://example.com", .api_key = "key"});
  ASSERT_FALSE(without_secret);
  EXPECT_EQ(without_secret.error().code(), Errc::invalid_argument);
  EXPECT_NE(without_secret.error().message().find("LIVEKIT_API_SECRET (or --api-secret) is missing"), std::string::npos);
  EXPECT_EQ(without_secret.error().message().find("LIVEKIT_API_KEY (or"), std::string::npos) << "it is there";
  const auto url_alone = credentials_of({.url = "wss://example.com"});
  ASSERT_FALSE(url_alone);
  EXPECT_NE(url_alone.error().message().find("LIVEKIT_API_KEY (or --api-key) and LIVEKIT_API_SECRET (or --api-secret) are missing"), std::string::npos);
}

TEST_F(LiveKitOptionsTest, AddressThatIsNone_IsToldAsSuch) {
  const auto bad = credentials_of({.url = "example.com", .api_key = "key", .api_secret = "secret"});
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find("wss://example.livekit.cloud"), std::string::npos);
}

TEST_F(LiveKitOptionsTest, OtherProcesses_GetNeitherOptionsNorValues_AndTheSecretIsNotInOursAnyMore) {
  std::vector<std::string> words{"parley", "start", "--url", "ws://x", "agent.yaml", "--api-secret=hidden", "--api-key", "key", "--slots", "3",
                                 "--api-secret", "hidden too", "--agent-name=a"};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  std::vector<std::string> left;
  for (const char* word : without_livekit(static_cast<int>(argv.size()), argv.data())) left.emplace_back(word);
  EXPECT_EQ(left, (std::vector<std::string>{"parley", "start", "agent.yaml", "--slots", "3"}));
  for (const auto& word : words) EXPECT_EQ(word.find("hidden"), std::string::npos) << word;
}

TEST_F(LiveKitOptionsTest, ChildThatIsToRegister_HasThemInItsEnvironment_AndOthersNotTheSecret) {
  to_environment({.url = "ws://x", .api_key = "key", .api_secret = "secret", .agent_name = ""});
  EXPECT_STREQ(std::getenv("LIVEKIT_API_SECRET"), "secret");
  EXPECT_EQ(parsed({}).api_key, "key");
  hide_secret_from_children();
  EXPECT_EQ(std::getenv("LIVEKIT_API_SECRET"), nullptr);
  EXPECT_STREQ(std::getenv("LIVEKIT_URL"), "ws://x");
}

}  // namespace
}  // namespace parley::app
