#include "app/check.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "app/builtin_providers.hpp"

namespace parley::app {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

class CheckCommand : public testing::Test {
 protected:
  CheckCommand() : folder_(std::filesystem::temp_directory_path() / ("parley_check_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    add_builtin_providers(providers_, std::make_shared<Assets>("", ""), "");
  }
  ~CheckCommand() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  int check(const std::string& file, bool as_json = false) {
    out_.str({});
    err_.str({});
    return run_check({.file = file, .secrets_folder = folder_.string(), .json = as_json}, providers_, out_, err_);
  }

  std::filesystem::path folder_;
  ProviderRegistry providers_;
  std::ostringstream out_, err_;
};

TEST_F(CheckCommand, AGoodFile_IsToldInOneLine) {
  std::filesystem::copy_file(PARLEY_RECEPTION, folder_ / "reception.dialogue.yaml");
  const auto file = write("agent.yaml",
                          "name: reception\ninstructions: \"Hello {{metadata.who}}\"\nvad: silero\nstt: "
                          "moonshine\nllm: {provider: scripted, dialogue: reception.dialogue.yaml}\ntts: flite\n"
                          "tools: [end_call, {name: book, http: {url: \"https://x.example\"}}]\non_call: {url: "
                          "\"https://x.example\"}\non_end: [{command: [archive]}]\n");
  EXPECT_EQ(check(file), 0);
  EXPECT_EQ(out_.str(), file +
                            " is good: agent \"reception\", vad silero, stt moonshine, llm scripted, tts flite; tools "
                            "end_call, book; asks on_call; 1 hook after the call; "
                            "every call must bring metadata.who\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CheckCommand, EveryMistake_IsALineOnStandardError_AndTheExitCodeSaysSo) {
  const auto file = write(
      "agent.yaml", "instructions: x\ntts: {provider: flite, voice: slx}\nllm: {provider: scripted, dialoge: x}\n");
  EXPECT_EQ(check(file), 2);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), file + ":2:31: tts.voice: expected slt, rms, kal16, found \"slx\"; did you mean \"slt\"?\n" +
                            file + ":3:27: llm.dialoge: unknown key; did you mean \"dialogue\"?\n");
}

TEST_F(CheckCommand, MistakesOfADialogue_AreToldWhereTheyAre) {
  const auto dialogue = write("d.yaml", "dialogue: 1\nfallback: x\nintents:\n  - nam: y\n");
  const auto file = write("agent.yaml", "instructions: x\nllm: {provider: scripted, dialogue: d.yaml}\n");
  EXPECT_EQ(check(file), 2);
  EXPECT_THAT(err_.str(), HasSubstr(dialogue + ":4:5: expected one of name, phrases"));
}

TEST_F(CheckCommand, ADialogueThatIsNotThere_IsToldAtItsPlace) {
  const auto file = write("agent.yaml", "instructions: x\nllm: {provider: scripted, dialogue: none.yaml}\n");
  EXPECT_EQ(check(file), 2);
  EXPECT_THAT(err_.str(),
              testing::StartsWith(file + ":2:37: llm.dialogue: the dialogue \"" + (folder_ / "none.yaml").string() +
                                  "\" cannot be read (No such file or directory)"));
}

TEST_F(CheckCommand, AsJson_ItIsOneObject) {
  const auto file = write("agent.yaml", "instructions: x\nwhat: y\n");
  EXPECT_EQ(check(file, true), 2);
  const auto bad = json::parse(out_.str()).as_object();
  EXPECT_EQ(bad.at("ok"), false);
  EXPECT_EQ(bad.at("mistakes").as_array().size(), 1U);
  EXPECT_EQ(bad.at("mistakes").at(0).at("line"), 2);
  EXPECT_EQ(bad.at("mistakes").at(0).at("path"), "what");
  EXPECT_EQ(check(write("agent.yaml", "instructions: x\n"), true), 0);
  EXPECT_EQ(json::parse(out_.str()).at("ok"), true);
  EXPECT_EQ(json::parse(out_.str()).at("name"), "agent");
}

TEST_F(CheckCommand, AFileThatIsNotThere_IsSaid) {
  EXPECT_EQ(check("/nowhere/agent.yaml"), 2);
  EXPECT_EQ(err_.str(), "the agent file \"/nowhere/agent.yaml\" cannot be read: No such file or directory\n");
}

TEST_F(CheckCommand, TheSchemaInTheTree_IsWhatTheProgramSays) {
  EXPECT_EQ(run_schema(providers_, out_), 0);
  std::ifstream file(PARLEY_SCHEMA);
  std::stringstream kept;
  kept << file.rdbuf();
  EXPECT_TRUE(kept.str() == out_.str()) << "make it again: parley schema > docs/agent.schema.json";
}

}  // namespace
}  // namespace parley::app
