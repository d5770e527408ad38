# data/nanp.csv -> a C array: cmake -D TABLE=nanp.csv -D OUTPUT=nanp_table.c -P NanpTable.cmake
# A line that is not npa,country,state stops the build; tests/nanp_table.py checks what the lines say.
file(STRINGS ${TABLE} lines)
list(POP_FRONT lines header)
if(NOT header STREQUAL "npa,country,state")
  message(FATAL_ERROR "${TABLE}:1: the header is \"${header}\", not \"npa,country,state\"")
endif()
set(rows "")
set(number 1)
set(last 0)
foreach(line IN LISTS lines)
  math(EXPR number "${number} + 1")
  if(NOT line MATCHES "^([2-9][0-9][0-9]),([A-Z][A-Z]),([A-Z][A-Z])?$")
    message(FATAL_ERROR "${TABLE}:${number}: not npa,country,state: ${line}")
  endif()
  if(NOT CMAKE_MATCH_1 GREATER last)
    message(FATAL_ERROR "${TABLE}:${number}: ${CMAKE_MATCH_1} after ${last}: sort the rows, each NPA once")
  endif()
  set(last ${CMAKE_MATCH_1})
  string(APPEND rows "    {\"${CMAKE_MATCH_1}\", \"${CMAKE_MATCH_2}\", \"${CMAKE_MATCH_3}\"},\n")
endforeach()
file(WRITE ${OUTPUT} "/* Written by cmake/NanpTable.cmake from data/nanp.csv. */
#include \"ratetable/nanp.h\"

const struct toll_nanp_area toll_nanp_areas[] = {
${rows}};
const size_t toll_nanp_area_count = sizeof toll_nanp_areas / sizeof toll_nanp_areas[0];
")
