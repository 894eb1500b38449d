// SPDX-License-Identifier: MIT
/// \file
/// Which BLAS this process calls. Debian's libtorch takes whatever libblas.so.3 is; without OpenBLAS that is the
/// reference BLAS, whose matrix products run 30 times slower.
#pragma once

#include <dlfcn.h>

#include <filesystem>
#include <string>

namespace llmnas {

/// The library that gives `sgemm_`. `path` is empty where no library exports it (a libtorch with its own BLAS inside).
struct blas_library {
    std::string path;
    bool reference = false;
};

/// Asks the dynamic linker, not the clock: the library that `sgemm_` resolves to is the reference BLAS where the
/// process has none of the entry points that the fast ones add. Needs libtorch (or what uses BLAS) to be loaded.
[[nodiscard]] inline blas_library blas_in_use() {
    void* const sgemm = ::dlsym(RTLD_DEFAULT, "sgemm_");
    if (sgemm == nullptr) return {};
    blas_library found;
    Dl_info info{};
    if (::dladdr(sgemm, &info) == 0 || info.dli_fname == nullptr) return {};
    std::error_code ignored;
    found.path = std::filesystem::canonical(info.dli_fname, ignored).string();
    if (found.path.empty()) found.path = info.dli_fname;
    const bool is_libblas = std::filesystem::path(found.path).filename().string().rfind("libblas.so", 0) == 0;
    bool fast = false;  // OpenBLAS, MKL, BLIS, ATLAS
    for (const char* entry : {"openblas_get_config", "MKL_Get_Version", "bli_info_get_version_str", "ATL_buildinfo"}) {
        void* const symbol = ::dlsym(RTLD_DEFAULT, entry);
        fast = fast || symbol != nullptr;
    }
    found.reference = is_libblas && !fast;
    return found;
}

/// A sentence for the user where BLAS is the reference BLAS, else empty.
[[nodiscard]] inline std::string blas_advice() {
    const blas_library blas = blas_in_use();
    if (!blas.reference) return {};
    return "matrix products run on the reference BLAS (" + blas.path +
           "), about 30 times slower than OpenBLAS: apt-get install libopenblas0-pthread";
}

}  // namespace llmnas
