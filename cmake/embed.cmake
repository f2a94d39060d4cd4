# Files as bytes in the program.
#
#   parley_embed(page.cpp FILES index.html call.js)   # defines web/page.hpp's files()
#   parley_embed_text(text.cpp NAMESPACE parley::app NAME reception_dialogue FILE x.yaml)   # const std::string_view NAME
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(PARLEY_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(parley_embed output)
    cmake_parse_arguments(E "" "" "FILES" ${ARGN})
    add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${output}
      COMMAND ${CMAKE_COMMAND} -DMODE=table -DFOLDER=${CMAKE_CURRENT_SOURCE_DIR} "-DFILES=${E_FILES}"
              -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${output} -P ${PARLEY_EMBED_SCRIPT}
      DEPENDS ${E_FILES} ${PARLEY_EMBED_SCRIPT} VERBATIM)
  endfunction()

  function(parley_embed_text output)
    cmake_parse_arguments(E "" "NAMESPACE;NAME;FILE" "" ${ARGN})
    add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${output}
      COMMAND ${CMAKE_COMMAND} -DMODE=text -DNAMESPACE=${E_NAMESPACE} -DNAME=${E_NAME} -DFILE=${E_FILE}
              -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${output} -P ${PARLEY_EMBED_SCRIPT}
      DEPENDS ${E_FILE} ${PARLEY_EMBED_SCRIPT} VERBATIM)
  endfunction()
  return()
endif()

# The script that the commands above run.
function(bytes_of file result)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  set(${result} "${bytes}" PARENT_SCOPE)
endfunction()

if(MODE STREQUAL "text")
  bytes_of(${FILE} bytes)
  file(WRITE ${OUTPUT} "#include <string_view>

namespace ${NAMESPACE} {

namespace {
constexpr char kBytes[] = {${bytes}};
}

extern const std::string_view ${NAME};
const std::string_view ${NAME}{kBytes, sizeof kBytes};

}  // namespace ${NAMESPACE}
")
  return()
endif()

set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS FILES)
  bytes_of(${FOLDER}/${file} bytes)
  string(REGEX MATCH "[a-z]+$" extension ${file})
  if(NOT DEFINED types_${extension})
    message(FATAL_ERROR "no content type for ${file}")
  endif()
  string(APPEND arrays "constexpr char k${number}[] = {${bytes}};\n")
  string(APPEND table "    {\"/${file}\", \"${types_${extension}}\", {k${number}, sizeof k${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"web/page.hpp\"

namespace parley::web {

namespace {

${arrays}
constexpr worker::PageFile kFiles[] = {
${table}};

}  // namespace

std::span<const worker::PageFile> files() noexcept { return kFiles; }

}  // namespace parley::web
")
