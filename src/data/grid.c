/* Combinations of settings. See grid.h. */
#include "data/grid.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/status.h"
#include "base/str.h"

/* ---------------------------------------------------------------- values */

/* The place of the closing quote of what begins at `at`, or the length of the text. */
static size_t find_quote(wa_text text, size_t at)
{
    const char quote = text.data[at];

    for (at++; at < text.n_bytes; at++) {
        const bool is_doubled = quote == '\'' && at + 1 < text.n_bytes && text.data[at + 1] == quote;

        if (text.data[at] == quote && !is_doubled)
            return at;
        at += (quote == '"' && text.data[at] == '\\') || (text.data[at] == quote && is_doubled);
    }
    return text.n_bytes;
}

/* How many bytes the first value has: up to a comma outside of brackets and quotes. WA_NONE where one of these is not closed. A quote
 * counts where a scalar may begin, so not in "it's". */
static size_t measure(wa_text text)
{
    size_t depth     = 0;
    bool   is_before = true; /* a scalar may begin here */

    for (size_t i = 0; i < text.n_bytes; i++) {
        const char c = text.data[i];

        if (is_before && (c == '"' || c == '\'') && (i = find_quote(text, i)) == text.n_bytes)
            return WA_NONE;
        if (c == ',' && depth == 0)
            return i;
        depth += c == '[' || c == '{';
        depth -= (c == ']' || c == '}') && depth > 0;
        is_before = c == '[' || c == '{' || c == ',' || c == ':' || (is_before && wa_is_blank(c));
    }
    return depth > 0 ? WA_NONE : text.n_bytes;
}

/* Takes the first value off the text, and the comma behind it; *is_last where there is none. */
static wa_status take_value(wa_text *text, size_t number, wa_text *out, bool *is_last, wa_error *err)
{
    const size_t n = measure(*text);

    if (n == WA_NONE)
        return wa_fail(err, WA_EUSAGE, "--sweep %zu: found %s, in which a bracket or quote is not closed", number,
                       wa_show(*text).quoted);
    *out = wa_text_trim((wa_text){ text->data, n });
    if (out->n_bytes == 0)
        return wa_fail(err, WA_EUSAGE, "--sweep %zu: found an empty value; write null for none", number);
    *is_last = n == text->n_bytes;
    *text    = (wa_text){ text->data + n + !*is_last, text->n_bytes - n - !*is_last };
    return WA_OK;
}

static bool has_value(const wa_axis *axis, wa_text value)
{
    size_t i = 0;

    while (i < axis->n && !wa_text_equal(axis->values[i], value))
        i++;
    return i < axis->n;
}

/* ---------------------------------------------------------------- axes */

static wa_status read_values(wa_axis *axis, wa_text text, size_t number, wa_arena *arena, wa_error *err)
{
    wa_status st      = WA_OK;
    bool      is_last = false;
    size_t    n_most  = 1;
    wa_text   value;

    for (size_t i = 0; i < text.n_bytes; i++)
        n_most += text.data[i] == ',';
    if (!(axis->values = wa_arena_alloc(arena, n_most, sizeof *axis->values)))
        WA_TRY(wa_fail_memory(err, "--sweep"));
    while (!is_last) {
        WA_TRY(take_value(&text, number, &value, &is_last, err));
        if (has_value(axis, value))
            WA_FAIL(WA_EUSAGE, "--sweep %zu: found %s twice, expected each value once", number, wa_show(value).quoted);
        axis->values[axis->n++] = value;
    }
done:
    return st;
}

