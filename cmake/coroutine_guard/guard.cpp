// Does this compiler compile coroutines rightly? Each case is an ordinary way to write a co_await that some compiler gets
// wrong: GCC 12.2 fails every one. cmake/coroutine_guard.cmake builds and runs this at configure time.
//
// Every case runs in a process of its own, and those that fail are printed. Built with -DONLY=number there is only that
// one: this is how a case that does not compile is told from the rest.
#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <functional>
#include <initializer_list>
#include <new>
#include <utility>
#include <vector>

namespace {

// --- A value that notices when it is destroyed twice, never, or after its bytes were copied behind its back ------------
int live = 0;
bool harmed = false;

class Value {
 public:
  explicit Value(int number) noexcept : number_(number), self_(this) { ++live; }
  Value(const Value& other) noexcept : number_(other.number()), self_(this) { ++live; }
  Value(Value&& other) noexcept : number_(other.number()), self_(this) { ++live; }
  Value& operator=(const Value& other) noexcept {
    number_ = other.number();
    return *this;
  }
  ~Value() {
    if (self_ != this) harmed = true;
    self_ = nullptr;
    --live;
  }

  int number() const noexcept {
    if (self_ != this) harmed = true;
    return number_;
  }

 private:
  int number_;
  const Value* volatile self_;
};

// --- A task: lazy, and the awaiting coroutine goes on by symmetric transfer --------------------------------------------
template <typename T>
class Task {
 public:
  struct promise_type {
    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
        return self.promise().continuation;
      }
      void await_resume() const noexcept {}
    };
    Task get_return_object() noexcept { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    template <typename U>
    void return_value(U&& u) {
      new (storage) T(std::forward<U>(u));
      full = true;
    }
    void unhandled_exception() const noexcept { std::terminate(); }
    T& value() noexcept { return *reinterpret_cast<T*>(storage); }
    ~promise_type() {
      if (full) value().~T();
    }

    std::coroutine_handle<> continuation = std::noop_coroutine();
    alignas(T) unsigned char storage[sizeof(T)];
    bool full = false;
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    handle_.promise().continuation = caller;
    return handle_;
  }
  T await_resume() noexcept { return std::move(handle_.promise().value()); }

