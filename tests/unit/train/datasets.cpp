// SPDX-License-Identifier: MIT
// Data sets: what is in them, how they are split, and what becomes of files that are not what they should be.
#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <llmnas/train/any_dataset.hpp>

#include "support/catch.hpp"
#include "support/dataset_files.hpp"
#include "support/files.hpp"

using namespace llmnas;
using test::refused;
using namespace std::string_literals;

namespace {

// Class sizes given; pixel i tells images apart.
image_set labelled(const std::vector<std::int32_t>& sizes) {
    image_set set;
    set.name = "set";
    set.image = {1, 1, 1};
    set.classes = static_cast<std::int32_t>(sizes.size());
    for (std::size_t c = 0; c < sizes.size(); ++c)
        for (std::int32_t i = 0; i < sizes[c]; ++i) set.labels.push_back(static_cast<std::int32_t>(c));
    for (std::size_t i = 0; i < set.labels.size(); ++i) set.pixels.push_back(static_cast<std::uint8_t>(i));
    return set;
}

std::vector<int> counts(const image_set& set) {
    std::vector<int> n(static_cast<std::size_t>(set.classes));
    for (const std::int32_t l : set.labels) ++n[static_cast<std::size_t>(l)];
    return n;
}

// What a user's policy may get wrong.
struct careless {
    image_set set = labelled({3, 3});
    static std::string name() { return "careless"; }
    result<training_data> load(const holdout&) const { return training_data{set, labelled({1, 1})}; }
    static result<test_split> load_test() { return fail(errc::unavailable, "none"); }
};

// The test split goes nowhere but into a final report.
static_assert(!std::is_convertible_v<test_split, image_set> && !std::is_convertible_v<image_set, test_split>);
template <class T>
concept takes_part_in_training = requires(T t) {
    training_data{t, t};
};
static_assert(takes_part_in_training<image_set> && !takes_part_in_training<test_split>);

cifar pickled(const std::filesystem::path& folder) { return {cifar10_python, folder}; }

}  // namespace

TEST_CASE("splits and subsets are stratified, seeded and nested", "[train]") {
    const image_set set = labelled(std::vector<std::int32_t>(10, 20));
    const auto split = hold_out(set, {.images = 50, .seed = 3}, 1);
    REQUIRE(split);
    CHECK(split->train.size() == 150);
    CHECK(counts(split->validation) == std::vector<int>(10, 5));
    std::set<std::uint8_t> all(split->train.pixels.begin(), split->train.pixels.end());
    for (const std::uint8_t p : split->validation.pixels) CHECK(all.insert(p).second);
    CHECK(all.size() == 200);
    CHECK(hold_out(set, {50, 3}, 1)->validation.pixels == split->validation.pixels);
    CHECK(hold_out(set, {50, 4}, 1)->validation.pixels != split->validation.pixels);
    CHECK(hold_out(set, {}, 30)->validation.size() == 30);
    refused(hold_out(set, {}, 0), "size of the validation split", "got 0", "1 .. 199");
    refused(hold_out(set, {200}, 1), "size of the validation split", "got 200");

    const auto small = stratified_indices(set.labels, 10, 33, 1);
    const auto large = stratified_indices(set.labels, 10, 90, 1);
    CHECK(small.size() == 33);
    CHECK(std::includes(large.begin(), large.end(), small.begin(), small.end()));
    CHECK(stratified_indices(set.labels, 10, 0, 1).size() == 200);

    // Classes of other sizes keep their shares, and a small class is not used up.
    const image_set uneven = labelled({100, 40, 20, 3, 1});
    CHECK(counts(select(uneven, stratified_indices(uneven.labels, 5, 82, 0), "half"))[0] == 50);
    CHECK(counts(hold_out(uneven, {}, 16)->validation) == std::vector<int>{10, 4, 2, 0, 0});
}

