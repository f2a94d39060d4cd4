#include "sim/process_os.hpp"

#include <csignal>

#include <fmt/format.h>

namespace parley::sim {

// What a process holds. Destroying it is kill -9: links close, locks fall, nothing is said.
struct SimOs::Body {
  virtual ~Body() = default;
  virtual void terminate() {}
};

// How a process ended, and who waits for that: shared, because a pidfd outlives its process.
struct SimOs::Ended {
  std::optional<worker::ExitStatus> status;
  Event event;
};

struct SimOs::Entry {
  Kind kind;
  int pid;
  SimLoop* loop;
  std::unique_ptr<Body> body;
  std::unique_ptr<Runnable> on_term;
  std::function<void(std::string)> forge;  // speaks on its line to the supervisor that started it
  bool starving = false;
};

class SimOs::SimProcess final : public worker::Process {
 public:
  SimProcess(SimOs& os, int pid) : os_(os), pid_(pid), ended_(os.watched_.at(pid)) {}

  int pid() const noexcept override { return pid_; }
  void signal(int number) noexcept override { os_.signal(pid_, number); }
  Task<Result<worker::ExitStatus>> wait(Deadline deadline) override {
    const auto ended = ended_;
    if (auto waited = co_await ended->event.wait(deadline); !waited) co_return fail(waited.error());
    co_return *ended->status;
  }
  std::optional<Effort> effort() const noexcept override {
    const auto* entry = os_.find(pid_);
    if (!entry) return std::nullopt;
    return Effort{.ran = {}, .waited = entry->starving ? os_.world_.now().time_since_epoch() : Duration{}};
  }
  std::optional<std::size_t> private_bytes() const noexcept override { return std::nullopt; }

 private:
  SimOs& os_;
  int pid_;
  std::shared_ptr<Ended> ended_;
};

class SimOs::SimDialer final : public ipc::Dialer {
 public:
  SimDialer(SimOs& os, int pid) : os_(os), pid_(pid) {}
  Result<std::unique_ptr<ipc::Link>> dial() override {
    if (!os_.listening_) return fail(Errc::unavailable, "no supervisor");
    auto [ours, theirs] = SimLink::make_pair();
    os_.callers_.emplace_back(std::move(theirs), pid_);
    os_.caller_came_.set();
    return std::move(ours);
  }

 private:
  SimOs& os_;
  int pid_;
};

class SimOs::SimAcceptor final : public ipc::Acceptor {
 public:
  explicit SimAcceptor(SimOs& os) : os_(os) { os_.listening_ = true; }
  ~SimAcceptor() override {
    os_.listening_ = false;
    os_.callers_.clear();
  }
  Task<Result<Caller>> accept(Deadline deadline) override {
    while (os_.callers_.empty()) {
      os_.caller_came_.reset();
      if (auto waited = co_await os_.caller_came_.wait(deadline); !waited) co_return fail(waited.error());
    }
    auto [link, pid] = std::move(os_.callers_.front());
    os_.callers_.pop_front();
    co_return Caller{std::move(link), pid};
  }

 private:
  SimOs& os_;
};

// The kernel's timer: it fires though the process's loop is frozen.
class SimOs::SimDeadMan final : public job::DeadMan, private Timer {
 public:
  SimDeadMan(SimOs& os, int pid) : os_(os), pid_(pid) {}
  void arm(TimePoint at) noexcept override { os_.kernel_.arm(*this, at); }

