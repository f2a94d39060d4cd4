#include "bench/site.hpp"

#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace parley::bench {

namespace {

constexpr Duration kStartWithin = 20s;
constexpr double kDrainGraceSeconds = 1;
constexpr const char* kLoopback = "127.0.0.1";

std::int64_t whole_ms(Duration d) { return d / 1ms; }

// The end of what a program said, for who wants to know why it failed.
std::string tail(const std::string& path) {
  constexpr std::size_t kMost = 3000;
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.size() > kMost ? "...\n" + text.substr(text.size() - kMost) : text;
}

std::string fakes_log(const Folder& folder) { return folder.path() + "/fakes.log"; }

Result<int> start_fakes(const Programs& programs, const Load& load, const FixedTimes& fixed, const Folder& folder,
                        std::optional<Child>& fakes) {
  // Words come all at once: how many of them a first sentence has would be part of a reply's time otherwise.
  auto started =
      Child::start({.words = {programs.fakes, "--listen=127.0.0.1:0", fmt::format("--seed={}", load.seed),
                              fmt::format("--first-token-ms={}", whole_ms(fixed.first_token)), "--token-ms=0",
                              fmt::format("--stt-final-ms={}", whole_ms(fixed.final_transcript)),
                              fmt::format("--tts-first-ms={}", whole_ms(fixed.first_sound))},
                    .log = fakes_log(folder),
                    .pipes = true});
  if (!started) return fail(started.error());
  fakes.emplace(std::move(*started));
  const auto told = fakes->line(kStartWithin);
  if (!told) return fail(told.error().within("the fake providers did not start:\n" + tail(fakes_log(folder))));
  boost::system::error_code error;
  const auto json = boost::json::parse(*told, error);
  const auto* port = !error && json.is_object() ? json.as_object().if_contains("port") : nullptr;
  if (!port || !port->is_int64())
    return fail(Errc::protocol, "the fake providers did not say where they listen: " + *told);
  return static_cast<int>(port->as_int64());
}

std::string server_log(const Folder& folder) { return folder.path() + "/livekit-server.log"; }

// One process, all on loopback. JSON is YAML.
Result<Child> start_livekit_server(const Programs& programs, const Folder& folder, const livekit::Credentials& access,
                                   int port) {
  const auto tcp = free_port();
  const auto udp = free_port();  // nobody here listens on UDP
  if (!tcp || !udp) return fail((!tcp ? tcp : udp).error());
  const boost::json::object rtc{{"tcp_port", *tcp},
                                {"udp_port", *udp},
                                {"node_ip", kLoopback},
                                {"use_external_ip", false},
                                {"enable_loopback_candidate", true},
                                {"interfaces", boost::json::object{{"includes", boost::json::array{"lo"}}}}};
  const boost::json::object config{{"port", port},
                                   {"bind_addresses", boost::json::array{kLoopback}},
                                   {"keys", boost::json::object{{access.api_key, access.api_secret}}},
                                   {"rtc", rtc},
                                   {"logging", boost::json::object{{"level", "warn"}, {"pion_level", "error"}}}};
  const auto path = folder.path() + "/livekit-server.yaml";
  std::ofstream(path) << boost::json::serialize(config);
  return Child::start({.words = {programs.livekit_server, "--config", path}, .log = server_log(folder)});
}

struct Ports {
  int fakes, calls, health;
};

Result<Child> start_worker(const Programs& programs, const Load& load, const Folder& folder, const Ports& ports,
                           const livekit::Credentials& rooms) {
  std::vector<std::string> words{programs.parley, "start"};
  if (!programs.agent.empty()) words.push_back(programs.agent);
  if (!load.rooms) words.push_back(fmt::format("--listen={}:{}", kLoopback, ports.calls));
  for (auto& option : {fmt::format("--health-listen={}:{}", kLoopback, ports.health),
                       fmt::format("--slots={}", load.calls + 2), fmt::format("--state-dir={}/state", folder.path()),
                       fmt::format("--drain-grace={}", kDrainGraceSeconds), std::string("--log-level=warn")}) {
    words.push_back(option);
  }
  // Empty is not set: the caller's own server is not for this.
  return Child::start(
      {.words = std::move(words),
       .environment = {fmt::format("PARLEY_BENCH_HTTP=http://{}:{}", kLoopback, ports.fakes),
                       fmt::format("PARLEY_BENCH_WS=ws://{}:{}", kLoopback, ports.fakes), "LIVEKIT_URL=" + rooms.url,
                       "LIVEKIT_API_KEY=" + rooms.api_key, "LIVEKIT_API_SECRET=" + rooms.api_secret,
                       fmt::format("LIVEKIT_AGENT_NAME_OVERRIDE={}", load.rooms ? kAgentName : "")},
       .log = folder.path() + "/worker.log"});
}

}  // namespace

std::string Site::logs() const {
  return tail(folder.path() + "/worker.log") + (livekit_server ? "\n" + tail(server_log(folder)) : "");
}

Result<Site> Site::start(const Programs& programs, const Load& load, const FixedTimes& fixed) {
  auto folder = Folder::make();
  if (!folder) return fail(folder.error());
  std::optional<Child> fakes, server;
  const auto port = start_fakes(programs, load, fixed, *folder, fakes);
  const auto calls = free_port();
  const auto health = free_port();
  if (!port || !calls || !health) return fail((!port ? port : !calls ? calls : health).error());
  Place place{.worker_url = fmt::format("http://{}:{}/worker", kLoopback, *health)};
  if (load.rooms) {
    place.rooms = {fmt::format("ws://{}:{}", kLoopback, *calls), "bench", "of-no-use-to-anybody-but-this-bench"};
    auto started = start_livekit_server(programs, *folder, place.rooms, *calls);
    if (!started) return fail(started.error());
    server.emplace(std::move(*started));
  } else {
    place.calls_url = fmt::format("http://{}:{}", kLoopback, *calls);
  }
  auto worker = start_worker(programs, load, *folder, {*port, *calls, *health}, place.rooms);
  if (!worker) return fail(worker.error());
  return Site{std::move(*folder), std::move(*fakes), std::move(server), std::move(*worker), std::move(place)};
}

}  // namespace parley::bench
