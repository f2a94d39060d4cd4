#include "voice/recording_file.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <opusenc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <parley/async/callback.hpp>

namespace parley::voice {

namespace {

Error disk_error(const std::string& path, int number) {
  const auto code = number == ENOSPC || number == EDQUOT ? Errc::overloaded
                    : number == EEXIST                   ? Errc::refused
                    : number == ENOENT                   ? Errc::not_found
                                                         : Errc::io;
  return {code, fmt::format("{}: {}", path, std::generic_category().message(number))};
}

// What the encoder writes through. It is never told of an error, for it would not survive its own end after one: whoever uses
// it looks at `error`.
struct Output {
  int descriptor = -1;
  int error = 0;

  static int write(void* self, const unsigned char* bytes, opus_int32 size) {
    auto& out = *static_cast<Output*>(self);
    for (opus_int32 done = 0; done < size && out.error == 0;) {
      const auto n = ::write(out.descriptor, bytes + done, static_cast<std::size_t>(size - done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) out.error = errno;
      if (n == 0) out.error = ENOSPC;
      if (n > 0) done += static_cast<opus_int32>(n);
    }
    return 0;
  }
  static int close(void*) { return 0; }  // its owner's
};

struct Encoder {
  OggOpusComments* comments = nullptr;
  OggOpusEnc* encoder = nullptr;

  Encoder(Output& output, int channels) {
    static constexpr OpusEncCallbacks kCallbacks{Output::write, Output::close};
    comments = ::ope_comments_create();
    if (comments) (void)::ope_comments_add(comments, "ENCODER", "parley");
    int error = 0;
    if (comments) encoder = ::ope_encoder_create_callbacks(&kCallbacks, &output, comments, kTransportRate, channels, 0, &error);
    if (!encoder) return;
    (void)::ope_encoder_ctl(encoder, OPUS_SET_BITRATE(channels == 2 ? RecordingFile::kBitrate : RecordingFile::kBitrate / 2));
    (void)::ope_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(RecordingFile::kComplexity));
    (void)::ope_encoder_ctl(encoder, OPE_SET_DECISION_DELAY(0));  // no look ahead: what came is in the file soon
    (void)::ope_encoder_ctl(encoder, OPE_SET_MUXING_DELAY(RecordingFile::kPageSamples));
  }
  ~Encoder() {
    if (encoder) ::ope_encoder_destroy(encoder);
    if (comments) ::ope_comments_destroy(comments);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
};

using Interleaved = std::array<std::int16_t, 2 * kTransportFrameSamples>;

// Mono: both mixed, in the first half.
Interleaved interleaved(const RecordedPair& pair, bool stereo) {
  Interleaved samples{};
  for (std::size_t i = 0; i < kTransportFrameSamples; ++i) {
    if (stereo) {
      samples[2 * i] = pair.caller[i];
      samples[2 * i + 1] = pair.agent[i];
    } else {
      samples[i] = static_cast<std::int16_t>(std::clamp(pair.caller[i] + pair.agent[i], -32768, 32767));
    }
  }
  return samples;
}

// An encoder that got no sample does not survive its end.
void end_stream(OggOpusEnc* encoder, bool empty) {
  const Interleaved silence{};
  if (empty) (void)::ope_encoder_write(encoder, silence.data(), static_cast<int>(kTransportFrameSamples));
  (void)::ope_encoder_drain(encoder);
}

}  // namespace

struct RecordingFile::Shared {
  std::string path;
  RecordingChannels channels = RecordingChannels::stereo;
  Output output;

  std::mutex mutex;
  std::condition_variable changed;
  struct Item {
    std::unique_ptr<RecordedPair> pair;  // null: silence
    std::int64_t frames = 1;
  };
  std::deque<Item> queue;
  bool closing = false;
  bool finished = false;
  std::optional<Error> failure;
  std::int64_t frames = 0;  // that the encoder took
  std::function<void()> tell_finished;

  ~Shared() {
    if (output.descriptor >= 0) ::close(output.descriptor);
  }

