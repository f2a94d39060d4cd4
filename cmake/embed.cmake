# cmake -DFOLDER=... -DFILES="a;b" -DOUTPUT=page.cpp -P embed.cmake: writes files as byte arrays, with web/page.hpp's table.
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS FILES)
  file(READ ${FOLDER}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
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
constexpr File kFiles[] = {
${table}};

}  // namespace

std::span<const File> files() noexcept { return kFiles; }

}  // namespace parley::web
")
