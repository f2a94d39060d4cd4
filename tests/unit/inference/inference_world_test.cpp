// Both ends in the simulated world: a model that is slow, stuck or throws; a process that dies and comes back.
#include <deque>
#include <optional>

#include <gtest/gtest.h>

#include "ipc/inference_client.hpp"
#include "ipc/inference_server.hpp"
#include "sim/world.hpp"

namespace parley::ipc {
namespace {

// Two ends of one connection on one loop.
class MemoryLink final : public Link {
 public:
  struct Side {
    std::deque<Packet> inbox;
    Event changed;
    bool closed = false;
  };
  using Sides = std::array<Side, 2>;

  MemoryLink(std::shared_ptr<Sides> sides, std::size_t mine) : sides_(std::move(sides)), mine_(mine) {}
  ~MemoryLink() override { close(); }

  Result<void> send(std::string bytes, Handles handles) override {
    if (own().closed || other().closed) return fail(Errc::unavailable, "closed");
    if (other().inbox.size() >= max_waiting) return fail(Errc::overloaded, "it does not read");
    other().inbox.push_back({std::move(bytes), std::move(handles)});
    other().changed.set();
    return {};
  }
  Task<Result<Packet>> receive(Deadline deadline) override {
    const auto sides = sides_;  // the link may go while its reader waits
    auto& side = (*sides)[mine_];
    auto& peer = (*sides)[1 - mine_];
    while (side.inbox.empty()) {
      if (side.closed || peer.closed) co_return fail(Errc::closing, "the other side is gone");
      side.changed.reset();
      if (auto waited = co_await side.changed.wait(deadline); !waited) co_return fail(waited.error());
    }
    auto packet = std::move(side.inbox.front());
    side.inbox.pop_front();
    co_return packet;
  }
  Task<Result<void>> flushed(Deadline) override { co_return Result<void>{}; }
  void close() noexcept override {
    own().closed = true;
    own().changed.set();
    other().changed.set();
  }
  bool closed() const noexcept override { return (*sides_)[mine_].closed; }

  static inline std::size_t max_waiting = 64;

 private:
  Side& own() { return (*sides_)[mine_]; }
  Side& other() { return (*sides_)[1 - mine_]; }
  std::shared_ptr<Sides> sides_;
  std::size_t mine_;
};

// The name under which the process is found; nobody answers while there is none.
struct Meeting {
  std::deque<std::unique_ptr<Link>> callers;
  Event came;
  bool open = false;
};

class MemoryAcceptor final : public Acceptor {
 public:
  explicit MemoryAcceptor(Meeting& meeting) : meeting_(meeting) { meeting_.open = true; }
  ~MemoryAcceptor() override {
    meeting_.open = false;
    meeting_.callers.clear();
  }
  Task<Result<Caller>> accept(Deadline deadline) override {
    while (meeting_.callers.empty()) {
      meeting_.came.reset();
      if (auto waited = co_await meeting_.came.wait(deadline); !waited) co_return fail(waited.error());
    }
    auto link = std::move(meeting_.callers.front());
    meeting_.callers.pop_front();
    co_return Caller{.link = std::move(link)};
  }

 private:
  Meeting& meeting_;
};

class MemoryDialer final : public Dialer {
 public:
  explicit MemoryDialer(Meeting& meeting) : meeting_(meeting) {}
  Result<std::unique_ptr<Link>> dial() override {
    if (!meeting_.open) return fail(Errc::unavailable, "nobody is there");
    auto sides = std::make_shared<MemoryLink::Sides>();
    meeting_.callers.push_back(std::make_unique<MemoryLink>(sides, 0));
    meeting_.came.set();
    return std::make_unique<MemoryLink>(sides, 1);
  }

 private:
  Meeting& meeting_;
};

class Inference : public ::testing::Test {
 protected:
  Inference() : loop(world.add_loop("all")) {
    scope.emplace(loop, "root");
    model = [this](std::span<const float> samples) -> Result<std::string> {
      ran.push_back(samples.size());
      return std::to_string(samples.size());
    };
    MemoryLink::max_waiting = 64;
  }

  void start_server(InferenceLimits limits = {}) {
    server_scope.emplace(*scope, "process");
    server.emplace(
        *server_scope, std::make_unique<MemoryAcceptor>(meeting), [this](std::span<const float> s) { return model(s); },
        limits);
    server->start();
  }
  // What a kill -9 does to it.
  void kill_server() {
    server.reset();
    server_scope.reset();
  }

