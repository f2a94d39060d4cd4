// The manifest, the container file and the unit against the program: options that exist, times that add up, ports that meet.
#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "roles/roles.hpp"

namespace parley {
namespace {

// What the worker's end takes at most beyond --drain-grace (docs/processes.md), in seconds.
constexpr double kEnd = 40;
// Of a call, and of what a worker has once (docs/figures.md), in MiB.
constexpr double kCallMib = 8, kWorkerMib = 160;

std::string file(const std::string& name) {
  const std::ifstream in(std::string(PARLEY_SOURCE_DIR) + "/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

// As the program understands them. Words that are no options (the role's name, the agent file) are left out.
roles::WorkerOptions understood(const std::vector<std::string>& words) {
  CLI::App cli;
  roles::WorkerOptions options;
  roles::add_worker_options(cli, options);
  std::vector<std::string> host_names;
  cli.add_option("--host-name", host_names);  // src/app/serve.cpp's
  std::vector<std::string> given;
  for (const auto& word : words) {
    if (word.starts_with("--")) given.push_back(word);
  }
  EXPECT_FALSE(given.empty());
  std::ranges::reverse(given);  // CLI11 takes them from the back
  EXPECT_NO_THROW(cli.parse(std::move(given)));
  return options;
}

int port_of(const std::string& address) { return std::stoi(address.substr(address.rfind(':') + 1)); }

double mebibytes(const std::string& quantity) { return std::stod(quantity) * (quantity.ends_with("Gi") ? 1024 : 1); }

class Manifest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& object : YAML::LoadAll(file("packaging/kubernetes.yaml"))) {
      ASSERT_TRUE(object["apiVersion"] && object["kind"] && object["metadata"]["name"]);
      objects.emplace(object["kind"].as<std::string>() + "/" + object["metadata"]["name"].as<std::string>(), object);
    }
    set = objects.at("StatefulSet/parley");
    pod = set["spec"]["template"]["spec"];
    container = pod["containers"][0];
    words = container["args"].as<std::vector<std::string>>();
    options = understood(words);
  }

