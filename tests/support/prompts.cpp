#include "support/prompts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "support/word_error_rate.hpp"

namespace parley::test {
namespace {

constexpr const char* kSounds = "/usr/share/asterisk/sounds/en_US_f_Allison";
constexpr const char* kTexts = "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz";
constexpr const char* kMusic = "/usr/share/asterisk/moh";
constexpr std::size_t kLeastWords = 5;
constexpr std::size_t kMostWords = 30;

Error not_installed(std::string_view what) {
  return {
      Errc::not_found,
      fmt::format(
          "{} is missing; run \"make setup\" (Debian packages asterisk-core-sounds-en, asterisk-core-sounds-en-g722, "
          "asterisk-moh-opsound-wav, ffmpeg)",
          what)};
}

Result<std::string> output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "re"),
                                                             [](std::FILE* file) { return pclose(file); });
  if (!pipe) return fail(Errc::io, "cannot start: " + command);
  std::string output;
  std::array<char, 65536> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    output.append(buffer.data(), count);
  if (output.empty()) return fail(not_installed("\"" + command + "\" gave nothing: its program or file"));
  return output;
}

bool is_spoken(const std::string& text) { return !text.empty() && text.find('[') == std::string::npos; }

}  // namespace

Result<std::vector<Prompt>> all_prompts() {
  const auto texts = output_of(fmt::format("gzip -dc '{}' 2>/dev/null", kTexts));
  if (!texts) return fail(not_installed(kTexts));
  std::vector<Prompt> prompts;
  for (std::size_t begin = 0; begin < texts->size();) {
    const std::size_t end = std::min(texts->find('\n', begin), texts->size());
    const std::string line = texts->substr(begin, end - begin);
    begin = end + 1;
    const auto colon = line.find(": ");
    if (line.starts_with(';') || colon == std::string::npos) continue;
    Prompt one{line.substr(0, colon), line.substr(colon + 2), ""};
    one.path = fmt::format("{}/{}.g722", kSounds, one.name);
    if (is_spoken(one.text) && std::filesystem::exists(one.path)) prompts.push_back(std::move(one));
  }
  if (prompts.empty()) return fail(not_installed(kSounds));
  std::ranges::sort(prompts, {}, &Prompt::name);
  return prompts;
}

Result<std::vector<Prompt>> sentence_prompts(std::size_t count) {
  auto prompts = all_prompts();
  if (!prompts) return prompts;
  std::erase_if(*prompts, [](const Prompt& one) {
    const std::size_t words = normalised_words(one.text).size();
    return words < kLeastWords || words > kMostWords || one.text.find("...") != std::string::npos;
  });
  if (prompts->size() < count) return fail(not_installed("part of the prompts"));
  std::vector<Prompt> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back((*prompts)[i * prompts->size() / count]);
  return chosen;
}

Result<Prompt> prompt(const std::string& name) {
  const auto prompts = all_prompts();
  if (!prompts) return fail(prompts.error());
  const auto found = std::ranges::find(*prompts, name, &Prompt::name);
  if (found == prompts->end()) return fail(not_installed(fmt::format("the prompt \"{}\"", name)));
  return *found;
}

Result<std::vector<float>> decode_audio(const std::string& path, int sample_rate) {
  if (path.find('\'') != std::string::npos) return fail(Errc::invalid_argument, "a quote in a file name: " + path);
  const auto bytes =
      output_of(fmt::format("ffmpeg -v error -nostdin -i '{}' -f f32le -ac 1 -ar {} -", path, sample_rate));
  if (!bytes) return fail(bytes.error());
  std::vector<float> samples(bytes->size() / sizeof(float));
  std::memcpy(samples.data(), bytes->data(), samples.size() * sizeof(float));
  return samples;
}

Result<std::vector<std::string>> hold_music() {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kMusic, error)) files.push_back(entry.path());
  if (files.empty()) return fail(not_installed(kMusic));
  std::ranges::sort(files);
  return files;
}

}  // namespace parley::test
