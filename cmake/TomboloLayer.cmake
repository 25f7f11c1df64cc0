# tombolo_layer(NAME [DEPENDS layer...] [LINK library...] [SOURCES file...] [EXCLUDE file...])
#
# One folder under src/ is one layer: every *.cpp in it (or the SOURCES given) becomes the static
# library tombolo_NAME, and every *_test.cpp beside them goes into the test program NAME_test.
function(tombolo_layer NAME)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;LINK;SOURCES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(LAYER_SOURCES)
    set(sources ${LAYER_SOURCES})
  else()
    set(sources ${all})
    list(FILTER sources EXCLUDE REGEX "(_test|_bench|/main)\\.cpp$")
  endif()
  foreach(file ${LAYER_EXCLUDE})
    list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    list(REMOVE_ITEM tests "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  endforeach()

  add_library(tombolo_${NAME} STATIC ${sources})
  target_include_directories(tombolo_${NAME} PUBLIC
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(tombolo_${NAME} PRIVATE tombolo_options PUBLIC ${LAYER_LINK})
  foreach(dependency ${LAYER_DEPENDS})
    target_link_libraries(tombolo_${NAME} PUBLIC tombolo_${dependency})
  endforeach()

  if(TOMBOLO_TESTS AND tests AND NOT TOMBOLO_WASM)
    tombolo_test(${NAME} SOURCES ${tests} LINK tombolo_${NAME})
  endif()
endfunction()

# tombolo_test(NAME SOURCES file... LINK library...): a GoogleTest program, registered with ctest.
# Tests find their data through the macro TOMBOLO_TEST_DATA (tests/data in the source tree).
function(tombolo_test NAME)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${NAME}_test ${TEST_SOURCES})
  target_link_libraries(${NAME}_test PRIVATE tombolo_options ${TEST_LINK}
    GTest::gmock GTest::gtest_main rapidcheck rapidcheck_gtest)
  target_compile_definitions(${NAME}_test PRIVATE
    TOMBOLO_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  add_test(NAME ${NAME} COMMAND ${NAME}_test)
  set_tests_properties(${NAME} PROPERTIES TIMEOUT 600)
endfunction()
