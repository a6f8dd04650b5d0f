# How everything is compiled: infermem_flags for all our code, infermem_library_flags for what goes into the library.

add_library(infermem_flags INTERFACE)
target_compile_options(infermem_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${INFERMEM_WERROR}>:-Werror>)
if(INFERMEM_SANITIZE)
  target_compile_options(infermem_flags INTERFACE -fsanitize=${INFERMEM_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(infermem_flags INTERFACE -fsanitize=${INFERMEM_SANITIZE})
  # These two of clang's checks are about C++ types at run time, and would have C programs linked with a C++ runtime.
  target_compile_options(infermem_flags INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fno-sanitize=function,vptr>)
endif()
if(INFERMEM_COVERAGE)
  target_compile_options(infermem_flags INTERFACE --coverage)
  target_link_options(infermem_flags INTERFACE --coverage)
endif()

# No exceptions, no type information, no guarded statics: nothing in the library can need libstdc++.
# -ffp-contract=off: conversions give the same bits on every machine.
add_library(infermem_library_flags INTERFACE)
target_link_libraries(infermem_library_flags INTERFACE infermem_flags)
target_compile_options(infermem_library_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
  -ffp-contract=off -fvisibility=hidden)
