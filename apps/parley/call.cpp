#include "call_command/call.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "async/real_loop.hpp"
#include "audio/resample.hpp"
#include "caller/call.hpp"
#include "caller/http_call_server.hpp"
#include "net/endpoint.hpp"
#include "net/net_http_client.hpp"
#include "net/url.hpp"

namespace parley::call_command {

namespace {

constexpr auto kTranscript = "transcript.json";
constexpr auto kTimings = "timings.json";

constexpr const char* kFooter =
    "Turns are said in the order given. Without --hang-up-after and --agent-hangs-up-within the caller hangs up when the last\n"
    "one has been answered.\n\n"
    "Exit codes: 0 as scripted; 2 a mistake on the command line or in a file; 3 no call (refused, or not connected);\n"
    "4 the call did not go as scripted; 5 it did, but a file could not be written.\n\n"
    "Examples:\n"
    "  call http://127.0.0.1:8080 --say hours.wav --out first      ask a question, keep the call in first/\n"
    "  call http://127.0.0.1:8080 --say hours.wav --interrupt-at 1.5 --say wait.wav\n"
    "                                                              interrupt the answer after 1.5 s";

volatile std::sig_atomic_t interrupted = 0;

Duration seconds(double s) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)); }

void complain(std::string_view text) { fmt::print(stderr, "parley call: {}\n", text); }

Result<caller::Turn> load_turn(const CallOptions::Said& said) {
  const auto wav = read_wav_file(said.wav);
  if (!wav) return fail(wav.error());
  auto samples = resample(wav->mono().samples, wav->sample_rate, kTransportRate);
  if (!samples) return fail(samples.error());
  caller::Turn turn{std::filesystem::path(said.wav).filename().string(), std::move(*samples), {}};
  if (said.interrupt_at_s >= 0) turn.interrupt_at = seconds(said.interrupt_at_s);
  return turn;
}

Result<caller::Script> load_script(const CallOptions& options) {
  caller::Script script;
  for (const auto& said : options.say) {
    auto turn = load_turn(said);
    if (!turn) return fail(turn.error());
    script.turns.push_back(std::move(*turn));
  }
  script.answer_within = seconds(options.answer_within_s);
  script.pause = seconds(options.pause_s);
  script.longest_call = seconds(options.longest_s);
  if (options.hang_up_after_s > 0) script.hang_up_after = seconds(options.hang_up_after_s);
  if (options.agent_hangs_up_within_s > 0) script.agent_hangs_up_within = seconds(options.agent_hangs_up_within_s);
  if (auto usable = caller::check(script); !usable) return fail(usable.error());
  return script;
}

// A token is not for the command line, where every user of the machine can read it.
Result<std::string> load_token(const CallOptions& options) {
  std::string token;
  if (options.token_file.empty()) {
    if (const auto* from_environment = std::getenv("PARLEY_TOKEN")) token = from_environment;
    return token;
  }
  std::ifstream file(options.token_file);
  if (!std::getline(file, token)) {
    return fail(Errc::invalid_argument, fmt::format("there is no token to be read in {}", options.token_file));
  }
  return token;
}

// An agent on this machine is reached through loopback, also where there is no other interface.
std::string media_address(const CallOptions& options) {
  if (!options.bind_address.empty()) return options.bind_address;
  const auto url = net::parse_url(options.url);
  if (!url) return {};
  if (url->host == "localhost") return "127.0.0.1";
  return net::is_loopback(url->host) ? url->host : "";
}

Result<void> write_json(const std::filesystem::path& path, const boost::json::object& value) {
  std::ofstream file(path);
  file << boost::json::serialize(value) << '\n';
  file.close();
  if (!file) return fail(Errc::io, fmt::format("{} could not be written", path.string()));
  return {};
}

// One call in one process.
class Session {
 public:
  Session(const CallOptions& options, caller::Script script, std::string token)
      : options_(options), script_(std::move(script)), token_(std::move(token)) {}

  int run() {
    if (!options_.out.empty()) {
      std::error_code error;
      std::filesystem::create_directories(options_.out, error);
      if (error) return usage(fmt::format("{} cannot be made: {}", options_.out, error.message()));
      // Of a call before: nobody is to take them for this one's.
      for (const auto* name : {kTranscript, kTimings}) std::filesystem::remove(out(name), error);
    }
    if (!scope_.spawn("call", make_call(*this))) return kExitNoCall;
    loop_.run();
    return exit_code_;
  }

  static int usage(std::string_view text) {
    complain(text);
    return kExitUsage;
  }

 private:
  static Task<void> make_call(Session& self) {
    co_await self.call();
    co_await self.engine_.close(self.loop_.in(2s));
    self.loop_.stop();
  }

  Task<void> call() {
    auto client = net::make_http_client(loop_, scope_);
    auto server = caller::HttpCallServer::create(*client, options_.url, token_);
    if (!server) co_return ended(usage(server.error().message()));
    caller::CallSettings settings{.connection = {.bind_address = media_address(options_)}};
    caller::Call call(scope_, engine_, **server, settings, logger_);
    if (!options_.quiet) call.on_moment(print);
    if (!options_.out.empty()) {
      auto recording = WavWriter::create(out("call.wav"), kTransportRate, 2);
      if (!recording) co_return ended(usage(recording.error().message()));
      call.record_to(std::move(*recording));
    }
    Scope helpers(scope_, "signals");
    (void)helpers.spawn("signals", hang_up_when_told(call));
    auto report = co_await call.run(std::move(script_));
    if (!report) {
      complain(report.error().message());
      co_return ended(kExitNoCall);
    }
    tell_end(*report);
  }

