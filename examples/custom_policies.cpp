// SPDX-License-Identifier: MIT
// link: llmnas::search
// Policies of one's own, plugged in from outside the library: an axis, an objective, a microcontroller, a memory
// model, a latency model, a trainer, a data set, an augmentation, a language model and a prompt. The search runs in
// this process and ends in a few seconds.
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <llmnas/llm/llm_proposer.hpp>
#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/static.hpp>
#include <llmnas/train/augmentation.hpp>
#include <llmnas/train/dataset.hpp>

using namespace llmnas;

//! [space]
// Table I with a choice of one's own on an axis (kernel 1, 3, 5) and three stages instead of five.
struct my_space {
    static constexpr std::string_view name = "my_space";
    using stage_type = stage;
    using blocks = table1_blocks;
    static constexpr std::size_t stages = 3;
    static constexpr auto axes = boost::hana::make_tuple(
        axis<"output_channels", &stage::output_channels, 16, 32, 64>{}, axis<"num_layers", &stage::num_layers, 1, 2>{},
        axis<"kernel_size", &stage::kernel_size, 1, 3, 5>{}, axis<"stride", &stage::stride, 1, 2>{},
        axis<"conv_type", &stage::conv_type, block_type::depthwise, block_type::mbconv>{});
};
//! [space]

//! [target]
struct my_board {
    static constexpr std::string_view name = "my_board";
    static constexpr std::string_view core = "Cortex-M33";
    static constexpr std::string_view datasheet = "in-house, revision C";
    static constexpr std::uint64_t clock_hz = 160'000'000;
    static constexpr bytes flash = 1_MiB;
    static constexpr memory_region ram[] = {{"SRAM", 0x20000000, 192_KiB}};
    static constexpr memory_region arena = ram[0];
};
static_assert(McuTarget<my_board>);
//! [target]

//! [memory_model]
// Layer by layer, with 12 KiB set aside for the runtime of the board.
struct on_my_runtime {
    static constexpr std::string_view name = "layerwise+12KiB";
    static constexpr memory_peak peak(const graph_view& g) {
        memory_peak p = layerwise::peak(g);
        p.size += 12_KiB;
        return p;
    }
};
static_assert(MemoryModel<on_my_runtime>);
//! [memory_model]

//! [latency_model]
// Measured on the board: 4 ms a million MACs, and 0.1 ms for starting an operator.
struct my_board_latency {
    static constexpr std::string_view name = "my_board";
    static constexpr milliseconds latency(const graph_view& g) {
        return {4.0 * static_cast<double>(total<mac_count>(g).value) / 1e6 + 0.1 * static_cast<double>(g.ops.size())};
    }
};
static_assert(LatencyModel<my_board_latency>);
static_assert(my_board_latency::latency(network<zoo::lmanet_elite>::view) < milliseconds{350});
//! [latency_model]

//! [objective]
struct flash_kilobytes {
    static constexpr std::string_view name = "kilobytes_of_flash";
    static constexpr direction towards = direction::minimize;
    static double value(const costs& c, const training_metrics&) { return static_cast<double>(c.flash.value) / 1000; }
};
// A built-in objective with a hard limit: slower networks are refused before they are trained.
struct fast_enough : latency_objective<my_board_latency> {
    static constexpr double limit = 350;
};
struct my_objectives {
    static constexpr auto types =
        boost::hana::tuple_t<accuracy_objective, flash_kilobytes, sram_objective, fast_enough>;
};
//! [objective]

