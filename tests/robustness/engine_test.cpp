// A test program of the compiled engine without Python, for sanitizers.sh and arm64.sh.

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "engine.h"

namespace {

int n_checks = 0;

// Ends the program with the line of the check if it does not hold.
void check(bool holds, const char* what, int line) {
    ++n_checks;
    if (!holds) {
        std::fprintf(stderr, "engine_test.cpp:%d: failed: %s\n", line, what);
        std::exit(1);
    }
}

#define CHECK(condition) check(condition, #condition, __LINE__)

void test_vector_bytes() {
    const int bytes = skneural::vector_bytes();
    CHECK(bytes == 16 || bytes == 32 || bytes == 64);
}

void test_threads() {
    std::vector<int> squares(4);
    std::vector<std::thread> team;
    for (int i = 0; i < 4; ++i) team.emplace_back([i, &squares] { squares[i] = i * i; });
    for (auto& thread : team) thread.join();
    CHECK(squares[3] == 9);
}

}  // namespace

int main() {
    test_vector_bytes();
    test_threads();
    std::printf("%d checks hold, vectors of %d bytes\n", n_checks, skneural::vector_bytes());
}