  static Task<void> hang_up_when_told(caller::Call& call) {
    for (;;) {
      co_await sleep_for(100ms);
      if (interrupted != 0) call.request_stop({StopCause::shutdown, "interrupted"});
    }
  }

  static void print(const caller::Moment& moment) { fmt::print(stderr, "{:7.2f} s  {}\n", to_seconds(moment.at), moment.what); }

  void tell_end(const caller::CallReport& report) {
    ended(report.as_scripted() ? 0 : kExitDeviation);
    for (const auto& why : report.script.deviations) complain(why);
    if (!options_.quiet) {
      for (const auto& turn : report.script.turns) {
        if (turn.answer_from) {
          fmt::print(stderr, "{}: answered after {:.2f} s\n", turn.name, to_seconds(*turn.answer_from - turn.said_to));
        }
      }
      fmt::print(stderr, "{} {} after {:.1f} s\n", report.call_id, report.as_scripted() ? "went as scripted" : "did not go as scripted",
                 to_seconds(report.lasted));
    }
    if (options_.out.empty()) return;
    for (const auto& [name, value] : {std::pair{kTimings, caller::timings(report)}, std::pair{kTranscript, caller::transcript(report)}}) {
      if (auto written = write_json(out(name), value); !written) {
        complain(written.error().message());
        if (exit_code_ == 0) ended(kExitOutput);
      }
    }
  }

  void ended(int code) noexcept { exit_code_ = code; }
  std::string out(std::string_view name) const { return (std::filesystem::path(options_.out) / name).string(); }

  const CallOptions& options_;
  caller::Script script_;
  std::string token_;
  Logger logger_{stderr_sink(LogFormat::text), LogLevel::warn};
  int exit_code_ = kExitNoCall;
  RealLoop loop_{"call", logger_};
  rtc::Engine engine_{logger_};
  Scope scope_{loop_, "call"};
};

}  // namespace

void add_call_options(CLI::App& command, CallOptions& options) {
  command.footer(kFooter);
  command.add_option("url", options.url, "Where the agent answers, as http://127.0.0.1:8080")->required()->option_text(" ");
  const auto seconds_of = [&command](const char* name, double& value, double least, double most, const char* text) {
    const auto shown = value > 0 ? fmt::format("SECONDS [{:g}]", value) : "SECONDS";
    command.add_option(name, value, text)->check(CLI::Range(least, most))->option_text(shown);
  };
  command.add_option_function<std::string>(
             "--say",
             [&options](const std::string& wav) {
               options.say.push_back({wav, std::exchange(options.pending_interrupt_s, -1)});
             },
             "A turn: said when the agent has finished speaking. May be given several times")
      ->check(CLI::ExistingFile)
      ->option_text("FILE.wav")
      ->trigger_on_parse();
  command.add_option_function<double>(
             "--interrupt-at", [&options](double s) { options.pending_interrupt_s = s; },
             "The --say that follows interrupts: it begins so long after the agent began to speak")
      ->check(CLI::Range(0.0, 60.0))
      ->option_text("SECONDS")
      ->trigger_on_parse();
  command.add_option("--out", options.out, "Where to write call.wav (left: caller, right: agent), transcript.json and timings.json")
      ->option_text("FOLDER");
  seconds_of("--hang-up-after", options.hang_up_after_s, 0.1, 3600, "Hang up so long after the call began, whatever is being said then");
  seconds_of("--agent-hangs-up-within", options.agent_hangs_up_within_s, 0.1, 600,
             "The agent is to hang up, at most so long after its last answer");
  seconds_of("--answer-within", options.answer_within_s, 0.1, 600, "Every turn is to be answered within this time");
  seconds_of("--pause", options.pause_s, 0.2, 30, "Silence after which the agent has finished speaking");
  seconds_of("--longest", options.longest_s, 1, 3600, "The whole call may last so long");
  command.add_option("--token-file", options.token_file, "The agent's token is in it; without it PARLEY_TOKEN in the environment is used")
      ->check(CLI::ExistingFile)
      ->option_text("FILE");
  command.add_option("--bind", options.bind_address, "Send and receive audio at this address of the machine only (default: as the agent is reached)")
      ->option_text("ADDRESS");
  command.add_flag("--quiet", options.quiet, "Tell only what went wrong");
}

int run_call(const CallOptions& options) {
  if (options.say.empty() && options.hang_up_after_s <= 0 && options.agent_hangs_up_within_s <= 0) {
    return Session::usage("nothing to do: give --say FILE.wav, --hang-up-after or --agent-hangs-up-within");
  }
  if (options.pending_interrupt_s >= 0) return Session::usage("--interrupt-at is followed by no --say: what is to interrupt the agent?");
  auto script = load_script(options);
  if (!script) return Session::usage(script.error().message());
  auto token = load_token(options);
  if (!token) return Session::usage(token.error().message());
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { interrupted = 1; });
  int code = 0;
  {
    Session session(options, std::move(*script), std::move(*token));
    code = session.run();
  }
  return code;
}

}  // namespace parley::call_command