//! [trainer]
// Stands in for a real trainer where labels are not needed: scores a network by its capacity, without training it.
struct capacity_score {
    static result<training_metrics> train(const graph_view& net, const fidelity& f, std::uint64_t,
                                          const std::filesystem::path&, const epoch_callback& on_epoch) {
        const double parameters = static_cast<double>(total<parameter_count>(net).value);
        training_metrics m{.accuracy = parameters / (parameters + 50'000), .epochs = f.epochs};
        epoch_report report{.epoch = f.epochs, .epochs = f.epochs, .accuracy = m.accuracy};
        if (on_epoch) on_epoch(report);
        return m;
    }
};
//! [trainer]

//! [dataset]
// Bright and dark images of 8x8 pixels. One in ten is held out unless another number is asked for.
struct bright_or_dark {
    [[nodiscard]] static std::string name() { return "bright or dark"; }
    [[nodiscard]] static image_set draw(std::size_t images, std::uint64_t seed) {
        image_set set{.name = name(), .image = {3, 8, 8}, .classes = 2, .class_names = {"dark", "bright"}};
        splitmix64 rng{seed};
        for (std::size_t i = 0; i < images; ++i) {
            set.labels.push_back(static_cast<std::int32_t>(i % 2));
            for (std::size_t b = 0; b < set.image_bytes(); ++b)
                set.pixels.push_back(static_cast<std::uint8_t>(i % 2 * 100 + rng.below(156)));
        }
        return set;
    }
    [[nodiscard]] static result<training_data> load(const holdout& h) { return hold_out(draw(200, 1), h, 20); }
    [[nodiscard]] static result<test_split> load_test() { return test_split(draw(40, 2)); }
};
static_assert(Dataset<bright_or_dark>);
//! [dataset]

//! [augmentation]
// Blackens a random square of the image (DeVries and Taylor, "Cutout", 2017).
struct cutout {
    std::int32_t size = 5;  // pixels of the data set, odd

    void apply(working_image& image, splitmix64& rng) const {
        const auto [channels, height, width] = image.size();
        const auto y = static_cast<std::int32_t>(rng.between(0, height - 1));
        const auto x = static_cast<std::int32_t>(rng.between(0, width - 1));
        std::uint8_t* pixel = image.pixels();
        for (std::int32_t row = 0; row < channels * height; ++row)
            for (std::int32_t column = 0; column < width; ++column, ++pixel)
                if (std::abs(row % height - y) <= size / 2 && std::abs(column - x) <= size / 2) *pixel = 0;
    }
    [[nodiscard]] static bool before_resize() { return true; }
    [[nodiscard]] std::string describe() const { return fmt::format("cutout of {} px", size); }
};
static_assert(Augmentation<cutout>);
//! [augmentation]

//! [definition]
struct my_search {
    using space = my_space;
    using memory_model = on_my_runtime;
    using objectives = my_objectives;
    static result<capacity_score> make_trainer(const json_value&) { return capacity_score{}; }
};
static_assert(SearchDefinition<my_search>);
//! [definition]

//! [language_model]
// Answers from a list, in turn: what a program without a server can be tried with.
class written_answers {
public:
    explicit written_answers(std::vector<std::string> answers) : answers_(std::move(answers)) {}
    [[nodiscard]] static std::string name() { return "written answers"; }
    result<completion> complete(const completion_request&) {
        completion c;
        c.text = answers_[next_++ % answers_.size()];
        c.finish_reason = "stop";
        return c;
    }

private:
    std::vector<std::string> answers_;
    std::size_t next_ = 0;
};
static_assert(LanguageModel<written_answers>);
//! [language_model]

//! [prompt]
// The space, the limit of MACs, and why the last proposal was refused.
struct short_prompt {
    [[nodiscard]] static std::string_view name() { return "short"; }
    [[nodiscard]] static std::vector<chat_message> messages(const search_context<my_space>& context) {
        std::string text = fmt::format(
            "Design a network: a JSON array of {} stages, each with one choice of {}. At most "
            "{} MACs.",
            my_space::stages, axes_json<my_space>().dump(), context.task.max_macs.value);
        if (!context.rejections.empty()) text += " Refused: " + context.rejections.back().why.text();
        return {{chat_role::user, text}};
    }
};
static_assert(PromptPolicy<short_prompt, my_space>);
//! [prompt]

int main() {
    const auto data = load(bright_or_dark{});
    if (!data) return fmt::print("{}\n", data.error().text()), 1;
    fmt::print("{}: {} images to train on, {} to validate\n", bright_or_dark::name(), data->train.size(),
               data->validation.size());
    working_image image;
    image.load(data->train.image_at(0), data->train.image);
    splitmix64 rng{1};
    cutout{}.apply(image, rng);
    fmt::print("{}: {} values of the first image are black\n", cutout{}.describe(),
               image.counts(0)[0] + image.counts(1)[0] + image.counts(2)[0]);

    const std::filesystem::path dir = "custom-policies-study";
    std::filesystem::remove_all(dir);

    const problem task{.input = {3, 64, 64},
                       .classes = 10,
                       .min_macs = macs{100'000},
                       .max_macs = macs{50'000'000},
                       .limits = whole_target<my_board>};
    gate<my_space, on_my_runtime> judge(task);
    auto opened = study<my_space, my_objectives, on_my_runtime>::open(dir, {{"space", my_space::name}}, judge);
    if (!opened) return fmt::print("{}\n", opened.error().text()), 1;

    in_process<my_search> here;
    search_observer silent;
    search_loop<my_search, in_process<my_search>> loop(*opened, judge, here, silent,
                                                       {.trials = 8, .fidelity = {.epochs = 1}, .seed = 1});

    // Two good answers and one that is refused: kernel_size 7 is not in the space. When a model repeats itself,
    // evolution is asked instead.
    const std::string stage1 =
        R"({"output_channels":16,"num_layers":1,"kernel_size":3,"stride":2,"expansion_factor":3,"use_se":false,)"
        R"("se_ratio":0.25,"conv_type":"mbconv","skip_op":"identity","activation":"relu6"})";
    std::string wide = stage1, illegal = stage1;
    wide.replace(wide.find("16"), 2, "64");
    illegal.replace(illegal.find("\"kernel_size\":3"), 15, "\"kernel_size\":7");
    const auto network = [&](const std::string& last) { return "[" + stage1 + "," + stage1 + "," + last + "]"; };
    llm_proposer<my_space, written_answers, short_prompt> llm(
        written_answers({network(stage1), "Here it is: " + network(wide), network(illegal)}));

    auto outcome = loop.run(llm);
    if (!outcome) return fmt::print("{}\n", outcome.error().text()), 1;
    for (const auto& t : opened->trials())
        fmt::print("trial {} by {:<9} accuracy {:.3f}, {} bytes of SRAM\n", t.number, t.proposer, t.training.accuracy,
                   t.candidate.cost.sram.size.value);
    fmt::print("front: {}\n", fmt::join(outcome->front, ", "));
    return outcome->front.empty() ? 1 : 0;
}
