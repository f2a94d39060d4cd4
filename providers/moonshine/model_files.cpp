#include "providers/moonshine/model_files.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include <parley/base/bytes.hpp>

namespace parley {
namespace {

constexpr std::size_t kMaxModelBytes = 512 * MiB;
constexpr std::size_t kMaxTokensBytes = 8 * MiB;
constexpr std::size_t kLeastTokens = 1000;

Error unusable(const std::string& path, std::string_view why) {
  return {Errc::invalid_argument,
          fmt::format("the speech recognition file \"{}\" cannot be used: {}; run \"make setup\" to get it again", path,
                      why)};
}

// A file's bytes, mapped for as long as the object lives.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path, std::size_t most) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fail(unreadable(path, errno));
    struct stat about{};
    const bool known = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    const auto size = static_cast<std::size_t>(about.st_size);
    void* bytes = known && size > 0 && size <= most ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    const int error = errno;
    close(fd);
    if (!known) return fail(unreadable(path, EISDIR));
    if (size == 0) return fail(unusable(path, "it is empty"));
    if (size > most) return fail(unusable(path, fmt::format("it is larger than {} MiB", most / MiB)));
    if (bytes == MAP_FAILED) return fail(unreadable(path, error));
    return MappedFile(bytes, size);
  }
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)), size_(other.size_) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() {
    if (bytes_) munmap(bytes_, size_);
  }

  ByteView bytes() const { return {static_cast<const std::uint8_t*>(bytes_), size_}; }

 private:
  MappedFile(void* bytes, std::size_t size) : bytes_(bytes), size_(size) {}

  static Error unreadable(const std::string& path, int error) {
    return {Errc::not_found,
            fmt::format("the speech recognition file \"{}\" cannot be read ({}); run \"make setup\" to get it", path,
                        std::strerror(error))};
  }

  void* bytes_;
  std::size_t size_;
};

std::optional<std::uint64_t> varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = reader.u8();
    if (!byte) return std::nullopt;
    value |= std::uint64_t{*byte & 0x7FU} << shift;
    if (*byte < 0x80) return value;
  }
  return std::nullopt;
}

// Walks the outermost fields of the protobuf message (ModelProto): a file that was cut does not end with one of them.
bool is_whole_model(ByteView bytes) {
  constexpr std::uint64_t kGraph = 7;
  ByteReader reader(bytes);
  bool has_graph = false;
  while (reader.left() > 0) {
    const auto key = varint(reader);
    const auto value = key ? varint(reader) : std::nullopt;
    if (!value) return false;
    const auto wire_type = *key & 7U;
    if (wire_type == 2 && !reader.take(static_cast<std::size_t>(*value))) return false;
    if (wire_type != 0 && wire_type != 2) return false;
    has_graph = has_graph || (*key >> 3 == kGraph && *value > 0);
  }
  return has_graph;
}

// One line of tokens.txt. Base64 has no spaces, so the last space ends it; an empty token is an empty first field.
bool is_token_line(std::string_view line, std::size_t id) {
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  const auto space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space % 4 != 0) return false;
  if (line.substr(0, space).find_first_not_of(kBase64) != std::string_view::npos) return false;
  std::size_t found = 0;
  const auto* end = line.data() + line.size();
  const auto [stopped, error] = std::from_chars(line.data() + space + 1, end, found);
  return error == std::errc() && stopped == end && found == id;
}

}  // namespace

Result<> check_onnx_file(const std::string& path, std::string_view marker) {
  const auto file = MappedFile::open(path, kMaxModelBytes);
  if (!file) return fail(file.error());
  if (!is_whole_model(file->bytes())) return fail(unusable(path, "it is not an ONNX file, or it was cut off"));
  if (as_text(file->bytes()).find(marker) == std::string_view::npos) {
    return fail(unusable(path, fmt::format("it is another model than expected, without \"{}\"", marker)));
  }
  return {};
}

Result<> check_tokens_file(const std::string& path) {
  const auto file = MappedFile::open(path, kMaxTokensBytes);
  if (!file) return fail(file.error());
  auto text = as_text(file->bytes());
  std::size_t id = 0;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (!is_token_line(line, id)) {
      return fail(unusable(path, fmt::format("line {} is not \"<base64> {}\"", id + 1, id)));
    }
    ++id;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  if (id < kLeastTokens) return fail(unusable(path, fmt::format("it has only {} tokens", id)));
  return {};
}

}  // namespace parley
