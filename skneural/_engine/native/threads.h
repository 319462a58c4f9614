// A team of threads that share the work of a step and synchronize at barriers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "vectors.h"

#if !defined(_WIN32)
#include <unistd.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define SKNEURAL_PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define SKNEURAL_PAUSE() __asm__ __volatile__("yield")
#else
#define SKNEURAL_PAUSE() ((void)0)
#endif

namespace skneural {

// The id of this process, which is different after a fork. Windows has no fork.
inline std::int64_t process_id() {
#if defined(_WIN32)
    return 1;
#else
    return getpid();
#endif
}

// How often a waiting thread tests before it sleeps. The tests take 20 to 40 us, about as long as
// waking a thread. More tests would slow down a busy machine, where the other thread may not be
// running.
constexpr int looks_before_sleep = 1000;

// A counter that only increases. Threads can wait for it to change.
class Signal {
public:
    int value() const { return number.load(std::memory_order_acquire); }

    void advance() {
        number.fetch_add(1, std::memory_order_seq_cst);
        if (sleepers.load(std::memory_order_seq_cst) > 0) {
            { std::lock_guard<std::mutex> guard(mutex); }
            changed.notify_all();
        }
    }

    void wait_beyond(int before) {
        for (int i = 0; i < looks_before_sleep; ++i) {
            if (value() != before) return;
            SKNEURAL_PAUSE();
        }
        std::unique_lock<std::mutex> lock(mutex);
        sleepers.fetch_add(1, std::memory_order_seq_cst);
        changed.wait(lock, [&] { return number.load(std::memory_order_seq_cst) != before; });
        sleepers.fetch_sub(1, std::memory_order_relaxed);
    }

private:
    std::atomic<int> number{0}, sleepers{0};
    std::mutex mutex;
    std::condition_variable changed;
};

class Team {
public:
    // Starts n_threads - 1 threads in addition to the calling thread, or fewer if the system cannot
    // start as many.
    explicit Team(int n_threads) {
        try {
            for (int i = 1; i < n_threads; ++i) threads.emplace_back([this, i] { work(i); });
        } catch (const std::exception&) {
        }
        n_members = 1 + int(threads.size());
    }

    ~Team() {
        task = nullptr;
        begin.advance();
        for (std::thread& thread : threads) thread.join();
    }

    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    int size() const { return n_members; }

    // Runs function(member) in every thread and returns when all calls have returned.
    void run(const std::function<void(int)>& function) {
        task = &function;
        begin.advance();
        function(0);
        barrier();
    }

    // Waits until every thread has arrived. Afterwards every thread sees what the others have
    // written before.
    void barrier() {
        if (n_members == 1) return;
        int before = phase.value();
        if (arrived.fetch_add(1, std::memory_order_acq_rel) == n_members - 1) {
            arrived.store(0, std::memory_order_relaxed);
            phase.advance();
        } else {
            phase.wait_beyond(before);
        }
    }

private:
    void work(int member) {
        for (int seen = 0;; ++seen) {
            begin.wait_beyond(seen);
            if (!task) return;
            (*task)(member);
            barrier();
        }
    }

    std::vector<std::thread> threads;
    int n_members = 1;
    const std::function<void(int)>* task = nullptr;
    Signal begin, phase;
    std::atomic<int> arrived{0};
};

}  // namespace skneural
