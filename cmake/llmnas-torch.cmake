# SPDX-License-Identifier: MIT
# Finds libtorch. One that the user already has is preferred to the system's: first Torch_DIR and CMAKE_PREFIX_PATH, then
# the torch of an active Python environment, then whatever find_package reaches. Used by the build and by the installed
# package config alike, so that both find the same one. A macro, because find_package sets variables and targets.
set(_llmnas_torch_py "${CMAKE_CURRENT_LIST_DIR}/llmnas-torch.py")
macro(llmnas_find_torch)
    if(TARGET torch)
        set(Torch_FOUND TRUE)
    else()
        if(NOT Torch_DIR AND DEFINED ENV{Torch_DIR})
            set(Torch_DIR "$ENV{Torch_DIR}")
        endif()
        if(NOT Torch_DIR)
            find_package(Torch QUIET NO_CMAKE_SYSTEM_PATH NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_PACKAGE_REGISTRY)
        endif()
        foreach(_llmnas_env IN ITEMS "$ENV{VIRTUAL_ENV}" "$ENV{CONDA_PREFIX}")
            if(NOT Torch_DIR AND EXISTS "${_llmnas_env}/bin/python")
                execute_process(
                    COMMAND "${_llmnas_env}/bin/python" "${_llmnas_torch_py}"
                    OUTPUT_VARIABLE _llmnas_torch_prefix
                    ERROR_VARIABLE _llmnas_torch_why
                    RESULT_VARIABLE _llmnas_torch_unusable
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
                if(_llmnas_torch_unusable)
                    message(STATUS "llmnas: not using ${_llmnas_env}: ${_llmnas_torch_why}")
                else()
                    set(Torch_DIR "${_llmnas_torch_prefix}/Torch" CACHE PATH "CMake files of libtorch" FORCE)
                endif()
            endif()
        endforeach()
        if(NOT Torch_FOUND)
            # Torch's config asks for Caffe2 by name and would get the system's, where that has a libtorch too.
            if(Torch_DIR AND NOT Caffe2_DIR)
                set(Caffe2_DIR "${Torch_DIR}/../Caffe2")
            endif()
            find_package(Torch QUIET)
        endif()
        if(Torch_FOUND AND "${TORCH_CXX_FLAGS}" MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
            # fmt and cpp-httplib of the distribution have the new ABI: the link would end in undefined symbols.
            message(FATAL_ERROR "llmnas: the libtorch in ${Torch_DIR} is built for the old C++ ABI "
                                "(_GLIBCXX_USE_CXX11_ABI=0). Use one with the C++11 ABI: a cxx11-abi libtorch, PyPI's torch "
                                "from 2.7 on, or the distribution's libtorch-dev (set Torch_DIR).")
        endif()
    endif()
endmacro()
