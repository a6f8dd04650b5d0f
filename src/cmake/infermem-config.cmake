# find_package(infermem): targets infermem::infermem (shared) and infermem::infermem_static.
include("${CMAKE_CURRENT_LIST_DIR}/infermem-targets.cmake")
# The static library is C++ inside, but needs nothing of libstdc++: a C program links it with the C driver.
set_target_properties(infermem::infermem_static PROPERTIES IMPORTED_LINK_INTERFACE_LANGUAGES C)
