#include "app/serve.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <expected>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "app/agent_app.hpp"
#include "app/builtin_providers.hpp"
#include "app/connected_providers.hpp"
#include "app/http_clients.hpp"
#include "app/privacy.hpp"
#include "ipc/exit_code.hpp"
#include "async/real_loop.hpp"
#include "net/endpoint.hpp"
#include "providers/moonshine/moonshine_model.hpp"
#include "rtc/warm_up.hpp"
#include "rtc/webrtc_transport.hpp"
#include "voice/voice_program.hpp"
#include "web/page.hpp"
#include "worker/http_access.hpp"
#include "worker/http_api.hpp"

namespace parley::app {

extern const std::string_view kReceptionDialogue;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return port;
}

// "127.0.0.1:8080", "[::1]:0", "0.0.0.0:80".
Result<net::Endpoint> parse_endpoint(const char* option, const std::string& text) {
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos ? std::nullopt : port_of(std::string_view(text).substr(colon + 1));
  auto host = text.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!port || !net::is_address(host)) {
    return fail(Errc::invalid_argument, fmt::format("{} \"{}\" is no address and port, as 127.0.0.1:8080", option, text));
  }
  return net::Endpoint{std::move(host), *port};
}

// "40000-40100"; empty: any.
Result<std::pair<std::uint16_t, std::uint16_t>> parse_ports(const std::string& text) {
  if (text.empty()) return std::pair<std::uint16_t, std::uint16_t>{};
  const auto dash = text.find('-');
  const auto begin = port_of(std::string_view(text).substr(0, dash));
  const auto end = dash == std::string::npos ? begin : port_of(std::string_view(text).substr(dash + 1));
  if (!begin || !end || *begin == 0 || *begin > *end) {
    return fail(Errc::invalid_argument, fmt::format("--udp-ports \"{}\" is no range of ports, as 40000-40100", text));
  }
  return std::pair{*begin, *end};
}

// Everything on the command line, understood.
struct Setup {
  net::Endpoint calls;
  net::Endpoint health;
  rtc::WebRtcSettings media;
};

Result<Setup> understand(const ServeOptions& options) {
  auto calls = parse_endpoint("--listen", options.worker.listen);
  if (!calls) return fail(calls.error());
  auto health = parse_endpoint("--health-listen", options.worker.health_listen);
  if (!health) return fail(health.error());
  auto ports = parse_ports(options.worker.udp_ports);
  if (!ports) return fail(ports.error());
  if (auto safe = worker::HttpAccess(calls->address, options.host_names, options.token).check(); !safe) {
    return fail(safe.error().code(), safe.error().message() + " (--token or PARLEY_TOKEN, --listen)");
  }
  Setup setup{*calls, *health, {}};
  auto& connection = setup.media.connection;
  connection.bind_address = options.udp_address;
  if (connection.bind_address.empty() && !net::is_wildcard(calls->address)) connection.bind_address = calls->address;
  connection.port_begin = ports->first;
  connection.port_end = ports->second;
  if (!options.worker.advertise.empty()) connection.advertised_addresses = {options.worker.advertise};
  if (auto checked = rtc::check(connection); !checked) {
    return fail(checked.error().code(), checked.error().message() + " (--udp-address, --udp-ports, --advertise)");
  }
  return setup;
}

Result<std::shared_ptr<const job::HookRegistry>> hooks_of(const App& app) {
  auto registry = std::make_shared<job::HookRegistry>();
  for (const auto& hook : app.on_end) {
    auto run = [own = hook.run](boost::json::object record, job::HookContext context) {
      return own(std::move(record), {.idempotency_key = std::move(context.key), .attempt = context.try_number,
                                     .deadline = context.deadline, .logger = std::move(context.logger), .scope = context.scope});
    };
    if (auto added = registry->add(hook.name, std::move(run), {.give_up_after = hook.give_up_after}); !added) return fail(added.error());
  }
  return registry;
}

// What the supervisor serves with; dies with the last call.
Task<Result<std::shared_ptr<void>>> serve_http(RealLoop& loop, Scope& scope, worker::CallDesk& desk, Setup setup, ServeOptions options) {
  worker::HttpApiConfig config{.calls = options.browser,
                               .address = setup.calls.address,
                               .port = setup.calls.port,
                               .health_address = setup.health.address,
                               .health_port = setup.health.port,
                               .advertised_names = options.host_names,
                               .token = options.token};
  auto api = worker::HttpApi::listen(loop, scope, desk, std::move(config), web::files());
  if (!api) co_return fail(api.error().code(), api.error().message() + " (--listen, --health-listen)");
  net::Endpoint page{setup.calls.address, (*api)->port()};
  if (net::is_wildcard(page.address)) page.address = "127.0.0.1";
  if (options.browser) loop.logger().info("open http://{} in a browser and press Call", net::to_string(page));
  if (options.livekit.url.empty()) loop.logger().info("no LiveKit server: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET would connect to one");
  co_return std::shared_ptr<void>(std::move(*api));
}

