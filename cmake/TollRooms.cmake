# The build's few rules: flags, rooms, the library, tests. Everything else is one line a thing.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_RELEASE "-O3 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g")

option(TOLL_BENCH "build the benchmarks (Google Benchmark)" ON)
option(TOLL_WERROR "treat warnings as errors" OFF)
set(TOLL_FUZZ "" CACHE STRING "fuzz targets with libFuzzer (clang): ON with ASan and UBSan, plain without")
set(TOLL_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined")

set(TOLL_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
if(TOLL_WERROR)
  list(APPEND TOLL_WARNINGS -Werror)
endif()
add_compile_definitions(_GNU_SOURCE)
if(TOLL_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "TOLL_FUZZ needs clang: -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
  endif()
  if(NOT TOLL_FUZZ STREQUAL "plain") # assertions alone: some ten times the executions
    set(TOLL_SANITIZE address,undefined)
  endif()
  set(TOLL_BENCH OFF)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TOLL_SANITIZE)
  add_compile_options(-fsanitize=${TOLL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TOLL_SANITIZE})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(GMP REQUIRED IMPORTED_TARGET gmp)
pkg_check_modules(JEMALLOC IMPORTED_TARGET jemalloc)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

# toll_room(name PKG...): engine/name/*.c, with the packages that only this room may know.
function(toll_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/engine/${name}/*.c)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(FILTER sources EXCLUDE REGEX "_(avx2|avx512)\\.c$")
  endif()
  toll_isa_sources(${sources})
  add_library(room_${name} OBJECT ${sources})
  target_include_directories(room_${name} PUBLIC ${CMAKE_SOURCE_DIR}/engine/include ${CMAKE_SOURCE_DIR}/engine)
  target_compile_options(room_${name} PRIVATE ${TOLL_WARNINGS})
  foreach(package ${ARGN})
    target_link_libraries(room_${name} PRIVATE PkgConfig::${package})
    set_property(GLOBAL APPEND PROPERTY TOLL_PACKAGES PkgConfig::${package})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY TOLL_ROOMS ${name})
endfunction()

# Kernels for one instruction set are files of their own: name_avx2.c, name_avx512.c. They may use what the
# processor must be asked for; nothing else may.
set(TOLL_ISA_avx2 -mavx2 -mbmi -mbmi2 -mpclmul)
set(TOLL_ISA_avx512 ${TOLL_ISA_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512ifma -mavx512vbmi
    -mavx512vbmi2 -mavx512vpopcntdq -mprefer-vector-width=512)
function(toll_isa_sources)
  foreach(source ${ARGN})
    if(source MATCHES "_(avx2|avx512)\\.c$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${TOLL_ISA_${CMAKE_MATCH_1}}")
    endif()
  endforeach()
endfunction()

# toll_room_table(room script table): the room also gets a C file that cmake/<script>.cmake writes from a table.
function(toll_room_table room script table)
  get_filename_component(name ${table} NAME_WE)
  set(output ${CMAKE_BINARY_DIR}/${name}_table.c)
  add_custom_command(OUTPUT ${output} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D TABLE=${table} -D OUTPUT=${output} -P ${CMAKE_SOURCE_DIR}/cmake/${script}.cmake
    DEPENDS ${table} ${CMAKE_SOURCE_DIR}/cmake/${script}.cmake)
  target_sources(room_${room} PRIVATE ${output})
endfunction()

# toll_library(name): lib<name>.a of all rooms.
function(toll_library name)
  get_property(rooms GLOBAL PROPERTY TOLL_ROOMS)
  get_property(packages GLOBAL PROPERTY TOLL_PACKAGES)
  add_library(lib${name} STATIC)
  set_target_properties(lib${name} PROPERTIES OUTPUT_NAME ${name})
  foreach(room ${rooms})
    target_sources(lib${name} PRIVATE $<TARGET_OBJECTS:room_${room}>)
  endforeach()
  target_include_directories(lib${name} PUBLIC ${CMAKE_SOURCE_DIR}/engine/include)
  target_link_libraries(lib${name} PUBLIC ${packages} Threads::Threads)
endfunction()

# toll_add_test(name): tests/test_<name>.c, cmocka, may look into every room.
function(toll_add_test name)
  add_executable(test_${name} ${CMAKE_SOURCE_DIR}/tests/test_${name}.c)
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/engine ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(test_${name} PRIVATE ${TOLL_WARNINGS})
  target_compile_definitions(test_${name} PRIVATE TOLL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(test_${name} PRIVATE libtollmill PkgConfig::CMOCKA)
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# toll_add_script_test(name script args...): a script run with TOLLMILL (the binary), TOLL_SOURCE_DIR and, where the
# tree has them, TOLL_SANITIZE set.
function(toll_add_script_test name)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77
    ENVIRONMENT "TOLLMILL=$<TARGET_FILE:tollmill>;TOLL_SOURCE_DIR=${CMAKE_SOURCE_DIR};TOLL_SANITIZE=${TOLL_SANITIZE}")
endfunction()