 private:
  void fire() override { os_.signal(pid_, SIGKILL); }
  SimOs& os_;
  int pid_;
};

struct SimOs::JobBody final : Body {
  JobBody(SimOs& os, Entry& entry, const ipc::Spawn& spawn, std::unique_ptr<SimLink> link)
      : disk(os.disk_.process(fmt::format("p{}", entry.pid))),
        writer(*entry.loop, os.disk_),
        dialer(os, entry.pid),
        dead_man(os, entry.pid),
        mirroring(*entry.loop, "mirroring"),
        mirror(os.make_mirror(*entry.loop, mirroring)) {
    const bool fresh = spawn.kind == ipc::JobKind::call;
    auto journal = fresh ? job::create_journal(*disk, kCalls, spawn.call_id) : job::open_journal(*disk, kCalls, spawn.call_id);
    job::OpenJournal opened{.file = nullptr, .path = {}, .contents = {}};
    if (journal) opened = std::move(*journal);
    entry.forge = link->forger();
    const SimSelf self{os, entry.pid};
    body.emplace(*entry.loop,
                 job::JobConfig{.identity = {spawn.kind, spawn.call_id, spawn.attempt_id, entry.pid},
                                .deadlines = os.config_.deadlines,
                                .program = [&os, self](job::JobContext& context) { return os.program_(context, self); },
                                .hooks = os.hooks_.get()},
                 job::JobPorts{.link = std::move(link),
                               .dialer = &dialer,
                               .dead_man = &dead_man,
                               .writer = writer.writer(),
                               .mirror = mirror.get(),
                               .journal = std::move(opened),
                               .finish = [&os, self](ipc::ExitCode code) { os.end(self.pid, {.code = static_cast<int>(code), .signal = {}}); }});
    body->start();
  }
  void terminate() override { body->terminate(); }

  std::shared_ptr<job::Disk> disk;
  SimWriter writer;
  SimDialer dialer;
  SimDeadMan dead_man;
  Scope mirroring;
  std::unique_ptr<job::JournalMirror> mirror;
  std::optional<job::Job> body;
};

struct SimOs::ZygoteBody final : Body {
  ZygoteBody(SimOs& os, Entry& entry, std::unique_ptr<SimLink> l) : link(std::move(l)), scope(*entry.loop, "zygote") {
    (void)scope.spawn("serve", serve(os, entry.pid, *link));
  }

  static Task<void> serve(SimOs& os, int pid, SimLink& link) {
    co_await sleep_for(20ms);  // warming up
    (void)link.send(*ipc::serialize(ipc::FromZygote(ipc::Ready{})));
    for (;;) {
      auto packet = co_await link.receive(Deadline::bounded_by_scope());
      if (!packet) break;
      const auto message = ipc::parse_to_zygote(packet->bytes);
      if (!message) break;
      const auto spawn = std::get<ipc::Spawn>(*message);
      auto end = std::move(static_cast<LinkHandle&>(*packet->handles.front()).link);
      co_await sleep_for(500us);
      const int job = os.start_job(spawn, std::move(end));
      co_await sleep_for(500us);  // born, and nobody told yet
      ipc::Handles handles;
      handles.push_back(std::make_unique<PidHandle>(job));
      (void)link.send(*ipc::serialize(ipc::FromZygote(ipc::Spawned{spawn.request, job, {}})), std::move(handles));
    }
    os.end(pid, {.code = 9, .signal = {}});
  }

  std::unique_ptr<SimLink> link;
  Scope scope;
};

struct SimOs::InferenceBody final : Body {};

class SimOs::SimSystem final : public worker::System {
 public:
  explicit SimSystem(SimOs& os) : os_(os), acceptor_(os) {}

  Result<Zygote> start_zygote() override {
    auto [ours, theirs] = SimLink::make_pair();
    auto& entry = os_.add(Kind::zygote);
    entry.body = std::make_unique<ZygoteBody>(os_, entry, std::move(theirs));
    return Zygote{std::make_unique<SimProcess>(os_, entry.pid), std::move(ours)};
  }
  Result<std::unique_ptr<worker::Process>> start_inference() override {
    // One that an earlier supervisor started ends when it sees the new one's line; here: when it is asked for again.
    for (const int pid : os_.alive(Kind::inference)) os_.end(pid, {.code = 0, .signal = {}});
    auto& entry = os_.add(Kind::inference);
    entry.body = std::make_unique<InferenceBody>();
    return std::make_unique<SimProcess>(os_, entry.pid);
  }
  Result<JobLink> make_job_link() override {
    auto [ours, theirs] = SimLink::make_pair();
    return JobLink{std::move(ours), std::make_unique<LinkHandle>(std::move(theirs))};
  }
  Result<std::unique_ptr<worker::Process>> job_process(int pid, std::unique_ptr<ipc::Handle>) override {
    return std::make_unique<SimProcess>(os_, pid);
  }
  Result<std::unique_ptr<worker::Process>> open_process(int pid) override {
    if (!os_.find(pid)) return fail(Errc::not_found, "gone");
    return std::make_unique<SimProcess>(os_, pid);
  }
  Result<std::vector<FoundJob>> find_jobs() override {
    std::vector<FoundJob> jobs;
    for (const auto& [attempt, job] : os_.marks_) {
      jobs.push_back({job, os_.find(job.pid) ? std::make_unique<SimProcess>(os_, job.pid) : nullptr});
    }
    return jobs;
  }
  void remove_mark(const std::string& attempt_id) override { os_.marks_.erase(attempt_id); }
  ipc::Acceptor& acceptor() override { return acceptor_; }
  double cpu_pressure() const noexcept override { return 0; }
  double memory_use() const noexcept override { return os_.memory_use_; }
  void reap_strays() noexcept override {}

