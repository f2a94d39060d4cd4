#include "call_test.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace parley {

std::string to_text(const ChatItem& item) {
  if (const auto* m = std::get_if<ChatMessage>(&item)) {
    return fmt::format("{}: {}{}", to_string(m->role), m->text, m->interrupted ? " ..." : "");
  }
  if (const auto* c = std::get_if<FunctionCall>(&item)) return fmt::format("{}({})", c->name, c->arguments);
  if (const auto* o = std::get_if<FunctionCallOutput>(&item)) return fmt::format("{} -> {}{}", o->name, o->is_error ? "error: " : "", o->output);
  const auto& h = std::get<AgentHandoff>(item);
  return fmt::format("{} => {}", h.from, h.to);
}

SimulatedCall::SimulatedCall(std::uint64_t seed) : world(seed), loop(world.add_loop("job")), caller(codes), events(loop) {
  llm2->name = "second-llm";
  tts2->name = "second-tts";
  stt2->name = "second-stt";
  registry.add_vad("vad", [this](const auto&, const auto&) { return vad; });
  registry.add_stt("stt", [this](const auto&, const auto&) { return stt; });
  registry.add_llm("llm", [this](const auto&, const auto&) { return llm; });
  registry.add_tts("tts", [this](const auto&, const auto&) { return tts; });
  registry.add_stt("stt2", [this](const auto&, const auto&) { return stt2; });
  registry.add_llm("llm2", [this](const auto&, const auto&) { return llm2; });
  registry.add_tts("tts2", [this](const auto&, const auto&) { return tts2; });
  scope = std::make_unique<Scope>(loop, "job");
  outside = std::make_unique<Scope>(loop, "outside");
}

SimulatedCall::~SimulatedCall() {
  session.reset();
  outside.reset();
  scope.reset();
}

Result<void> SimulatedCall::begin(Agent agent, SessionOptions options) {
  auto& providers = options.providers;
  if (providers.vad.empty()) providers.vad = {"vad"};
  if (providers.stt.empty()) providers.stt = {"stt"};
  if (providers.llm.empty()) providers.llm = {"llm"};
  if (providers.tts.empty()) providers.tts = {"tts"};
  session = std::make_unique<PipelineSession>(*scope, events, caller, registry, std::move(options), Logger());
  return session->start(std::move(agent));
}

void SimulatedCall::start_closing(Ending ending) {
  if (report || close_began != TimePoint{}) return;
  close_began = loop.now();
  const auto drain = ending == Ending::graceful ? Duration(60s) : Duration(5s);
  (void)outside->spawn("closer", [](SimulatedCall& self, Duration budget) -> Task<void> {
    if (!self.session) co_return;  // destroyed in between
    const auto drain_by = self.loop.in(budget);
    self.report = co_await self.session->close(drain_by, Deadline(drain_by.at() + PipelineSession::kCloseBudget + 1s));
    self.close_ended = self.loop.now();
  }(*this, drain));
}

void SimulatedCall::close_when_it_ends() {
  events.on_end = [this] { start_closing(events.end_forced ? Ending::forced : Ending::graceful); };
}

void SimulatedCall::close(StopReason reason, Ending ending) {
  if (!session) return;
  session->request_stop(std::move(reason), ending);
  start_closing(ending);
  run_until([this] { return report.has_value(); }, 70s);
}

void SimulatedCall::caller_says(const std::string& text) {
  caller.says(text, std::max<Duration>(600ms, 60ms * text.size()));
  run_until([this] { return !caller.speaking(); });
}

std::vector<std::string> SimulatedCall::history() const {
  std::vector<std::string> lines;
  for (const auto& item : session->history().items) lines.push_back(to_text(item));
  return lines;
}

sim::StreamLedger SimulatedCall::ledger() const {
  sim::StreamLedger sum;
  for (const sim::ProviderScript* script : std::initializer_list<const sim::ProviderScript*>{stt.get(), llm.get(), tts.get(), stt2.get(), llm2.get(), tts2.get()}) {
    sum.opened += script->ledger.opened;
    sum.closed += script->ledger.closed;
    sum.told_to_stop += script->ledger.told_to_stop;
  }
  return sum;
}

std::string SimulatedCall::describe() const {
  auto text = world.describe();
  for (const auto& event : events.seen) {
    text += fmt::format("\n  {:8.3f} {} {}", to_seconds(event.at - TimePoint(std::chrono::hours(1))), event.type, boost::json::serialize(event.data));
  }
  return text + fmt::format("\n  tasks left: {}", fmt::join(scope->task_names(), ", "));
}

void CallTest::hung_stt_is_replaced() {
  stt->faults = {sim::Fault::hangs};
  start({.name = "a"});
  caller_says("hello there");
  ASSERT_TRUE(run_until([&] { return stt->ledger.opened == 2; }, 15s)) << describe();
  caller_says("hello again");
  ASSERT_TRUE(wait_for(AgentState::speaking, 8s)) << describe();
}

void CallTest::TearDown() {
  if (session) {
    close();
    EXPECT_TRUE(report) << "the session did not close: " << describe();
    EXPECT_EQ(events.count(events::kClose), 1u) << describe();
    EXPECT_EQ(events.seen.empty() ? "" : events.seen.back().type, events::kClose) << "something was said after the end";
    session.reset();
  }
  EXPECT_EQ(ledger().open(), 0) << "provider streams are left open";
  EXPECT_EQ(scope->tasks(), 0u) << describe();
  outside.reset();
  scope.reset();
  EXPECT_EQ(loop.counters().tasks, 0);
  EXPECT_TRUE(world.idle()) << world.describe();
}

}  // namespace parley
