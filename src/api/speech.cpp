#include <parley/speech.hpp>

namespace parley {

Result<void> SpeechHandle::interrupt(bool force) {
  if (done() || state_->interrupted) return {};
  if (!state_->interruptible && !force) {
    return fail(Errc::refused, "this speech may not be interrupted; interrupt(true) does it all the same");
  }
  state_->interrupted = true;
  if (state_->speaker) state_->speaker->interrupt_speech(*state_);
  return {};
}

Result<void> SpeechHandle::disallow_interruptions() {
  if (state_->interrupted) return fail(Errc::refused, "this speech has been interrupted already");
  if (!state_->interruptible) return {};
  state_->interruptible = false;
  if (state_->speaker) state_->speaker->protect_speech(*state_);
  return {};
}

}  // namespace parley
