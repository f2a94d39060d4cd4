#include "job/job_process.hpp"

#include <algorithm>
#include <memory>

#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include "async/real_loop.hpp"
#include "ipc/finish_process.hpp"
#include "ipc/job_mark.hpp"
#include "ipc/kernel_timer.hpp"
#include "ipc/socket_rendezvous.hpp"
#include "job/journal_writer_thread.hpp"
#include "job/stack_dump.hpp"

namespace parley::job {

namespace {

constexpr int kOomScore = 500;            // when memory runs out, a job goes before the supervisor does
constexpr Duration kWriterBudget = 1s;    // for journal and log at the very end

class KernelDeadMan final : public DeadMan {
 public:
  explicit KernelDeadMan(ipc::KernelTimer timer) : timer_(std::move(timer)) {}
  void arm(TimePoint at) noexcept override { timer_.arm(at); }

 private:
  ipc::KernelTimer timer_;
};

void write_file(const char* path, std::string_view text) noexcept {
  const ipc::Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (fd) (void)!::write(fd.get(), text.data(), text.size());
}

void own_signals_and_terminal() {
  ::setsid();
  for (const int signal : {SIGINT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const ipc::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null) ::dup2(null.get(), STDIN_FILENO);
  write_file("/proc/self/oom_score_adj", std::to_string(kOomScore));
}

OpenJournal open_own_journal(Disk& disk, const ipc::StateDir& dir, const ipc::Spawn& spawn, const Logger& logger) {
  const auto folder = dir.calls_path();
  auto opened = spawn.kind == ipc::JobKind::call ? create_journal(disk, folder, spawn.call_id) : open_journal(disk, folder, spawn.call_id);
  if (opened) return std::move(*opened);
  const auto* what = spawn.kind == ipc::JobKind::call ? "the call goes on without its journal" : "the work after the call waits";
  logger.error("{}: {}", what, opened.error().message());
  return {.file = nullptr, .path = journal_path(folder, spawn.call_id), .contents = {}};
}

// Waits on the event loop for SIGTERM, then ends the job. What it returns lives as long as the process.
using TerminateWatch = std::unique_ptr<boost::asio::posix::stream_descriptor>;
TerminateWatch watch_terminate(RealLoop& loop, ipc::Fd event, Job& job) {
  auto descriptor = std::make_unique<boost::asio::posix::stream_descriptor>(loop.io(), event.release());
  descriptor->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [&job](const boost::system::error_code& failed) {
                           if (!failed) job.terminate();
                         });
  return descriptor;
}

[[noreturn]] void end_process(WriterThread& writer, const Logger& logger, ipc::ExitCode code) {
  const std::function<void()> flush[] = {[&writer] { writer.close(kWriterBudget); },
                                         [&logger] {
                                           if (logger.sink()) logger.sink()->flush();
                                         }};
  ipc::finish_process(code, flush);
}

}  // namespace

void close_all_but(std::vector<int> keep) noexcept {
  std::ranges::sort(keep);
  unsigned next = 3;
  for (const int fd : keep) {
    if (fd < static_cast<int>(next)) continue;
    if (static_cast<unsigned>(fd) > next) ::close_range(next, static_cast<unsigned>(fd) - 1, 0);
    next = static_cast<unsigned>(fd) + 1;
  }
  ::close_range(next, ~0U, 0);
}

void keep_heap_small() noexcept {
  ::mallopt(M_ARENA_MAX, 1);
  constexpr int kThreshold = 128 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kThreshold);
  ::mallopt(M_TRIM_THRESHOLD, kThreshold);
}

void run_job(const ipc::Spawn& spawn, ipc::Fd link, const JobProcessConfig& config) {
  auto keep = config.keep_fds;
  keep.push_back(link.get());
  close_all_but(std::move(keep));
  own_signals_and_terminal();
  auto timer = ipc::KernelTimer::create();
  const SystemClock clock;
  if (timer) timer->arm(clock.now() + config.deadlines.start + config.deadlines.kernel_slack());
  const auto dir = ipc::StateDir::open(config.state_dir);
  const auto early = Logger(config.log, config.log_level)
                         .with(log_field::kComponent, "job")
                         .with(log_field::kCall, spawn.call_id)
                         .with(log_field::kJob, spawn.attempt_id);
  if (!timer || !dir) {
    early.error("a job cannot start: {}", timer ? dir.error().message() : timer.error().message());
    ipc::finish_process(ipc::ExitCode::start_failed);
  }
  const ipc::JobIdentity identity{spawn.kind, spawn.call_id, spawn.attempt_id, ::getpid()};
  const auto mark = ipc::set_job_mark(*dir, identity);
  if (!mark) early.warn("a new supervisor will know this job only when it dials: {}", mark.error().message());
  auto disk = system_disk();
  auto journal = open_own_journal(*disk, *dir, spawn, early);
  auto stack = install_stack_dump(fmt::format("{}/{}.{}.stack", dir->calls_path(), spawn.call_id, spawn.attempt_id));

  // Never destroyed: finish_process is the only way out.
  WriterThread writer({.log = config.log});
  RealLoop loop("job", Logger(writer.writer().log_sink(), config.log_level)
                           .with(log_field::kComponent, "job")
                           .with(log_field::kCall, spawn.call_id)
                           .with(log_field::kJob, spawn.attempt_id));
  ipc::SocketDialer dialer(loop, *dir);
  Scope mirroring(loop, "mirroring");
  const auto mirror = config.mirror ? config.mirror(loop, mirroring) : nullptr;
  KernelDeadMan dead_man(std::move(*timer));
  const auto finish = [&writer, &loop](ipc::ExitCode code) { end_process(writer, loop.logger(), code); };
  Job job(loop,
          {.identity = identity,
           .deadlines = config.deadlines,
           .program = config.program,
           .hooks = config.hooks.get(),
           .redaction = config.redaction,
           .transcripts = config.transcripts},
          {.link = std::make_unique<ipc::SocketLink>(loop, std::move(link)),
           .dialer = &dialer,
           .dead_man = &dead_man,
           .writer = writer.writer(),
           .mirror = mirror.get(),
           .journal = std::move(journal),
           .finish = finish});
  TerminateWatch terminate_watch;
  if (stack) terminate_watch = watch_terminate(loop, std::move(*stack), job);
  job.start();
  try {
    loop.run();
  } catch (const std::exception& error) {
    loop.logger().error("the job broke: {}", error.what());
  }
  end_process(writer, loop.logger(), ipc::ExitCode::internal_error);
}

}  // namespace parley::job