// Whether the agent's model files can be used, before anybody calls. In a process of its own, which says what is wrong: the
// supervisor loads no model.
bool model_files_are_good(Assets& assets, const ProviderChoice& choice) {
  const pid_t looking = ::fork();
  if (looking < 0) return true;  // jobs will say
  if (looking == 0) {
    const auto good = assets.check(choice);
    if (!good) std::cerr << good.error().message() << std::endl;
    ::_exit(good ? static_cast<int>(ipc::ExitCode::ok) : static_cast<int>(ipc::ExitCode::usage));
  }
  int status = 0;
  while (::waitpid(looking, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) std::cerr << fmt::format("the model files cannot be read (signal {}): run \"make setup\" to get them again\n", WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What is served: the program's own agent, or that of an agent file with the program's providers.
struct Served {
  App app;
  std::vector<std::string> secrets;
};

// The file's bytes, to be read under this name by the processes that this one starts, as long as it lives: an edit of the
// file must reach none of them, or calls would be answered by several agents, and by none after a mistake. In memory, so
// that nothing is left behind. Empty: there is no such memory, or the file cannot be read, which reading it will tell.
std::string hold_copy(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(agent_file::AgentFile::kMaxBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (!in.is_open() || in.bad()) return {};
  const int fd = ::memfd_create("agent file", MFD_CLOEXEC | MFD_ALLOW_SEALING);  // open until this process ends
  if (fd < 0) return {};
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (whole && ::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0) return fmt::format("/proc/{}/fd/{}", ::getpid(), fd);
  ::close(fd);
  return {};
}

using LoadedFile = std::expected<agent_file::AgentFile, yaml::Mistakes>;

// Places, relative paths and messages are those of the file, wherever its bytes come from.
LoadedFile load_file(const ServeOptions& options, const ProviderRegistry& providers) {
  const auto surroundings = agent_file::Environment::of_process(options.secrets_folder);
  if (options.file_copy.empty()) return agent_file::AgentFile::load(options.file, providers, surroundings);
  std::ifstream in(options.file_copy, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return agent_file::AgentFile::parse(text, options.file, providers, surroundings);
}

Result<Served> choose(const ServeOptions& options, App app, std::shared_ptr<Assets> assets) {
  if (options.file.empty()) return Served{std::move(app), {}};
  auto file = load_file(options, app.providers);
  if (!file) return fail(file.error().error());
  auto clients = http_clients(std::move(assets));
  if (!clients) return fail(clients.error());
  auto secrets = file->secrets();
  auto shared = std::make_shared<const agent_file::AgentFile>(std::move(*file));
  return Served{agent_app(std::move(shared), std::move(app.providers), std::move(*clients)), std::move(secrets)};
}

roles::WorkerParts parts_of(const ServeOptions& options, const Setup& setup, App app, std::shared_ptr<Assets> assets,
                            std::shared_ptr<const job::HookRegistry> hooks) {
  const bool local_stt = std::ranges::find(app.defaults.providers.stt, "moonshine", &ProviderSpec::provider) != app.defaults.providers.stt.end();

  roles::WorkerParts parts;
  parts.agent_name = app.name;
  parts.hooks = std::move(hooks);
  parts.prewarm = [assets, choice = app.defaults.providers, over_http = !options.file.empty()] {
    auto warmed = rtc::warm_up();
    auto loaded = assets->prewarm(choice);
    if (over_http) (void)assets->tls();
    return loaded ? warmed : loaded;
  };
  if (local_stt) {
    parts.recognizer = [folder = assets->moonshine_folder()]() -> Result<ipc::Recognize> {
      auto model = MoonshineModel::load(folder);
      if (!model) return fail(model.error());
      auto shared = std::make_shared<MoonshineModel>(std::move(*model));
      return ipc::Recognize([shared](std::span<const float> samples) { return shared->transcribe(samples); });
    };
  }
  voice::RoomMedia rooms{.connection = setup.media.connection, .opus = setup.media.opus};
  rooms.connection.bind_address = options.udp_address;  // not that of --listen: the server is somewhere else
  if (auto clients = room_clients(assets)) rooms.clients = std::move(*clients);
  parts.program = voice::voice_program(std::make_shared<const App>(std::move(app)), setup.media, std::move(rooms));
  parts.serve = [setup, options](RealLoop& loop, Scope& scope, worker::CallDesk& desk) {
    return serve_http(loop, scope, desk, setup, options);
  };
  return parts;
}

}  // namespace

std::string default_models() {
  if (const auto cache = environment("PARLEY_CACHE"); !cache.empty()) return cache + "/models";
  if (const auto cache = environment("XDG_CACHE_HOME"); !cache.empty()) return cache + "/parley/models";
  return environment("HOME") + "/.cache/parley/models";
}

void add_serve_options(CLI::App& command, ServeOptions& options) {
  command.add_option("file", options.file, "The agent's file (docs/agent-file.md); without it this program's own agent answers")->option_text("[agent.yaml]");
  roles::add_worker_options(command, options.worker);
  add_livekit_options(command, options.livekit);
  command.add_option("--file-copy", options.file_copy)->group("");
  command.add_option("--secrets", options.secrets_folder, "Folder of the files that {{secret.NAME}} means (default: $PARLEY_SECRETS, or /run/secrets)")
      ->option_text("FOLDER");
  options.models = default_models();
  command.add_option("--models", options.models, "Folder of the model files")->option_text(fmt::format("FOLDER [{}]", options.models));
  command.add_option("--token", options.token,
                     "What callers have to send as bearer token; needed beyond loopback.\n"
                     "Better in the environment, as PARLEY_TOKEN: a command line can be read by others")
      ->envname("PARLEY_TOKEN")
      ->option_text("TOKEN");
  command.add_option("--host-name", options.host_names, "A name by which callers reach it, beside its address; may be given several times")
      ->option_text("NAME");
  command.add_option("--udp-address", options.udp_address, "Address of this machine for audio (default: that of --listen)")->option_text("ADDRESS");
}

std::shared_ptr<Assets> add_providers(ProviderRegistry& own, const ServeOptions& options) {
  auto assets = std::make_shared<Assets>(options.models, std::string(kReceptionDialogue));
  ProviderRegistry builtin;
  add_builtin_providers(builtin, assets, options.worker.state_dir + "/inference.sock");
  own.add_missing(builtin);
  return assets;
}

int run_serve(int argc, char** argv, ServeOptions options, App app) {
  const auto usage = [](const Error& error) {
    std::cerr << error.message() << '\n';
    return static_cast<int>(ipc::ExitCode::usage);
  };
  auto setup = understand(options);
  if (!setup) return usage(setup.error());
  const bool supervisor = options.worker.role == "supervisor";
  auto livekit = supervisor ? credentials_of(options.livekit) : std::nullopt;
  if (!livekit) return usage(livekit.error());
  auto command = without_livekit(argc, argv);
  hide_secret_from_children();
  std::string copy;
  if (options.worker.role == "supervisor" && !options.file.empty() && options.file_copy.empty()) {
    options.file_copy = hold_copy(options.file);
    copy = "--file-copy=" + options.file_copy;
    if (!options.file_copy.empty()) command.push_back(copy.data());
  }
  const auto assets = add_providers(app.providers, options);
  auto served = choose(options, std::move(app), assets);
  if (!served) return usage(served.error());
  auto hooks = hooks_of(served->app);
  if (!hooks) return usage(hooks.error());
  auto& providers = served->app.defaults.providers;
  or_local(providers);
  if (options.worker.role == "supervisor" && !model_files_are_good(*assets, providers)) return static_cast<int>(ipc::ExitCode::usage);
  std::optional<worker::LiveKitConfig> registration;
  if (*livekit) {
    auto config = livekit_config(**livekit, options.livekit, served->app.name);
    if (!config) return usage(config.error());
    registration = std::move(*config);
  }
  const auto privacy = served->app.privacy;
  auto parts = parts_of(options, *setup, std::move(served->app), assets, std::move(*hooks));
  if (auto applied = apply_privacy(privacy, assets, parts); !applied) return usage(applied.error());
  parts.secrets = std::move(served->secrets);
  parts.livekit = std::move(registration);
  if (!options.token.empty()) parts.secrets.push_back(options.token);
  if (!options.livekit.api_secret.empty()) parts.secrets.push_back(options.livekit.api_secret);
  for (auto& key : keys_in_environment()) parts.secrets.push_back(std::move(key));
  return roles::run_worker(static_cast<int>(command.size()), command.data(), options.worker, std::move(parts));
}

}  // namespace parley::app
