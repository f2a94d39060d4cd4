# parley_thirdparty_datachannel: libdatachannel, which only src/rtc may link. A system's one if there is one, else the
# cached sources with our patches (tools/setup/patches), built with the tree's own compiler and sanitizers.
add_library(parley_thirdparty_datachannel INTERFACE)

find_package(LibDataChannel 0.23 CONFIG QUIET)
if(LibDataChannel_FOUND)
  message(STATUS "libdatachannel: the system's ${LibDataChannel_VERSION}, without our patches")
  target_link_libraries(parley_thirdparty_datachannel INTERFACE LibDataChannel::LibDataChannel)
  return()
endif()

set(libdatachannel ${PARLEY_CACHE}/libdatachannel-0.23.2)
if(NOT EXISTS ${libdatachannel}/CMakeLists.txt)
  message(FATAL_ERROR "libdatachannel is missing (no ${libdatachannel}): run `make setup`")
endif()

add_subdirectory(cmake/thirdparty ${PROJECT_BINARY_DIR}/thirdparty EXCLUDE_FROM_ALL SYSTEM)
target_link_libraries(parley_thirdparty_datachannel INTERFACE LibDataChannel::LibDataChannelStatic)