  std::map<std::string, YAML::Node> objects;
  YAML::Node set, pod, container;
  std::vector<std::string> words;
  roles::WorkerOptions options;
};

TEST_F(Manifest, PodIsGivenTheTimeThatItsWorkerTakes) {
  const auto sleep = container["lifecycle"]["preStop"]["exec"]["command"].as<std::vector<std::string>>();
  ASSERT_EQ(sleep.front(), "sleep");
  EXPECT_GE(pod["terminationGracePeriodSeconds"].as<double>(), options.drain_grace_s + kEnd + std::stod(sleep.at(1)));
}

TEST_F(Manifest, Probes_AskTheHealthPort_AndADrainingWorkerIsNotKilledForIt) {
  std::map<std::string, int> ports;
  for (const auto& port : container["ports"]) ports[port["name"].as<std::string>()] = port["containerPort"].as<int>();
  EXPECT_EQ(ports.at("http"), port_of(options.listen));
  EXPECT_EQ(ports.at("health"), port_of(options.health_listen));
  EXPECT_FALSE(options.health_listen.starts_with("127.")) << "probes come from the node";
  for (const auto* probe : {"readinessProbe", "livenessProbe", "startupProbe"}) {
    const auto get = container[probe]["httpGet"];
    EXPECT_EQ(get["port"].as<std::string>(), "health") << probe;
    EXPECT_EQ(get["path"].as<std::string>(), std::string(probe) == "readinessProbe" ? "/healthz" : "/livez");
  }
  const auto live = container["livenessProbe"];
  EXPECT_GE(live["periodSeconds"].as<int>() * live["failureThreshold"].as<int>(), 60) << "it ends every call in the pod";
}

TEST_F(Manifest, JournalsAreOnTheVolumeOfThePod) {
  std::map<std::string, std::string> mounts;
  for (const auto& mount : container["volumeMounts"]) mounts[mount["mountPath"].as<std::string>()] = mount["name"].as<std::string>();
  EXPECT_EQ(mounts.at(options.state_dir), set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"].as<std::string>());
  EXPECT_TRUE(mounts.contains("/run/secrets"));
  EXPECT_EQ(pod["securityContext"]["fsGroup"].as<int>(), pod["securityContext"]["runAsUser"].as<int>());
}

TEST_F(Manifest, SlotsHaveTheirMemoryAndTheirPorts) {
  const auto slots = static_cast<double>(options.slots);
  EXPECT_GE(mebibytes(container["resources"]["requests"]["memory"].as<std::string>()), kWorkerMib + slots * kCallMib);
  EXPECT_GE(mebibytes(container["resources"]["limits"]["memory"].as<std::string>()), kWorkerMib + slots * kCallMib + static_cast<double>(options.max_job_mib));
  EXPECT_FALSE(container["resources"]["limits"]["cpu"]) << "throttling makes every call of the pod late at once";
  const auto dash = options.udp_ports.find('-');
  EXPECT_GE(std::stoi(options.udp_ports.substr(dash + 1)) - std::stoi(options.udp_ports) + 1, 2 * static_cast<int>(options.slots))
      << "a call that comes back has two for a moment";
}

TEST_F(Manifest, WorkerIsAskedUnderTheNamesOfItsServices) {
  const auto takes = [this](const std::string& name) { return std::ranges::find(words, "--host-name=" + name) != words.end(); };
  EXPECT_TRUE(objects.contains("Service/parley-calls") && takes("parley-calls"));
  EXPECT_TRUE(objects.contains("Service/parley") && takes("$(POD_NAME).parley")) << "the headless one's names for each pod";
}

TEST_F(Manifest, SelectorsFindThePod) {
  const auto labels = set["spec"]["template"]["metadata"]["labels"].as<std::map<std::string, std::string>>();
  EXPECT_EQ((set["spec"]["selector"]["matchLabels"].as<std::map<std::string, std::string>>()), labels);
  EXPECT_EQ((objects.at("Service/parley")["spec"]["selector"].as<std::map<std::string, std::string>>()), labels);
  EXPECT_EQ((objects.at("Service/parley-calls")["spec"]["selector"].as<std::map<std::string, std::string>>()), labels);
  EXPECT_EQ((objects.at("PodDisruptionBudget/parley")["spec"]["selector"]["matchLabels"].as<std::map<std::string, std::string>>()), labels);
  EXPECT_EQ(set["spec"]["serviceName"].as<std::string>(), "parley");
  const auto agent = objects.at("ConfigMap/parley-agent")["data"]["agent.yaml"].as<std::string>();
  EXPECT_TRUE(YAML::Load(agent)["instructions"]);
  EXPECT_NE(std::ranges::find(words, "/etc/parley/agent.yaml"), words.end());
}

TEST(ContainerFile, Command_IsTheProgramsOwn) {
  const auto text = file("Containerfile");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(text, found, std::regex(R"(\nCMD (\[.*\]))")));
  const auto words = YAML::Load(found[1].str()).as<std::vector<std::string>>();
  EXPECT_EQ(words.front(), "start");
  const auto options = understood(words);
  EXPECT_EQ(options.state_dir, "/var/lib/parley");
  EXPECT_NE(text.find("\nVOLUME " + options.state_dir + "\n"), std::string::npos);
  for (const auto& address : {options.listen, options.health_listen}) {
    EXPECT_TRUE(std::regex_search(text, std::regex("\nEXPOSE .*" + std::to_string(port_of(address))))) << address;
  }
  EXPECT_NE(text.find("ENTRYPOINT [\"/usr/local/bin/parley\", \"init\"]"), std::string::npos);
  EXPECT_NE(text.find("\nUSER 10001"), std::string::npos);
}

TEST(SystemdUnit, LeavesJobsAlone_AndGivesThemTheirTime) {
  const auto text = file("packaging/parley.service");
  const auto value = [&](const std::string& name) {
    std::smatch found;
    EXPECT_TRUE(std::regex_search(text, found, std::regex("\n" + name + "=(.*)\n"))) << name;
    return found.empty() ? std::string() : found[1].str();
  };
  std::istringstream command(value("ExecStart"));
  const std::vector<std::string> words{std::istream_iterator<std::string>(command), {}};
  EXPECT_GE(std::stod(value("TimeoutStopSec")), understood(words).drain_grace_s + kEnd);
  EXPECT_EQ(value("KillMode"), "process");
  EXPECT_EQ(value("Restart"), "on-failure");
}

}  // namespace
}  // namespace parley
