// The cut sweep: a call with everything in it is run once and its steps are counted; then it is run again and again, and
// ended at every k-th step, in every way. Whatever the step and the way, the law of endings holds: it ends within its
// bound, nothing is left of it, its history is sane, and its end is told once, last.
//
// A stride is run by `make test`, every step by `make sim`.
#include "call_test.hpp"

#include <set>

#include <fmt/format.h>

#include "support/counts.hpp"

namespace parley {
namespace {

using sim::Fault;

enum class Way {
  caller_hangs_up,
  caller_vanishes,
  agent_ends,           // session.end() from outside, graceful
  graceful_stop,        // as a worker that drains
  forced_stop,
  stop_then_forced,     // graceful, and forced a moment later
  kill,
  kill_from_inside,     // from a task of the session's own
  close_from_inside,
  destroy,
  providers_fail,       // all of them, from now on
  providers_hang,
  stubborn_providers,   // do not close, and the call is stopped
  transport_breaks,     // and the worker drains: graceful turns into forced
  kCount,
};

std::string_view to_string(Way way) {
  constexpr std::string_view kNames[] = {"caller_hangs_up", "caller_vanishes", "agent_ends", "graceful_stop", "forced_stop",
                                         "stop_then_forced", "kill", "kill_from_inside", "close_from_inside", "destroy",
                                         "providers_fail", "providers_hang", "stubborn_providers", "transport_breaks"};
  return kNames[static_cast<int>(way)];
}

// A hook of the call's own that ends it from inside once the fuse is set.
struct Bomb {
  Event fuse;
  bool kills = false;
  TimePoint went_off{};
};

class SweptCall : public SimulatedCall {
 public:
  explicit SweptCall(std::uint64_t seed) : SimulatedCall(seed) {
    llm->faults = {Fault::none, Fault::unavailable};
    llm->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
      const auto last = to_text(request.context.items.back());
      if (last == "user: a table for four") {
        return {.text = "One moment, please. I am looking that up.", .calls = {{.id = "1", .name = "book", .arguments = R"({"people":4})"}}};
      }
      if (last == "user: my bill please") return {.text = "I connect you.", .calls = {{.id = "2", .name = "to_billing", .arguments = "{}"}}};
      return {.text = "Your table is booked for four people. We look forward to seeing you. Is there anything else?"};
    };
    llm2->answer = [](const ChatRequest& request) -> sim::LlmAnswer {
      if (to_text(request.context.items.back()) == "user: thank you goodbye") {
        return {.text = "Goodbye then.", .calls = {{.id = "3", .name = "end_call", .arguments = "{}"}}};
      }
      return {.text = "You owe us nothing at all."};
    };
  }

  // A script for the caller: what it says, and when it has heard enough.
  Result<void> begin_script() {
    SessionOptions options;
    options.turns.endpointing.min = 800ms;
    options.limits.silence->ask_after = 8s;
    close_when_it_ends();
    if (auto begun = begin(desk(), options); !begun) return begun;
    return outside->spawn("caller", script(*this));
  }

  std::shared_ptr<Bomb> bomb = std::make_shared<Bomb>();
  bool script_over = false;

 private:
  Agent desk() {
    Agent agent{.name = "desk", .greeting = Greeting{.say = "Good evening, this is the front desk.", .interruptible = false}};
    agent.tools = {
        tool("book", "", [](int people) -> Task<int> { co_await sleep_for(1500ms); co_return people; }, arg("people")).survives_interruption(),
        tool("to_billing", "", [this] { return hand_off_to(billing()); })};
    agent.on_enter = explodes();
    agent.on_exit = [](Session&) -> Task<void> { co_await sleep_for(20ms); };
    agent.on_user_turn_completed = [](Session&, UserTurn&) -> Task<AfterTurn> {
      co_await sleep_for(15ms);
      co_return AfterTurn::reply;
    };
    return agent;
  }
  Agent billing() {
    return {.name = "billing",
            .tools = {end_call()},
            .greeting = Greeting{.say = "This is billing."},
            .providers = {.stt = {"stt2"}, .llm = {"llm2"}, .tts = {"tts2"}},
            .on_enter = explodes()};
  }
  std::function<Task<void>(Session&)> explodes() {
    return [this](Session&) -> Task<void> {
      (void)co_await bomb->fuse.wait(Deadline::bounded_by_scope());
      bomb->went_off = loop.now();
      if (bomb->kills) session->kill();
      else (void)co_await session->close(loop.in(5s), loop.in(8s));
      for (;;) {  // deaf to whatever it is told
        try {
          co_await sleep_for(1h);
        } catch (...) {
        }
      }
    };
  }

