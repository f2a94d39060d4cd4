#include "bench/measurement.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/blocking.hpp>

#include "async/real_loop.hpp"
#include "bench/caller.hpp"
#include "bench/room_line.hpp"
#include "bench/whip_line.hpp"
#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"

namespace parley::bench {

namespace {

constexpr Duration kStartWithin = 20s;
constexpr Duration kSettle = 2s;  // of the worker before it is called idle, of the calls before they are steady
constexpr Duration kReaped = 200ms;
constexpr int kSamples = 5;         // of memory, in the steady middle
constexpr Duration kOverdue = 60s;  // all calls together, beyond their length
constexpr Duration kAfterCut = 1s;  // what is missing so long after a resume is due to it

struct Seen {
  double pss_mb = 0;
  double kernel_mb = 0;  // page tables and stacks of the worker's processes, slabs of the machine
};

class Measurement {
 public:
  Measurement(Site& site, const Load& load, const Speech& speech, Progress& progress,
              const volatile std::sig_atomic_t& interrupted)
      : site_(site),
        load_(load),
        speech_(speech),
        progress_(progress),
        interrupted_(interrupted),
        random_(load.seed),
        plan_{load.length, load.interrupts} {}

  ~Measurement() {
    callers_scope_.kill();
    root_.kill();
  }

  Result<void> run() {
    (void)root_.spawn("measure", everything(*this));
    (void)root_.spawn("watch", watch(*this));
    loop_.run();
    if (interrupted_) return fail(Errc::closing, "interrupted");
    if (failure_) return fail(*failure_);
    return {};
  }

  Figures& figures() noexcept { return figures_; }
  const std::vector<std::unique_ptr<Caller>>& callers() const noexcept { return callers_; }

 private:
  static Task<void> everything(Measurement& self) {
    if (auto done = co_await self.call_and_look(); !done) self.failure_ = done.error();
    co_await self.engine_.close(self.loop_.in(5s));
    self.loop_.stop();
  }

  static Task<void> watch(Measurement& self) {
    for (int turn = 0;; ++turn) {
      if (turn % 10 == 0) self.progress_.tell(self.how_far());
      co_await sleep_for(100ms);
      if (self.interrupted_) self.loop_.stop();
    }
  }

  std::string how_far() const {
    std::size_t connected = 0, over = 0, failed = 0;
    for (const auto& caller : callers_) {
      connected += caller->connected() ? 1 : 0;
      over += caller->hanging_up() ? 1 : 0;
      failed += caller->log().error.empty() ? 0 : 1;
    }
    const auto passed = began_ == TimePoint{} ? Duration::zero() : loop_.now() - began_;
    const auto all = load_.length + load_.apart * static_cast<std::int64_t>(load_.calls);
    return fmt::format("{} {}: {:.0f} of {:.0f} s, {} connected, {} over, {} failed; load {:.1f}", load_.calls,
                       load_.rooms ? "rooms" : "calls", to_seconds(passed), to_seconds(all), connected, over, failed,
                       load_average());
  }

  Task<Result<void>> call_and_look() {
    if (auto ready = co_await await_worker(); !ready) co_return ready;
    co_await sleep_for(kSettle);
    const auto idle = co_await look();
    if (!idle) co_return fail(idle.error());
    figures_.calls = load_.calls;
    figures_.rooms = load_.rooms;
    figures_.idle_mb = idle->pss_mb;
    const auto worker = site_.worker.pid();
    const auto busy_before = processor_seconds(family(worker));
    const Control control;
    began_ = loop_.now();
    if (auto begun = root_.spawn("begin", begin_calls()); !begun) co_return begun;
    if (auto seen = co_await look_at_the_middle(*idle); !seen) co_return seen;
    if (auto over = co_await callers_scope_.wait_idle(loop_.in(load_.length + kOverdue)); !over) co_return over;
    figures_.control = control.so_far();
    figures_.load = load_average();
    co_await sleep_for(kReaped);  // then the time of ended calls is their parent's
    figures_.cpu_cores_per_call =
        (processor_seconds(family(worker)) - busy_before) / to_seconds(load_.length) / static_cast<double>(load_.calls);
    co_return Result<void>{};
  }

