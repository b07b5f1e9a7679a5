/* Memory through the caller's wa_env. See mem.h. */
#define _DEFAULT_SOURCE /* madvise() */
#include "base/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---------------------------------------------------------------- sizes and plain allocation */

bool wa_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;

    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

bool wa_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

static void *reallocate(const wa_env *env, void *old, size_t n_bytes)
{
    if (env && env->reallocate)
        return env->reallocate(env->user, old, n_bytes);
    if (n_bytes > 0)
        return realloc(old, n_bytes);
    free(old);
    return NULL;
}

void *wa_alloc(const wa_env *env, size_t n, size_t size)
{
    size_t n_bytes;

    if (!wa_mul_size(n, size, &n_bytes) || n_bytes > PTRDIFF_MAX)
        return NULL;
    return reallocate(env, NULL, n_bytes > 0 ? n_bytes : 1);
}

void *wa_alloc_zeroed(const wa_env *env, size_t n, size_t size)
{
    void *const memory = wa_alloc(env, n, size);

    if (memory)
        memset(memory, 0, n * size);
    return memory;
}

void wa_release(const wa_env *env, void *memory)
{
    if (memory)
        reallocate(env, memory, 0);
}

char *wa_copy_text(const wa_env *env, wa_text text)
{
    char *const copy = wa_alloc(env, text.n_bytes + 1, 1);

    if (copy) {
        if (text.n_bytes > 0)
            memcpy(copy, text.data, text.n_bytes);
        copy[text.n_bytes] = '\0';
    }
    return copy;
}

bool wa_grow(const wa_env *env, void **array, size_t *capacity, size_t need, size_t size)
{
    size_t wanted, n_bytes;

    if (need <= *capacity)
        return true;
    if (!wa_add_size(*capacity, *capacity / 2 + 8, &wanted) || wanted < need)
        wanted = need;
    if (!wa_mul_size(wanted, size, &n_bytes) || n_bytes > PTRDIFF_MAX)
        return false;
    void *const grown = reallocate(env, *array, n_bytes);
    if (!grown)
        return false;
    *array    = grown;
    *capacity = wanted;
    return true;
}

/* ---------------------------------------------------------------- byte buffers */

static bool make_room(wa_buf *buf, size_t n)
{
    size_t need;
    void  *data = buf->data;

    if (buf->failed || !wa_add_size(buf->n_bytes, n, &need) || !wa_grow(buf->env, &data, &buf->capacity, need, 1))
        buf->failed = true;
    buf->data = data;
    return !buf->failed;
}

void wa_buf_add(wa_buf *buf, const void *bytes, size_t n)
{
    if (n == 0 || !make_room(buf, n))
        return;
    memcpy(buf->data + buf->n_bytes, bytes, n);
    buf->n_bytes += n;
}

void wa_buf_text(wa_buf *buf, wa_text text)
{
    wa_buf_add(buf, text.data, text.n_bytes);
}

void wa_buf_str(wa_buf *buf, const char *zero_ended)
{
    wa_buf_add(buf, zero_ended, strlen(zero_ended));
}

