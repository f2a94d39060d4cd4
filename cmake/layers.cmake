# One target a layer, and a wrong arrow between layers is a compile error.
#
# A layer's headers are reachable only through its own include view, <build>/view/<layer>/, which holds one link to the
# layer's folder, or links to its own headers where several layers share a folder. A target sees the views of the layers that it names in DEPENDS (and of theirs), and no others: a file of
# `base` that includes "net/http.hpp" does not compile, because no such path exists for it.
#
#   parley_layer(audio
#     PREFIX  audio                     # how the headers are included: "audio/wav.hpp" (default: the name)
#     HEADERS jitter*.hpp wav.hpp       # its own headers in a folder that it shares (default: the whole folder)
#     PUBLIC_HEADERS parley/base        # folders of include/ that belong to this layer
#     SOURCES wav.cpp ...               # none: an interface target
#     DEPENDS base async                # layers seen by this one and by those that see it
#     PRIVATE_DEPENDS net               # layers seen by the sources only
#     LIBS    PkgConfig::opus           # libraries outside the project, for the sources only
#     PUBLIC_LIBS fmt::fmt)             # libraries whose headers the layer's own headers include
function(parley_layer name)
  cmake_parse_arguments(L "" "PREFIX" "HEADERS;PUBLIC_HEADERS;SOURCES;DEPENDS;PRIVATE_DEPENDS;LIBS;PUBLIC_LIBS" ${ARGN})
  if(NOT L_PREFIX)
    set(L_PREFIX ${name})
  endif()
  set(view ${PROJECT_BINARY_DIR}/view/${name})
  file(REMOVE_RECURSE ${view}/${L_PREFIX})  # removes a link, not what it leads to
  if(L_HEADERS)
    file(MAKE_DIRECTORY ${view}/${L_PREFIX})
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${L_HEADERS})
    foreach(header IN LISTS headers)
      file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${header} ${view}/${L_PREFIX}/${header} SYMBOLIC)
    endforeach()
  else()
    get_filename_component(parent ${view}/${L_PREFIX} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${L_PREFIX} SYMBOLIC)
  endif()
  foreach(folder IN LISTS L_PUBLIC_HEADERS)
    get_filename_component(parent ${view}/${folder} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../include/${folder} ${view}/${folder} SYMBOLIC)
  endforeach()

  if(L_SOURCES)
    add_library(parley_${name} STATIC ${L_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(parley_${name} PRIVATE parley_flags ${L_LIBS})
    foreach(dep IN LISTS L_PRIVATE_DEPENDS)
      target_link_libraries(parley_${name} PRIVATE parley_${dep})
    endforeach()
  else()
    add_library(parley_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(parley_${name} ${scope} ${view})
  target_link_libraries(parley_${name} ${scope} ${L_PUBLIC_LIBS})
  foreach(dep IN LISTS L_DEPENDS)
    target_link_libraries(parley_${name} ${scope} parley_${dep})
  endforeach()
endfunction()

# A GoogleTest binary of the tests of one area: parley_test(audio SOURCES a_test.cpp ... DEPENDS audio [LABELS tsan]).
# The label `tsan` puts it into the thread sanitizer's tree, which holds only what has threads; the label `release` is for
# tests that measure: `make test` runs them in the release tree and nowhere else. COMMAND_PREFIX: what runs the binary.
function(parley_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;DEPENDS;LIBS;LABELS;COMMAND_PREFIX" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(test_${name} EXCLUDE_FROM_ALL ${T_SOURCES})
  target_link_libraries(test_${name} PRIVATE parley_flags parley_test_flags GTest::gmock GTest::gtest_main ${T_LIBS})
  target_precompile_headers(test_${name} REUSE_FROM parley_test_headers)
  foreach(dep IN LISTS T_DEPENDS)
    target_link_libraries(test_${name} PRIVATE parley_${dep})
  endforeach()
  if(PARLEY_SANITIZE STREQUAL "thread" AND NOT "tsan" IN_LIST T_LABELS)
    return()  # it can be built there, and is no test
  endif()
  set_target_properties(test_${name} PROPERTIES EXCLUDE_FROM_ALL OFF)
  add_test(NAME ${name} COMMAND ${T_COMMAND_PREFIX} $<TARGET_FILE:test_${name}>)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
  add_dependencies(parley_tests test_${name})
  if("release" IN_LIST T_LABELS)
    add_dependencies(parley_release_tests test_${name})
  endif()
endfunction()

# The same for tests that need a real LiveKit server: one is started for the binary on free ports of loopback, and the tests
# find it by LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET (tests/livekit/livekit_server.py).
function(parley_livekit_test name)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  parley_test(${name} ${ARGN}
    COMMAND_PREFIX ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/livekit/livekit_server.py
                   --logs ${CMAKE_CURRENT_BINARY_DIR}/livekit-${name} --run)
endfunction()
