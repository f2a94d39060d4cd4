// A worker of real processes, started for one test in a state directory of its own; and the ledger of what must be gone
// when the test is over: processes, marks, descriptors.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>

#include <boost/json.hpp>

#include <parley/base/time.hpp>

namespace parley {

namespace json = boost::json;

struct Ended {
  std::optional<int> code;
  std::optional<int> signal;
};

class WorkerTest : public ::testing::Test {
 protected:
  static constexpr Duration kPatience = 25s;  // a loaded machine with sanitizers

  void SetUp() override;
  void TearDown() override;  // ends the worker and audits

  // Starts a supervisor on the test's state directory. Once more: the next one.
  void start(std::vector<std::string> options = {"--fast"});
  void start_command(std::vector<std::string> command);
  json::object ask(json::object request);
  // Offers a call; fails the test if it is not answered.
  std::string call(json::object metadata = {});
  json::object offer(json::object metadata = {}) { return ask({{"op", "offer"}, {"sdp", "offer"}, {"metadata", std::move(metadata)}}); }
  void hang_up(const std::string& call) { ask({{"op", "hang_up"}, {"call", call}}); }
  json::array events_to_end(const std::string& call);

  int pid_of(const std::string& call);
  int zygote_pid();
  int supervisor_pid() const { return supervisor_; }

  // SIGTERM, and how it ended.
  Ended stop();
  Ended wait_supervisor();
  void kill_supervisor();  // -9, and waits for its end

  // Asks `done` again until it is true, a few times a turn of the clock; false when patience is over.
  bool eventually(const std::function<bool()>& done, Duration patience = kPatience);
  bool settled(const std::string& call);         // nothing is left to do for it
  json::array records(const std::string& call, std::string_view type = {});  // of its journal
  json::object terminal(const std::string& call);
  std::vector<std::string> hook_lines(const std::string& call);
  std::string state_file(const std::string& name) const { return state_dir_ + "/" + name; }

  bool connect();

  std::string state_dir_;

 private:
  void reap_all();
  std::vector<std::string> marks() const;  // of jobs, dead or alive

  int supervisor_ = 0;
  int control_ = -1;
};

bool gone(int pid);           // no such process, or a zombie
std::size_t open_descriptors(int pid);
std::vector<int> children_of(int pid);
std::string read_file(const std::string& path);

}  // namespace parley
