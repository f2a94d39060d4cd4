#include "roles/roles.hpp"

#include <cstdlib>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ipc/exit_code.hpp"
#include "job/zygote.hpp"
#include "worker/init.hpp"

namespace parley::roles {

namespace {

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

std::string node_name() {
  utsname name{};
  return ::uname(&name) == 0 ? name.nodename : "";
}

// That of the supervisor which init starts: `start` writes JSON unless it is told otherwise.
LogFormat format_of(const std::vector<std::string>& command) {
  bool json = !command.empty() && command.front() == "start";
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i] == "--log-format" && i + 1 < command.size()) json = command[i + 1] == "json";
    if (command[i].starts_with("--log-format=")) json = command[i].ends_with("=json");
  }
  return json ? LogFormat::json : LogFormat::text;
}

std::vector<std::string> words(int argc, char** argv) { return {argv, argv + argc}; }

std::vector<std::string> with(std::vector<std::string> command, std::initializer_list<std::string> more) {
  command.insert(command.end(), more);
  return command;
}

job::JobProcessConfig job_config(const WorkerOptions& options, const WorkerParts& parts, std::shared_ptr<LogSink> log) {
  return {.state_dir = options.state_dir,
          .program = parts.program,
          .hooks = parts.hooks,
          .redaction = parts.redaction,
          .mirror = parts.mirror,
          .transcripts = parts.transcripts,
          .deadlines = parts.deadlines,
          .log = std::move(log),
          .log_level = level_of(options.log_level)};
}

[[noreturn]] void run_job_role(const WorkerOptions& options, const WorkerParts& parts, std::shared_ptr<LogSink> log) {
  job::keep_heap_small();
  if (parts.prewarm) (void)parts.prewarm();
  const ipc::Spawn spawn{.request = 0,
                         .kind = options.job_kind == "after_call" ? ipc::JobKind::after_call : ipc::JobKind::call,
                         .call_id = options.job_call,
                         .attempt_id = options.job_attempt};
  job::run_job(spawn, ipc::Fd(options.job_fd), job_config(options, parts, std::move(log)));
}

[[noreturn]] void run_zygote_role(const std::vector<std::string>& base, const WorkerOptions& options, WorkerParts parts,
                                  std::shared_ptr<LogSink> log) {
  auto job_command = [base](const ipc::Spawn& spawn, int fd) {
    return with(base, {"--role=job", "--job-call=" + spawn.call_id, "--job-attempt=" + spawn.attempt_id, fmt::format("--job-fd={}", fd),
                       std::string("--job-kind=") + (spawn.kind == ipc::JobKind::after_call ? "after_call" : "call")});
  };
  job::run_zygote({.supervisor = ipc::Fd(worker::kInheritedFd),
                   .job = job_config(options, parts, std::move(log)),
                   .prewarm = std::move(parts.prewarm),
                   .job_command = std::move(job_command)});
}

int run_inference_role(const WorkerOptions& options, WorkerParts& parts, std::shared_ptr<LogSink> log) {
  return ipc::run_inference({.socket_path = options.state_dir + "/inference.sock",
                             .supervisor_fd = worker::kInheritedFd,
                             .logger = Logger(std::move(log), level_of(options.log_level)).with(log_field::kComponent, "inference")},
                            std::move(parts.recognizer));
}

[[noreturn]] void run_supervisor_role(const std::vector<std::string>& base, const WorkerOptions& options, WorkerParts parts,
                                      std::shared_ptr<LogSink> log) {
  worker::SupervisorProcessConfig config{
      .state_dir = options.state_dir,
      .supervisor = {.slots = options.slots,
                     .max_job_bytes = options.max_job_mib * MiB,
                     .drain_grace = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.drain_grace_s)),
                     .deadlines = parts.deadlines,
                     .agent_name = parts.agent_name,
                     .node_name = node_name()},
      .commands = {.zygote = with(base, {"--role=zygote"}), .inference = {}},
      .hooks = std::move(parts.hooks),
      .retention = parts.retention,
      .mirror = std::move(parts.mirror),
      .log = std::move(log),
      .log_level = level_of(options.log_level),
      .livekit = std::move(parts.livekit),
      .serve = std::move(parts.serve)};
  if (parts.recognizer) config.commands.inference = with(base, {"--role=inference"});
  worker::run_supervisor(std::move(config));
}

}  // namespace

