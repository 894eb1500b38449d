// SPDX-License-Identifier: MIT
// The helpers in tests/support.
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace llmnas::test;

TEST_CASE("support: a data file that is not there is nothing") { CHECK_FALSE(data_file("no/such/file").has_value()); }

TEST_CASE("support: a temporary directory is empty, its own and removed") {
    std::filesystem::path where;
    {
        const temporary_directory one;
        const temporary_directory two;
        where = one.path();
        CHECK(std::filesystem::is_empty(where));
        CHECK(one.path() != two.path());
    }
    CHECK_FALSE(std::filesystem::exists(where));
}
