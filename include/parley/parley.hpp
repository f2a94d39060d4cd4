// Everything that an agent's program needs.
#pragma once

#include <parley/agent.hpp>
#include <parley/events.hpp>
#include <parley/job.hpp>
#include <parley/session.hpp>
#include <parley/tools.hpp>
