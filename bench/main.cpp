// What calls cost and how fast they are: docs/performance.md. `make bench` runs it.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include "bench/measurement.hpp"
#include "rtc/warm_up.hpp"

namespace {

using namespace parley;
using namespace parley::bench;

constexpr int kExitNotMeasured = 3;
constexpr int kExitErrors = 4;  // measured, but calls went wrong
constexpr int kExitInterrupted = 5;

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  Programs programs;
  std::vector<std::size_t> calls{1, 10, 20, 50};
  double length_s = 60;
  std::vector<std::size_t> rooms{1, 10, 50};
  double room_length_s = 30;
  std::uint64_t seed = 1;
  std::string out = "build/bench.json";
  std::string commit;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--calls", options.calls, "How many at a time, one number after the other")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--length", options.length_s, "Of a call, in seconds")
      ->check(CLI::Range(5.0, 3600.0))
      ->capture_default_str();
  app.add_option("--rooms", options.rooms, "How many at a time in LiveKit rooms, after the calls as from a browser")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--room-length", options.room_length_s, "Of a call in a room, in seconds")
      ->check(CLI::Range(5.0, 3600.0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "What the callers and the providers do is drawn from")->capture_default_str();
  app.add_option("--out", options.out, "The file for the figures, JSON")->capture_default_str();
  app.add_option("--commit", options.commit, "Kept with the figures");
  app.add_option("--parley", options.programs.parley, "The program that is measured")->required();
  app.add_option("--fakes", options.programs.fakes, "The program of the fake providers")->required();
  app.add_option("--agent", options.programs.agent,
                 "The agent's file; without it the agent that is built in, with local models");
  app.add_option("--livekit-server", options.programs.livekit_server,
                 "LiveKit's server; without it no calls are made in rooms");
  app.footer(
      "Exit codes: 0 measured, whatever the aims; 2 the command line; 3 not measured; 4 calls went wrong; 5 "
      "interrupted");
}

std::string machine() {
  std::string model = "unknown processor", line;
  std::ifstream info("/proc/cpuinfo");
  while (std::getline(info, line)) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(line.find(':') + 2);
    break;
  }
  utsname system{};
  ::uname(&system);
  return fmt::format("{} x {}, Linux {}", ::sysconf(_SC_NPROCESSORS_ONLN), model, system.release);
}

bool write(const Options& options, const std::vector<Figures>& rows, const Setting& setting) {
  std::error_code error;
  const std::filesystem::path path(options.out);
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(path);
  file << boost::json::serialize(to_json(rows, setting)) << '\n';
  file.close();
  return static_cast<bool>(file);
}

void tell_errors(const std::vector<Figures>& rows) {
  constexpr std::size_t kMost = 10;
  for (const auto& f : rows) {
    for (std::size_t i = 0; i < std::min(kMost, f.errors.size()); ++i)
      fmt::print(stderr, "{} {}: {}\n", f.calls, f.rooms ? "rooms" : "calls", f.errors[i]);
    if (f.errors.size() > kMost) fmt::print(stderr, "{} calls: {} more\n", f.calls, f.errors.size() - kMost);
  }
}

std::vector<Load> loads(const Options& options) {
  std::vector<Load> all;
  const auto add = [&](std::size_t calls, bool rooms, double length_s) {
    const auto length = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(length_s));
    if (calls > 0) all.push_back({.calls = calls, .rooms = rooms, .length = length, .seed = options.seed});
  };
  for (const auto calls : options.calls) add(calls, false, options.length_s);
  if (options.programs.livekit_server.empty()) return all;
  for (const auto calls : options.rooms) add(calls, true, options.room_length_s);
  return all;
}

int run(const Options& options, const Speech& speech) {
  const FixedTimes fixed;
  const Setting setting{.commit = options.commit,
                        .machine = machine(),
                        .length_s = options.length_s,
                        .room_length_s = options.room_length_s,
                        .fixed_ms = to_ms(fixed.providers()),
                        .endpointing_ms = to_ms(fixed.endpointing)};
  Progress progress;
  std::vector<Figures> rows;
  for (const auto& load : loads(options)) {
    auto figures = measure(options.programs, load, fixed, speech, progress, interrupted);
    if (!figures) {
      fmt::print(stderr, "parley_bench: {}\n", figures.error().message());
      return interrupted ? kExitInterrupted : kExitNotMeasured;
    }
    fmt::print("{}{}", rows.empty() ? table_head() : "", table_line(*figures));
    std::fflush(stdout);
    rows.push_back(std::move(*figures));
  }
  fmt::print("\n{}\n{}, {}\n", verdicts(rows), setting.machine,
             setting.commit.empty() ? "commit unknown" : "commit " + setting.commit);
  tell_errors(rows);
  if (!write(options, rows, setting)) {
    fmt::print(stderr, "parley_bench: {} could not be written\n", options.out);
    return kExitNotMeasured;
  }
  fmt::print("written: {}\n", options.out);
  return std::ranges::all_of(rows, [](const Figures& f) { return f.errors.empty(); }) ? 0 : kExitErrors;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures a worker with real calls: memory, processor time, latencies.", "parley_bench");
  Options options;
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto speech = make_speech(Random(options.seed));
  if (!speech) {
    fmt::print(stderr, "parley_bench: {}\n", speech.error().message());
    return kExitNotMeasured;
  }
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  // A caller's own first handshake is not what is measured.
  if (const auto warmed = rtc::warm_up(); !warmed) fmt::print(stderr, "parley_bench: {}\n", warmed.error().message());
  return run(options, *speech);
}
