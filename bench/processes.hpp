// The processes that are measured: started, looked at through /proc, and ended with all that they have started.
//
// Thread: the one that started them is the program's first (its end is theirs); the readings may be taken on any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::bench {

// A program of its own process group. It is told to end (SIGTERM) when this process dies, whatever kills it.
//
// Ending: end() asks, asks again, and kills it; what it had started and left behind is killed too. The destructor is end().
class Child {
 public:
  struct Command {
    std::vector<std::string> words;
    std::vector<std::string> environment;  // NAME=value, beside our own
    std::string log;                       // file for standard output and error
    bool pipes = false;                    // standard input and output are ours
  };
  static Result<Child> start(const Command& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  int pid() const noexcept { return pid_; }
  bool running() noexcept;
  // A line of its standard output; Errc::timeout.
  Result<std::string> line(Duration within);
  // Its exit code, or 128 and the signal; blocks for at most kEndWithin.
  int end() noexcept;

  static constexpr Duration kEndWithin = 20s;

 private:
  Child() = default;
  bool wait(Duration within) noexcept;

  int pid_ = -1;
  int code_ = -1;
  int in_ = -1;
  int out_ = -1;
};

// `root` and all below it.
std::vector<int> family(int root);

struct Usage {
  std::size_t processes = 0;
  double pss_mb = 0;
  double page_tables_mb = 0;  // VmPTE
  double stacks_mb = 0;       // of threads, in the kernel
};
Usage usage_of(const std::vector<int>& pids);

// User and system time of a family so far, of ended children too.
double processor_seconds(const std::vector<int>& pids);

// The whole machine's slabs that cannot be given back.
double kernel_slab_mb();

// When it was started, to 10 ms; nullopt: it is gone.
std::optional<TimePoint> began_at(int pid);

double load_average();

// A port of loopback that was free just now.
Result<int> free_port();

// A folder that goes with its owner.
class Folder {
 public:
  static Result<Folder> make();
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder();
  const std::string& path() const noexcept { return path_; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace parley::bench
