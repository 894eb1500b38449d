# SPDX-License-Identifier: MIT
# cpp-httplib as cpphttplib::cpphttplib. Debian 12 ships the compiled library with a pkg-config file only; newer ones and
# vcpkg or Conan have a CMake package. Either way the macros (TLS, zlib, brotli) come from the package, because other ones
# than the library was built with break its ABI.
if(TARGET cpphttplib::cpphttplib)
    set(_cpphttplib_target cpphttplib::cpphttplib)
else()
    find_package(httplib CONFIG QUIET)
    if(TARGET httplib::httplib)
        set(cpphttplib_VERSION "${httplib_VERSION}")
        set(_cpphttplib_target httplib::httplib)
    else()
        find_package(PkgConfig QUIET)
        if(PkgConfig_FOUND)
            pkg_check_modules(cpphttplib QUIET IMPORTED_TARGET cpp-httplib)
        endif()
        if(TARGET PkgConfig::cpphttplib)
            set(_cpphttplib_target PkgConfig::cpphttplib)
        endif()
    endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    cpphttplib
    REQUIRED_VARS _cpphttplib_target
    VERSION_VAR cpphttplib_VERSION
    REASON_FAILURE_MESSAGE "install libcpp-httplib-dev and pkg-config, or any cpp-httplib with a CMake package")

if(cpphttplib_FOUND AND NOT TARGET cpphttplib::cpphttplib)
    add_library(cpphttplib::cpphttplib INTERFACE IMPORTED)
    set_target_properties(cpphttplib::cpphttplib PROPERTIES INTERFACE_LINK_LIBRARIES ${_cpphttplib_target})
endif()
