// SPDX-License-Identifier: MIT
/// \file
/// Fidelity, epoch reports and training metrics as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include <llmnas/core/training.hpp>

namespace llmnas {

// Found by nlohmann::json through argument-dependent look-up. Templates, because its own macro of 3.11 knows only
// nlohmann::json, and llmnas keeps the order of members.

template <class Json>
void to_json(Json& j, const fidelity& f) {
    j = {{"resolution", f.resolution}, {"images", f.images}, {"epochs", f.epochs}, {"batch", f.batch}};
}
template <class Json>
void from_json(const Json& j, fidelity& f) {
    j.at("resolution").get_to(f.resolution);
    j.at("images").get_to(f.images);
    j.at("epochs").get_to(f.epochs);
    j.at("batch").get_to(f.batch);
}

template <class Json>
void to_json(Json& j, const epoch_report& e) {
    j = {{"epoch", e.epoch},
         {"epochs", e.epochs},
         {"learning_rate", e.learning_rate},
         {"train_loss", e.train_loss},
         {"validation_loss", e.validation_loss},
         {"accuracy", e.accuracy},
         {"seconds", e.seconds}};
}
template <class Json>
void from_json(const Json& j, epoch_report& e) {
    j.at("epoch").get_to(e.epoch);
    j.at("epochs").get_to(e.epochs);
    j.at("learning_rate").get_to(e.learning_rate);
    j.at("train_loss").get_to(e.train_loss);
    j.at("validation_loss").get_to(e.validation_loss);
    j.at("accuracy").get_to(e.accuracy);
    j.at("seconds").get_to(e.seconds);
}

template <class Json>
void to_json(Json& j, const training_metrics& m) {
    j = {{"accuracy", m.accuracy}, {"top5", m.top5},       {"loss", m.loss},
         {"epochs", m.epochs},     {"seconds", m.seconds}, {"images_per_second", m.images_per_second}};
}
template <class Json>
void from_json(const Json& j, training_metrics& m) {
    j.at("accuracy").get_to(m.accuracy);
    j.at("top5").get_to(m.top5);
    j.at("loss").get_to(m.loss);
    j.at("epochs").get_to(m.epochs);
    j.at("seconds").get_to(m.seconds);
    j.at("images_per_second").get_to(m.images_per_second);
}

}  // namespace llmnas