TEST_CASE("a data set is checked before anything is trained on it", "[train]") {
    CHECK(load(careless{}));
    careless wrong;
    wrong.set.labels[4] = 2;
    refused(load(wrong), "set: label of image 4 out of range", "got 2", "wanted 0..1");
    wrong.set.labels[4] = -1;
    refused(load(wrong), "label of image 4", "got -1");
    wrong.set = labelled({3, 3});
    wrong.set.pixels.pop_back();
    refused(load(wrong), "pixels and labels differ in number", "got 5 bytes", "6 images of 1 bytes");
    wrong.set = labelled({3, 0});
    wrong.set.class_names = {"cat", "dog"};
    refused(load(wrong), "a class without images", "none of class 1: dog");
    wrong.set.class_names = {"cat"};
    refused(load(wrong), "wrong number of class names", "got 1", "wanted 2");
    wrong.set = labelled({3, 3, 3});
    refused(load(wrong), "careless: training and validation images differ");
    wrong.set = labelled({3});
    refused(load(wrong), "too few classes");
    wrong.set.image.height = 0;
    refused(load(wrong), "images without pixels", "1x0x1");
}

TEST_CASE("CIFAR in binary files: size, checksum, labels, names", "[train]") {
    const test::temporary_directory dir;
    const auto path = dir / "train.bin";
    const cifar set(cifar100_binary, dir.path());
    CHECK(set.load().error().code == errc::unavailable);

    const std::string records = test::cifar_records(100, 2, true);
    test::write_bytes(path, records);
    refused(set.load(), "train.bin: file is truncated", "got 614800 bytes",
            "153700000 bytes; own data are declared in SHA256SUMS");
    test::vouch_for(path, records);
    const auto own = set.load({.images = 100});
    REQUIRE(own);
    CHECK(own->train.size() == 100);
    CHECK(own->train.image == shape{3, 32, 32});
    CHECK(own->train.pixels.back() == 0x11);
    CHECK(counts(own->validation) == std::vector<int>(100, 1));
    CHECK(own->train.class_names.empty());
    test::write_bytes(path, records.substr(0, records.size() - 1) + "\x12");
    refused(set.load(), "checksum differs from the one in SHA256SUMS");

    const auto load_own = [&](const std::string& bytes) {
        std::filesystem::remove(dir / "SHA256SUMS");
        test::write_vouched(path, bytes);
        return set.load();
    };
    refused(load_own(records.substr(0, records.size() - 100)), "truncated or damaged", "614700 bytes",
            "records of 3074 bytes");
    refused(load_own(""), "truncated or damaged", "0 bytes");
    std::string label = records;
    label[3 * 3074 + 1] = 100;
    refused(load_own(label), "train.bin: label of record 3 out of range", "got 100", "wanted 0..99");
    label[3 * 3074] = 20;
    refused(load_own(label), "coarse label of record 3", "got 20");
    refused(load_own(test::cifar_records(99, 2, true)), "a class without images", "none of class 99");
    REQUIRE(load_own(records));
    test::write_bytes(dir / "fine_label_names.txt", "apple\r\nbear\n\n");
    refused(set.load(), "fine_label_names.txt: wrong number of class names", "got 2", "wanted 100");
    test::write_bytes(dir / "SHA256SUMS", "1234  ./train.bin\n");
    refused(set.load(), "SHA256SUMS, line 1: no SHA-256", "1234");
    test::write_bytes(dir / "SHA256SUMS", std::string(64, 'A') + " *train.bin\r\n");
    refused(set.load(), "checksum differs from the one in SHA256SUMS", std::string(64, 'a').c_str());

    // The right size alone does not do.
    const cifar ten(cifar10_binary, dir.path());
    test::write_bytes(dir / "data_batch_1.bin", "");
    std::filesystem::resize_file(dir / "data_batch_1.bin", 30'730'000);
    refused(ten.load(), "data_batch_1.bin: checksum differs from the published file's", "wanted cee916563c9f80d8");
    std::filesystem::resize_file(dir / "data_batch_1.bin", 30'730'001);
    refused(ten.load(), "file is too long", "30730001");
}