 private:
  SimOs& os_;
  SimAcceptor acceptor_;
};

struct SimOs::SupervisorBody final : Body {
  SupervisorBody(SimOs& os, Entry& entry)
      : writer(*entry.loop, os.disk_),
        mirroring(*entry.loop, "mirroring"),
        mirror(os.make_mirror(*entry.loop, mirroring)),
        records(*entry.loop, os.disk_.process(fmt::format("p{}", entry.pid)), writer.writer(),
                {.directory = kCalls, .hooks = os.hooks_, .mirror = mirror.get()}),
        system(os),
        supervisor(*entry.loop, os.config_, system, records),
        scope(*entry.loop, "test") {
    (void)scope.spawn("start", start(os, *this));
  }
  static Task<void> start(SimOs& os, SupervisorBody& self) {
    if (!co_await self.supervisor.start()) co_return;
    if (os.attach_) self.attached = os.attach_(self.supervisor, self.scope);
  }

  SimWriter writer;
  Scope mirroring;
  std::unique_ptr<job::JournalMirror> mirror;
  worker::CallRecords records;
  SimSystem system;
  worker::Supervisor supervisor;
  Scope scope;
  std::shared_ptr<void> attached;
};

// ---- the kernel

SimOs::SimOs(World& world, SimProgram program, std::shared_ptr<const job::HookRegistry> hooks, worker::SupervisorConfig config)
    : world_(world),
      kernel_(world.add_loop("kernel")),
      disk_(Random(world.random()()), world.clock()),
      program_(std::move(program)),
      hooks_(std::move(hooks)),
      config_(config) {
  (void)disk_.process("setup")->make_directory(kCalls);
  auto reap = [this] { end_now(); };
  reaper_ = std::make_unique<Deferred<decltype(reap)>>(reap);
}

SimOs::~SimOs() {
  // Supervisors first: they look at the others.
  for (const auto kind : {Kind::supervisor, Kind::zygote, Kind::inference, Kind::job, Kind::after_call}) {
    for (const int pid : alive(kind)) processes_.at(pid)->body.reset();
  }
}

SimOs::Entry& SimOs::add(Kind kind) {
  const int pid = next_pid_++;
  auto& loop = world_.add_loop(fmt::format("p{}", pid));
  watched_[pid] = std::make_shared<Ended>();
  auto entry = std::make_unique<Entry>();
  entry->kind = kind;
  entry->pid = pid;
  entry->loop = &loop;
  return *(processes_[pid] = std::move(entry));
}

SimOs::Entry* SimOs::find(int pid) {
  const auto it = processes_.find(pid);
  return it == processes_.end() ? nullptr : it->second.get();
}

void SimOs::start_supervisor() {
  auto& entry = add(Kind::supervisor);
  entry.body = std::make_unique<SupervisorBody>(*this, entry);
}

int SimOs::start_job(const ipc::Spawn& spawn, std::unique_ptr<SimLink> link) {
  auto& entry = add(spawn.kind == ipc::JobKind::call ? Kind::job : Kind::after_call);
  marks_[spawn.attempt_id] = {spawn.kind, spawn.call_id, spawn.attempt_id, entry.pid};
  entry.body = std::make_unique<JobBody>(*this, entry, spawn, std::move(link));
  return entry.pid;
}

worker::Supervisor* SimOs::supervisor() noexcept {
  const auto pids = alive(Kind::supervisor);
  return pids.empty() ? nullptr : &static_cast<SupervisorBody&>(*processes_.at(pids.front())->body).supervisor;
}

Scope* SimOs::supervisor_scope() noexcept {
  const auto pids = alive(Kind::supervisor);
  return pids.empty() ? nullptr : &static_cast<SupervisorBody&>(*processes_.at(pids.front())->body).scope;
}

void SimOs::signal(int pid, int number) {
  auto* entry = find(pid);
  if (!entry) return;
  if (number == SIGKILL) {
    end(pid, {.code = {}, .signal = SIGKILL});
  } else if (number == SIGTERM && !entry->loop->frozen() && !entry->on_term) {
    auto handler = [entry] { entry->body->terminate(); };
    entry->on_term = std::make_unique<Deferred<decltype(handler)>>(handler);
    entry->loop->make_ready(*entry->on_term);
  }
}

void SimOs::end(int pid, worker::ExitStatus status) {
  if (!find(pid)) return;
  dying_.emplace(pid, status);
  if (!reaper_->queued()) kernel_.make_ready(*reaper_);
}

void SimOs::end_now() {
  for (const auto& [pid, status] : std::exchange(dying_, {})) {
    const auto it = processes_.find(pid);
    if (it == processes_.end()) continue;
    if (status.signal) ++kills_[*status.signal];
    it->second->loop->freeze(true);
    disk_.kill(fmt::format("p{}", pid));
    it->second->body.reset();
    processes_.erase(it);
    const auto ended = watched_.at(pid);
    ended->status = status;
    ended->event.set();
  }
}

void SimOs::freeze(int pid) {
  if (auto* entry = find(pid)) entry->loop->freeze(true);
}

void SimOs::thaw(int pid) {
  if (auto* entry = find(pid)) entry->loop->freeze(false);
}

void SimOs::starve(int pid) {
  if (auto* entry = find(pid)) entry->starving = true;
}

void SimOs::send_garbage(int job_pid) {
  auto* entry = find(job_pid);
  if (entry && entry->forge) entry->forge("\xff\xff no message of ours");
}

std::vector<int> SimOs::alive(Kind kind) const {
  std::vector<int> pids;
  for (const auto& [pid, entry] : processes_) {
    if (entry->kind == kind && !dying_.contains(pid)) pids.push_back(pid);
  }
  return pids;
}

std::size_t SimOs::kills(int signal) const {
  const auto it = kills_.find(signal);
  return it == kills_.end() ? 0 : it->second;
}

std::size_t SimOs::count_records(const std::string& call_id, std::string_view type) const {
  std::size_t count = 0;
  for (const auto& path : {job::settled_path(kCalls, call_id), job::journal_path(kCalls, call_id)}) {
    const auto bytes = disk_.content(path);
    if (!bytes) continue;
    for (const auto& record : job::parse_journal(*bytes, call_id).records) count += record.type == type ? 1 : 0;
  }
  return count;
}

bool SimOs::has_room_call(const std::string& job_id) const {
  for (const auto& id : calls()) {
    for (const auto& path : {job::settled_path(kCalls, id), job::journal_path(kCalls, id)}) {
      const auto bytes = disk_.content(path);
      if (bytes && bytes->find(job_id) != std::string::npos) return true;
    }
  }
  return false;
}

bool SimOs::settled(const std::string& call_id) const { return disk_.content(job::settled_path(kCalls, call_id)).has_value(); }

std::vector<std::string> SimOs::calls() const {
  std::vector<std::string> ids;
  auto look = const_cast<SimDisk&>(disk_).process("look");
  if (auto journals = job::list_journals(*look, kCalls)) {
    for (const auto& journal : *journals) ids.push_back(journal.call_id);
  }
  return ids;
}

}  // namespace parley::sim
