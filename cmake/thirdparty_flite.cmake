# flite::flite: speech synthesis with the voices slt and rms. Debian's package brings neither a .pc nor a CMake file.
parley_part(FLITE_INCLUDE_DIR flite flite/flite.h)
mark_as_advanced(FLITE_INCLUDE_DIR)

add_library(flite::flite INTERFACE IMPORTED)
set_target_properties(flite::flite PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${FLITE_INCLUDE_DIR})
# A library before those it needs: voices, language, lexicon, engine.
foreach(library flite_cmu_us_slt flite_cmu_us_rms flite_usenglish flite_cmulex flite)
  find_library(${library}_LIBRARY ${library})
  mark_as_advanced(${library}_LIBRARY)
  if(NOT ${library}_LIBRARY)
    message(FATAL_ERROR "flite is missing (no lib${library}): run `make setup`")
  endif()
  target_link_libraries(flite::flite INTERFACE ${${library}_LIBRARY})
endforeach()
target_link_libraries(flite::flite INTERFACE m)
