// An agent file as a program: what C++ programs write by hand as an App, made from agent.yaml.
//
// Thread: made at start-up, read only afterwards; what it holds runs on the loop's thread of each job.
#pragma once

#include <memory>

#include <parley/job.hpp>

#include "agent_file/agent_file.hpp"
#include "webhook/end_hooks.hpp"

namespace parley::app {

// Its hooks are all named "on_end", so that their keys are <call id>/on_end/1, 2, ... in the file's order.
App agent_app(std::shared_ptr<const agent_file::AgentFile> file, ProviderRegistry providers, webhook::ClientFactory clients);

}  // namespace parley::app