  // False: nothing will come any more.
  bool take(Item& item) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return closing || !queue.empty() || failure; });
    if (queue.empty() || failure) return false;
    item = std::move(queue.front());
    queue.pop_front();
    return true;
  }
  void fail(Error error) {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
    queue.clear();
  }
  void finish() {
    std::function<void()> tell;
    {
      const std::lock_guard lock(mutex);
      finished = true;
      tell = std::move(tell_finished);
    }
    if (tell) tell();
  }
};

Result<std::unique_ptr<RecordingFile>> RecordingFile::create(const std::string& path, RecordingChannels channels) {
  auto shared = std::make_shared<Shared>();
  shared->path = path;
  shared->channels = channels;
  shared->output.descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (shared->output.descriptor < 0) return fail(disk_error(path, errno));
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals belong to the loop's thread
  Result<void> started;
  try {
    std::thread(write, shared).detach();
  } catch (const std::system_error& error) {
    started = fail(Errc::overloaded, fmt::format("no thread for a recording: {}", error.what()));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started) return fail(started.error());
  return std::unique_ptr<RecordingFile>(new RecordingFile(std::move(shared)));
}

RecordingFile::~RecordingFile() { finish(); }

void RecordingFile::finish() noexcept {
  const std::lock_guard lock(shared_->mutex);
  shared_->closing = true;
  shared_->changed.notify_all();
}

void RecordingFile::add(std::unique_ptr<RecordedPair> pair, std::int64_t silent) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closing || shared_->failure) return;
  if (shared_->queue.size() >= kMaxQueued) {
    shared_->failure = Error(Errc::overloaded, fmt::format("{}: the disk is too slow for it", shared_->path));
    shared_->queue.clear();
  } else if (!pair && !shared_->queue.empty() && !shared_->queue.back().pair) {
    shared_->queue.back().frames += silent;
  } else {
    const auto frames = pair ? 1 : silent;
    shared_->queue.push_back({std::move(pair), frames});
  }
  shared_->changed.notify_all();
}

std::optional<Error> RecordingFile::failure() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->failure;
}

Duration RecordingFile::written() const noexcept {
  const std::lock_guard lock(shared_->mutex);
  return shared_->frames * kFrameDuration;
}

Task<Result<void>> RecordingFile::close(Deadline deadline) {
  finish();
  const auto over = [this] {
    const std::lock_guard lock(shared_->mutex);
    return shared_->finished;
  };
  auto done = over() ? Result<bool>(true) : co_await from_callback<bool>(deadline, [this](Callback<bool> told) {
    bool already = false;
    {
      const std::lock_guard lock(shared_->mutex);
      already = shared_->finished;
      if (!already) shared_->tell_finished = [told] { told(true); };
    }
    if (already) told(true);
  });
  if (!done) co_return fail(Errc::timeout, fmt::format("{} is still being written", shared_->path));
  if (const auto why = failure()) co_return fail(*why);
  co_return Result<void>{};
}

// The thread. An end that was not asked for is written too, as far as the disk takes it.
void RecordingFile::write(std::shared_ptr<Shared> shared) {
  ::pthread_setname_np(::pthread_self(), "parley-record");
  const bool stereo = shared->channels == RecordingChannels::stereo;
  {
    const Encoder encoder(shared->output, stereo ? 2 : 1);
    if (!encoder.encoder) shared->fail({Errc::internal, "the recording's encoder could not be made"});
    Shared::Item item;
    while (shared->take(item)) {
      const auto samples = item.pair ? interleaved(*item.pair, stereo) : Interleaved{};
      int error = OPE_OK;
      for (std::int64_t i = 0; i < item.frames && error == OPE_OK; ++i) {
        error = ::ope_encoder_write(encoder.encoder, samples.data(), static_cast<int>(kTransportFrameSamples));
      }
      if (error != OPE_OK) shared->fail({Errc::internal, ::ope_strerror(error)});
      if (shared->output.error != 0) shared->fail(disk_error(shared->path, shared->output.error));
      if (error != OPE_OK || shared->output.error != 0) break;
      const std::lock_guard lock(shared->mutex);
      shared->frames += item.frames;
    }
    if (encoder.encoder && shared->output.error == 0) end_stream(encoder.encoder, shared->frames == 0);
    if (shared->output.error != 0) shared->fail(disk_error(shared->path, shared->output.error));
  }
  shared->finish();
}

}  // namespace parley::voice
