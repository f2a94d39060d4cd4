// The log of a worker as machines read it: every line of every process is one JSON object, and says what it is about.
#include <algorithm>
#include <csignal>
#include <fstream>

#include "worker_under_test.hpp"

namespace parley {
namespace {

class Log : public WorkerTest {
 protected:
  void start_logged() {
    const auto run = "mkdir -m 700 -p " + state_dir_ + "; exec \"$0\" \"$@\" 2>>" + state_file("log");
    start_command({"/bin/sh", "-c", run, PARLEY_TEST_WORKER, "start", "--state-dir", state_dir_, "--fast", "--log-format", "json", "--log-level",
                   "debug"});
  }
  std::vector<json::object> lines() const {
    std::vector<json::object> all;
    std::ifstream in(state_file("log"));
    for (std::string line; std::getline(in, line);) {
      boost::system::error_code failed;
      auto value = json::parse(line, failed);
      EXPECT_TRUE(!failed && value.is_object()) << line;
      if (!failed && value.is_object()) all.push_back(std::move(value.get_object()));
    }
    return all;
  }
  static std::string field(const json::object& line, std::string_view name) {
    const auto* value = line.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  }
};

TEST_F(Log, EveryLine_HasItsFields_AndThoseAboutACallSayWhich) {
  start_logged();
  const auto id = call();
  ::kill(pid_of(id), SIGKILL);
  const auto record = terminal(id);
  const auto attempt = std::string(record.at("attempts").at(0).at("id").as_string());
  const auto second = call();
  hang_up(second);
  (void)terminal(second);
  ASSERT_EQ(stop().code, 0);

  std::vector<std::string> components;
  bool blamed = false, hung_up = false;
  for (const auto& line : lines()) {
    const auto text = json::serialize(line);
    EXPECT_EQ(line.begin()->key(), "ts") << text;
    EXPECT_EQ(field(line, "ts").size(), std::string("2026-11-21T20:49:04.519Z").size()) << text;
    EXPECT_TRUE(std::ranges::count(std::vector<std::string>{"debug", "info", "warn", "error"}, field(line, "level"))) << text;
    EXPECT_FALSE(field(line, "message").empty()) << text;
    components.push_back(field(line, "component"));
    EXPECT_FALSE(components.back().empty()) << text;
    if (components.back() == "job") EXPECT_TRUE(field(line, "call_id").starts_with("CA_") && field(line, "job_id").starts_with("AJ_")) << text;
    const auto message = field(line, "message");
    blamed = blamed || (components.back() == "supervisor" && message.find("killed by signal 9") != std::string::npos &&
                        field(line, "call_id") == id && field(line, "job_id") == attempt);
    hung_up = hung_up || (components.back() == "job" && message.starts_with("the call ends: caller_hung_up") && field(line, "call_id") == second);
  }
  EXPECT_TRUE(blamed) << "the supervisor's line about the job that was killed";
  EXPECT_TRUE(hung_up);
}

}  // namespace
}  // namespace parley
