# Compiler, warnings, sanitizers. The flags hang on one target, parley_flags, which every target of ours links.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(PARLEY_SANITIZE "" CACHE STRING "address (with undefined), thread, or empty")
set_property(CACHE PARLEY_SANITIZE PROPERTY STRINGS "" address thread)
option(PARLEY_TESTS "Build the tests" ON)
option(PARLEY_WERROR "Warnings are errors" ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# -g1: line tables for stacks; full debug information doubles the link and the disk.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g")

if(PARLEY_SANITIZE STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(PARLEY_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
elseif(PARLEY_SANITIZE)
  message(FATAL_ERROR "PARLEY_SANITIZE is \"${PARLEY_SANITIZE}\": use address, thread or nothing")
endif()
if(sanitize)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
  set(CMAKE_C_FLAGS_RELEASE "-O1 -g1")
  add_compile_options(${sanitize})     # libdatachannel too: its threads and ours meet at one queue
  add_link_options(${sanitize})
endif()

find_program(PARLEY_CCACHE ccache)
if(PARLEY_CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${PARLEY_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
find_program(PARLEY_LLD NAMES ld.lld-19 ld.lld)
if(PARLEY_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()

add_library(parley_flags INTERFACE)
target_compile_options(parley_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${PARLEY_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Aggregates are often initialised by the fields that matter; the rest have defaults.
  target_compile_options(parley_flags INTERFACE -Wno-missing-designated-field-initializers)
endif()

include(coroutine_guard)
