// An agent file's surroundings: providers that are described, an environment and secrets of its own.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gmock/gmock.h>

#include "agent_file/agent_file.hpp"

namespace parley::agent_file {

inline ProviderRegistry test_providers() {
  using Type = Option::Type;
  ProviderRegistry registry;
  const auto none = [](const ProviderEnvironment&, const boost::json::object&) {
    return fail(Errc::refused, "not in this test");
  };
  registry.add_vad("silero", none, ProviderDescription{});
  registry.add_stt("moonshine", none, ProviderDescription{});
  registry.add_stt("anything", none);
  registry.add_tts(
      "flite", none,
      ProviderDescription{.options = {{.name = "voice", .otherwise = "slt", .one_of = {"slt", "rms", "kal16"}}}});
  registry.add_llm(
      "openai", none,
      ProviderDescription{.options = {{.name = "model", .type = Type::line, .required = true},
                                      {.name = "base_url", .type = Type::uri},
                                      {.name = "api_key", .type = Type::line, .secret = true},
                                      {.name = "temperature", .type = Type::number, .minimum = 0, .maximum = 2},
                                      {.name = "stop", .type = Type::texts}}});
  registry.add_llm("scripted", none,
                   ProviderDescription{.options = {{.name = "dialogue", .type = Type::path}},
                                       .check = [](const boost::json::object& options) -> std::vector<OptionMistake> {
                                         const auto* path = options.if_contains("dialogue");
                                         if (!path || !text_option(*path).ends_with("broken.yaml")) return {};
                                         return {{"dialogue", "expected a name", text_option(*path), 7, 3}};
                                       }});
  return registry;
}

class AgentFiles : public testing::Test {
 protected:
  AgentFiles() : folder_(std::filesystem::temp_directory_path() / ("parley_agent_file_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~AgentFiles() override { std::filesystem::remove_all(folder_); }

  Environment environment() const {
    return {[this](const std::string& name) -> std::optional<std::string> {
              const auto found = variables.find(name);
              return found == variables.end() ? std::nullopt : std::optional(found->second);
            },
            folder_.string()};
  }

  void write_secret(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  std::string mistakes(std::string_view text) const {
    const auto file = AgentFile::parse(text, "/etc/agent.yaml", providers, environment());
    if (file) return {};
    std::string all = file.error().text();
    for (auto at = all.find("/etc/"); at != std::string::npos; at = all.find("/etc/", at)) all.erase(at, 5);
    return all;
  }
  // Of a file that is good.
  AgentFile file(std::string_view text) const {
    auto file = AgentFile::parse(text, "/etc/agent.yaml", providers, environment());
    if (!file) throw std::runtime_error(file.error().text());
    return *file;
  }
  static CallSettings settings(const AgentFile& file, const Call& call) {
    auto settings = file.for_call(call);
    if (!settings) throw std::runtime_error(settings.error().message());
    return *settings;
  }

  static Call telephone_call() {
    return {
        .id = "CA_1",
        .attempt_id = "AJ_1",
        .metadata = {{"restaurant", "Da Mario"}, {"order", {{"id", 7}, {"open", true}}}, {"empty", ""}, {"price", 9.5}},
        .room = "room 9",
        .participant = {.identity = "caller", .attributes = {{"sip.phoneNumber", "+15550100"}, {"lang", "it"}}}};
  }

  std::filesystem::path folder_;
  ProviderRegistry providers = test_providers();
  std::map<std::string, std::string> variables;
};

}  // namespace parley::agent_file
