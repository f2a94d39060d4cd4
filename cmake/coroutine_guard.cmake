# Refuses a compiler that miscompiles coroutines: builds and runs coroutine_guard/guard.cpp once for each compiler and
# build tree (half a second), and when that fails says which pattern it was. GCC 12 fails; a newer one is welcome if it
# passes.
function(parley_guard_case number compiles_variable output_variable)
  try_run(exit_code compiles
    SOURCES ${PROJECT_SOURCE_DIR}/cmake/coroutine_guard/guard.cpp
    COMPILE_DEFINITIONS -DONLY=${number}
    CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    RUN_OUTPUT_STDOUT_VARIABLE output
    NO_CACHE)
  set(${compiles_variable} ${compiles} PARENT_SCOPE)
  set(passes FALSE)
  if(compiles AND exit_code EQUAL 0)
    set(passes TRUE)
  endif()
  set(passes ${passes} PARENT_SCOPE)
  set(${output_variable} "${output}" PARENT_SCOPE)
endfunction()

# The failing cases, one line each. A case that does not compile is found by building each alone.
function(parley_name_failures compiles output result)
  string(REGEX REPLACE "([^\n]+)" "    gives wrong results or crashes:  \\1" names "${output}")
  if(NOT compiles)
    set(names "")
    set(number 0)
    file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/coroutine_guard/guard.cpp cases REGEX "^#if HAS\\([0-9]+\\)  // ")
    list(TRANSFORM cases REPLACE "^#if HAS\\([0-9]+\\)  // " "")
    foreach(case IN LISTS cases)
      math(EXPR number "${number} + 1")
      parley_guard_case(${number} compiles output)
      if(NOT compiles)
        string(APPEND names "    does not compile:                ${case}\n")
      elseif(NOT passes)
        string(APPEND names "    gives wrong results or crashes:  ${case}\n")
      endif()
    endforeach()
  endif()
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

function(parley_guard_coroutines)
  file(SHA256 ${PROJECT_SOURCE_DIR}/cmake/coroutine_guard/guard.cpp cases)
  string(SHA256 subject "${CMAKE_CXX_COMPILER} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS} ${cases}")
  if(CMAKE_CROSSCOMPILING OR PARLEY_COROUTINES_PASSED STREQUAL subject)
    return()
  endif()
  set(CMAKE_TRY_COMPILE_CONFIGURATION Debug)  # -O0: without optimisation the most goes wrong
  parley_guard_case(0 compiles output)
  if(NOT passes)
    parley_name_failures("${compiles}" "${output}" names)
    message(FATAL_ERROR
      "${CMAKE_CXX_COMPILER} (${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}) miscompiles coroutines:\n\n${names}\n"
      "Take clang-19: `make setup` installs it, then build by `make`, or remove this build folder and give CMake "
      "-DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19.")
  endif()
  set(PARLEY_COROUTINES_PASSED ${subject} CACHE INTERNAL "The compiler and cases that passed the coroutine guard")
  message(STATUS "Coroutines: ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} compiles them rightly")
endfunction()

parley_guard_coroutines()
