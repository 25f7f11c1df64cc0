# libtombolo, and what `cmake --install` puts where (beside the program, see src/cli): the public
# headers, one static library with all the client's layers in it, the CMake package
# tombolo::tombolo, and a pkg-config file.
include(CMakePackageConfigHelpers)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Threads REQUIRED)

set(library_layers base core protocol store sync crypto os net client)
list(TRANSFORM library_layers PREPEND tombolo_)
set(objects "")
foreach(layer ${library_layers})
  if(TARGET ${layer})
    list(APPEND objects $<TARGET_OBJECTS:${layer}>)
  endif()
endforeach()

add_library(tombolo_library STATIC ${objects})
add_library(tombolo::tombolo ALIAS tombolo_library)
set_target_properties(tombolo_library PROPERTIES
  OUTPUT_NAME tombolo EXPORT_NAME tombolo LINKER_LANGUAGE CXX)
target_compile_features(tombolo_library INTERFACE cxx_std_23)
target_include_directories(tombolo_library INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(tombolo_library INTERFACE
  SQLite::SQLite3 OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

install(TARGETS tombolo_library EXPORT tombolo)
install(DIRECTORY include/tombolo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tombolo)
install(EXPORT tombolo FILE tombolo-targets.cmake NAMESPACE tombolo:: DESTINATION ${package_folder})
configure_package_config_file(cmake/tombolo-config.cmake.in tombolo-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(tombolo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/tombolo-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/tombolo-config-version.cmake"
  DESTINATION ${package_folder})

# The file finds its prefix by its own place, so that the tree may be moved.
file(RELATIVE_PATH prefix_from_pkgconfig "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")
configure_file(cmake/tombolo.pc.in tombolo.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/tombolo.pc"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
