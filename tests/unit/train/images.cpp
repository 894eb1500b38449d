// SPDX-License-Identifier: MIT
// PNG and JPEG files, and folders of them.
#include <cstdint>
#include <string>
#include <vector>

#include <llmnas/train/image_file.hpp>
#include <llmnas/train/image_folder.hpp>

#include "support/catch.hpp"
#include "support/dataset_files.hpp"
#include "support/files.hpp"

using namespace llmnas;
using test::refused;
using namespace std::string_literals;

TEST_CASE("images are decoded as PIL does, damage is told", "[train]") {
    const std::string png = test::small_png();
    const std::string jpeg = test::small_jpeg();
    CHECK(image_size(test::as_bytes(png), "a.png") == shape{3, 4, 5});
    const auto pixels = decode_image(test::as_bytes(png), "a.png");
    REQUIRE(pixels);
    for (std::size_t y = 0; y < 4; ++y)
        for (std::size_t x = 0; x < 5; ++x) {
            CHECK((*pixels)[y * 5 + x] == 50 * x);
            CHECK((*pixels)[20 + y * 5 + x] == 60 * y);
            CHECK((*pixels)[40 + y * 5 + x] == 255 - 20 * x - 30 * y);
        }
    const auto lossy = decode_image(test::as_bytes(jpeg), "a.jpg");
    REQUIRE(lossy);
    CHECK(std::vector<int>(lossy->begin(), lossy->begin() + 10) ==
          std::vector<int>{7, 34, 86, 133, 173, 18, 45, 97, 145, 184});
    CHECK(std::vector<int>(lossy->end() - 5, lossy->end()) == std::vector<int>{176, 167, 150, 133, 119});

    refused(decode_image({}, "a.png"), "a.png: neither a PNG nor a JPEG image", "an empty file");
    refused(decode_image(test::as_bytes("GIF89a"), "a.png"), "6 bytes of another format");
    refused(decode_image(test::as_bytes(test::cmyk_jpeg()), "a.jpg"), "another colour space", "CMYK");
    // What ends early is refused wherever it ends; a PNG has checksums, so that every other bit counts, too.
    for (std::size_t n = 0; n < jpeg.size(); ++n) CHECK(!decode_image(test::as_bytes(jpeg.substr(0, n)), "a.jpg"));
    for (std::size_t n = 0; n + 12 < png.size(); ++n) {
        CHECK(!decode_image(test::as_bytes(png.substr(0, n)), "a.png"));
        std::string flipped = png;
        flipped[n] = static_cast<char>(flipped[n] ^ 0x10);
        CHECK(!decode_image(test::as_bytes(flipped), "a.png"));
    }
    std::string huge = jpeg;  // the frame header says 65280 x 65280
    huge.replace(huge.find("\xff\xc0"s) + 5, 4, "\xff\0\xff\0"s);
    refused(decode_image(test::as_bytes(huge), "a.jpg"), "image too large", "65280x65280");
    for (std::size_t n = 0; n < jpeg.size(); ++n) {  // no crash; JPEG has no checksum
        std::string flipped = jpeg;
        flipped[n] = static_cast<char>(flipped[n] ^ 0x40);
        const auto any = decode_image(test::as_bytes(flipped), "a.jpg");
        CHECK((any || any.error().code == errc::bad_input));
    }
}

TEST_CASE("a folder of images", "[train]") {
    const test::temporary_directory dir;
    CHECK_FALSE(image_folder::present(dir.path()));
    for (const char* name :
         {"train/cat/1.png", "train/cat/2.PNG", "train/dog/1.png", "test/cat/a.png", "test/dog/b.png"})
        test::write_bytes(dir / name, test::small_png());
    test::write_bytes(dir / "train/dog/.hidden", "x");
    CHECK(image_folder::present(dir.path()));
    const auto native = load(image_folder(dir.path()));
    REQUIRE(native);
    CHECK(native->train.image == shape{3, 4, 5});  // all of one size that is not above the option's
    CHECK(native->train.class_names == std::vector<std::string>{"cat", "dog"});
    CHECK(native->train.size() + native->validation.size() == 3);
    const auto final_images = image_folder(dir.path()).load_test();
    REQUIRE(final_images);
    CHECK(final_images->for_final_report().labels == std::vector<std::int32_t>{0, 1});

    test::write_bytes(dir / "train/dog/2.jpg", test::small_jpeg());
    CHECK(load(image_folder(dir.path(), {.size = 3}))->train.image == shape{3, 3, 3});
    for (const char* name : {"val/cat/v.png", "val/dog/v.jpeg"}) test::write_bytes(dir / name, test::small_png());
    const image_folder folder(dir.path());
    CHECK(folder.load()->train.size() == 4);
    CHECK(folder.load()->validation.size() == 2);
    refused(folder.load({.images = 1}), "a folder of their own", "val");
    refused(load(image_folder(dir.path(), {.max_bytes = 100})), "do not fit into memory", "4 images of 60 bytes");
    refused(image_folder(dir / "train").load_test(), "no test split");

    std::filesystem::rename(dir / "test/dog", dir / "test/emu");
    refused(folder.load_test(), "test: classes differ", "got emu", "wanted dog");
    test::write_bytes(dir / "train/cat/0.png", test::small_png().substr(0, 70));
    test::write_bytes(dir / "train/dog/0.jpg", "");
    refused(folder.load(), "dog/0.jpg: neither a PNG nor a JPEG");  // headers of all files come first
    std::filesystem::remove(dir / "train/dog/0.jpg");
    refused(folder.load(), "cat/0.png: damaged PNG");
    test::write_bytes(dir / "train/cat/notes.txt", "");
    refused(folder.load(), "notes.txt: no image", "*.png");
    std::filesystem::create_directory(dir / "train/ant");
    refused(folder.load(), "train/ant: class directory without images");
    std::filesystem::remove_all(dir / "train");
    CHECK(!folder.load());
}
