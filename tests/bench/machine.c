/* Peaks of the processor. See machine.h. */
#define _DEFAULT_SOURCE /* madvise() */
#include "machine.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "base/clock.h"

/* ---------------------------------------------------------------- multiply-adds */

enum { CHAINS = 12 }; /* two units, a latency of 4 to 5: 10 hide it, and AVX2 has 16 registers */

/* CHAINS chains of n steps each. Every chain is in a variable of its own, so that it stays in a register; their sum is returned
 * so that the compiler computes them. The factor shrinks what is added up: no chain overflows. */
/* clang-format off */
#define ALL(EACH, OF)                                                        \
    EACH(OF, 0) EACH(OF, 1) EACH(OF, 2) EACH(OF, 3) EACH(OF, 4) EACH(OF, 5)  \
    EACH(OF, 6) EACH(OF, 7) EACH(OF, 8) EACH(OF, 9) EACH(OF, 10) EACH(OF, 11)
/* clang-format on */
#define CHAIN_BEGIN(SET, j) c##j = SET((float)(j) + start);
#define CHAIN_STEP(FMA, j)  c##j = FMA(c##j, factor, term);
#define CHAIN_END(ADD, j)   sum = ADD(sum, c##j);
#define DEFINE_CHAINS(NAME, ATTRIBUTE, VECTOR, SET, ADD, FIRST, FMA)                                                               \
    __attribute__((noinline, ATTRIBUTE)) static float NAME(size_t n, float start)                                                  \
    {                                                                                                                              \
        const VECTOR factor = SET(0.999f), term = SET(0.5f);                                                                       \
        VECTOR       c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, sum = SET(0.0f);                                            \
                                                                                                                                   \
        ALL(CHAIN_BEGIN, SET)                                                                                                      \
        for (size_t i = 0; i < n; i++) {                                                                                           \
            ALL(CHAIN_STEP, FMA)                                                                                                   \
        }                                                                                                                          \
        ALL(CHAIN_END, ADD)                                                                                                        \
        return FIRST(sum);                                                                                                         \
    }

#if defined(__x86_64__)
DEFINE_CHAINS(chains_avx512, target("avx512f"), __m512, _mm512_set1_ps, _mm512_add_ps, _mm512_cvtss_f32, _mm512_fmadd_ps)
DEFINE_CHAINS(chains_avx2, target("avx2,fma"), __m256, _mm256_set1_ps, _mm256_add_ps, _mm256_cvtss_f32, _mm256_fmadd_ps)
#elif defined(__aarch64__)
#define NEON_FIRST(v)     vgetq_lane_f32(v, 0)
#define NEON_FMA(c, a, b) vfmaq_f32(b, c, a)
DEFINE_CHAINS(chains_neon, unused, float32x4_t, vdupq_n_f32, vaddq_f32, NEON_FIRST, NEON_FMA)
#endif

/* No fused instruction that we know: a multiplication and an addition, one number at a time. */
#define PLAIN_SET(x)       (x)
#define PLAIN_ADD(a, b)    ((a) + (b))
#define PLAIN_FMA(c, a, b) ((c) * (a) + (b))
DEFINE_CHAINS(chains_plain, unused, float, PLAIN_SET, PLAIN_ADD, PLAIN_SET, PLAIN_FMA)

typedef struct instruction_set {
    const char *name;
    size_t      n_lanes;
    float (*chains)(size_t n, float start);
} instruction_set;

static const instruction_set SETS[] = {
    { "plain", 1, chains_plain },
#if defined(__x86_64__)
    { "avx2", 8, chains_avx2 },
    { "avx512", 16, chains_avx512 },
#elif defined(__aarch64__)
    { "neon", 4, chains_neon },
#endif
};

enum { N_SETS = sizeof SETS / sizeof *SETS };

static bool has_set(const instruction_set *set)
{
#if defined(__x86_64__)
    if (!strcmp(set->name, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(set->name, "avx512"))
        return __builtin_cpu_supports("avx512f");
#endif
    return set->n_lanes > 0;
}

const char *bench_set(size_t i)
{
    return i < N_SETS ? SETS[i].name : NULL;
}

/* ---------------------------------------------------------------- reading */

typedef uint64_t block __attribute__((vector_size(64))); /* a cache line; narrower machines take it in pieces */

/* The blocks added up, in four sums so that no addition waits for another. */
#define READ_BODY                                                                                                                  \
    block sums[4] = { { 0 } };                                                                                                     \
    for (size_t i = 0; i + 4 <= n; i += 4)                                                                                         \
        for (size_t j = 0; j < 4; j++)                                                                                             \
            sums[j] += from[i + j];                                                                                                \
    const block sum = sums[0] + sums[1] + sums[2] + sums[3];                                                                       \
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];

#if defined(__x86_64__)
__attribute__((target("avx512f"), noinline)) static uint64_t read_avx512(const block *from, size_t n)
{
    READ_BODY
}

