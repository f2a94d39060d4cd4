// WAV files on disk: the thin helper over audio/wav.hpp, and a recording that survives a crash.
#pragma once

#include <cstdint>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <string>

#include "audio/samples.hpp"
#include "audio/wav.hpp"

namespace parley {

// Reads a whole file; blocks. Errors name the path.
Result<Wav> read_wav_file(const std::string& path);

// Writes a whole file of 16-bit PCM; blocks.
Result<void> write_wav_file(const std::string& path, int sample_rate, int channels, Samples samples);

// A WAV file written while its sound happens. After every flush the header tells exactly what is in the file, so that
// a crash loses only what came since; write() flushes by itself whenever kBufferBytes have gathered.
//
// Thread: the owner's only. Writing blocks on the disk: not for a loop thread with calls on it.
// Bound:  kBufferBytes in memory; a file of 4 GiB, after which write() refuses.
class WavWriter {
 public:
  static constexpr std::size_t kBufferBytes = 256 * KiB;  // 2.7 s of 48 kHz mono

  // Creates the file (or empties it), for the owner's eyes only (mode 0600), and writes the header of an empty one.
  static Result<WavWriter> create(const std::string& path, int sample_rate, int channels);

  WavWriter(WavWriter&& other) noexcept;
  WavWriter& operator=(WavWriter&& other) noexcept;
  ~WavWriter();  // closes, and cannot tell of an error: call close()

  // Interleaved when there are two channels: a multiple of `channels` samples.
  Result<void> write(Samples samples);
  Result<void> flush();
  Result<void> close();

 private:
  WavWriter(int fd, std::string path, int sample_rate, int channels);
  Result<void> write_at(ByteView bytes, std::uint64_t offset);

  int fd_ = -1;
  std::string path_;
  int sample_rate_;
  int channels_;
  std::uint64_t data_bytes_ = 0;  // in the file
  Bytes pending_;                 // not yet in the file
};

}  // namespace parley
