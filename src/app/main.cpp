#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <parley/job.hpp>

#include "agent_file/agent_file.hpp"
#include "app/check.hpp"
#include "app/dev_watch.hpp"
#include "app/inspect.hpp"
#include "app/livekit_commands.hpp"
#include "app/serve.hpp"
#include "call_command/call.hpp"
#include "ipc/exit_code.hpp"
#include "roles/roles.hpp"

namespace parley {

namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  dev                                     answer calls; open the page that it prints and talk\n"
    "  dev agent.yaml                          the same with an agent of your own\n"
    "  call http://127.0.0.1:8080 --say a.wav  call it with a recorded question\n"
    "  inspect                                 the latest calls; inspect CA_... for one, second by second";

// The worker as the child of a process that starts it anew when its agent file has changed.
int run_watched(int argc, char** argv, const app::ServeOptions& serve, App app) {
  (void)app::add_providers(app.providers, serve);
  const auto providers = std::make_shared<const ProviderRegistry>(std::move(app.providers));
  app::to_environment(serve.livekit);
  const auto command = app::without_livekit(argc, argv);
  app::DevWatch watch{.command = {command.begin(), command.end()}, .logger = Logger(stderr_sink(LogFormat::text))};
  watch.command.emplace_back("--role=supervisor");
  watch.files = [&serve, providers]() -> std::vector<std::string> {
    const auto file = agent_file::AgentFile::load(serve.file, *providers, agent_file::Environment::of_process(serve.secrets_folder));
    return file ? file->files() : std::vector{serve.file};
  };
  watch.check = [&serve, providers] {
    const app::CheckOptions check{.file = serve.file, .secrets_folder = serve.secrets_folder};
    return app::run_check(check, *providers, std::cerr, std::cerr) == static_cast<int>(ipc::ExitCode::ok);
  };
  return app::run_dev_watch(watch);
}

}  // namespace

int main(int argc, char** argv, App app) {
  CLI::App cli("A voice agent: it answers calls from browsers over WebRTC.", std::filesystem::path(argc > 0 ? argv[0] : "parley").filename().string());
  cli.require_subcommand(0, 1);

  app::ServeOptions serve;
  auto* dev = cli.add_subcommand("dev", "Answer calls on this machine, and tell what happens");
  auto* start = cli.add_subcommand("start", "Answer calls, in production: log lines as JSON");
  for (auto* command : {dev, start}) app::add_serve_options(*command, serve);

  app::CheckOptions check;
  auto* check_command = cli.add_subcommand("check", "Say everything that is wrong with an agent file, or what it is");
  check_command->add_option("file", check.file, "The agent's file")->option_text("[agent.yaml]");
  check_command->add_option("--secrets", check.secrets_folder, "Folder of the files that {{secret.NAME}} means (default: $PARLEY_SECRETS, or /run/secrets)")
      ->option_text("FOLDER");
  check_command->add_flag("--json", check.json, "As one JSON object, for programs");

  auto* schema = cli.add_subcommand("schema", "Print the JSON schema of agent files, for editors");

  call_command::CallOptions call;
  auto* call_subcommand = cli.add_subcommand("call", "Call an agent with recorded turns, and record what it answers");
  call_command::add_call_options(*call_subcommand, call);

  app::InspectOptions inspect;
  inspect.state_dir = roles::default_state_dir();
  auto* inspect_command = cli.add_subcommand("inspect", "What happened in a call, second by second");
  inspect_command->add_option("call", inspect.call, "CA_..., or its beginning, or an attempt's AJ_...; without it: the latest calls")
      ->option_text(" ");
  inspect_command->add_option("--state-dir", inspect.state_dir, "The worker's, where the calls are kept")
      ->option_text(fmt::format("FOLDER [{}]", inspect.state_dir));
  inspect_command->add_flag("--json", inspect.json, "As one JSON object, for programs; the list too");

  app::TokenOptions token;
  auto* token_command = cli.add_subcommand("token", "Make an access token of a LiveKit server");
  app::add_token_options(*token_command, token);

  app::DispatchOptions dispatch;
  auto* dispatch_command = cli.add_subcommand("dispatch", "Have an agent come to a LiveKit room");
  app::add_dispatch_options(*dispatch_command, dispatch);

  auto* init = cli.add_subcommand("init", "Process 1 of a container: starts `start ...`, and starts it again when it dies");
  init->prefix_command();

  cli.footer(kFooter);  // last: subcommands inherit it

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return roles::exit_code(cli, error);
  }
  if (cli.get_subcommands().empty()) {
    std::cerr << "say what to do: dev, start, check, call, inspect, token, dispatch, schema or init; --help tells more\n";
    return static_cast<int>(ipc::ExitCode::usage);
  }
  if (call_subcommand->parsed()) return call_command::run_call(call);
  if (token_command->parsed()) return app::run_token(token, SystemClock().wall(), std::cout, std::cerr);
  if (dispatch_command->parsed()) return app::run_dispatch(dispatch, std::cout, std::cerr);
  if (inspect_command->parsed()) return app::run_inspect(inspect);
  if (check_command->parsed() || schema->parsed()) {
    (void)app::add_providers(app.providers, serve);
    return schema->parsed() ? app::run_schema(app.providers, std::cout) : app::run_check(check, app.providers, std::cout, std::cerr);
  }
  if (init->parsed()) return roles::run_init(argc, argv, init->remaining());
  if (start->parsed() && start->count("--log-format") == 0) serve.worker.log_format = "json";
  // A worker that only goes out opens no port for callers, unless it is told one.
  if (start->parsed() && !serve.livekit.url.empty() && start->count("--listen") == 0) serve.browser = false;
  if (dev->parsed() && !serve.file.empty() && dev->count("--role") == 0) return run_watched(argc, argv, serve, std::move(app));
  return app::run_serve(argc, argv, std::move(serve), std::move(app));
}

}  // namespace parley