static wa_status read_axis(wa_grid *grid, const char *text, wa_arena *arena, wa_error *err)
{
    const size_t      number = grid->n_axes + 1;
    wa_axis *const    axis   = &grid->axes[grid->n_axes];
    const char *const equals = strchr(text, '=');
    const wa_text     kept   = wa_arena_text(arena, wa_text_of(text));

    if (!kept.data)
        return wa_fail_memory(err, "--sweep");
    const size_t n_key = equals ? (size_t)(equals - text) : 0;
    axis->key          = wa_text_trim((wa_text){ kept.data, n_key });
    if (axis->key.n_bytes == 0)
        return wa_fail(err, WA_EUSAGE, "--sweep %zu: found %s, expected KEY=VALUE,VALUE", number, wa_show(kept).quoted);
    for (size_t i = 0; i < grid->n_axes; i++)
        if (wa_text_equal(grid->axes[i].key, axis->key))
            return wa_fail(err, WA_EUSAGE, "--sweep %zu: --sweep %zu has %s already; give all its values there", number, i + 1,
                           wa_show(axis->key).quoted);
    return read_values(axis, (wa_text){ kept.data + n_key + 1, kept.n_bytes - n_key - 1 }, number, arena, err);
}

wa_status wa_grid_read(const char *const *axes, size_t n, wa_arena *arena, wa_grid *out, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_grid   grid = { .axes = wa_arena_alloc_zeroed(arena, n, sizeof *grid.axes), .n = 1 };

    if (!grid.axes)
        WA_TRY(wa_fail_memory(err, "--sweep"));
    for (size_t i = 0; i < n; i++) {
        WA_TRY(read_axis(&grid, axes[i], arena, err));
        if (!wa_mul_size(grid.n, grid.axes[i].n, &grid.n))
            WA_FAIL(WA_EUSAGE, "--sweep %zu: these are more combinations than can be counted", i + 1);
        grid.n_axes++;
    }
    *out = grid;
done:
    return st;
}

/* ---------------------------------------------------------------- combinations */

wa_text wa_grid_value(const wa_grid *grid, size_t i, size_t axis)
{
    assert(i < grid->n && axis < grid->n_axes);
    for (size_t a = grid->n_axes - 1; a > axis; a--)
        i /= grid->axes[a].n;
    return grid->axes[axis].values[i % grid->axes[axis].n];
}

enum { LONGEST_PART = 48, LONGEST_NAME = 200 }; /* a file's name has 255 bytes, and something more may be put behind */

static bool is_safe(char c)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-[],";

    return memchr(safe, c, sizeof safe - 1) != NULL;
}

/* Cuts what was appended behind `start` to n bytes, with a hash of all of `whole` after them. What is kept as it is has no '~'. */
static void cut(wa_buf *out, size_t start, size_t n, wa_text whole)
{
    if (out->n_bytes - start > n)
        out->n_bytes = start + n;
    wa_buf_format(out, "~%08" PRIx32, (uint32_t)wa_hash(whole));
}

static void add_part(wa_buf *out, wa_text part)
{
    const size_t start    = out->n_bytes;
    bool         is_whole = part.n_bytes <= LONGEST_PART;

    for (size_t i = 0; i < part.n_bytes && out->n_bytes - start < LONGEST_PART && !out->failed; i++) {
        wa_buf_add(out, is_safe(part.data[i]) ? &part.data[i] : "_", 1);
        is_whole = is_whole && is_safe(part.data[i]);
    }
    if (!is_whole)
        cut(out, start, LONGEST_PART - 9, part);
}

static void add_whole_name(const wa_grid *grid, size_t i, wa_buf *out)
{
    for (size_t a = 0; a < grid->n_axes; a++) {
        wa_buf_str(out, a ? "," : "");
        add_part(out, grid->axes[a].key);
        wa_buf_str(out, "=");
        add_part(out, wa_grid_value(grid, i, a));
    }
}

void wa_grid_add_name(const wa_grid *grid, size_t i, wa_buf *out)
{
    wa_buf whole = { .env = out->env };

    add_whole_name(grid, i, &whole);
    const size_t start = out->n_bytes;
    wa_buf_text(out, wa_buf_view(&whole));
    if (whole.n_bytes > LONGEST_NAME)
        cut(out, start, LONGEST_NAME - 9, wa_buf_view(&whole));
    out->failed = out->failed || whole.failed;
    wa_buf_clear(&whole);
}
