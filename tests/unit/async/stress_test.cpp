// One family of faults: programs drawn from a seed, whose tasks wait, hand things over, bound, stop, close and kill each
// other in every order, and are ended at an arbitrary step. Whatever was drawn, the end comes in its time, every value
// arrives at most once, what a channel took is delivered or still inside, and nothing is left.
#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <parley/async/blocking.hpp>
#include <parley/async/channel.hpp>
#include <parley/async/close.hpp>
#include <parley/async/mailbox.hpp>
#include <parley/async/scope.hpp>
#include <parley/async/within.hpp>

#include "sim/world.hpp"
#include "support/counts.hpp"

namespace parley {
namespace {

constexpr Duration kBudget = 5ms;

// What a program did with its values.
struct Ledger {
  int next = 0;
  int alive = 0;
  std::set<int> accepted;
  std::set<int> refused;
  std::set<int> received;
};

class Value {
 public:
  explicit Value(Ledger& ledger) : ledger_(&ledger), id_(ledger.next++) { ++ledger.alive; }
  Value(Value&& other) noexcept : ledger_(std::exchange(other.ledger_, nullptr)), id_(other.id_) {}
  Value& operator=(Value&& other) noexcept {
    std::swap(ledger_, other.ledger_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~Value() {
    if (ledger_) --ledger_->alive;
  }
  int id() const noexcept { return id_; }

 private:
  Ledger* ledger_;
  int id_;
};

class Program;

// A scope with an owner around it, as they are written all over the tree.
class Node {
 public:
  Node(Program& program, Scope& parent, std::string name)
      : program_(program), parent_(parent), close_(parent, name + ".close"), scope_(parent, name, 12) {}
  Scope& scope() noexcept { return scope_; }
  const Scope& parent() const noexcept { return parent_; }
  Task<CloseReport> close(Deadline deadline) {
    return close_.run(deadline, [this](Deadline d) { return close_body(program_, *this, d); });
  }

 private:
  static Task<CloseReport> close_body(Program& program, Node& node, Deadline deadline);

  Program& program_;
  Scope& parent_;
  CloseOnce close_;
  Scope scope_;
};

class Program {
 public:
  explicit Program(std::uint64_t seed) : world(seed), random(seed * 7919 + 1), loop(world.add_loop("program")) {}

  // The whole of a run; problems are reported by the assertions of the caller's test.
  void run();

  Task<void> act(int depth);

  std::uint64_t below(std::uint64_t n) { return random.below(n); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  Deadline soon() { return one_in(4) ? Deadline::bounded_by_scope() : loop.in(std::chrono::microseconds(below(1500))); }
  // A live node, or none: looked up each time, because any may be gone after a wait.
  Node* node() { return nodes.empty() ? nullptr : nodes[below(nodes.size())].get(); }
  void disturb();

  sim::World world;
  Random random;
  sim::SimLoop& loop;
  Ledger ledger;
  int budget = 300;  // of actions
  std::vector<Callback<int>> callbacks;
  std::vector<std::unique_ptr<Channel<Value>>> channels;
  std::vector<std::unique_ptr<Event>> events;
  std::unique_ptr<Mailbox<Value>> mailbox;
  bool mailbox_popper = false;
  std::unique_ptr<Scope> root;
  std::vector<std::unique_ptr<Node>> nodes;

 private:
  Task<void> wait_somehow(int depth);
  Task<void> end_something();
  Task<void> nest(int depth);
  void start_task(int depth);
  void make_node();
  void destroy_a_node();
  void end_all();
  void check();
};

// Ends or wakes something when the frame that holds it goes, however it goes.
struct Guard {
  explicit Guard(Program& p) : program(p) {}
  ~Guard() { program.disturb(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  Program& program;
};

void Program::disturb() {
  auto* any = node();
  switch (below(6)) {
    case 0:
      if (any) any->scope().kill();
      break;
    case 1:
      if (any) any->scope().request_stop({StopCause::limit, "a guard"});
      break;
    case 2: events[below(events.size())]->set(); break;
    case 3:
      if (any) (void)any->scope().spawn("from a guard", act(3));
      break;
    case 4:
      if (auto value = channels[below(channels.size())]->try_pop()) EXPECT_TRUE(ledger.received.insert(value->id()).second);
      break;
    default: break;
  }
}

Task<CloseReport> Node::close_body(Program& program, Node& node, Deadline deadline) {
  if (program.one_in(3)) co_await sleep_for(std::chrono::microseconds(program.below(3000)));
  if (program.one_in(8)) throw std::runtime_error("the close of a node");
  if (program.one_in(8)) co_await program.act(3);
  co_return co_await node.scope_.close(deadline);
}

Task<void> Program::wait_somehow(int depth) {
  auto& channel = *channels[below(channels.size())];
  auto& event = *events[below(events.size())];
  switch (below(10)) {
    case 0: co_await sleep_for(std::chrono::microseconds(below(2000))); break;
    case 1: co_await yield(); break;
    case 2: {
      Value value(ledger);
      const int id = value.id();
      const auto pushed = co_await channel.push(std::move(value), soon());
      (pushed ? ledger.accepted : ledger.refused).insert(id);
      break;
    }
    case 3:
      if (auto value = co_await channel.pop(soon())) EXPECT_TRUE(ledger.received.insert(value->id()).second);
      break;
    case 4: (void)co_await event.wait(soon()); break;
    case 5: event.set(); break;
    case 6: event.reset(); break;
    case 7:
      (void)co_await from_callback<int>(soon(), [this](Callback<int> done) {
        if (one_in(2)) done(1);
        callbacks.push_back(std::move(done));
      });
      break;
    case 8: {
      loop.blocking().hang(one_in(4));
      (void)co_await run_blocking<int>(soon(), [] { return 1; });
      break;
    }
    case 9: {
      if (mailbox_popper) break;
      mailbox_popper = true;
      const std::shared_ptr<void> only_one(nullptr, [this](void*) { mailbox_popper = false; });
      if (auto value = co_await mailbox->pop(soon())) EXPECT_TRUE(ledger.received.insert(value->id()).second);
      break;
    }
  }
  if (one_in(8)) co_await act(depth + 1);
}

Task<void> Program::end_something() {
  const auto deadline = loop.in(std::chrono::microseconds(below(3000)));
  auto* any = node();
  if (!any) co_return;
  switch (below(6)) {
    case 0: any->scope().request_stop({StopCause::caller_hung_up, {}}); break;
    case 1: any->scope().kill(); break;
    case 2: (void)co_await any->scope().close(deadline); break;
    case 3: (void)co_await any->close(deadline); break;
    case 4: (void)co_await any->scope().wait_idle(deadline); break;
    case 5: (void)co_await any->scope().stop_event().wait(deadline); break;
  }
}

Task<void> Program::nest(int depth) {
  switch (below(3)) {
    case 0: (void)co_await within(soon(), act(depth + 1)); break;
    case 1: {
      auto* own = loop.current()->scope();
      Scope local(*own, "local", 4);
      for (int i = 0; i < 2; ++i) (void)local.spawn("inner", act(depth + 1));
      if (one_in(2)) (void)co_await local.wait_idle(soon());
      if (one_in(3)) (void)co_await local.close(soon());
      if (one_in(3)) local.kill();
      break;
    }
    case 2: {
      auto both = [](Program& p, int d) -> Task<Result<void>> { co_return co_await within(p.soon(), p.act(d)); };
      (void)co_await within(soon(), both(*this, depth + 1));
      break;
    }
  }
}

void Program::start_task(int depth) {
  if (auto* any = node()) (void)any->scope().spawn("task", act(depth));
}

Task<void> Program::act(int depth) {
  const bool deaf = one_in(6);
  std::unique_ptr<Guard> guard;
  if (one_in(5)) guard = std::make_unique<Guard>(*this);
  for (auto steps = 1 + below(8); steps > 0 && budget > 0; --steps) {
    --budget;
    try {
      switch (below(8)) {
        case 0: co_await end_something(); break;
        case 1:
          if (depth < 3) co_await nest(depth);
          break;
        case 2: start_task(depth); break;
        case 3:
          if (one_in(6)) throw std::runtime_error("of a task");
          if (one_in(3)) {
            Value value(ledger);
            const int id = value.id();
            (mailbox->sender().try_push(std::move(value)) ? ledger.accepted : ledger.refused).insert(id);
          }
          if (!callbacks.empty()) callbacks[below(callbacks.size())](2);
          break;
        default: co_await wait_somehow(depth); break;
      }
    } catch (const Stopped&) {
      if (!deaf) throw;
    }
  }
}

void Program::make_node() {
  auto& parent = nodes.empty() || one_in(3) ? *root : nodes[below(nodes.size())]->scope();
  nodes.push_back(std::make_unique<Node>(*this, parent, "node"));
}

// From outside its tasks, as owners are: one that no other hangs on, whoever waits for it.
void Program::destroy_a_node() {
  const auto leaf = std::ranges::find_if(nodes, [this](const auto& candidate) {
    return std::ranges::none_of(nodes, [&](const auto& other) { return &other->parent() == &candidate->scope(); });
  });
  if (leaf == nodes.end()) return;
  const auto doomed = std::move(*leaf);
  nodes.erase(leaf);
}

// Every way in which the tree may be ended from outside.
void Program::end_all() {
  switch (below(4)) {
    case 0: root->kill(); break;
    case 1:
      if (auto* any = node()) any->scope().kill();
      break;
    case 2: destroy_a_node(); break;
    case 3:
      root->request_stop({StopCause::shutdown, {}});
      for (const auto& any : nodes) EXPECT_TRUE(any->scope().stopping());
      break;
  }
  // From another tree, as a process ends its own.
  Scope outside(loop, "outside");
  CloseReport report;
  const auto began = world.now();
  ASSERT_TRUE(outside.spawn("close", [](Program& p, CloseReport& r) -> Task<void> {
    r = co_await p.root->close(p.loop.in(kBudget));
  }(*this, report)));
  ASSERT_TRUE(world.run_until([&] { return outside.tasks() == 0; }, 1s)) << world.describe();
  EXPECT_TRUE(root->closed());
  EXPECT_LE(report.took, kBudget + 1ms) << to_string(report);
  EXPECT_LE(world.now() - began, kBudget + 1ms) << world.describe();
  EXPECT_TRUE(root->task_names().empty()) << root->task_names().front();
}

void Program::check() {
  world.on_step({});
  while (!nodes.empty()) destroy_a_node();
  root.reset();
  EXPECT_EQ(loop.counters().tasks, 0);
  while (auto value = mailbox->try_pop()) ledger.received.insert(value->id());
  for (const auto& channel : channels) {
    EXPECT_LE(channel->size(), channel->capacity() + 12);
    while (auto value = channel->try_pop()) EXPECT_TRUE(ledger.received.insert(value->id()).second);
  }
  EXPECT_EQ(ledger.alive, 0) << "a value is held by nobody";
  EXPECT_TRUE(std::ranges::includes(ledger.received, ledger.accepted)) << "a value that was taken never arrived";
  for (const int id : ledger.refused) EXPECT_FALSE(ledger.received.contains(id)) << "a value arrived that was refused";
  callbacks.clear();
  loop.blocking().hang(false);
  world.run_for(10ms);  // what knocks late finds nobody
  EXPECT_TRUE(world.idle()) << world.describe();
}

void Program::run() {
  for (const std::size_t capacity : {1u, 1u, 3u}) channels.push_back(std::make_unique<Channel<Value>>(capacity));
  for (int i = 0; i < 3; ++i) events.push_back(std::make_unique<Event>());
  mailbox = std::make_unique<Mailbox<Value>>(loop, 4);
  root = std::make_unique<Scope>(loop, "root");
  for (int i = 0; i < 5; ++i) make_node();
  for (int i = 0; i < 6; ++i) start_task(0);
  const auto cut_at = 1 + below(400);
  world.on_step([this](std::uint64_t) {
    if (one_in(40)) destroy_a_node();
    if (one_in(40) && !root->stopping()) make_node();
  });
  world.run_until([&] { return world.steps() >= cut_at; }, 20ms);
  end_all();
  check();
}

class RandomPrograms : public ::testing::TestWithParam<int> {};

TEST_P(RandomPrograms, HoweverTheyAreEnded_InTime_NothingLostNothingTwiceNothingLeft) {
  const auto kSeeds = test::count_of<std::uint64_t>(400, 20'000);
  for (std::uint64_t i = 0; i < kSeeds; ++i) {
    const auto seed = static_cast<std::uint64_t>(GetParam()) * kSeeds + i;
    Program program(seed);
    program.run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPrograms, ::testing::Range(0, 6));

}  // namespace
}  // namespace parley
