// SPDX-License-Identifier: MIT
// Carries out operations on images for tests/integration/image_operations.py: requests on stdin, results on stdout. A
// request is a line `name C H W parameters...` and C x H x W bytes; the result is the image's bytes, of Normalise
// floats.
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <llmnas/train/auto_augment.hpp>
#include <llmnas/train/normalisation.hpp>
#include <llmnas/train/resize.hpp>

using namespace llmnas;

namespace {

// False where the name is unknown.
bool carry_out(const std::string& name, const std::vector<double>& p, working_image& image) {
    const shape size = image.size();
    if (name == "Resize") {
        const bilinear_resize resize(size.height, size.width, static_cast<std::int32_t>(p.at(0)),
                                     static_cast<std::int32_t>(p.at(1)));
        resize(image);
        return true;
    }
    if (name == "Affine") {
        const affine_parameters a{p.at(0), p.at(1), p.at(2), p.at(3), p.at(4), p.at(5)};
        warp(image, affine_about(a, size.width * 0.5, size.height * 0.5));
        return true;
    }
    for (std::size_t i = 0; i < image_operation_names.size(); ++i)
        if (image_operation_names[i] == name) {
            apply_operation(image, static_cast<image_operation>(i), p.empty() ? 0 : p[0]);
            return true;
        }
    return false;
}

template <class T>
void write(const T* data, std::size_t n) {
    std::cout.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(n * sizeof(T)));
}

}  // namespace

int main() {
    working_image image;
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::string name;
        shape size;
        words >> name >> size.channels >> size.height >> size.width;
        std::vector<double> parameters;
        for (double v = 0; words >> v;) parameters.push_back(v);
        std::vector<std::uint8_t> pixels(static_cast<std::size_t>(size.elements()));
        std::cin.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
        image.load(pixels, size);
        if (name == "Policy") {  // levels of the table, for comparison of the magnitudes
            for (const auto& pair : auto_augment::policy)
                for (const auto& s : pair)
                    std::cout << image_operation_names[static_cast<std::size_t>(s.op)] << ' ' << s.probability << ' '
                              << magnitude_of(s.op, s.level, size) << ' ' << is_signed(s.op) << '\n';
            std::cout << std::endl;
        } else if (name == "Normalise") {
            const std::vector<float> mean{0.5071F, 0.4865F, 0.4409F};
            const std::vector<float> deviation{0.2673F, 0.2564F, 0.2762F};
            std::vector<float> out(pixels.size());
            normalisation(image.channels(), mean, deviation).write(image, parameters.at(0) != 0, out.data());
            write(out.data(), out.size());
        } else if (carry_out(name, parameters, image)) {
            const std::uint8_t* p = image.pixels();
            write(p, image.channels() * image.plane());
        } else {
            std::cerr << "unknown operation " << name << '\n';
            return 2;
        }
        std::cout.flush();
    }
    return 0;
}