void add_worker_options(CLI::App& command, WorkerOptions& options) {
  options.state_dir = default_state_dir();
  const auto with_default = [](const char* what, const auto& value) { return fmt::format("{} [{}]", what, value); };
  command.add_option("--listen", options.listen, "Where the page is shown and calls are answered")
      ->option_text(with_default("ADDRESS:PORT", options.listen));
  command.add_option("--health-listen", options.health_listen, "Where health and metrics are told")
      ->option_text(with_default("ADDRESS:PORT", options.health_listen));
  command.add_option("--udp-ports", options.udp_ports, "Ports for audio, as 50000-50100 (default: any)")->option_text("FROM-TO");
  command.add_option("--advertise", options.advertise, "The address that callers are told for audio (default: this machine's own)")
      ->option_text("ADDRESS");
  command.add_option("--slots", options.slots, "Calls at a time; more are refused as busy")
      ->check(CLI::Range(1, 5000))
      ->option_text(with_default("N", options.slots));
  command.add_option("--state-dir", options.state_dir, "Folder for the journals of calls and the worker's own sockets")
      ->option_text(with_default("FOLDER", options.state_dir));
  command.add_option("--drain-grace", options.drain_grace_s, "When told to stop: how long calls may go on")
      ->check(CLI::Range(0.0, 36000.0))
      ->option_text(with_default("SECONDS", options.drain_grace_s));
  command.add_option("--max-job-memory", options.max_job_mib, "Memory that a call's process may take; 0 for no limit")
      ->check(CLI::Range(0, 1'000'000))
      ->option_text(with_default("MiB", options.max_job_mib));
  command.add_option("--log-format", options.log_format, "text or json (start: json)")->check(CLI::IsMember({"text", "json"}))->option_text("FORMAT");
  command.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->option_text(with_default("LEVEL", options.log_level));
  const std::string hidden;  // an empty group is not shown
  command.add_option("--role", options.role)->check(CLI::IsMember({"supervisor", "zygote", "job", "inference"}))->take_last()->group(hidden);
  command.add_option("--job-call", options.job_call)->group(hidden);
  command.add_option("--job-attempt", options.job_attempt)->group(hidden);
  command.add_option("--job-kind", options.job_kind)->group(hidden);
  command.add_option("--job-fd", options.job_fd)->group(hidden);
}

std::string default_state_dir() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state) return std::string(state) + "/parley";
  if (::geteuid() == 0) return "/var/lib/parley";
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.local/state/parley";
  return "parley-state";
}

int run_worker(int argc, char** argv, const WorkerOptions& options, WorkerParts parts) {
  auto log = stderr_sink(options.log_format == "json" ? LogFormat::json : LogFormat::text);
  if (!parts.secrets.empty()) log = redacting_sink(std::move(log), parts.secrets);
  const auto base = words(argc, argv);
  if (options.role == "job") run_job_role(options, parts, std::move(log));
  if (options.role == "zygote") run_zygote_role(base, options, std::move(parts), std::move(log));
  if (options.role == "inference") return run_inference_role(options, parts, std::move(log));
  run_supervisor_role(base, options, std::move(parts), std::move(log));
}

int exit_code(const CLI::App& app, const CLI::ParseError& error) {
  return app.exit(error) == 0 ? 0 : static_cast<int>(ipc::ExitCode::usage);
}

int run_init(int argc, char** argv, const std::vector<std::string>& command) {
  worker::InitConfig config{.supervisor = {argc > 0 ? argv[0] : "parley"},
                            .logger = Logger(stderr_sink(format_of(command))).with(log_field::kComponent, "init")};
  config.supervisor.insert(config.supervisor.end(), command.begin(), command.end());
  return worker::run_init(config);
}

}  // namespace parley::roles
