# A room is a folder of src/ and one library; a leaf is a folder inside a room that owns a
# third-party library, and a library of its own. Sources are found by name, so that adding a file
# needs no edit here: x.cc is product, x_test.cc is a unit test beside it, x_bench.cc a benchmark.

# khronos_sources(<out-prefix> <dir> [RECURSE]): <out>_SRC, <out>_TEST, <out>_BENCH
function(khronos_sources out dir recurse)
  if(recurse)
    file(GLOB_RECURSE all CONFIGURE_DEPENDS ${dir}/*.cc)
  else()
    file(GLOB all CONFIGURE_DEPENDS ${dir}/*.cc)
  endif()
  set(test ${all})
  list(FILTER test INCLUDE REGEX "_test\\.cc$")
  set(bench ${all})
  list(FILTER bench INCLUDE REGEX "_bench\\.cc$")
  list(FILTER all EXCLUDE REGEX "_(test|bench|main)\\.cc$")
  set(${out}_SRC ${all} PARENT_SCOPE)
  set(${out}_TEST ${test} PARENT_SCOPE)
  set(${out}_BENCH ${bench} PARENT_SCOPE)
endfunction()

# khronos_library(<name> <dir> [RECURSE] LINK ... [TEST_LINK ...])
# Makes khronos_<name>, <name>_test (in ctest, one entry for each test) and <name>_bench.
function(khronos_library name dir)
  cmake_parse_arguments(arg "RECURSE" "" "LINK;TEST_LINK" ${ARGN})
  khronos_sources(found ${CMAKE_CURRENT_SOURCE_DIR}/${dir} "${arg_RECURSE}")
  if(found_SRC)
    add_library(khronos_${name} STATIC ${found_SRC})
    target_link_libraries(khronos_${name} PUBLIC ${arg_LINK})
  else()
    add_library(khronos_${name} INTERFACE)
    target_link_libraries(khronos_${name} INTERFACE ${arg_LINK})
  endif()
  if(KHRONOS_TESTS AND found_TEST)
    khronos_test(${name}_test SOURCES ${found_TEST} LINK khronos_${name} ${arg_TEST_LINK})
  endif()
  if(KHRONOS_BENCH AND found_BENCH)
    add_executable(${name}_bench ${found_BENCH})
    target_link_libraries(${name}_bench PRIVATE khronos_${name} ${arg_TEST_LINK} benchmark::benchmark_main)
  endif()
endfunction()

# khronos_test(<name> SOURCES ... LINK ...): a GoogleTest program, registered with ctest. It leaves
# a report of its cases in test-results/, which scripts/run-tests.py counts.
function(khronos_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} khronos_gtest)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 600
    ENVIRONMENT "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/test-results/${name}.xml")
endfunction()