  Task<Result<void>> await_worker() {
    for (const auto deadline = loop_.in(kStartWithin); !deadline.passed(loop_.now()) && site_.worker.running();) {
      const auto told = co_await client_->send({.url = site_.place.worker_url}, loop_.in(1s));
      if (told && told->head.status == 200 && told->body.find("\"healthy\":true") != std::string::npos)
        co_return Result<void>{};
      co_await sleep_for(50ms);
    }
    co_return fail(Errc::unavailable, "the worker did not start:\n" + site_.logs());
  }

  Task<void> begin_calls() {
    for (std::size_t i = 0; i < load_.calls; ++i) {
      if (i > 0)
        co_await sleep_for(load_.apart / 2 + Duration(random_.below(static_cast<std::uint64_t>(load_.apart.count()))));
      const Caller::MakeLine make_line = [this, i](Random& random, Line::OnAudio on_audio) {
        return line(i, random, std::move(on_audio));
      };
      callers_.push_back(std::make_unique<Caller>(loop_, speech_, plan_, Random(random_()), make_line));
      (void)callers_scope_.spawn("caller", callers_.back()->run());
    }
  }

  std::unique_ptr<Line> line(std::size_t number, Random& random, Line::OnAudio on_audio) {
    const auto& place = site_.place;
    if (!load_.rooms)
      return std::make_unique<WhipLine>(callers_scope_, engine_, *client_, exits_, place, random, std::move(on_audio));
    return std::make_unique<RoomLine>(callers_scope_, engine_, *client_, *sockets_, exits_, place,
                                      fmt::format("bench-{}", number), std::move(on_audio));
  }

  bool all_connected() const noexcept {
    return callers_.size() == load_.calls &&
           std::ranges::all_of(callers_, [](const auto& c) { return c->connected() || !c->log().error.empty(); });
  }

  // Off the loop: it takes a while, and the callers have to go on.
  Task<Result<Seen>> look() {
    co_return co_await run_blocking<Seen>(loop_.in(30s), [pid = site_.worker.pid()]() -> Result<Seen> {
      const auto usage = usage_of(family(pid));
      return Seen{usage.pss_mb, usage.page_tables_mb + usage.stacks_mb + kernel_slab_mb()};
    });
  }

  // Between the last beginning and the first end. Of the samples the median.
  Task<Result<void>> look_at_the_middle(const Seen& idle) {
    while (!all_connected()) co_await sleep_for(100ms);
    const auto from = loop_.now() + std::min<Duration>(kSettle, load_.length / 5);
    auto to = loop_.now() + load_.length;
    for (const auto& caller : callers_) {
      if (caller->connected()) to = std::min(to, caller->line().connected + load_.length);
    }
    if (to <= from) {
      co_return fail(
          Errc::invalid_argument,
          "the first calls are over before the last has begun: fewer calls at a time, or longer ones (--length)");
    }
    std::vector<Seen> seen;
    for (int i = 0; i < kSamples; ++i) {
      co_await sleep_until(from + (to - from) * i / kSamples);
      const auto now = co_await look();
      if (!now) co_return fail(now.error());
      seen.push_back(*now);
    }
    const auto median = [&seen](double Seen::* what) {
      std::ranges::nth_element(seen, seen.begin() + kSamples / 2, {}, what);
      return seen[kSamples / 2].*what;
    };
    const auto calls = static_cast<double>(load_.calls);
    figures_.pss_mb_per_call = (median(&Seen::pss_mb) - idle.pss_mb) / calls;
    figures_.kernel_mb_per_call = (median(&Seen::kernel_mb) - idle.kernel_mb) / calls;
    co_return Result<void>{};
  }

