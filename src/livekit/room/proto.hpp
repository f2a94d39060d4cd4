// LiveKit's messages, under a name that does not hide behind ours.
#pragma once

#include "livekit_models.pb.h"
#include "livekit_rtc.pb.h"

namespace parley::livekit {

namespace proto = ::livekit;

}  // namespace parley::livekit
