# Language level, warnings and sanitizers for every target of the project.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT TOMBOLO_WASM)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

add_library(tombolo_options INTERFACE)
target_compile_options(tombolo_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside the standard library's own headers when it inlines them.
  target_compile_options(tombolo_options INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-stringop-overflow)
  # Asio's fences, which ThreadSanitizer does not model; what it hands over goes through mutexes too.
  target_compile_options(tombolo_options INTERFACE -Wno-tsan)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT TOMBOLO_WASM)
  # libstdc++ 12's stable_sort uses its own deprecated get_temporary_buffer.
  target_compile_options(tombolo_options INTERFACE -Wno-deprecated-declarations)
endif()

if(TOMBOLO_SANITIZE)
  target_compile_options(tombolo_options INTERFACE
    -fsanitize=${TOMBOLO_SANITIZE} -fno-sanitize-recover=all -g1)
  target_link_options(tombolo_options INTERFACE -fsanitize=${TOMBOLO_SANITIZE})
endif()