void wa_buf_format(wa_buf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && make_room(buf, (size_t)n + 1)) {
        vsnprintf(buf->data + buf->n_bytes, (size_t)n + 1, format, again);
        buf->n_bytes += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

wa_text wa_buf_view(const wa_buf *buf)
{
    return (wa_text){ buf->data, buf->n_bytes };
}

void wa_buf_clear(wa_buf *buf)
{
    wa_release(buf->env, buf->data);
    *buf = (wa_buf){ .env = buf->env };
}

/* ---------------------------------------------------------------- arenas */

/* An arena that is reset keeps its memory, so a stale pointer into it would read something. AddressSanitizer is told which bytes
 * are given out, and finds it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_POISON
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_POISON
#endif
#ifdef HAS_POISON
#include <sanitizer/asan_interface.h>
#define POISON(memory, n)   ASAN_POISON_MEMORY_REGION(memory, n)
#define UNPOISON(memory, n) ASAN_UNPOISON_MEMORY_REGION(memory, n)
#else
#define POISON(memory, n)   ((void)(memory), (void)(n))
#define UNPOISON(memory, n) ((void)(memory), (void)(n))
#endif

#define ARENA_ALIGNMENT 64          /* a cache line, and the widest vector register */
#define ARENA_BLOCK     (64 * 1024) /* bytes of the smallest block */

struct wa_arena_block {
    struct wa_arena_block *next;    /* the block filled before this one */
    size_t                 n_bytes; /* room behind this header */
    size_t                 n_used;
};

/* The first aligned byte behind the header. malloc aligns to 16 only, so blocks are made ARENA_ALIGNMENT larger. */
static char *block_start(struct wa_arena_block *block)
{
    const uintptr_t first = (uintptr_t)(block + 1);

    return (char *)(block + 1) + (ARENA_ALIGNMENT - first % ARENA_ALIGNMENT) % ARENA_ALIGNMENT;
}

/* Large blocks hold what is read from end to end, weights above all: in large pages, where the system has them, it looks up fewer
 * addresses, and clears them faster. A refusal changes nothing. */
static void prefer_large_pages(void *memory, size_t n_bytes)
{
#if defined(MADV_HUGEPAGE)
    const uintptr_t page = (uintptr_t)2 << 20, first = ((uintptr_t)memory + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)memory + n_bytes) / page * page;

    if (end > first)
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)n_bytes;
#endif
}

static struct wa_arena_block *add_block(wa_arena *arena, size_t n_bytes)
{
    size_t whole;

    if (!wa_add_size(n_bytes, sizeof(struct wa_arena_block) + ARENA_ALIGNMENT, &whole))
        return NULL;
    struct wa_arena_block *const block = wa_alloc(arena->env, whole, 1);
    if (!block)
        return NULL;
    *block        = (struct wa_arena_block){ .next = arena->blocks, .n_bytes = n_bytes };
    arena->blocks = block;
    prefer_large_pages(block, whole);
    POISON(block_start(block), n_bytes);
    return block;
}

void *wa_arena_alloc(wa_arena *arena, size_t n, size_t size)
{
    struct wa_arena_block *block = arena->blocks;
    size_t                 n_bytes;

    if (!wa_mul_size(n, size, &n_bytes) || !wa_add_size(n_bytes, ARENA_ALIGNMENT - 1, &n_bytes))
        return NULL;
    n_bytes -= n_bytes % ARENA_ALIGNMENT;
    if (!block || block->n_bytes - block->n_used < n_bytes) {
        if (!(block = add_block(arena, n_bytes > ARENA_BLOCK ? n_bytes : ARENA_BLOCK)))
            return NULL;
    }
    void *const memory = block_start(block) + block->n_used;
    block->n_used += n_bytes;
    UNPOISON(memory, n * size);
    return memory;
}

void *wa_arena_alloc_zeroed(wa_arena *arena, size_t n, size_t size)
{
    void *const memory = wa_arena_alloc(arena, n, size);

    if (memory)
        memset(memory, 0, n * size);
    return memory;
}

wa_text wa_arena_text(wa_arena *arena, wa_text text)
{
    char *const copy = wa_arena_alloc(arena, text.n_bytes + 1, 1);

    if (!copy)
        return (wa_text){ NULL, 0 };
    if (text.n_bytes > 0)
        memcpy(copy, text.data, text.n_bytes);
    copy[text.n_bytes] = '\0';
    return (wa_text){ copy, text.n_bytes };
}

void wa_arena_reset(wa_arena *arena)
{
    size_t total = 0;

    if (!arena->blocks)
        return;
    if (!arena->blocks->next) {
        arena->blocks->n_used = 0;
        POISON(block_start(arena->blocks), arena->blocks->n_bytes);
        return;
    }
    for (const struct wa_arena_block *block = arena->blocks; block; block = block->next)
        total += block->n_bytes;
    wa_arena_clear(arena);
    add_block(arena, total); /* where this fails, the next allocation tries again and reports it */
}

void wa_arena_clear(wa_arena *arena)
{
    while (arena->blocks) {
        struct wa_arena_block *const next = arena->blocks->next;

        UNPOISON(block_start(arena->blocks), arena->blocks->n_bytes);
        wa_release(arena->env, arena->blocks);
        arena->blocks = next;
    }
}