  Site& site_;
  const Load& load_;
  const Speech& speech_;
  Progress& progress_;
  const volatile std::sig_atomic_t& interrupted_;
  Random random_;
  Plan plan_;
  Figures figures_;
  std::optional<Error> failure_;
  TimePoint began_{};
  ExitWatch exits_;
  RealLoop loop_{"bench"};
  rtc::Engine engine_;
  Scope root_{loop_, "bench"};
  std::unique_ptr<net::HttpClient> client_ = net::make_http_client(loop_, root_);
  std::unique_ptr<net::WebSocketClient> sockets_ = net::make_websocket_client(loop_, root_);
  Scope callers_scope_{loop_, "callers", 10'000};
  std::vector<std::unique_ptr<Caller>> callers_;
};

struct Collected {
  std::vector<double> subscribed, by_job, first, reply, stop, resume, exit;
};

double ms_between(TimePoint from, TimePoint to) { return to_ms(to - from); }

// The moments of a call's line.
void collect(const LineLog& line, const std::vector<Heard>& heard, Figures& figures, Collected& all) {
  if (line.subscribed != TimePoint{}) all.subscribed.push_back(ms_between(line.posted, line.subscribed));
  if (line.subscribed != TimePoint{} && line.began != TimePoint{})
    all.by_job.push_back(ms_between(line.began, line.subscribed));
  if (const auto greeting = first_loud(heard, line.posted)) all.first.push_back(ms_between(line.posted, *greeting));
  if (line.exit && line.exit->at != 0) all.exit.push_back(ms_between(line.hung_up, TimePoint(Duration(line.exit->at))));
  if (line.resumed == TimePoint{}) return;
  all.resume.push_back(ms_between(line.cut, line.resumed));
  figures.missing_frames += missing_frames(heard, line.cut, line.resumed + kAfterCut);
}

// One call's: decoded now that no time counts any more.
void collect(const Caller& caller, const FixedTimes& fixed, Figures& figures, Collected& all) {
  const auto& log = caller.log();
  figures.own_ticks.late += log.ticks.late;
  figures.own_ticks.frames += log.ticks.frames;
  if (!log.error.empty()) figures.errors.push_back(log.error);
  const auto heard = listen(log.kept);
  if (!heard) {
    figures.errors.push_back(heard.error().message());
    return;
  }
  figures.late_frames.late += late_frames(*heard);
  figures.late_frames.frames += heard->size();
  collect(caller.line(), *heard, figures, all);
  for (std::size_t i = 0; i < log.said.size(); ++i) {
    const auto& said = log.said[i];
    if (said.last == TimePoint{}) continue;  // the call was over first
    const auto turn =
        measure_turn(*heard, said, i + 1 < log.said.size() ? log.said[i + 1].first : caller.line().hung_up);
    ++figures.turns;
    if (turn.spoke_on) figures.errors.emplace_back("the agent spoke on while it was interrupted");
    if (turn.unclear) ++figures.unclear;
    if (turn.stop) all.stop.push_back(to_ms(*turn.stop));
    if (turn.answer) all.reply.push_back(to_ms(*turn.answer - fixed.endpointing - fixed.providers()));
  }
}

}  // namespace

Result<Figures> measure(const Programs& programs, const Load& load, const FixedTimes& fixed, const Speech& speech,
                        Progress& progress, const volatile std::sig_atomic_t& interrupted) {
  auto site = Site::start(programs, load, fixed);
  if (!site) return fail(site.error());
  Measurement measurement(*site, load, speech, progress, interrupted);
  auto done = measurement.run();
  progress.clear();
  if (!done) return fail(done.error());
  auto figures = std::move(measurement.figures());
  if (const int code = site->worker.end(); code != 0) {
    figures.errors.push_back(fmt::format("the worker ended with {}:\n{}", code, site->logs()));
  }
  Collected all;
  for (const auto& caller : measurement.callers()) collect(*caller, fixed, figures, all);
  figures.subscribed = times_of(std::move(all.subscribed));
  figures.subscribed_by_job = times_of(std::move(all.by_job));
  figures.first_audio = times_of(std::move(all.first));
  figures.own_reply = times_of(std::move(all.reply));
  figures.barge_in = times_of(std::move(all.stop));
  figures.resume = times_of(std::move(all.resume));
  figures.hangup_to_exit = times_of(std::move(all.exit));
  return figures;
}

}  // namespace parley::bench
