#include "worker/supervisor_process.hpp"

#include <csignal>

#include <boost/asio/signal_set.hpp>

#include "ipc/finish_process.hpp"
#include "job/journal_writer_thread.hpp"

namespace parley::worker {

using ipc::ExitCode;

namespace {

constexpr Duration kWriterBudget = 1s;
constexpr Duration kGoodbyePatience = 3s;  // for the server that sends us jobs: last statuses, participants to remove
constexpr Duration kMirrorPatience = 1s;  // for the records that it wrote last

class SupervisorProcess {
 public:
  explicit SupervisorProcess(SupervisorProcessConfig config)
      : config_(std::move(config)),
        writer_({.log = config_.log}),
        loop_("supervisor", Logger(writer_.writer().log_sink(), config_.log_level).with(log_field::kComponent, "supervisor")),
        signals_(loop_.io(), SIGTERM, SIGINT),
        mirroring_(loop_, "mirroring"),
        root_(loop_, "process") {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
  }

  [[noreturn]] void run() {
    auto dir = ipc::StateDir::open(config_.state_dir);
    if (!dir) cannot_start(dir.error());
    auto lock = dir->lock();
    if (!lock) cannot_start(lock.error());
    auto system = RealSystem::open(loop_, *dir, config_.commands);
    if (!system) cannot_start(system.error());
    if (config_.mirror) mirror_ = config_.mirror(loop_, mirroring_);
    CallRecords records(loop_, job::system_disk(), writer_.writer(),
                        {.directory = dir->calls_path(), .hooks = config_.hooks, .retention = config_.retention, .mirror = mirror_.get()});
    supervisor_ = std::make_unique<Supervisor>(loop_, config_.supervisor, **system, records);
    wait_signal();
    (void)root_.spawn("main", main());
    loop_.run();
    finish(ExitCode::internal_error);
  }

 private:
  Task<void> main() {
    auto started = co_await supervisor_->start();
    if (!started) cannot_start(started.error());
    std::shared_ptr<void> server;
    if (config_.serve) {
      auto serving = co_await config_.serve(loop_, root_, *supervisor_);
      if (!serving) cannot_start(serving.error());
      server = std::move(*serving);
    }
    if (config_.livekit) {
      livekit_ = std::make_unique<LiveKitWorker>(loop_, root_, *supervisor_, *config_.livekit);
      livekit_->start();
    }
    (void)root_.spawn("inference", end_without_inference());
    (void)co_await told_to_stop_.wait(Deadline::bounded_by_scope());
    const bool all_ended = co_await supervisor_->drain();
    if (livekit_) {
      const auto report = co_await livekit_->close(loop_.in(kGoodbyePatience));
      if (!report.clean()) loop_.logger().warn("goodbye to the LiveKit server: {}", to_string(report));
    }
    server.reset();
    if (mirror_) co_await mirror_->flush(loop_.in(kMirrorPatience));
    co_await sleep_for(1ms);  // what the server had in flight unwinds
    finish(all_ended ? ExitCode::ok : ExitCode::calls_cut);
  }

  // A worker that can hear nobody is none; but calls that are there are not cut.
  Task<void> end_without_inference() {
    (void)co_await supervisor_->inference_unusable().wait(Deadline::bounded_by_scope());
    (void)co_await supervisor_->wait_calls_gone(Deadline::bounded_by_scope());
    if (told_to_stop_.is_set()) co_return;  // the drain ends this process
    cannot_start({Errc::unavailable, "the inference process cannot use its model, as it says above"});
  }

  void wait_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      on_signal();
      wait_signal();
    });
  }

  void on_signal() {
    switch (++times_told_) {
      case 1: told_to_stop_.set(); break;
      case 2: supervisor_->hurry(); break;
      default: finish(ExitCode::calls_cut);
    }
  }

  [[noreturn]] void cannot_start(const Error& error) {
    loop_.logger().error("cannot start: {}", error.message());
    finish(ExitCode::cannot_start);
  }

  [[noreturn]] void finish(ExitCode code) {
    if (code != ExitCode::cannot_start) loop_.logger().info("the supervisor ends: {}", to_string(code));
    const std::function<void()> flush[] = {[this] { writer_.close(kWriterBudget); }};
    ipc::finish_process(code, flush);
  }

  SupervisorProcessConfig config_;
  job::WriterThread writer_;
  RealLoop loop_;
  boost::asio::signal_set signals_;
  Event told_to_stop_;
  int times_told_ = 0;
  std::unique_ptr<Supervisor> supervisor_;
  Scope mirroring_;
  std::unique_ptr<job::JournalMirror> mirror_;
  std::unique_ptr<LiveKitWorker> livekit_;
  Scope root_;
};

}  // namespace

void run_supervisor(SupervisorProcessConfig config) {
  // Never destroyed: finish_process is the only way out.
  static SupervisorProcess* process = new SupervisorProcess(std::move(config));
  process->run();
}

}  // namespace parley::worker
