// SPDX-License-Identifier: MIT
/// \file
/// Fidelity, epoch reports and training metrics as JSON.
#pragma once

#include <limits>

#include <nlohmann/json.hpp>

#include <llmnas/core/training.hpp>

namespace llmnas {

namespace detail {

/// JSON has no NaN and no infinity: they are written as null.
template <class Json>
void get_double(const Json& j, const char* key, double& into) {
    const auto& value = j.at(key);
    into = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.template get<double>();
}

}  // namespace detail

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
         {"seconds", e.seconds},
         {"seconds_waited", e.seconds_waited},
         {"top5", e.top5},
         {"images_per_second", e.images_per_second}};
}
template <class Json>
void from_json(const Json& j, epoch_report& e) {
    j.at("epoch").get_to(e.epoch);
    j.at("epochs").get_to(e.epochs);
    detail::get_double(j, "learning_rate", e.learning_rate);
    detail::get_double(j, "train_loss", e.train_loss);
    detail::get_double(j, "validation_loss", e.validation_loss);
    detail::get_double(j, "accuracy", e.accuracy);
    detail::get_double(j, "seconds", e.seconds);
    if (j.contains("seconds_waited")) detail::get_double(j, "seconds_waited", e.seconds_waited);
    if (j.contains("top5")) detail::get_double(j, "top5", e.top5);
    if (j.contains("images_per_second")) detail::get_double(j, "images_per_second", e.images_per_second);
}

template <class Json>
void to_json(Json& j, const training_metrics& m) {
    j = {{"accuracy", m.accuracy}, {"top5", m.top5},       {"loss", m.loss},
         {"epochs", m.epochs},     {"seconds", m.seconds}, {"images_per_second", m.images_per_second}};
}
template <class Json>
void from_json(const Json& j, training_metrics& m) {
    detail::get_double(j, "accuracy", m.accuracy);
    detail::get_double(j, "top5", m.top5);
    detail::get_double(j, "loss", m.loss);
    j.at("epochs").get_to(m.epochs);
    detail::get_double(j, "seconds", m.seconds);
    detail::get_double(j, "images_per_second", m.images_per_second);
}

}  // namespace llmnas
