/* Memory through the caller's wa_env: checked sizes, arrays that grow, byte buffers, arenas.
 *
 * Every allocation of the library goes through here, so that a caller can count it and a test can make each fail in turn.
 * NULL is the only sign of failure. A NULL env means malloc. */
#ifndef WA_BASE_MEM_H
#define WA_BASE_MEM_H

#include "wordahead.h"

/* *out = a * b or a + b; false, and *out untouched, where that is beyond size_t. */
bool wa_mul_size(size_t a, size_t b, size_t *out);
bool wa_add_size(size_t a, size_t b, size_t *out);

/* n * size bytes, uninitialised; NULL where there is no memory or the product overflows. n 0 gives a valid pointer. */
void *wa_alloc(const wa_env *env, size_t n, size_t size);
/* The same, zeroed. */
void *wa_alloc_zeroed(const wa_env *env, size_t n, size_t size);
void  wa_release(const wa_env *env, void *memory);

/* A copy of the bytes with a zero byte after them. */
char *wa_copy_text(const wa_env *env, wa_text text);

/* Makes room for at least `need` items of `size` bytes in *array, growing by half or more; *capacity counts items.
 * false: no memory, nothing changed. */
bool wa_grow(const wa_env *env, void **array, size_t *capacity, size_t need, size_t size);

/* Bytes that grow. After a failure `failed` stays set and appending does nothing, so a writer checks once, at the end.
 * A zeroed struct with its env set is empty. */
typedef struct wa_buf {
    const wa_env *env;
    char         *data;
    size_t        n_bytes;
    size_t        capacity;
    bool          failed;
} wa_buf;

void    wa_buf_add(wa_buf *buf, const void *bytes, size_t n);
void    wa_buf_text(wa_buf *buf, wa_text text);
void    wa_buf_str(wa_buf *buf, const char *zero_ended);
void    wa_buf_format(wa_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
wa_text wa_buf_view(const wa_buf *buf); /* lives until the next append */
void    wa_buf_clear(wa_buf *buf);      /* frees */

/* Memory that is freed all at once: scratch of a session, nodes of a document. Blocks are aligned to 64 bytes.
 * A zeroed struct with its env set is empty. */
typedef struct wa_arena {
    const wa_env          *env;
    struct wa_arena_block *blocks;
} wa_arena;

void   *wa_arena_alloc(wa_arena *arena, size_t n, size_t size); /* uninitialised; NULL on failure */
void   *wa_arena_alloc_zeroed(wa_arena *arena, size_t n, size_t size);
wa_text wa_arena_text(wa_arena *arena, wa_text text); /* copied, a zero byte after it; data NULL on failure */
/* Forgets everything but keeps the memory, as one block of the whole size: a session that has seen its longest text
 * allocates nothing any more. */
void wa_arena_reset(wa_arena *arena);
void wa_arena_clear(wa_arena *arena);

#endif
