#include "bench/site.hpp"

#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <boost/json/parse.hpp>

namespace parley::bench {

namespace {

constexpr Duration kStartWithin = 20s;
constexpr double kDrainGraceSeconds = 1;

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

Result<Child> start_worker(const Programs& programs, const Load& load, const Folder& folder, int fakes, int calls,
                           int health) {
  std::vector<std::string> words{programs.parley, "start"};
  if (!programs.agent.empty()) words.push_back(programs.agent);
  for (auto& option : {fmt::format("--listen=127.0.0.1:{}", calls), fmt::format("--health-listen=127.0.0.1:{}", health),
                       fmt::format("--slots={}", load.calls + 2), fmt::format("--state-dir={}/state", folder.path()),
                       fmt::format("--drain-grace={}", kDrainGraceSeconds), std::string("--log-level=warn")}) {
    words.push_back(option);
  }
  return Child::start({.words = std::move(words),
                       .environment = {fmt::format("PARLEY_BENCH_HTTP=http://127.0.0.1:{}", fakes),
                                       fmt::format("PARLEY_BENCH_WS=ws://127.0.0.1:{}", fakes)},
                       .log = folder.path() + "/worker.log"});
}

}  // namespace

std::string Site::worker_log() const { return tail(folder.path() + "/worker.log"); }

Result<Site> Site::start(const Programs& programs, const Load& load, const FixedTimes& fixed) {
  auto folder = Folder::make();
  if (!folder) return fail(folder.error());
  std::optional<Child> fakes;
  const auto port = start_fakes(programs, load, fixed, *folder, fakes);
  const auto calls = free_port();
  const auto health = free_port();
  if (!port || !calls || !health) return fail((!port ? port : !calls ? calls : health).error());
  auto worker = start_worker(programs, load, *folder, *port, *calls, *health);
  if (!worker) return fail(worker.error());
  return Site{std::move(*folder), std::move(*fakes), std::move(*worker), fmt::format("http://127.0.0.1:{}", *calls),
              fmt::format("http://127.0.0.1:{}/worker", *health)};
}

}  // namespace parley::bench
