// The end of a provider's stream, which is somebody else's code.
#pragma once

#include <parley/provider.hpp>

namespace parley {

// Closes `stream`, by `deadline` whatever its own close() does: that is given a little less time, and a stream whose close
// is not done then, or throws, is killed and named in the report. The stream must stay until this has ended.
Task<CloseReport> close_stream(ProviderStream& stream, Deadline deadline);

// The close of what reads one stream: the stream, if it has one, then its tasks.
Task<CloseReport> close_stream_and_tasks(ProviderStream* stream, Scope& scope, Deadline deadline);

}  // namespace parley
