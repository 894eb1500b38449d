// SPDX-License-Identifier: MIT
// Memory models beside the SRAM that the README of mit-han-lab/tinyengine reports for the nine networks of the MCUNet
// family on an STM32H743 (int8, kB = 1,000 bytes). Nothing here is fitted to those figures.
#include <cstdint>
#include <cstdio>

#include <llmnas/static.hpp>

namespace {

using namespace llmnas;

struct row {
    const char* name;
    graph_view net;
    double tflm, cmsis_nn, x_cube_ai, tinyengine;  // kB; 0: out of memory
};

constexpr row rows[] = {
    {"mcunet_vww0", network<zoo::mcunet_vww0>::view, 163, 163, 88, 59},
    {"mcunet_vww1", network<zoo::mcunet_vww1>::view, 220, 220, 113, 92},
    {"mcunet_vww2", network<zoo::mcunet_vww2>::view, 385, 390, 201, 174},
    {"mcunet_in0", network<zoo::mcunet_in0>::view, 161, 161, 69, 49},
    {"mcunet_in1", network<zoo::mcunet_in1>::view, 219, 219, 106, 96},
    {"mcunet_in2", network<zoo::mcunet_in2>::view, 460, 469, 238, 215},
    {"mcunet_in3", network<zoo::mcunet_in3>::view, 493, 493, 243, 260},
    {"mcunet_in4", network<zoo::mcunet_in4>::view, 0, 0, 342, 416},
    {"proxyless_w03", network<zoo::proxyless_w03>::view, 453, 453, 221, 259},
};

double kb(bytes b) { return static_cast<double>(b.value) / 1000; }

void cell(double kilobytes, double published) {
    if (published == 0)
        std::printf(" %.1f |", kilobytes);
    else
        std::printf(" %.1f (%+.0f %%) |", kilobytes, (kilobytes / published - 1) * 100);
}

}  // namespace

int main() {
    std::puts(
        "| network | TFLM / CMSIS-NN / X-CUBE-AI / TinyEngine | b, against TFLM | b, against CMSIS-NN | c maps, "
        "against "
        "X-CUBE-AI | c, against TinyEngine | g frame resident | g rows streamed | TinyEngine / g |");
    std::puts("|---|---|---|---|---|---|---|---|---|");
    for (const row& r : rows) {
        const memory_peak b = arena::peak(r.net), c = in_place_depthwise::peak(r.net);
        const bytes g = planned<>::peak(r.net).size, streamed = planned_rows::peak(r.net).size;
        std::printf("| %s | %.0f / %.0f / %.0f / %.0f |", r.name, r.tflm, r.cmsis_nn, r.x_cube_ai, r.tinyengine);
        cell(kb(b.size), r.tflm);
        cell(kb(b.size), r.cmsis_nn);
        cell(kb(c.activations()), r.x_cube_ai);
        cell(kb(c.size), r.tinyengine);
        std::printf(" %.1f | %.1f | %.1f |\n", kb(g), kb(streamed), r.tinyengine / kb(g));
    }
}
