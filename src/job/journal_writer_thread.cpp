#include "job/journal_writer_thread.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "job/journal_writer_core.hpp"

namespace parley::job {

namespace {

// A pipe that nobody reads must not hold up the journal: once it has been waited for, it is only looked at.
class LogGate {
 public:
  explicit LogGate(int descriptor) : descriptor_(descriptor) {}

  bool ready() {
    if (descriptor_ < 0) return true;
    pollfd asked{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(WriterThread::kLogPatience);
    const int found = ::poll(&asked, 1, stalled_ ? 0 : static_cast<int>(patience.count()));
    stalled_ = found == 0;
    return !stalled_;
  }

 private:
  const int descriptor_;
  std::atomic<bool> stalled_ = false;
};

// What the core calls: it may outlive the thread, in a log sink.
struct Door {
  explicit Door(int log_descriptor) : gate(log_descriptor) {}

  void wake() {
    const std::lock_guard lock(mutex);
    work = true;
    changed.notify_all();
  }

  LogGate gate;
  std::mutex mutex;
  std::condition_variable changed;
  bool work = false;
  bool closing = false;
  bool finished = false;
};

const SystemClock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

std::shared_ptr<WriterCore> make_core(const std::shared_ptr<Door>& door, std::shared_ptr<LogSink> log) {
  return std::make_shared<WriterCore>(
      system_clock(), std::move(log), [door] { door->wake(); }, [door] { return door->gate.ready(); });
}

}  // namespace

struct WriterThread::Shared {
  explicit Shared(WriterOptions options)
      : door(std::make_shared<Door>(options.log_descriptor)), core(make_core(door, std::move(options.log))) {}

  const std::shared_ptr<Door> door;
  const std::shared_ptr<WriterCore> core;
};

WriterThread::WriterThread(WriterOptions options)
    : shared_(std::make_shared<Shared>(std::move(options))), writer_(shared_->core) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals belong to the loop's thread
  try {
    std::thread(serve, shared_).detach();
  } catch (const std::system_error&) {
    shared_->core->refuse();  // log lines go out directly, records are lost and counted
    shared_->door->finished = true;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WriterThread::~WriterThread() { close(Duration::zero()); }

void WriterThread::serve(std::shared_ptr<Shared> shared) {
  ::pthread_setname_np(::pthread_self(), "parley-writer");
  Door& door = *shared->door;
  WriterCore& core = *shared->core;
  bool closing = false;
  while (!closing) {
    {
      std::unique_lock lock(door.mutex);
      const auto due = [&] { return door.work || door.closing; };
      if (core.holding()) {
        door.changed.wait_for(lock, JournalWriter::kRetryPeriod, due);
      } else {
        door.changed.wait(lock, due);
      }
      door.work = false;
      closing = door.closing;
    }
    if (core.holding()) core.retry();
    while (core.work()) {
    }
  }
  core.finish();
  const std::lock_guard lock(door.mutex);
  door.finished = true;
  door.changed.notify_all();
}

bool WriterThread::close(Duration budget) {
  Door& door = *shared_->door;
  bool finished = false;
  {
    std::unique_lock lock(door.mutex);
    door.closing = true;
    door.changed.notify_all();
    finished = door.changed.wait_for(lock, budget, [&] { return door.finished; });
  }
  if (!finished) shared_->core->refuse();
  return finished;
}

}  // namespace parley::job
