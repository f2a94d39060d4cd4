#include "audio/wav_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace parley {
namespace {

constexpr std::uint64_t kHeaderBytes = 44;
constexpr std::uint64_t kMaxDataBytes = 0xFFFFFFFF - kHeaderBytes;  // the length fields have 32 bits

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Result<Bytes> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(errno_error("open " + path, errno));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail(errno_error("look at " + path, errno));
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::invalid_argument, path + " is not a regular file: give the path of a WAV file");
  }
  if (static_cast<std::uint64_t>(status.st_size) > kMaxWavBytes) {
    return fail(Errc::invalid_argument, fmt::format("{} has {} bytes, and {} at most are read; cut it into pieces",
                                                    path, status.st_size, kMaxWavBytes));
  }
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("read " + path, errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

Result<Wav> read_wav_file(const std::string& path) {
  auto bytes = read_file(path);
  if (!bytes) return fail(bytes.error());
  auto wav = parse_wav(*bytes);
  if (!wav) return fail(wav.error().within(path));
  return wav;
}

Result<void> write_wav_file(const std::string& path, int sample_rate, int channels, Samples samples) {
  auto writer = WavWriter::create(path, sample_rate, channels);
  if (!writer) return fail(writer.error());
  if (auto ok = writer->write(samples); !ok) return ok;
  return writer->close();
}

Result<WavWriter> WavWriter::create(const std::string& path, int sample_rate, int channels) {
  if (sample_rate < kMinWavRate || sample_rate > kMaxWavRate || channels < 1 || channels > 2) {
    return fail(Errc::invalid_argument, fmt::format("a WAV file of {} Hz and {} channels cannot be written: use 1 or 2 "
                                                    "channels at {} to {} Hz",
                                                    sample_rate, channels, kMinWavRate, kMaxWavRate));
  }
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(errno_error("create " + path, errno));
  WavWriter writer(fd, path, sample_rate, channels);
  if (auto ok = writer.flush(); !ok) return fail(ok.error());
  return writer;
}

WavWriter::WavWriter(int fd, std::string path, int sample_rate, int channels)
    : fd_(fd), path_(std::move(path)), sample_rate_(sample_rate), channels_(channels) {}

WavWriter::WavWriter(WavWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      sample_rate_(other.sample_rate_),
      channels_(other.channels_),
      data_bytes_(other.data_bytes_),
      pending_(std::move(other.pending_)) {}

WavWriter& WavWriter::operator=(WavWriter&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(sample_rate_, other.sample_rate_);
  std::swap(channels_, other.channels_);
  std::swap(data_bytes_, other.data_bytes_);
  std::swap(pending_, other.pending_);
  return *this;
}

WavWriter::~WavWriter() { (void)close(); }

Result<void> WavWriter::write(Samples samples) {
  if (fd_ < 0) return fail(Errc::closing, path_ + " is closed: nothing more can be written to it");
  if (data_bytes_ + pending_.size() + samples.size() * 2 > kMaxDataBytes) {
    return fail(Errc::overloaded, path_ + " has reached the 4 GiB that a WAV file can hold: begin another file");
  }
  ByteWriter out(pending_);
  while (!samples.empty()) {
    if (pending_.size() >= kBufferBytes) {
      if (auto ok = flush(); !ok) return ok;
    }
    const auto step = std::min(samples.size(), (kBufferBytes - pending_.size() + 1) / 2);
    for (const auto sample : samples.first(step)) out.u16_le(static_cast<std::uint16_t>(sample));
    samples = samples.subspan(step);
  }
  return {};
}

Result<void> WavWriter::flush() {
  if (fd_ < 0) return fail(Errc::closing, path_ + " is closed: nothing more can be written to it");
  // Sound first, header second: a crash in between leaves a valid file that is a little shorter.
  if (auto ok = write_at(pending_, kHeaderBytes + data_bytes_); !ok) return ok;
  data_bytes_ += pending_.size();
  pending_.clear();
  return write_at(wav_header(sample_rate_, channels_, static_cast<std::uint32_t>(data_bytes_)), 0);
}

Result<void> WavWriter::close() {
  if (fd_ < 0) return {};
  auto flushed = flush();
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0 && flushed) return fail(errno_error("close " + path_, errno));
  return flushed;
}

Result<void> WavWriter::write_at(ByteView bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto wrote = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail(errno_error("write " + path_, errno));
    offset += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

}  // namespace parley