  std::coroutine_handle<promise_type> handle() const noexcept { return handle_; }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// A real suspension, so that temporaries have to live across it.
std::coroutine_handle<> waiting;

struct Turn {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept { waiting = handle; }
  void await_resume() const noexcept {}
};

template <typename T>
T run(Task<T> task) {
  task.handle().resume();
  while (waiting) std::exchange(waiting, nullptr).resume();
  return task.await_resume();
}

// --- What the cases call -----------------------------------------------------------------------------------------------
struct Pair {
  Value first;
  Value second;
};

Task<int> sum_of(Pair pair) {
  co_await Turn{};
  co_return pair.first.number() + pair.second.number();
}
Task<int> number_of(Value value) {
  co_await Turn{};
  co_return value.number();
}
Task<Value> make(int number) {
  co_await Turn{};
  co_return Value(number);
}

#ifndef ONLY
#define ONLY 0
#endif
#define HAS(number) (ONLY == 0 || ONLY == (number))

struct Case {
  const char* what;
  Task<bool> (*run)();
};
std::vector<Case> cases;

struct Register {
  Register(const char* what, Task<bool> (*run)()) { cases.push_back({what, run}); }
};
#define CASE(name, what)               \
  Task<bool> name();                   \
  const Register name##_case{what, name}; \
  Task<bool> name()

// --- The cases. The comment of each #if is what the guard prints when the case does not compile -------------------------
#if HAS(1)  // co_await f({a, b}), f taking a std::vector
Task<int> sum_of_vector(std::vector<int> numbers) {
  co_await Turn{};
  co_return numbers[0] + numbers[1];
}
CASE(braced_vector, "co_await f({a, b}), f taking a std::vector") { co_return co_await sum_of_vector({2, 3}) == 5; }
#endif

#if HAS(2)  // co_await f({a, b}), f taking a std::initializer_list
Task<int> sum_of_list(std::initializer_list<Value> numbers) {
  co_await Turn{};
  int sum = 0;
  for (const Value& value : numbers) sum += value.number();
  co_return sum;
}
CASE(braced_list, "co_await f({a, b}), f taking a std::initializer_list") {
  co_return co_await sum_of_list({Value(2), Value(3)}) == 5;
}
#endif

#if HAS(3)  // std::vector v{co_await a(), co_await b()}
CASE(vector_of_results, "std::vector v{co_await a(), co_await b()}") {
  const std::vector<Value> values{co_await make(2), co_await make(3)};
  co_return values[0].number() + values[1].number() == 5;
}
#endif

#if HAS(4)  // co_await f({x, y}), f taking an aggregate
CASE(braced_aggregate, "co_await f({x, y}), f taking an aggregate") {
  co_return co_await sum_of({Value(2), Value(3)}) == 5;
}
#endif

#if HAS(5)  // co_await f(Aggregate{...})
CASE(named_aggregate, "co_await f(Aggregate{...})") { co_return co_await sum_of(Pair{Value(2), Value(3)}) == 5; }
#endif

#if HAS(6)  // co_await f({.x = ..., .y = ...})
CASE(designated_aggregate, "co_await f({.x = ..., .y = ...})") {
  co_return co_await sum_of({.first = Value(2), .second = Value(3)}) == 5;
}
#endif

#if HAS(7)  // Aggregate a{co_await p(), co_await q()}
CASE(aggregate_of_results, "Aggregate a{co_await p(), co_await q()}") {
  const Pair pair{co_await make(2), co_await make(3)};
  co_return pair.first.number() + pair.second.number() == 5;
}
#endif

#if HAS(8)  // co_await f([x] { ... }), f taking a std::function
Task<int> result_of(std::function<int()> function) {
  co_await Turn{};
  co_return function();
}
CASE(closure_as_function, "co_await f([x] { ... }), f taking a std::function") {
  const Value value(5);
  co_return co_await result_of([value] { return value.number(); }) == 5;
}
#endif

#if HAS(9)  // condition ? co_await a() : b, with a type that has a destructor
CASE(conditional, "condition ? co_await a() : b, with a type that has a destructor") {
  const Value other(3);
  int sum = 0;
  for (const bool first : {true, false}) {
    const Value value = first ? co_await make(2) : other;
    sum += value.number();
  }
  co_return sum == 5;
}
#endif

#if HAS(10)  // co_await Awaiter{x}, an awaiter that is an aggregate
struct AggregateAwaiter {
  Value value;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const noexcept { waiting = handle; }
  int await_resume() const noexcept { return value.number(); }
};
CASE(aggregate_awaiter, "co_await Awaiter{x}, an awaiter that is an aggregate") {
  co_return co_await AggregateAwaiter{Value(5)} == 5;
}
#endif

#if HAS(11)  // co_await Type(x), a temporary with its own operator co_await
struct Awaitable {
  struct Awaiter {
    const Value& value;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const noexcept { waiting = handle; }
    int await_resume() const noexcept { return value.number(); }
  };
  Value value;
  Awaiter operator co_await() const& noexcept { return {value}; }
};
CASE(operator_co_await, "co_await Type(x), a temporary with its own operator co_await") {
  co_return co_await Awaitable{Value(5)} == 5;
}
#endif

#if HAS(12)  // if (co_await f(Type(5)) == 5)
CASE(temporary_in_condition, "if (co_await f(Type(5)) == 5)") {
  if (co_await number_of(Value(5)) == 5) co_return true;
  co_return false;
}
#endif

#if HAS(13)  // 200,000 completions one after another: symmetric transfer has to be a tail call at every -O level
Task<int> at_once(int number) { co_return number; }
CASE(symmetric_transfer, "200,000 completions one after another: symmetric transfer has to be a tail call at every -O level") {
  int count = 0;
  for (int i = 0; i < 200'000; ++i) count += co_await at_once(1);
  co_return count == 200'000;
}
#endif

bool passes(const Case& one) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    const bool right = run(one.run());
    _exit(right && !harmed && live == 0 ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

int main() {
  int failed = 0;
  for (const Case& one : cases) {
    if (passes(one)) continue;
    std::printf("%s\n", one.what);
    ++failed;
  }
  return failed == 0 && !cases.empty() ? 0 : 1;
}
