// The events of a call: their names, as LiveKit's where it has one. docs/events.md has the schema of each.
#pragma once

#include <string_view>

namespace parley::events {

inline constexpr std::string_view kAgentStateChanged = "agent_state_changed";
inline constexpr std::string_view kUserStateChanged = "user_state_changed";
inline constexpr std::string_view kUserInputTranscribed = "user_input_transcribed";
inline constexpr std::string_view kConversationItemAdded = "conversation_item_added";
inline constexpr std::string_view kSpeechCreated = "speech_created";
inline constexpr std::string_view kFunctionToolsExecuted = "function_tools_executed";
inline constexpr std::string_view kAgentFalseInterruption = "agent_false_interruption";
inline constexpr std::string_view kMetricsCollected = "metrics_collected";
inline constexpr std::string_view kSipDtmfReceived = "sip_dtmf_received";
inline constexpr std::string_view kRecordingStarted = "recording_started";
inline constexpr std::string_view kRecordingStopped = "recording_stopped";
inline constexpr std::string_view kError = "error";
inline constexpr std::string_view kClose = "close";

}  // namespace parley::events