TEST_CASE("CIFAR in pickles of Python 2 and 3", "[train]") {
    const test::temporary_directory dir;
    // 20 images; byte j of image i is i + j.
    std::string rows, columns, latin1;
    std::vector<int> labels;
    for (int i = 0; i < 20; ++i) {
        labels.push_back(i % 10);
        for (int j = 0; j < 3072; ++j) rows += static_cast<char>(i + j);
    }
    for (int j = 0; j < 3072; ++j)
        for (int i = 0; i < 20; ++i) columns += static_cast<char>(i + j);
    for (const char c : rows) {
        const auto b = static_cast<std::uint8_t>(c);
        if (b < 128)
            latin1 += c;
        else
            (latin1 += static_cast<char>(0xC0 | b >> 6)) += static_cast<char>(0x80 | (b & 0x3F));
    }
    const auto encoded = "c_codecs\nencode\nX"s + test::little_endian(static_cast<std::uint32_t>(latin1.size())) +
                         latin1 + "X\6\0\0\0latin1\x86R"s;
    const auto load_batch = [&](const std::string& first) {
        std::filesystem::remove(dir / "SHA256SUMS");
        for (const published_file& f : cifar10_python.train) test::write_vouched(dir / f.name, first);
        return pickled(dir.path()).load({.images = 10});
    };
    const auto batch = [&](const std::string& array) { return test::cifar_pickle(array, labels, "labels"); };
    for (const std::string& array : {test::numpy_pickle(20, 3072, test::python2_bytes(rows)),
                                     test::numpy_pickle(20, 3072, test::python2_bytes(columns), "u1", true),
                                     test::numpy_pickle(20, 3072, encoded)}) {
        const auto data = load_batch(batch(array));
        REQUIRE(data);
        CHECK(data->train.size() == 90);
        const auto image = data->train.image_at(0);
        for (std::size_t j = 0; j < image.size(); ++j) REQUIRE(image[j] == static_cast<std::uint8_t>(image[0] + j));
    }
    test::write_vouched(dir / "batches.meta", "\x80\2}U\013label_names](U\3catU\3dogesu."s.insert(3, "("));
    const auto good = test::numpy_pickle(20, 3072, test::python2_bytes(rows));
    refused(load_batch("\x80\2}."), "data_batch_1: pickle without images or labels", "'labels'");
    refused(load_batch(batch("N")), "no numpy array");
    refused(load_batch(batch(test::numpy_pickle(20, 3072, test::python2_bytes(rows), "f4"))), "another type", "got f4");
    refused(load_batch(batch(test::numpy_pickle(20, 3073, test::python2_bytes(rows)))), "another size than its shape",
            "61440 bytes", "20 x 3073");
    refused(load_batch(batch(test::numpy_pickle(0xFFFFFFFF, 3072, test::python2_bytes(rows)))), "another shape",
            "(-1, 3072)");
    refused(load_batch(batch(test::numpy_pickle(3072, 20, test::python2_bytes(rows)))), "images of another size",
            "got 20 bytes");
    refused(load_batch(batch(test::numpy_pickle(20, 3072, "N"))), "numpy array without bytes");
    refused(load_batch(batch("]")), "no numpy array");
    labels[7] = 10;
    refused(load_batch(batch(good)), "data_batch_1: label of image 7 out of range", "got 10", "wanted 0..9");
    labels[7] = -1;
    refused(load_batch(batch(good)), "label of image 7", "got -1");
    labels.pop_back();
    refused(load_batch(batch(good)), "images and labels differ in number", "got 19 labels", "wanted 20");
    refused(load_batch("\x80\2"
                       "cposix\nsystem\n(U\4true"
                       "tR."s),
            "data_batch_1, byte 2: pickle: global is not allowed in a data set", "posix.system", "numpy arrays");
    refused(load_batch("\x80\2"
                       "cnumpy\nndarray\nK\1\x85R."s),
            "call of a type that is only named", "numpy ndarray");
    for (std::size_t n = 0; n < 200; n += 7) CHECK(!load_batch(batch(good).substr(0, n)));
}

