// What is wrong with a file that people write: all of it at once, each with its place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

namespace parley::yaml {

// Where something stands, counted from 1 as editors do; line 0: nowhere in a file.
struct Place {
  int line = 0;
  int column = 0;

  bool operator==(const Place&) const = default;
};

struct Mistake {
  Place place{};
  std::string path{};  // of keys: "tools[1].http.timeout"; empty: the place says it
  std::string message;
  std::string file{};  // not empty: the mistake is in this file, `there`, which the one that was read names at `place`
  Place there{};
};

// Bound: kMaxMistakes are kept, and how many more there were.
class Mistakes {
 public:
  static constexpr std::size_t kMaxMistakes = 50;

  explicit Mistakes(std::string file = {}) : file_(std::move(file)) {}

  void add(Mistake mistake);

  bool empty() const noexcept { return all_.empty(); }
  std::size_t more() const noexcept { return more_; }  // that were not kept
  // In the order of their places; those of one place as they were found.
  const std::vector<Mistake>& all() const noexcept { return all_; }
  const std::string& file() const noexcept { return file_; }
  // "agent.yaml:12:5: tools[1].http.timout: unknown key"; without a place "tools[1]...: unknown key".
  std::string to_text(const Mistake& mistake) const;
  // All of them, one a line; at the end, where there were more, "and 3 more".
  std::string text() const;
  Error error() const { return {Errc::invalid_argument, text()}; }

 private:
  std::string file_;
  std::vector<Mistake> all_;
  std::size_t more_ = 0;
};

}  // namespace parley::yaml
