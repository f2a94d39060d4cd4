#include "fakes/speech_sound.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace parley::fakes {

namespace {

constexpr double kPeak = 0.5;  // of full scale
constexpr double kShortest = 0.11;
constexpr double kLongest = 0.22;  // s, a syllable

// A vowel: harmonics of a gliding pitch, weighted by two formants, under an envelope that rises fast and falls slowly.
std::vector<std::int16_t> make_syllable(int rate, Random& random) {
  const double seconds = kShortest + random.unit() * (kLongest - kShortest);
  const auto count = static_cast<std::size_t>(seconds * rate);
  const double pitch = 95 + random.unit() * 110;
  const double glide = 0.85 + random.unit() * 0.3;
  const double first = 300 + random.unit() * 500;
  const double second = 900 + random.unit() * 1300;
  const auto weight = [&](double hz) {
    const auto near = [hz](double formant, double width) { return 1 / (1 + std::pow((hz - formant) / width, 2)); };
    return near(first, 120) + 0.6 * near(second, 180);
  };
  std::vector<double> wave(count);
  double phase = 0;
  double peak = 1e-9;
  for (std::size_t i = 0; i < count; ++i) {
    const double at = static_cast<double>(i) / static_cast<double>(count);
    const double hz = pitch * (1 + (glide - 1) * at);
    phase += 2 * std::numbers::pi * hz / rate;
    double sum = 0;
    for (int k = 1; k * hz < std::min(3200.0, rate / 2.2); ++k) sum += weight(k * hz) * std::sin(k * phase);
    sum += 0.05 * (random.unit() - 0.5);
    const double envelope = std::min({1.0, at / 0.1, (1 - at) / 0.35});
    wave[i] = sum * envelope;
    peak = std::max(peak, std::abs(wave[i]));
  }
  std::vector<std::int16_t> sound(count);
  std::ranges::transform(wave, sound.begin(), [peak](double v) { return static_cast<std::int16_t>(v / peak * kPeak * 32767); });
  return sound;
}

}  // namespace

Syllables::Syllables(int sample_rate) : sample_rate_(sample_rate) {
  Random random(20);
  for (std::size_t i = 0; i < kCount; ++i) sounds_.push_back(make_syllable(sample_rate, random));
}

Talker::Talker(std::shared_ptr<const Syllables> syllables, std::string_view text, std::uint64_t seed, double characters_a_second)
    : syllables_(std::move(syllables)), random_(seed ^ std::hash<std::string_view>{}(text)) {
  const auto printable = std::ranges::count_if(text, [](char c) { return c != ' '; }) > 0;
  left_ = printable ? static_cast<std::size_t>(static_cast<double>(text.size()) / characters_a_second * syllables_->sample_rate()) : 0;
  choose();
  pause_ = 0;  // it begins with a sound
}

void Talker::choose() {
  const auto ms = [this](std::uint64_t n) { return n * static_cast<std::size_t>(syllables_->sample_rate()) / 1000; };
  if (--syllables_left_ <= 0) {
    syllables_left_ = static_cast<int>(1 + random_.below(3));
    pause_ = ms(15 + random_.below(30));
    if (--words_left_ <= 0) {
      words_left_ = static_cast<int>(4 + random_.below(5));
      pause_ = ms(90 + random_.below(60));
    }
  }
  piece_ = syllables_->at(random_.below(Syllables::kCount));
}

std::string Talker::next(std::size_t count) {
  count = std::min(count, left_);
  left_ -= count;
  std::string bytes(count * sizeof(std::int16_t), 0);
  std::size_t done = 0;
  while (done < count) {
    if (piece_.empty()) choose();
    if (pause_ > 0) {
      const auto silent = std::min(pause_, count - done);
      pause_ -= silent;
      done += silent;
      continue;
    }
    const auto taken = std::min(piece_.size(), count - done);
    std::memcpy(bytes.data() + done * sizeof(std::int16_t), piece_.data(), taken * sizeof(std::int16_t));
    piece_ = piece_.subspan(taken);
    done += taken;
  }
  return bytes;
}

}  // namespace parley::fakes
