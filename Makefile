# The commands of the project; `make` alone lists them. README.md tells the story.
MAKEFLAGS += --no-print-directory
CC  := $(if $(filter default,$(origin CC)),clang-19,$(CC))
CXX := $(if $(filter default,$(origin CXX)),clang++-19,$(CXX))
configure = cmake -G Ninja -S . -DCMAKE_C_COMPILER=$(CC) -DCMAKE_CXX_COMPILER=$(CXX)
release := build/release
export NINJA_STATUS = [%f/%t %es] 

.PHONY: help setup setup-tests build run test soak sim bench format tidy clean

help:
	@echo "Parley answers calls with a voice agent. On a fresh Debian 12 each of these does what it needs first:"
	@echo
	@echo "  make run      build it and start an agent to talk to: no server, no key, no account"
	@echo "  make test     every test, with the sanitizers, and what they need more (Chromium, recordings)"
	@echo
	@echo "  make bench    what calls cost and how fast they are, 1 to 50 at a time: eight minutes (docs/performance.md)"
	@echo "  make soak     the tests of real processes, networks and threads in full counts: two hours"
	@echo "  make sim      the simulated world in full counts: every call cut at every step, in every way"
	@echo
	@echo "  make setup    only get what building and running takes: Debian packages (by sudo), libraries, models"
	@echo "  make build    build everything, tests too, in $(release)"
	@echo "  make format   put the code into its form (clang-format)"
	@echo "  make tidy     look for what is suspicious (clang-tidy); make tidy FILES=src/base/log.cpp for one file"
	@echo "  make clean    remove build/ (what was downloaded stays in the cache)"
	@echo
	@echo "  make run ARGS='--help' hands arguments to the program; CC and CXX choose another compiler."

setup:
	@tools/setup/setup run

$(release)/build.ninja:
	@$(configure) -B $(release)

build: setup | $(release)/build.ninja
	@ninja -C $(release)

run: setup | $(release)/build.ninja
	@ninja -C $(release) apps/parley/parley
	@exec $(release)/apps/parley/parley dev $(ARGS)

test:
	@tools/setup/setup test
	@CC=$(CC) CXX=$(CXX) tools/run-tests

soak sim:
	@tools/setup/setup $(if $(filter soak,$@),soak,test)
	@CC=$(CC) CXX=$(CXX) tools/full-counts $@

setup-tests:
	@tools/setup/setup test

bench: setup-tests | $(release)/build.ninja
	@ninja -C $(release) parley parley_fakes parley_bench
	@exec $(release)/bench/parley_bench --parley $(release)/apps/parley/parley --fakes $(release)/fakes/parley_fakes \
	  --agent bench/agent.yaml --livekit-server "$$(python3 tests/livekit/livekit_server.py --installed)" --out build/bench.json --commit "$$(git describe --always --dirty 2>/dev/null || echo none)" $(ARGS)

format:
	@tools/setup/setup dev
	@git ls-files -z '*.cpp' '*.hpp' '*.h' | xargs -0 clang-format-19 -i

tidy: setup | $(release)/build.ninja
	@tools/setup/setup dev
	@run-clang-tidy-19 -quiet -p $(release) $(if $(FILES),$(addprefix $(CURDIR)/,$(FILES)),'$(CURDIR)/(src|providers|apps)/')

clean:
	@rm -rf build
