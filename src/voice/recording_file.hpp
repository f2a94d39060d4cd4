// An Ogg Opus file that is written while a call goes on, by a thread of its own.
//
// Thread: the loop's only; the encoder and the file are the writer thread's.
// Bound:  kMaxQueued pairs (3 s) wait, of which silence is one however long; a disk that is slower than that ends the recording, as one that is full does. The call
//         is never held up.
// Ending: close() writes what waits and the end of the stream. Destroying it has the same done by the thread alone, which
//         ends with the process at the latest; a process that is killed leaves all but the last second or two.
#pragma once

#include <memory>
#include <optional>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>
#include <parley/privacy.hpp>

#include "voice/recording_timeline.hpp"

namespace parley::voice {

class RecordingFile {
 public:
  static constexpr std::size_t kMaxQueued = 150;
  static constexpr int kBitrate = 64'000;      // of both channels; half of it for mono
  static constexpr int kComplexity = 5;
  static constexpr int kPageSamples = 48'000;  // a page holds at most a second

  // Makes the file, mode 0600, and the thread. Errc::refused: there is such a file; Errc::not_found: its folder is not there,
  // and is not made: it may be a volume that is not mounted; Errc::overloaded, Errc::io.
  static Result<std::unique_ptr<RecordingFile>> create(const std::string& path, RecordingChannels channels);
  ~RecordingFile();

  // The next 20 ms, or, without a pair, so many times 20 ms of silence. Never waits. What comes after it has failed is
  // dropped.
  void add(std::unique_ptr<RecordedPair> pair, std::int64_t silent);
  // Nothing more is added: the thread writes what waits and the end of the stream.
  void finish() noexcept;
  // Why it ended early; nullopt: it goes on, or has ended well.
  std::optional<Error> failure() const;
  Duration written() const noexcept;

  // The end. Errc::timeout: the disk hangs; the thread goes on with it.
  Task<Result<void>> close(Deadline deadline);

 private:
  struct Shared;
  explicit RecordingFile(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  static void write(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
};

}  // namespace parley::voice
