// SPDX-License-Identifier: MIT
// Trials that differ in one field, and explanations of proposals on their way into the journal and out of it.
#include <llmnas/search/measured_effects.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <llmnas/search/executor.hpp>
#include <llmnas/search/loop.hpp>
#include <llmnas/search/results.hpp>
#include <llmnas/search/study_reader.hpp>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "unit/search/scripted_search.hpp"

using namespace llmnas;
using space = table1_se;

namespace {

/// Five stages of MBConv with SE in stage 3.
network_of<space> base() {
    auto net = decode(space_point<space>{});
    for (auto& s : net.stages) {
        s.conv_type = block_type::mbconv;
        s.num_layers = 2;
        s.expansion_factor = 3;
        s.use_se = false;
    }
    net.stages[2].use_se = true;
    net.stages[2].se_ratio = ratio{1, 4};
    return net;
}

std::string change_to(const network_of<space>& to) {
    const auto change = single_change<space>(base(), to);
    return change ? change->text() : "nothing";
}

/// base() with one change.
template <class F>
network_of<space> with(F&& f) {
    auto net = base();
    f(net.stages);
    return net;
}

trial<space> trial_of(std::int32_t number, const network_of<space>& net, double accuracy) {
    trial<space> t;
    t.number = number;
    t.candidate = gate<space>(problem{}).measure_costs(net).value();
    t.state = trial_state::complete;
    t.training.accuracy = accuracy;
    return t;
}

/// Proposes base() with other kernels in stage 1, and says why.
struct talking_proposer {
    static std::string_view name() { return "talking"; }
    tl::expected<proposal<space>, rejection> ask(const search_context<space>& context, splitmix64&) {
        auto net = base();
        net.stages[0].kernel_size = 3 + 2 * static_cast<std::int32_t>(context.trials.size() % 3);
        if (context.trials.size() >= 3) net.stages[1].kernel_size = 5;
        proposal<space> p{net, "talking", {}};
        if (context.trials.size() != 1) p.explanation = "Stage 1 has a kernel \xC3\x97 \"wide\".\nNo more.";
        return p;
    }
    void tell(const trial<space>&) {}
};

problem wide() {
    problem p;
    p.min_macs = {};
    p.max_macs = macs{10'000'000'000};
    p.limits = {bytes{100'000'000}, bytes{100'000'000}};
    return p;
}

const json_value config{{"space", "table1_se"}, {"seed", 5}};

std::string content(const std::filesystem::path& p) {
    std::ifstream in(p, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("single_change: one field of one stage", "[search]") {
    CHECK(change_to(base()) == "nothing");
    CHECK(change_to(with([](auto& s) { s[1].kernel_size = 7; })) == "stage 2 kernel_size 3 -> 7");
    CHECK(single_change<space>(base(), with([](auto& s) { s[1].kernel_size = 7; }))->steps == 2);
    CHECK(change_to(with([](auto& s) { s[4].activation = activation_kind::swish; })) ==
          "stage 5 activation relu6 -> swish");
    CHECK(change_to(with([](auto& s) { s[0].kernel_size = 5, s[0].stride = 2; })) == "nothing");
    CHECK(change_to(with([](auto& s) { s[0].kernel_size = 5, s[1].kernel_size = 5; })) == "nothing");
    // A value outside the space is a value.
    CHECK(change_to(with([](auto& s) { s[3].kernel_size = 9; })) == "stage 4 kernel_size 3 -> 9");
    auto other_task = with([](auto& s) { s[1].kernel_size = 7; });
    other_task.input.height = 96;
    CHECK(change_to(other_task) == "nothing");
}

TEST_CASE("single_change: conditional fields and fields without effect", "[search]") {
    CHECK(change_to(with([](auto& s) {
              s[0].use_se = true, s[0].se_ratio = ratio{1, 2};
          })) == "stage 1 use_se false -> true with se_ratio 0.5");
    CHECK(change_to(with([](auto& s) {
              s[2].use_se = false, s[2].se_ratio = ratio{1, 2};
          })) == "stage 3 use_se true -> false");
    CHECK(change_to(with([](auto& s) { s[2].se_ratio = ratio{1, 2}; })) == "stage 3 se_ratio 0.25 -> 0.5");
    CHECK(change_to(with([](auto& s) { s[1].se_ratio = ratio{1, 2}; })) == "nothing");  // without SE
    const auto depthwise = with([](auto& s) { s[1].conv_type = block_type::depthwise, s[1].expansion_factor = 6; });
    CHECK(change_to(depthwise) == "stage 2 conv_type mbconv -> depthwise");
    CHECK(single_change<space>(depthwise, base())->text() ==
          "stage 2 conv_type depthwise -> mbconv with expansion_factor 3");
    const auto same = with([](auto& s) { s[1].conv_type = block_type::depthwise, s[1].expansion_factor = 4; });
    CHECK_FALSE(single_change<space>(depthwise, same));
}

TEST_CASE("single_change: every change of a field that has one is found", "[search]") {
    int changes = 0;
    for_each_axis_change<space>(base(), [&](const field_change& change, const network_of<space>& changed) {
        const dynamic_graph before(base()), after(changed);
        const auto found = single_change<space>(base(), changed);
        INFO(change.text());
        if (equivalent(before.view(), after.view())) {
            CHECK_FALSE(found);
            return;
        }
        ++changes;
        REQUIRE(found);
        CHECK(*found == change);
    });
    CHECK(changes > 100);
}

TEST_CASE("measured_effects: complete trials of the same fidelity, the most accurate first", "[search]") {
    const auto kernel = [](std::int32_t k) { return with([&](auto& s) { s[0].kernel_size = k; }); };
    std::vector<trial<space>> trials{trial_of(0, base(), 0.4), trial_of(1, kernel(5), 0.42),
                                     trial_of(2, kernel(7), 0.45)};
    trials.push_back(trial_of(3, with([](auto& s) { s[0].kernel_size = 5, s[4].stride = 2; }), 0.5));
    trials.push_back(trial_of(4, with([](auto& s) { s[4].stride = 2; }), 0.6));
    trials.back().state = trial_state::failed;
    trials.push_back(trial_of(5, with([](auto& s) { s[3].stride = 2; }), 0.7));
    trials.back().fidelity.epochs = 99;
    const auto effects = measured_effects<space>(trials, trials[0]);
    REQUIRE(effects.size() == 2);
    CHECK(effects[0].trial == 2);
    CHECK(effects[0].change.text() == "stage 1 kernel_size 3 -> 7");
    CHECK(effects[0].accuracy == 0.45);
    CHECK(effects[0].after == trials[2].candidate.cost);
    CHECK(effects[1].trial == 1);
    const auto of_third = measured_effects<space>(trials, trials[3]);
    REQUIRE(of_third.size() == 1);
    CHECK(of_third[0].change.text() == "stage 5 stride 2 -> 1");
    CHECK(measured_effects<space>(trials, trials[5]).empty());
}

TEST_CASE("study: an explanation stays with its trial", "[study]") {
    const test::temporary_directory dir;
    const auto run = [&](std::int32_t trials) {
        gate<space> judge{wide()};
        auto s = study<space, paper_objectives>::open(dir.path(), config, judge);
        REQUIRE(s);
        in_process<test::scripted_search> here;
        search_observer observer;
        search_loop<test::scripted_search, in_process<test::scripted_search>> loop(
            *s, judge, here, observer, {.trials = trials, .fidelity = {.epochs = 1}, .seed = 5});
        talking_proposer proposer;
        const auto outcome = loop.run(proposer);
        REQUIRE(outcome);
        return results_json(*s, *outcome, s->trials());
    };
    const std::string said = "Stage 1 has a kernel \xC3\x97 \"wide\".\nNo more.";
    for (const json_value& results : {run(3), run(4)}) {
        CHECK(results["trials"][0]["explanation"] == said);
        CHECK_FALSE(results["trials"][1].contains("explanation"));
        CHECK(results["trials"][2]["explanation"] == said);
    }

    const auto stored = read_study_config(dir.path());
    REQUIRE(stored);
    CHECK(*stored == config);
    gate<space> judge{wide()};
    const auto state = read_study<space, paper_objectives>(dir.path(), judge);
    REQUIRE(state);
    REQUIRE(state->trials().size() == 4);
    CHECK(state->trials()[0].history.explanation == said);
    CHECK(state->trials()[1].history.explanation.empty());
    const auto effects = measured_effects<space>(state->trials(), state->trials()[0]);
    REQUIRE(effects.size() == 3);
}

TEST_CASE("study_reader: nothing is written, and other files are errors", "[study]") {
    const test::temporary_directory dir;
    CHECK(read_study_config(dir / "none").error().code == errc::io);
    CHECK_FALSE(std::filesystem::exists(dir / "none"));
    const auto write = [&](const std::string& text) { std::ofstream(dir / "journal.log", std::ios::binary) << text; };
    write(R"({"op_code":0,"worker_id":"w","study_name":"other","directions":[2]})"
          "\n"
          R"({"op_code":2,"worker_id":"w","study_id":0,"user_attr":{"llmnas":{"seed":1}}})"
          "\n"
          R"({"op_code":0,"worker_id":"w","study_name":"llmnas","directions":[2]})"
          "\n"
          R"({"op_code":2,"worker_id":"w","study_id":1,"user_attr":{"llmnas":{"seed":2}}})"
          "\n"
          R"({"op_code":2,"worker_id":"w","study_id":1,"user_attr":{"note":"x"}})"
          "\n"
          R"({"op_code":4,"torn)");
    const std::string before = content(dir / "journal.log");
    CHECK((*read_study_config(dir.path()))["seed"] == 2);
    CHECK((*read_study_config(dir.path(), "other"))["seed"] == 1);
    CHECK(read_study_config(dir.path(), "third").error().text().find("no llmnas configuration") != std::string::npos);
    CHECK(content(dir / "journal.log") == before);
    write("{}\n");
    CHECK(read_study_config(dir.path()).error().code == errc::bad_input);
    write("no JSON\n");
    CHECK(read_study_config(dir.path()).error().text().find("line 1") != std::string::npos);
}