  struct Call {
    explicit Call(Inference& test) : client(*test.scope, std::make_unique<MemoryDialer>(test.meeting)) {}
    InferenceClient client;
  };
  std::unique_ptr<Call> call() { return std::make_unique<Call>(*this); }

  using Answer = std::optional<Result<std::string>>;
  void ask(Call& from, std::size_t samples, Duration patience, Answer& answer) {
    ASSERT_TRUE(scope->spawn("ask", [](InferenceClient& c, std::size_t n, Deadline d, Answer& a) -> Task<void> {
      a = co_await c.recognize(std::vector<float>(n), d);
    }(from.client, samples, loop.in(patience), answer)));
  }
  bool run_until(const Answer& answer, Duration limit = 1min) {
    return world.run_until([&] { return answer.has_value(); }, limit);
  }

  void TearDown() override {
    server.reset();
    scope.reset();
    EXPECT_EQ(loop.counters().tasks, 0) << world.describe();
  }

  sim::World world{11};
  sim::SimLoop& loop;
  Meeting meeting;
  Recognize model;
  std::vector<std::size_t> ran;
  std::optional<Scope> scope;
  std::optional<Scope> server_scope;
  std::optional<InferenceServer> server;
};

TEST_F(Inference, AudioGoesThere_TextComesBack) {
  start_server();
  const auto job = call();
  Answer answer;
  ask(*job, 16'000, 10s, answer);
  ASSERT_TRUE(run_until(answer)) << world.describe();
  ASSERT_TRUE(*answer) << answer->error().message();
  EXPECT_EQ(**answer, "16000");
  EXPECT_EQ(job->client.counters().dials, 1u);
}

TEST_F(Inference, ManyCalls_AreServedOldestFirst_OneAtATime) {
  loop.blocking().set_duration(100ms);
  start_server();
  std::vector<std::unique_ptr<Call>> calls;
  std::deque<Answer> answers(12);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i < 6) calls.push_back(call());
    ask(*calls[i % 6], i + 1, 10s, answers[i]);
    world.run_for(1ms);
  }
  ASSERT_TRUE(
      world.run_until([&] { return std::ranges::all_of(answers, [](const auto& a) { return a.has_value(); }); }, 10s));
  EXPECT_EQ(ran, (std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST_F(Inference, SlowModel_DeadlinesHold_AndWhatIsLateIsNeverRun) {
  loop.blocking().set_duration(2s);
  start_server();
  const auto first = call(), second = call();
  Answer a, b, c;
  ask(*first, 1, 10s, a);
  world.run_for(1ms);
  ask(*second, 2, 1s, b);
  ask(*second, 3, 10s, c);
  const auto began = world.now();
  ASSERT_TRUE(run_until(b));
  EXPECT_LT(world.now() - began, 1100ms);
  EXPECT_EQ(b->error().code(), Errc::timeout);
  ASSERT_TRUE(run_until(c));
  EXPECT_EQ(**a, "1");
  EXPECT_EQ(**c, "3");
  EXPECT_EQ(ran, (std::vector<std::size_t>{1, 3}));
}

TEST_F(Inference, RequestWhoseTimeIsOver_IsAnsweredSo_WithoutBeingRun) {
  loop.blocking().set_duration(2s);
  start_server();
  const auto job = call();
  Answer first;
  ask(*job, 1, 10s, first);
  world.run_for(1ms);
  // A client that does not take its request back.
  auto patient = *MemoryDialer(meeting).dial();
  Handles handles;
  handles.push_back(std::make_unique<FdHandle>(*make_inference_audio(std::vector<float>(2))));
  const RecognizeRequest request{.id = 5, .samples = 2, .patience = 1s};
  ASSERT_TRUE(patient->send(serialize(ToInference(request)), std::move(handles)));
  std::optional<Result<Packet>> packet;
  ASSERT_TRUE(scope->spawn("receive", [](Link& link, std::optional<Result<Packet>>& p) -> Task<void> {
    p = co_await link.receive(Deadline::bounded_by_scope());
  }(*patient, packet)));
  ASSERT_TRUE(world.run_until([&] { return packet.has_value(); }, 3s)) << world.describe();
  const auto answer = parse_inference_answer((*packet)->bytes);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, 5u);
  EXPECT_EQ(answer->text.error().code(), Errc::timeout);
  EXPECT_EQ(ran, (std::vector<std::size_t>{1}));
  EXPECT_EQ(server->counters().expired, 1u);
}

TEST_F(Inference, CallerThatGoesAway_IsNotComputedFor) {
  loop.blocking().set_duration(1s);
  start_server();
  auto first = call(), second = call();
  Answer a;
  ask(*first, 1, 10s, a);
  world.run_for(1ms);
  {
    Scope gone(*scope, "gone");
    Answer b;
    ASSERT_TRUE(gone.spawn("ask", [](InferenceClient& c, Answer& out) -> Task<void> {
      out = co_await c.recognize(std::vector<float>(2), Deadline(TimePoint::max() - 1h));
    }(second->client, b)));
    world.run_for(1ms);
  }
  ASSERT_TRUE(run_until(a));
  world.run_for(3s);
  EXPECT_EQ(ran, (std::vector<std::size_t>{1}));
  EXPECT_EQ(server->counters().cancelled, 1u);
}

TEST_F(Inference, ProcessDiesInTheMiddle_TheRequestIsTriedOnceMore_WithinItsDeadline) {
  loop.blocking().set_duration(1s);
  start_server();
  const auto job = call();
  Answer answer;
  ask(*job, 5, 10s, answer);
  world.run_for(100ms);
  kill_server();
  world.run_for(300ms);
  EXPECT_FALSE(answer) << "it dials until the deadline";
  start_server();
  ASSERT_TRUE(run_until(answer, 5s)) << world.describe();
  ASSERT_TRUE(*answer) << answer->error().message();
  EXPECT_EQ(**answer, "5");
  EXPECT_EQ(job->client.counters().lost, 1u);
}

TEST_F(Inference, ProcessDiesTwice_TheRequestFails_TheNextOneDoesNot) {
  loop.blocking().set_duration(1s);
  start_server();
  const auto job = call();
  Answer answer, next;
  ask(*job, 5, 10s, answer);
  for (int i = 0; i < 2; ++i) {
    world.run_for(100ms);
    kill_server();
    start_server();
    world.run_for(100ms);
  }
  ASSERT_TRUE(run_until(answer, 1s));
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code(), Errc::unavailable);
  ask(*job, 6, 10s, next);
  ASSERT_TRUE(run_until(next));
  EXPECT_EQ(**next, "6");
}

TEST_F(Inference, NobodyThere_FailsAtTheDeadline) {
  const auto job = call();
  Answer answer;
  ask(*job, 5, 2s, answer);
  const auto began = world.now();
  ASSERT_TRUE(run_until(answer));
  EXPECT_EQ(answer->error().code(), Errc::unavailable);
  EXPECT_GE(world.now() - began, 2s);
  EXPECT_LT(world.now() - began, 2100ms);
}

TEST_F(Inference, ModelThatThrowsOrFails_CostsThatRequestOnly) {
  start_server();
  const auto job = call();
  Answer a, b, c;
  model = [](std::span<const float> samples) -> Result<std::string> {
    if (samples.size() == 1) throw std::runtime_error("a bug");
    if (samples.size() == 2) return fail(Errc::invalid_argument, "not speech");
    return "fine";
  };
  ask(*job, 1, 10s, a);
  ask(*job, 2, 10s, b);
  ask(*job, 3, 10s, c);
  ASSERT_TRUE(world.run_until([&] { return a && b && c; }, 1s));
  EXPECT_EQ(a->error().message(), "the model threw: a bug");
  EXPECT_EQ(b->error().code(), Errc::invalid_argument);
  EXPECT_EQ(**c, "fine");
}

TEST_F(Inference, StuckModel_IsNoticed) {
  loop.blocking().hang(true);
  start_server({.max_run = 5s});
  const auto job = call();
  Answer answer;
  ask(*job, 1, 1min, answer);
  EXPECT_TRUE(world.run_until([&] { return server->stuck().is_set(); }, 6s)) << world.describe();
  EXPECT_FALSE(answer);
}

TEST_F(Inference, TooManyRequestsOfOneCall_AreRefusedAtOnce) {
  loop.blocking().set_duration(1s);
  start_server();
  const auto job = call();
  std::deque<Answer> answers(InferenceClient::kMaxWaiting + 1);
  for (auto& answer : answers) ask(*job, 1, 10s, answer);
  world.run_for(10ms);
  ASSERT_TRUE(answers.back());
  EXPECT_EQ(answers.back()->error().code(), Errc::overloaded);
  EXPECT_FALSE(answers.front());
  ASSERT_TRUE(run_until(answers[InferenceClient::kMaxWaiting - 1], 10s));
}

TEST_F(Inference, FullProcess_RefusesAtOnce) {
  loop.blocking().set_duration(1s);
  start_server({.max_queued = 2});
  std::vector<std::unique_ptr<Call>> calls;
  std::deque<Answer> answers(4);
  for (auto& answer : answers) {
    calls.push_back(call());
    ask(*calls.back(), 1, 10s, answer);
    world.run_for(1ms);
  }
  ASSERT_TRUE(answers.back());
  EXPECT_EQ(answers.back()->error().code(), Errc::overloaded);
  EXPECT_EQ(server->counters().refused, 1u);
}

TEST_F(Inference, NonsenseFromAClient_DropsThatClientOnly) {
  start_server();
  const auto good = call();
  auto bad = *MemoryDialer(meeting).dial();
  ASSERT_TRUE(bad->send("\xff\xff\xff nonsense", {}));
  auto silent = *MemoryDialer(meeting).dial();
  ASSERT_TRUE(silent->send(serialize(ToInference(RecognizeRequest{.id = 1, .samples = 100, .patience = 1s})), {}));
  world.run_for(10ms);
  EXPECT_EQ(server->clients(), 0u);
  EXPECT_EQ(server->counters().dropped, 2u);
  Answer answer;
  ask(*good, 7, 1s, answer);
  ASSERT_TRUE(run_until(answer));
  EXPECT_EQ(**answer, "7");
}

TEST_F(Inference, ClientThatDoesNotReadItsAnswers_IsDropped) {
  start_server();
  auto lazy = *MemoryDialer(meeting).dial();
  MemoryLink::max_waiting = 2;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    Handles handles;
    handles.push_back(std::make_unique<FdHandle>(*make_inference_audio(std::vector<float>(1))));
    ASSERT_TRUE(lazy->send(serialize(ToInference(RecognizeRequest{.id = id, .samples = 1, .patience = 1s})),
                           std::move(handles)));
    world.run_for(10ms);
  }
  world.run_for(100ms);
  EXPECT_EQ(server->counters().dropped, 1u);
  EXPECT_EQ(server->clients(), 0u);
}

TEST_F(Inference, MoreClientsThanTheBound_AreClosed) {
  start_server({.max_clients = 2});
  std::vector<std::unique_ptr<Link>> links;
  for (int i = 0; i < 3; ++i) links.push_back(*MemoryDialer(meeting).dial());
  world.run_for(10ms);
  EXPECT_EQ(server->clients(), 2u);
  EXPECT_FALSE(links[2]->send("x", {}));
}

TEST_F(Inference, NonsenseFromTheProcess_IsALostConnection) {
  MemoryAcceptor liar(meeting);
  const auto job = call();
  Answer answer;
  ask(*job, 1, 500ms, answer);
  world.run_for(1ms);
  ASSERT_EQ(meeting.callers.size(), 1u);
  const auto link = std::move(meeting.callers.front());
  meeting.callers.pop_front();
  ASSERT_TRUE(link->send("\xff\xff\xff", {}));
  ASSERT_TRUE(run_until(answer, 1s));
  EXPECT_FALSE(*answer);
  EXPECT_EQ(job->client.counters().lost, 1u);
}

TEST_F(Inference, StoppedClient_FailsWhatWaits_AndTakesNoMore) {
  loop.blocking().set_duration(10s);
  start_server();
  const auto job = call();
  Answer waiting, late;
  ask(*job, 1, 1min, waiting);
  world.run_for(10ms);
  job->client.request_stop({StopCause::caller_hung_up, {}});
  ASSERT_TRUE(run_until(waiting, 100ms)) << world.describe();
  EXPECT_EQ(waiting->error().code(), Errc::closing);
  ask(*job, 1, 1min, late);
  ASSERT_TRUE(run_until(late, 100ms));
  EXPECT_EQ(late->error().code(), Errc::closing);
}

TEST_F(Inference, RequestThatOutlivesItsClient_Fails) {
  loop.blocking().set_duration(10s);
  start_server();
  auto job = call();
  Answer answer;
  ask(*job, 1, 1min, answer);
  world.run_for(10ms);
  job.reset();
  ASSERT_TRUE(run_until(answer, 100ms));
  EXPECT_EQ(answer->error().code(), Errc::closing);
}

TEST_F(Inference, ClosedClient_LeavesNothingAtTheProcess) {
  start_server();
  const auto job = call();
  Answer answer;
  ask(*job, 1, 1s, answer);
  ASSERT_TRUE(run_until(answer));
  EXPECT_EQ(server->clients(), 1u);
  std::optional<CloseReport> report;
  ASSERT_TRUE(scope->spawn("close", [](InferenceClient& c, Loop& l, std::optional<CloseReport>& r) -> Task<void> {
    r = co_await c.close(l.in(1s));
  }(job->client, loop, report)));
  ASSERT_TRUE(world.run_until([&] { return report.has_value(); }, 2s));
  EXPECT_TRUE(report->clean());
  world.run_for(10ms);
  EXPECT_EQ(server->clients(), 0u);
}

TEST_F(Inference, EndingProcess_FinishesTheRunningOne_AndSendsTheRestElsewhere) {
  loop.blocking().set_duration(1s);
  start_server();
  const auto first = call(), second = call();
  Answer running, waiting;
  ask(*first, 1, 10s, running);
  world.run_for(10ms);
  ask(*second, 2, 10s, waiting);
  world.run_for(10ms);
  std::optional<CloseReport> report;
  ASSERT_TRUE(scope->spawn("close", [](InferenceServer& s, Loop& l, std::optional<CloseReport>& r) -> Task<void> {
    r = co_await s.close(l.in(2s));
  }(*server, loop, report)));
  ASSERT_TRUE(world.run_until([&] { return report.has_value(); }, 3s)) << world.describe();
  EXPECT_TRUE(report->clean()) << to_string(*report);
  ASSERT_TRUE(running);
  EXPECT_EQ(**running, "1");
  kill_server();
  start_server();
  ASSERT_TRUE(run_until(waiting, 5s));
  ASSERT_TRUE(*waiting) << waiting->error().message();
  EXPECT_EQ(**waiting, "2");
}

TEST_F(Inference, EndingProcess_WhoseModelHangs_EndsByItsDeadline_AndSaysWhatStuck) {
  loop.blocking().hang(true);
  start_server();
  const auto client = call();
  Answer running;
  ask(*client, 1, 10s, running);
  world.run_for(10ms);
  std::optional<CloseReport> report;
  const auto began = world.now();
  ASSERT_TRUE(scope->spawn("close", [](InferenceServer& s, Loop& l, std::optional<CloseReport>& r) -> Task<void> {
    r = co_await s.close(l.in(500ms));
  }(*server, loop, report)));
  ASSERT_TRUE(world.run_until([&] { return report.has_value(); }, 3s)) << world.describe();
  EXPECT_LE(world.now() - began, 500ms);
  EXPECT_EQ(report->abandoned, 1u) << to_string(*report);
  EXPECT_EQ(report->forced, 0u) << "the others had time to end by themselves: " << to_string(*report);
}

// One family of faults: the process dies at every step, and another takes its place. No request is left without an
// answer, and no answer comes from nowhere.
TEST(InferenceCut, ProcessDiesAtEveryStep_EveryRequestIsAnswered) {
  std::uint64_t steps = 0;
  for (std::uint64_t cut = 0; cut <= steps; ++cut) {
    sim::World world(5);
    auto& loop = world.add_loop("all");
    Meeting meeting;
    Scope root(loop, "root");
    std::optional<Scope> server_scope;
    std::optional<InferenceServer> server;
    const auto start = [&] {
      server_scope.emplace(root, "process");
      server.emplace(
          *server_scope, std::make_unique<MemoryAcceptor>(meeting),
          [](std::span<const float> s) -> Result<std::string> { return std::to_string(s.size()); }, InferenceLimits{});
      server->start();
    };
    start();
    InferenceClient client(root, std::make_unique<MemoryDialer>(meeting));
    std::deque<std::optional<Result<std::string>>> answers(3);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_TRUE(root.spawn(
          "ask", [](InferenceClient& c, Loop& l, std::size_t n, std::optional<Result<std::string>>& a) -> Task<void> {
            a = co_await c.recognize(std::vector<float>(n), l.in(5s));
          }(client, loop, i + 1, answers[i])));
    }
    world.on_step([&](std::uint64_t step) {
      if (cut == 0 || step != cut) return;
      server.reset();
      server_scope.reset();
      start();
    });
    const auto all = [&] { return std::ranges::all_of(answers, [](const auto& a) { return a.has_value(); }); };
    ASSERT_TRUE(world.run_until(all, 10s)) << "cut " << cut << ": " << world.describe();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_TRUE(*answers[i]) << "cut " << cut << ": " << answers[i]->error().message();
      EXPECT_EQ(**answers[i], std::to_string(i + 1));
    }
    if (cut == 0) steps = world.steps();
    world.on_step({});
  }
  EXPECT_GT(steps, 10u);
}

}  // namespace
}  // namespace parley::ipc
