# Two texts -> C arrays, with the hashes by which a Content-Security-Policy knows them:
# cmake -D STYLE=report.css -D SCRIPT=report.js -D OUTPUT=report_files.c -P TextBytes.cmake
set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

# Hexadecimal digits to base64: three digits are two characters; the last one of 64 stands alone.
function(base64 hex out)
  set(text "")
  string(APPEND hex "00")
  foreach(at RANGE 0 63 3)
    string(SUBSTRING ${hex} ${at} 3 digits)
    math(EXPR high "0x${digits} >> 6")
    math(EXPR low "0x${digits} & 63")
    string(SUBSTRING ${alphabet} ${high} 1 first)
    string(SUBSTRING ${alphabet} ${low} 1 second)
    string(APPEND text ${first}${second})
  endforeach()
  string(SUBSTRING ${text} 0 43 text)
  set(${out} "${text}=" PARENT_SCOPE)
endfunction()

function(array path name out)
  file(READ ${path} text)
  if(text MATCHES "</s[ct]")
    message(FATAL_ERROR "${path}: would end the element it stands in")
  endif()
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  if(bytes MATCHES "0x(0[^9a]|1.|[89a-f].),") # a browser would hash CR as LF; char may be signed
    message(FATAL_ERROR "${path}: holds the byte 0x${CMAKE_MATCH_1}; ASCII, lines that end in LF")
  endif()
  file(SHA256 ${path} hex)
  base64(${hex} hash)
  set(${out} "const char ${name}[] = {${bytes}0};\nconst char ${name}_hash[] = \"${hash}\";\n" PARENT_SCOPE)
endfunction()

array(${STYLE} cmd_html_style style)
array(${SCRIPT} cmd_html_script script)
file(WRITE ${OUTPUT} "/* Written by cmake/TextBytes.cmake. */
#include \"html_page.h\"

${style}
${script}")
