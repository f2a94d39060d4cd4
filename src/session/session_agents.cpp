// Who speaks: the first agent, and those who take over.
#include <fmt/format.h>

#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>

#include "session/pipeline_session.hpp"

namespace parley {

Result<void> PipelineSession::enter(std::shared_ptr<const Agent> agent, Chains chains, bool first) {
  if (!first) add_to_history(AgentHandoff{.from = agent_->name, .to = agent->name});
  agent_ = std::move(agent);
  chains_ = std::move(chains);
  if (auto heard = recognition_.use(chains_); !heard) return heard;
  turns_.set_interim_results(recognition_.interim_results());
  agent_scope_ = std::make_unique<Scope>(scope_, "agent." + agent_->name);
  if (agent_->on_enter) (void)agent_scope_->spawn("on_enter", run_hook(agent_, agent_->on_enter, "on_enter"));
  greet();
  // An agent that was handed a call does not wait to be spoken to.
  if (!first && !agent_->greeting && !agent_->on_enter) (void)generate_reply();
  return {};
}

void PipelineSession::greet() {
  const auto& greeting = agent_->greeting;
  if (!greeting) return;
  if (!greeting->say.empty()) {
    (void)say(greeting->say, {.interruptible = greeting->interruptible});
  } else {
    (void)generate_reply({.instructions = greeting->instructions, .interruptible = greeting->interruptible});
  }
}

// `agent` keeps the hook alive, and whatever it captured.
Task<void> PipelineSession::run_hook(std::shared_ptr<const Agent> agent, const std::function<Task<void>(Session&)>& hook,
                                     std::string_view name) {
  try {
    co_await hook(*this);
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    logger_.error("{} of agent {} failed: {}", name, agent->name, describe_current_exception());
  }
}

Result<void> PipelineSession::update_agent(Agent agent) {
  if (state_ != State::running) return fail(Errc::closing, "the call ends: nobody takes over any more");
  auto chains = make_chains(registry_, {scope_, logger_}, agent.providers, session_chains_, options_.retry);
  if (!chains) return fail(chains.error().within(fmt::format("agent {}", agent.name)));
  next_agent_.emplace(std::make_shared<const Agent>(std::move(agent)), std::move(*chains));
  if (!current_) pump();
  return {};
}

void PipelineSession::begin_handoff() {
  auto [agent, chains] = std::move(*next_agent_);
  next_agent_.reset();
  handing_over_ = true;
  if (!scope_.spawn("handoff", hand_over(std::move(agent), std::move(chains)))) handing_over_ = false;
}

Task<void> PipelineSession::hand_over(std::shared_ptr<const Agent> to, Chains chains) {
  const auto from = agent_;
  if (from->on_exit) {
    auto done = co_await within(loop_.in(Agent::kExitDeadline), run_hook(from, from->on_exit, "on_exit"));
    if (!done) logger_.warn("on_exit of agent {}: {}", from->name, done.error().message());
  }
  if (agent_scope_) (void)co_await agent_scope_->close(loop_.in(kSpeechClose));
  drop_prepared();
  handing_over_ = false;
  if (state_ != State::running) co_return;
  if (auto entered = enter(std::move(to), std::move(chains), false); !entered) logger_.warn("handoff: {}", entered.error().message());
}

}  // namespace parley
