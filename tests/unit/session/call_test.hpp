// A call in the simulated world: a session with scripted providers, a caller on a scripted line, and the ledger of what
// must be gone when the call is over.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <parley/events.hpp>

#include "session/pipeline_session.hpp"
#include "sim/scripted_caller.hpp"
#include "sim/scripted_providers.hpp"
#include "sim/world.hpp"

namespace parley {

struct SeenEvent {
  TimePoint at;
  std::string type;
  boost::json::object data;
};

class EventLog final : public SessionPort {
 public:
  explicit EventLog(Loop& loop) : loop_(loop) {}
  void emit(std::string_view type, boost::json::object data) override { seen.push_back({loop_.now(), std::string(type), std::move(data)}); }
  void remember(std::string_view key, boost::json::value value) override { remembered[key] = std::move(value); }
  void turn_ended() override { ++turns; }
  void agent_words(const AgentWords& told) override { words.push_back({loop_.now(), std::string(told.speech_id), std::string(told.heard), told.final}); }
  void end_requested(const StopReason& reason, bool forced) override {
    ++ends;
    end_reason = reason;
    end_forced = forced;
    if (on_end) on_end();
  }

  std::size_t count(std::string_view type) const {
    return static_cast<std::size_t>(std::ranges::count(seen, type, &SeenEvent::type));
  }
  std::vector<boost::json::object> all(std::string_view type) const {
    std::vector<boost::json::object> found;
    for (const auto& event : seen) {
      if (event.type == type) found.push_back(event.data);
    }
    return found;
  }

  struct Words {
    TimePoint at;
    std::string speech, heard;
    bool final;
  };
  std::vector<Words> words;
  std::vector<SeenEvent> seen;
  boost::json::object remembered;
  int turns = 0;
  int ends = 0;
  StopReason end_reason;
  bool end_forced = false;
  std::function<void()> on_end;

 private:
  Loop& loop_;
};

// The parts of a simulated call, without a test around them: the cut sweep makes thousands.
struct SimulatedCall {
  explicit SimulatedCall(std::uint64_t seed = 20);
  ~SimulatedCall();

  Result<void> begin(Agent agent, SessionOptions options = {});
  // Ends the call as a job would, and waits for it.
  void close(StopReason reason = {StopCause::shutdown, {}}, Ending ending = Ending::forced);
  // When the session ends by itself, it is closed as a job would: graceful ends get a minute, forced ones five seconds.
  void close_when_it_ends();

  bool run_until(const std::function<bool()>& done, Duration limit = 60s) { return world.run_until(done, limit); }
  void run_for(Duration duration) { world.run_for(duration); }
  bool wait_for(AgentState state, Duration limit = 60s) {
    return run_until([&] { return session->agent_state() == state; }, limit);
  }
  // The agent said something and is silent again.
  bool wait_for_silence(Duration limit = 60s) { return wait_for(AgentState::listening, limit); }
  // Says a text at an ordinary pace, and waits until it is said.
  void caller_says(const std::string& text);

  // "user: ..." and "assistant: ..." (with "..." behind what was cut), calls as "name(args) -> output".
  std::vector<std::string> history() const;
  std::string describe() const;
  sim::StreamLedger ledger() const;

  sim::World world;
  sim::SimLoop& loop;
  sim::SpeechCodes codes;
  std::shared_ptr<sim::ScriptedVad> vad = std::make_shared<sim::ScriptedVad>();
  std::shared_ptr<sim::ScriptedStt> stt = std::make_shared<sim::ScriptedStt>(codes);
  std::shared_ptr<sim::ScriptedLlm> llm = std::make_shared<sim::ScriptedLlm>();
  std::shared_ptr<sim::ScriptedTts> tts = std::make_shared<sim::ScriptedTts>(codes);
  // Second ones, for chains and other agents.
  std::shared_ptr<sim::ScriptedStt> stt2 = std::make_shared<sim::ScriptedStt>(codes);
  std::shared_ptr<sim::ScriptedLlm> llm2 = std::make_shared<sim::ScriptedLlm>();
  std::shared_ptr<sim::ScriptedTts> tts2 = std::make_shared<sim::ScriptedTts>(codes);
  ProviderRegistry registry;
  sim::ScriptedCaller caller;
  EventLog events;
  std::unique_ptr<Scope> scope;    // the job's, for the call
  std::unique_ptr<Scope> outside;  // of those who close it
  std::unique_ptr<PipelineSession> session;
  std::optional<CloseReport> report;
  TimePoint close_began{};
  TimePoint close_ended{};

 private:
  void start_closing(Ending ending);
};

class CallTest : public ::testing::Test, public SimulatedCall {
 protected:
  // Every test ends its call and leaves nothing behind.
  void TearDown() override;
  void start(Agent agent, SessionOptions options = {}) {
    const auto started = begin(std::move(agent), std::move(options));
    ASSERT_TRUE(started) << started.error().message();
  }
  // A stream that never answers: it is given up, and the next one hears the caller.
  void hung_stt_is_replaced();
};

std::string to_text(const ChatItem& item);

}  // namespace parley