TEST_CASE("what lies in a directory decides, unless it is said", "[train]") {
    const test::temporary_directory dir;
    refused(dataset_at(dir.path()), "no data set", "nothing that is known", "cifar100/train.bin");
    refused(dataset_at(dir / "none"), "no such file or directory");
    refused(dataset_at(dir.path(), "mnist"), "unknown kind of data set", "got mnist", "auto, cifar100, cifar10");
    CHECK(dataset_at({}, "generated")->name() == "generated images");
    test::write_bytes(dir / "cat/1.png", test::small_png());
    CHECK(dataset_at(dir.path())->name() == "images in " + dir.path().filename().string());
    test::write_bytes(dir / "cifar-10-batches-py/data_batch_1", "");
    CHECK(dataset_at(dir.path())->name() == "CIFAR-10");
    CHECK(dataset_at(dir / "cifar-10-batches-py")->name() == "CIFAR-10");
    test::write_bytes(dir / "cifar100/train.bin", "");
    CHECK(dataset_at(dir.path())->name() == "CIFAR-100");
    CHECK(dataset_at(dir / "cifar100/train.bin")->name() == "CIFAR-100");
    CHECK(dataset_at(dir.path(), "cifar10")->name() == "CIFAR-10");
    CHECK(dataset_at(dir.path(), "images")->name().starts_with("images in "));
    refused(dataset_at(dir / "cifar100", "cifar10"), "no data set of the kind cifar10", "data_batch_1");
    refused(dataset_at(dir / "cat/1.png"), "no data set");
}

TEST_CASE("the real CIFAR-100 splits", "[train]") {
    if (!test::data_file("cifar100/train.bin")) LLMNAS_SKIP("no CIFAR-100 in $LLMNAS_DATA_DIR");
    const auto set = dataset_at(test::data_dir());
    REQUIRE(set);
    const auto data = load(*set);
    REQUIRE(data);
    CHECK(data->train.size() == 45'000);
    CHECK(counts(data->validation) == std::vector<int>(100, 50));
    REQUIRE(data->train.class_names.size() == 100);
    CHECK(data->train.class_names.front() == "apple");
    CHECK(data->train.class_names.back() == "worm");
    const auto final_images = set->load_test();
    REQUIRE(final_images);
    CHECK(final_images->size() == 10'000);
    CHECK(final_images->for_final_report().classes == 100);
}

TEST_CASE("generated images are the same bytes everywhere", "[train]") {
    const training_data d = generate_images({.train_per_class = 2, .validation_per_class = 1, .seed = 0});
    CHECK(d.train.size() == 200);
    CHECK(d.validation.size() == 100);
    std::uint64_t h = 0xcbf29ce484222325U;
    for (const std::uint8_t p : d.train.pixels) h = (h ^ p) * 0x100000001b3U;
    CHECK(h == 0x71b21d4f9511c9e9U);
    CHECK(generate_images({2, 1, 1}).train.pixels != d.train.pixels);
    // A larger set begins with the smaller one.
    const training_data more = generate_images({.train_per_class = 3, .validation_per_class = 1, .seed = 0});
    CHECK(std::equal(d.train.pixels.begin(), d.train.pixels.end(), more.train.pixels.begin()));

    const generated_images policy({2, 1, 0});
    CHECK(load(policy)->validation.pixels == d.validation.pixels);
    CHECK(load(policy, {.images = 200})->validation.size() == 200);
    CHECK(load(policy, {.seed = 1})->validation.pixels != d.validation.pixels);
    CHECK(policy.load_test()->for_final_report().pixels != d.validation.pixels);
    CHECK(std::set<std::string>(d.train.class_names.begin(), d.train.class_names.end()).size() == 100);
    refused(load(policy, {.images = 150}), "size of the validation split", "got 150", "multiple of 100");
}
