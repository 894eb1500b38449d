// SPDX-License-Identifier: MIT
/// \file
/// The published files of CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
/// 2009), in their binary and their Python versions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <llmnas/train/file_check.hpp>

namespace llmnas {

/// One archive of the two data sets, and how its files are read.
struct cifar_version {
    std::string_view name;            ///< "CIFAR-100"
    std::string_view word;            ///< on the command line, and a folder's name: "cifar100"
    std::string_view archive_folder;  ///< in the published archive
    bool pickled;                     ///< Python version: pickles with numpy arrays
    std::int32_t classes;
    std::int32_t coarse_classes;  ///< 0: records have one label
    std::size_t images_per_file;  ///< of the training files
    std::span<const published_file> train;
    published_file test;         ///< 10,000 images
    published_file names;        ///< of the classes
    std::string_view label_key;  ///< of the pickles
    std::string_view names_key;  ///< of the pickle with the names
    std::array<float, 3> mean;
    std::array<float, 3> deviation;

    /// Bytes of a binary record: labels, then 3 x 32 x 32 planar.
    [[nodiscard]] constexpr std::size_t record_bytes() const noexcept { return (coarse_classes > 0 ? 2 : 1) + 3072; }
};

namespace detail {

// SHA-256 of the binary files and MD5 of the pickles, as torchvision and red-datasets list them, too.
inline constexpr published_file cifar100_binary_train[] = {
    {"train.bin", "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29", 153'700'000}};
inline constexpr published_file cifar100_python_train[] = {{"train", "16019d7e3df5f24257cddd939b257f8d", 155'249'918}};
inline constexpr published_file cifar10_binary_train[] = {
    {"data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", 30'730'000},
    {"data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed", 30'730'000},
    {"data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67", 30'730'000},
    {"data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48", 30'730'000},
    {"data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add", 30'730'000}};
inline constexpr published_file cifar10_python_train[] = {{"data_batch_1", "c99cafc152244af753f735de768cd75f"},
                                                          {"data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"},
                                                          {"data_batch_3", "54ebc095f3ab1f0389bbae665268c751"},
                                                          {"data_batch_4", "634d18415352ddfa80567beed471001a"},
                                                          {"data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"}};
inline constexpr std::array cifar100_mean{0.5071F, 0.4865F, 0.4409F};
inline constexpr std::array cifar100_deviation{0.2673F, 0.2564F, 0.2762F};
inline constexpr std::array cifar10_mean{0.4914F, 0.4822F, 0.4465F};
inline constexpr std::array cifar10_deviation{0.2470F, 0.2435F, 0.2616F};

}  // namespace detail

inline constexpr cifar_version cifar100_binary{
    .name = "CIFAR-100",
    .word = "cifar100",
    .archive_folder = "cifar-100-binary",
    .pickled = false,
    .classes = 100,
    .coarse_classes = 20,
    .images_per_file = 50'000,
    .train = detail::cifar100_binary_train,
    .test = {"test.bin", "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a", 30'740'000},
    .names = {"fine_label_names.txt"},
    .label_key = {},
    .names_key = {},
    .mean = detail::cifar100_mean,
    .deviation = detail::cifar100_deviation};

inline constexpr cifar_version cifar100_python{.name = "CIFAR-100",
                                               .word = "cifar100",
                                               .archive_folder = "cifar-100-python",
                                               .pickled = true,
                                               .classes = 100,
                                               .coarse_classes = 20,
                                               .images_per_file = 50'000,
                                               .train = detail::cifar100_python_train,
                                               .test = {"test", "f0ef6b0ae62326f3e7ffdfab6717acfc", 31'049'707},
                                               .names = {"meta", "7973b15100ade9c7d40fb424638fde48"},
                                               .label_key = "fine_labels",
                                               .names_key = "fine_label_names",
                                               .mean = detail::cifar100_mean,
                                               .deviation = detail::cifar100_deviation};

inline constexpr cifar_version cifar10_binary{
    .name = "CIFAR-10",
    .word = "cifar10",
    .archive_folder = "cifar-10-batches-bin",
    .pickled = false,
    .classes = 10,
    .coarse_classes = 0,
    .images_per_file = 10'000,
    .train = detail::cifar10_binary_train,
    .test = {"test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", 30'730'000},
    .names = {"batches.meta.txt"},
    .label_key = {},
    .names_key = {},
    .mean = detail::cifar10_mean,
    .deviation = detail::cifar10_deviation};

inline constexpr cifar_version cifar10_python{.name = "CIFAR-10",
                                              .word = "cifar10",
                                              .archive_folder = "cifar-10-batches-py",
                                              .pickled = true,
                                              .classes = 10,
                                              .coarse_classes = 0,
                                              .images_per_file = 10'000,
                                              .train = detail::cifar10_python_train,
                                              .test = {"test_batch", "40351d587109b95175f43aff81a1287e"},
                                              .names = {"batches.meta", "5ff9c542aee3614f3951f8cda6e48888"},
                                              .label_key = "labels",
                                              .names_key = "label_names",
                                              .mean = detail::cifar10_mean,
                                              .deviation = detail::cifar10_deviation};

/// In the order in which they are looked for.
inline constexpr const cifar_version* cifar_versions[] = {&cifar100_binary, &cifar100_python, &cifar10_binary,
                                                          &cifar10_python};

}  // namespace llmnas
