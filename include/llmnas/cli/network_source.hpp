// SPDX-License-Identifier: MIT
/// \file
/// A network to train or evaluate, and how a file of weights names it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <llmnas/cli/checked_network.hpp>
#include <llmnas/cli/units.hpp>
#include <llmnas/core/dynamic_graph.hpp>
#include <llmnas/json/architecture_json.hpp>
#include <llmnas/json/file.hpp>
#include <llmnas/search/gate.hpp>

namespace llmnas::cli {

/// A network for given images, with what makes it again: the text of its JSON, or its name in the zoo.
struct network_source {
    std::string name;      ///< as given, for messages
    std::string document;  ///< JSON in the published format, on one line; empty for a network of the zoo
    dynamic_graph graph;

    using metadata_map = std::map<std::string, std::string>;

    /// Entries of a weights file from which from_metadata() makes the network again.
    void describe(metadata_map& metadata) const {
        metadata[document.empty() ? "network" : "architecture"] = document.empty() ? name : document;
        const shape& in = graph.view().input;
        metadata["input"] = fmt::format("{}x{}x{}", in.channels, in.height, in.width);
    }

    /// The network of a JSON file or of the zoo, for so many classes. It is lowered for `input`, or where that is
    /// empty for its own input, from a file 3x160x160; images of other sizes may run through it.
    [[nodiscard]] static result<network_source> named(const std::string& name, const std::string& input,
                                                      std::int32_t classes) {
        deployment replaced{.input = {}, .classes = classes};
        if (!input.empty()) {
            auto given = parse_shape(input, "--input");
            if (!given) return tl::unexpected<error>(given.error());
            replaced.input = *given;
        }
        auto net = network_named(name, replaced, replaced.input.value_or(paper_input), classes);
        if (!net) return tl::unexpected<error>(net.error());
        network_source source{name, {}, std::move(net->graph)};
        if (auto legal = source.check(); !legal) return tl::unexpected<error>(legal.error());
        if (network_from_zoo(name)) return source;
        auto same = network_from_file<table1_se>(name, replaced.input.value_or(paper_input), classes);
        if (!same) return tl::unexpected<error>(same.error());
        source.document = to_json<table1_se>(*same).dump();
        return source;
    }

    /// The network that a weights file names; bad_input where it names none.
    [[nodiscard]] static result<network_source> from_metadata(const metadata_map& metadata, const std::string& file,
                                                              std::int32_t classes) {
        const auto entry = [&](const char* key) {
            const auto at = metadata.find(key);
            return at == metadata.end() ? std::string() : at->second;
        };
        const std::string document = entry("architecture");
        if (document.empty()) {
            const std::string name = entry("network");
            if (name.empty() || !network_from_zoo(name))
                return fail(errc::bad_input, "weights do not say which network they are of", file, name,
                            "the network before the weights: llmnas eval ARCH WEIGHTS");
            return named(name, entry("input"), classes);
        }
        auto input = parse_shape(entry("input"), "input");
        if (!input) {
            input.error().where = file + ": input";
            return tl::unexpected<error>(input.error());
        }
        auto net = network_from_text<table1_se>(document, *input, classes);
        if (!net) {
            net.error().where = file + ": " + net.error().where;
            return tl::unexpected<error>(net.error());
        }
        network_source source{"the network in " + file, document, dynamic_graph(*net)};
        if (auto legal = source.check(); !legal) return tl::unexpected<error>(legal.error());
        return source;
    }

private:
    static constexpr shape paper_input{3, 160, 160};

    [[nodiscard]] result<void> check() const {
        if (!graph.error()) return {};
        error e = llmnas::describe(graph.error());
        e.where = name + ", " + e.where;
        return tl::unexpected<error>(std::move(e));
    }
};

}  // namespace llmnas::cli