__attribute__((target("avx2"), noinline)) static uint64_t read_avx2(const block *from, size_t n)
{
    READ_BODY
}
#endif

__attribute__((noinline)) static uint64_t read_plain(const block *from, size_t n)
{
    READ_BODY
}

static uint64_t read_blocks(const block *from, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return read_avx512(from, n);
    if (__builtin_cpu_supports("avx2"))
        return read_avx2(from, n);
#endif
    return read_plain(from, n);
}

/* ---------------------------------------------------------------- several threads at once */

enum { ROUNDS = 40, MOST_THREADS = 256 };

/* What all threads do, in rounds that begin together. */
typedef struct effort {
    const instruction_set *set; /* multiply-adds; NULL: reading */
    size_t                 n_steps;
    const block           *memory;
    size_t                 n_blocks, n_threads;
    atomic_size_t          n_arrived;
    double                 best_s; /* the shortest round, as the first thread sees it: from line to line */
} effort;

typedef struct runner {
    effort  *all;
    size_t   index;
    uint64_t sum; /* results go somewhere, or the compiler drops them */
} runner;

static void one_round(runner *r)
{
    const effort *all = r->all;

    if (all->set) {
        r->sum += (uint64_t)all->set->chains(all->n_steps, (float)r->index);
    } else {
        const size_t share = all->n_blocks / all->n_threads;

        r->sum += read_blocks(all->memory + r->index * share, share);
    }
}

/* Until all threads are here. It spins: waking a thread that sleeps takes as long as a short round. */
static void wait_at_line(effort *all, size_t line)
{
    atomic_fetch_add(&all->n_arrived, 1);
    while (atomic_load(&all->n_arrived) < line * all->n_threads)
        ;
}

static void *run_rounds(void *user)
{
    runner *r = user;

    for (size_t i = 0; i < ROUNDS; i++) {
        double took_s;

        wait_at_line(r->all, 2 * i + 1);
        took_s = -wa_clock_seconds();
        one_round(r);
        wait_at_line(r->all, 2 * i + 2);
        took_s += wa_clock_seconds();
        if (r->index == 0 && (i == 0 || took_s < r->all->best_s))
            r->all->best_s = took_s;
    }
    return NULL;
}

static volatile uint64_t sink;

/* The caller is thread 0. A thread that cannot be started would leave the others waiting, so that is the end. */
static void run_all(effort *all)
{
    pthread_t threads[MOST_THREADS];
    runner    runners[MOST_THREADS];

    assert(all->n_threads > 0 && all->n_threads <= MOST_THREADS);
    for (size_t i = 0; i < all->n_threads; i++) {
        runners[i] = (runner){ .all = all, .index = i };
        if (i > 0 && pthread_create(&threads[i], NULL, run_rounds, &runners[i])) {
            fputs("bench: the system gives no thread\n", stderr);
            exit(4);
        }
    }
    run_rounds(&runners[0]);
    for (size_t i = 1; i < all->n_threads; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < all->n_threads; i++)
        sink += runners[i].sum;
}

double bench_peak_of_set(size_t i, size_t n_threads)
{
    effort all = { .set = &SETS[i], .n_threads = n_threads, .n_steps = 400000 };

    assert(i < N_SETS);
    if (!has_set(&SETS[i]))
        return 0;
    run_all(&all);
    return 2.0 * CHAINS * (double)(SETS[i].n_lanes * all.n_steps * n_threads) / all.best_s;
}

/* Pages of 2 MiB where the system has them: with small ones the processor spends its time looking up where pages lie, which halves
 * what it reads of a buffer beyond its caches. */
static void advise(void *memory, size_t n_bytes, bool has_large_pages)
{
#if defined(MADV_HUGEPAGE)
    (void)madvise(memory, n_bytes, has_large_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE); /* advice: it may fail */
#else
    (void)memory, (void)n_bytes, (void)has_large_pages;
#endif
}

double bench_peak_bytes(size_t n_threads, size_t n_bytes, bool has_large_pages)
{
    enum { PAGE = 1 << 21 };
    const size_t n_pages = (n_bytes + PAGE - 1) / PAGE;
    effort       all     = { .n_threads = n_threads };
    block       *memory;

    all.n_blocks = n_bytes / sizeof(block) / (4 * n_threads) * (4 * n_threads);
    if (all.n_blocks == 0 || !(memory = aligned_alloc(PAGE, n_pages * PAGE))) {
        fprintf(stderr, "bench: no memory for %zu bytes\n", n_bytes);
        exit(4);
    }
    advise(memory, n_pages * PAGE, has_large_pages);
    memset(memory, 1, n_pages * PAGE); /* pages that were never written are all one page of zeros */
    all.memory = memory;
    run_all(&all);
    free(memory);
    return (double)(all.n_blocks * sizeof(block)) / all.best_s;
}