  static Task<void> until(SweptCall& self, AgentState state, Duration limit) {
    const auto end = self.loop.now() + limit;
    while (self.session && self.session->agent_state() != state && self.loop.now() < end) co_await sleep_for(20ms);
  }
  static Task<void> say(SweptCall& self, std::string text) {
    self.caller.says(text, 60ms * text.size());
    while (self.caller.speaking()) co_await sleep_for(20ms);
  }
  static Task<void> script(SweptCall& self) {
    co_await until(self, AgentState::speaking, 5s);
    co_await until(self, AgentState::listening, 10s);
    co_await say(self, "a table for four");
    co_await until(self, AgentState::speaking, 5s);
    co_await sleep_for(500ms);
    self.caller.says("", 700ms);  // a cough: pause and resume
    co_await sleep_for(5s);
    co_await until(self, AgentState::speaking, 5s);
    co_await sleep_for(1s);
    co_await say(self, "my bill please");  // over the agent: pause and cut
    co_await until(self, AgentState::thinking, 5s);
    co_await until(self, AgentState::speaking, 10s);
    co_await sleep_for(4s);
    co_await until(self, AgentState::listening, 5s);
    co_await say(self, "thank you goodbye");
    co_await sleep_for(10s);
    self.script_over = true;
  }
};

// Ends the call, from within step `k`.
void cut(SweptCall& call, Way way) {
  auto& session = *call.session;
  switch (way) {
    case Way::caller_hangs_up: call.caller.hangs_up(); break;
    case Way::caller_vanishes: call.caller.vanishes(); break;
    case Way::agent_ends: session.end(); break;
    case Way::graceful_stop: session.end({StopCause::shutdown, {}}, Ending::graceful); break;
    case Way::forced_stop: session.end({StopCause::shutdown, {}}, Ending::forced); break;
    case Way::stop_then_forced:
      session.end({StopCause::shutdown, {}}, Ending::graceful);
      (void)call.outside->spawn("impatient", [](SweptCall& c) -> Task<void> {
        co_await sleep_for(300ms);
        if (c.session) c.session->request_stop({StopCause::shutdown, {}}, Ending::forced);
      }(call));
      break;
    case Way::kill: session.kill(); break;
    case Way::kill_from_inside: call.bomb->kills = true; [[fallthrough]];
    case Way::close_from_inside: call.bomb->fuse.set(); break;
    case Way::destroy: call.session.reset(); break;
    case Way::providers_fail:
    case Way::providers_hang:
    case Way::stubborn_providers:
      for (sim::ProviderScript* script : std::initializer_list<sim::ProviderScript*>{call.stt.get(), call.llm.get(), call.tts.get(),
                                                                                     call.stt2.get(), call.llm2.get(), call.tts2.get()}) {
        script->faults.clear();
        script->always = way == Way::providers_fail ? Fault::refuses : way == Way::providers_hang ? Fault::hangs : Fault::none;
        script->stubborn = way == Way::stubborn_providers;
      }
      if (way != Way::providers_fail) session.end({StopCause::shutdown, {}}, way == Way::providers_hang ? Ending::graceful : Ending::forced);
      break;
    case Way::transport_breaks:
      call.caller.breaks();
      session.end({StopCause::shutdown, {}}, Ending::graceful);
      break;
    case Way::kCount: break;
  }
}

// Every call has its output, in order; nothing is empty; nobody says the same thing twice in a row.
void check_history(const ChatContext& history) {
  std::set<std::string> called, answered;
  for (const auto& item : history.items) {
    if (const auto* message = std::get_if<ChatMessage>(&item)) {
      EXPECT_NE(message->text, "");
      EXPECT_FALSE(message->id.empty());
    } else if (const auto* function = std::get_if<FunctionCall>(&item)) {
      EXPECT_TRUE(called.insert(function->id).second) << function->id << " was called twice";
    } else if (const auto* output = std::get_if<FunctionCallOutput>(&item)) {
      EXPECT_TRUE(called.contains(output->call_id)) << "an output before its call";
      EXPECT_TRUE(answered.insert(output->call_id).second);
    }
  }
  EXPECT_EQ(called, answered) << "no LLM accepts a call without its output";
}

// What the history says was heard is what the line carried.
void check_heard(const SweptCall& call) {
  std::string said;
  for (const auto& item : call.session->history().items) {
    const auto* message = std::get_if<ChatMessage>(&item);
    if (message && message->role == ChatRole::assistant) said += message->text + " ";
  }
  std::string heard;
  for (const auto& text : call.caller.heard_texts()) heard += text + " ";
  EXPECT_LE(said.size(), heard.size()) << "said: " << said << "\nheard: " << heard;
}

Duration bound_of(Way way) {
  switch (way) {
    case Way::kill:
    case Way::kill_from_inside:
    case Way::destroy: return 1ms;
    // As long as speech goes on, and the close behind it.
    case Way::agent_ends:
    case Way::graceful_stop:
    case Way::providers_hang: return 20s;
    // They fail only when they are asked: until then the script goes on, and ends the call.
    case Way::providers_fail: return 3min;
    default: return PipelineSession::kTrailingTranscript + PipelineSession::kCloseBudget + 600ms;
  }
}

struct Outcome {
  std::uint64_t steps = 0;
  Duration took{};
};

Outcome run_once(std::uint64_t seed, std::uint64_t at, Way way) {
  SweptCall call(seed);
  const auto begun = call.begin_script();
  EXPECT_TRUE(begun);
  const auto streams = [&] { return call.ledger(); };
  TimePoint cut_at{};
  call.world.on_step([&](std::uint64_t step) {
    if (step != at || !call.session) return;
    cut_at = call.world.now();
    cut(call, way);
  });
  const auto ended = [&] { return !call.session || call.session->state() == PipelineSession::State::closed; };
  const bool over = call.world.run_until([&] { return ended(); }, 4min);
  EXPECT_TRUE(over) << "the call never ended: " << call.describe();
  // During a handoff nobody is there to light the fuse: then the call goes on.
  if (way == Way::kill_from_inside || way == Way::close_from_inside) cut_at = call.bomb->went_off;
  const auto took = cut_at == TimePoint{} ? Duration::zero() : call.world.now() - cut_at;
  if (cut_at != TimePoint{}) EXPECT_LE(took, bound_of(way)) << call.describe();
  const auto steps = call.world.steps();
  call.world.on_step({});
  call.run_for(10ms);
  if (call.session) {
    check_history(call.session->history());
    check_heard(call);
    EXPECT_EQ(streams().paid(), 0) << "a stream is still paid for";
  }
  EXPECT_EQ(call.events.count(events::kClose), 1u) << call.describe();
  if (!call.events.seen.empty()) EXPECT_EQ(call.events.seen.back().type, events::kClose);
  EXPECT_LE(call.events.ends, 1);
  call.session.reset();
  EXPECT_EQ(streams().open(), 0) << "provider streams are left open";
  EXPECT_EQ(call.scope->tasks(), 0u) << call.describe();
  call.outside.reset();
  call.scope.reset();
  EXPECT_EQ(call.loop.counters().tasks, 0);
  EXPECT_TRUE(call.world.idle()) << call.world.describe();
  return {steps, took};
}

class CutSweep : public ::testing::TestWithParam<int> {};

TEST_P(CutSweep, EndedAtEveryStep_TheLawHolds) {
  const auto way = static_cast<Way>(GetParam());
  constexpr std::uint64_t kNever = ~std::uint64_t{0};
  const auto first_seed = test::seed_of(1);
  const auto total = run_once(first_seed, kNever, way).steps;
  ASSERT_GT(total, 1000u) << "the scenario has become too small to cut";
  const std::uint64_t stride = test::count_of<std::uint64_t>(total / 60 + 1, 1);
  Duration longest{};
  // A stride that is no multiple of a frame's steps, begun elsewhere for each way.
  for (std::uint64_t at = 1 + static_cast<std::uint64_t>(GetParam()) % stride; at <= total; at += stride) {
    const auto seed = first_seed + at % 3;
    longest = std::max(longest, run_once(seed, at, way).took);
    ASSERT_FALSE(HasFailure()) << to_string(way) << " at step " << at << " of " << total << ", seed " << seed;
  }
  fmt::print("figure: {}: {} of {} steps, longest ending {:.0f} ms of the call's time\n", to_string(way), total / stride, total,
             to_ms(longest));
}

INSTANTIATE_TEST_SUITE_P(InEveryWay, CutSweep, ::testing::Range(0, static_cast<int>(Way::kCount)),
                         [](const auto& param) { return std::string(to_string(static_cast<Way>(param.param))); });

TEST(CutSweepScenario, UncutCall_GoesThroughEverything) {
  SweptCall call(1);
  ASSERT_TRUE(call.begin_script());
  ASSERT_TRUE(call.run_until([&] { return call.report.has_value(); }, 4min)) << call.describe();
  EXPECT_EQ(call.events.end_reason.cause, StopCause::agent_hung_up) << call.describe();
  EXPECT_GE(call.events.count(events::kAgentFalseInterruption), 1u) << call.describe();
  EXPECT_EQ(call.session->current_agent().name, "billing");
  bool interrupted = false;
  for (const auto& line : call.history()) interrupted = interrupted || line.ends_with("...");
  EXPECT_TRUE(interrupted) << call.describe();
  EXPECT_TRUE(call.report->clean()) << to_string(*call.report);
}

}  // namespace
}  // namespace parley
