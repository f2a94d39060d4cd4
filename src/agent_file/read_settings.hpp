// Settings out of a tree that was checked: nothing here can be wrong any more.
#pragma once

#include <string>

#include <parley/job.hpp>
#include <parley/providers.hpp>

#include "agent_file/settings.hpp"
#include "yaml/node.hpp"

namespace parley::agent_file {

// A call's tree, filled in. Relative paths count from `folder`; recordings in a folder are named after the call.
CallSettings read_call(const yaml::Node& root, const ProviderRegistry& providers, const std::string& folder,
                       const Call& call);
// The file's tree, as the check left it.
WorkerSettings read_worker(const yaml::Node& root, const ProviderRegistry& providers, const std::string& folder);

}  // namespace parley::agent_file
