/* Writing .npy and .npz, and reading back what was written. See npy.h.
 *
 *     .npy      "\x93NUMPY" 1 0, u16 length of the rest of the header; { 'descr': '<f4', ... }, spaces, newline up to a multiple
 *               of 64; the floats
 *     .npz      for each member a local header and its .npy; the central directory, a record a member; the end record
 *     zip64     a size, offset or count that its field cannot hold is all ones there, and stands in an extra field or record
 *
 * What always holds: all that a zip says about a member is known before its first byte is written, so an archive is written from
 * front to back and may go to a pipe. */
#include "data/npy.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/status.h"
#include "data/lexicon.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they lie in memory");

#define ALIGNMENT 64

/* ---------------------------------------------------------------- the header of an array */

#define NPY_PREFIX 10 /* bytes before the dictionary */

static void add_u16(wa_buf *buf, unsigned x)
{
    const unsigned char bytes[2] = { (unsigned char)x, (unsigned char)(x >> 8) };

    wa_buf_add(buf, bytes, sizeof bytes);
}

/* Appends a header that is padded to a multiple of 64 bytes, and to at least `least`. `buf` is empty before. */
static void add_npy_header(wa_buf *buf, size_t rank, const size_t *shape, size_t least)
{
    wa_buf dict = { .env = buf->env };

    wa_buf_str(&dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < rank; i++)
        wa_buf_format(&dict, i > 0 ? ", %zu" : "%zu", shape[i]);
    wa_buf_str(&dict, rank == 1 ? ",), }" : "), }");
    while (NPY_PREFIX + dict.n_bytes + 1 < least || (NPY_PREFIX + dict.n_bytes + 1) % ALIGNMENT != 0) {
        wa_buf_str(&dict, " ");
        if (dict.failed)
            break;
    }
    wa_buf_str(&dict, "\n");
    assert(dict.n_bytes <= UINT16_MAX);  /* thousands of dimensions */
    wa_buf_add(buf, "\x93NUMPY\x01", 8); /* its zero byte is the minor version */
    add_u16(buf, (unsigned)dict.n_bytes);
    wa_buf_text(buf, wa_buf_view(&dict));
    buf->failed |= dict.failed;
    wa_buf_clear(&dict);
}

void wa_npy_add_header(wa_buf *buf, size_t n_rows, size_t width)
{
    const size_t shape[2] = { n_rows, width };

    add_npy_header(buf, 2, shape, WA_NPY_HEADER);
}

/* ---------------------------------------------------------------- zip */

#define FULL16 0xFFFFu
#define FULL32 0xFFFFFFFFu

#define EXTRA_ZIP64     0x0001
#define EXTRA_ALIGNMENT 0xD935 /* u16 alignment, then zeros; as Android's zipalign and Commons Compress write it */

#define VERSION_PLAIN 20 /* 2.0, as zipfile.py writes; 4.5 reads zip64 */
#define VERSION_ZIP64 45
#define MADE_ON_UNIX  (3u << 8)
#define FLAG_UTF8     0x800u
#define DATE          0x0021u       /* 1980-01-01; the time 0 is midnight */
#define MODE          (0600u << 16) /* rw-------, as numpy.savez() */

static void add_u32(wa_buf *buf, uint32_t x)
{
    add_u16(buf, x & FULL16);
    add_u16(buf, x >> 16);
}

static void add_u64(wa_buf *buf, uint64_t x)
{
    add_u32(buf, (uint32_t)x);
    add_u32(buf, (uint32_t)(x >> 32));
}

static bool is_big(uint64_t x)
{
    return x >= FULL32; /* all ones would mean "see the zip64 field" */
}

static uint32_t fit32(uint64_t x)
{
    return is_big(x) ? FULL32 : (uint32_t)x;
}

static unsigned flags_of(wa_text name)
{
    for (size_t i = 0; i < name.n_bytes; i++)
        if ((unsigned char)name.data[i] >= 0x80)
            return FLAG_UTF8;
    return 0;
}

/* The fields that both headers of a member share, from "version needed" to the length of the name. */
static void add_common(wa_buf *buf, const wa_zip_member *m, bool is_zip64)
{
    add_u16(buf, is_zip64 ? VERSION_ZIP64 : VERSION_PLAIN);
    add_u16(buf, flags_of(m->name));
    add_u16(buf, 0); /* stored */
    add_u16(buf, 0); /* time */
    add_u16(buf, DATE);
    add_u32(buf, m->crc);
    add_u32(buf, fit32(m->n_bytes));
    add_u32(buf, fit32(m->n_bytes));
    add_u16(buf, (unsigned)m->name.n_bytes);
}

void wa_zip_add_local(wa_buf *buf, const wa_zip_member *m)
{
    const bool     is_zip64 = is_big(m->n_bytes);
    const size_t   n_zip64  = is_zip64 ? 4 + 16 : 0;
    const uint64_t least    = m->offset + 30 + m->name.n_bytes + n_zip64 + 4 + 2;
    const size_t   n_pad    = (size_t)((ALIGNMENT - least % ALIGNMENT) % ALIGNMENT);

    wa_buf_str(buf, "PK\x03\x04");
    add_common(buf, m, is_zip64);
    add_u16(buf, (unsigned)(n_zip64 + 4 + 2 + n_pad));
    wa_buf_text(buf, m->name);
    if (is_zip64) { /* here always both sizes */
        add_u16(buf, EXTRA_ZIP64);
        add_u16(buf, 16);
        add_u64(buf, m->n_bytes);
        add_u64(buf, m->n_bytes);
    }
    add_u16(buf, EXTRA_ALIGNMENT);
    add_u16(buf, (unsigned)(2 + n_pad));
    add_u16(buf, ALIGNMENT);
    for (size_t i = 0; i < n_pad; i++)
        wa_buf_add(buf, "", 1);
}

void wa_zip_add_central(wa_buf *buf, const wa_zip_member *m)
{
    const bool     has_size = is_big(m->n_bytes), has_offset = is_big(m->offset), is_zip64 = has_size || has_offset;
    const unsigned n_zip64 = (has_size ? 16u : 0u) + (has_offset ? 8u : 0u);

    wa_buf_str(buf, "PK\x01\x02");
    add_u16(buf, MADE_ON_UNIX | (is_zip64 ? VERSION_ZIP64 : VERSION_PLAIN));
    add_common(buf, m, is_zip64);
    add_u16(buf, is_zip64 ? 4 + n_zip64 : 0);
    add_u16(buf, 0); /* no comment */
    add_u16(buf, 0); /* on the first disk */
    add_u16(buf, 0); /* not said to be text */
    add_u32(buf, MODE);
    add_u32(buf, fit32(m->offset));
    wa_buf_text(buf, m->name);
    if (is_zip64) { /* here only what did not fit */
        add_u16(buf, EXTRA_ZIP64);
        add_u16(buf, n_zip64);
    }
    for (int i = 0; has_size && i < 2; i++)
        add_u64(buf, m->n_bytes);
    if (has_offset)
        add_u64(buf, m->offset);
}

static void add_zip64_end(wa_buf *buf, uint64_t n_members, uint64_t offset, uint64_t n_bytes)
{
    wa_buf_str(buf, "PK\x06\x06");
    add_u64(buf, 44); /* bytes of this record from here on */
    add_u16(buf, MADE_ON_UNIX | VERSION_ZIP64);
    add_u16(buf, VERSION_ZIP64);
    add_u32(buf, 0); /* this disk, and that of the directory */
    add_u32(buf, 0);
    add_u64(buf, n_members); /* on this disk, and in all */
    add_u64(buf, n_members);
    add_u64(buf, n_bytes);
    add_u64(buf, offset);
    wa_buf_str(buf, "PK\x06\x07"); /* the locator of that record */
    add_u32(buf, 0);
    add_u64(buf, offset + n_bytes);
    add_u32(buf, 1); /* disks in all */
}

void wa_zip_add_end(wa_buf *buf, uint64_t n_members, uint64_t offset, uint64_t n_bytes)
{
    const unsigned n = n_members >= FULL16 ? FULL16 : (unsigned)n_members;

    if (n_members >= FULL16 || is_big(offset) || is_big(n_bytes))
        add_zip64_end(buf, n_members, offset, n_bytes);
    wa_buf_str(buf, "PK\x05\x06");
    add_u32(buf, 0); /* this disk, and that of the directory: 16 bits each */
    add_u16(buf, n); /* on this disk, and in all */
    add_u16(buf, n);
    add_u32(buf, fit32(n_bytes));
    add_u32(buf, fit32(offset));
    add_u16(buf, 0); /* no comment */
}

/* ---------------------------------------------------------------- an archive of arrays */

struct wa_npz {
    wa_env         env; /* a copy: the caller's need not live */
    char          *path;
    wa_output     *output;
    uint64_t       n_bytes; /* written so far */
    wa_arena       arena;   /* names */
    wa_lexicon     names;   /* as the archive has them, in the order of the members */
    wa_zip_member *members;
    size_t         n_members, capacity;
};

wa_status wa_npz_open(const char *path, const wa_env *env, wa_npz **out, wa_error *err)
{
    wa_status st  = WA_OK;
    wa_npz   *npz = wa_alloc_zeroed(env, 1, sizeof *npz);

    if (!npz)
        return wa_fail_memory(err, path);
    npz->env       = env ? *env : (wa_env){ 0 };
    npz->arena.env = npz->names.env = &npz->env;
    if (!(npz->path = wa_copy_text(&npz->env, wa_text_of(path))))
        WA_TRY(wa_fail_memory(err, path));
    WA_TRY(wa_output_open(path, &npz->env, &npz->output, err));
    *out = npz;
    npz  = NULL;
done:
    wa_npz_discard(npz);
    return st;
}

static wa_status write_buf(wa_npz *npz, const wa_buf *buf, wa_error *err)
{
    if (buf->failed)
        return wa_fail_memory(err, npz->path);
    npz->n_bytes += buf->n_bytes;
    return wa_output_write(npz->output, buf->data, buf->n_bytes, err);
}

/* Makes `member`, whose name is `name`.npy. */
static wa_status name_member(wa_npz *npz, wa_text name, wa_zip_member *member, wa_error *err)
{
    wa_status st   = WA_OK;
    wa_buf    full = { .env = &npz->env };

    if (!wa_utf8_is_valid(name))
        WA_FAIL(WA_EUSAGE, "%s: the array's name %s is not UTF-8", npz->path, wa_show(name).quoted);
    wa_buf_text(&full, name);
    wa_buf_str(&full, ".npy");
    if (full.n_bytes > FULL16)
        WA_FAIL(WA_EUSAGE, "%s: the array's name %s has %zu bytes, expected at most %u", npz->path, wa_show(name).quoted,
                name.n_bytes, FULL16 - 4);
    if (!full.failed && wa_lexicon_find(&npz->names, wa_buf_view(&full)) != WA_NONE)
        WA_FAIL(WA_EUSAGE, "%s: two arrays have the name %s", npz->path, wa_show(name).quoted);
    *member = (wa_zip_member){ .name   = full.failed ? (wa_text){ 0 } : wa_arena_text(&npz->arena, wa_buf_view(&full)),
                               .offset = npz->n_bytes };
    if (!member->name.data)
        st = wa_fail_memory(err, npz->path);
done:
    wa_buf_clear(&full);
    return st;
}

/* Room for one member more, so that nothing can fail for memory once it is written. */
static wa_status reserve_member(wa_npz *npz, wa_text name, wa_error *err)
{
    void  *members = npz->members;
    size_t index;

    if (!wa_grow(&npz->env, &members, &npz->capacity, npz->n_members + 1, sizeof *npz->members))
        return wa_fail_memory(err, npz->path);
    npz->members = members;
    return wa_lexicon_add(&npz->names, name, &index, NULL) ? WA_OK : wa_fail_memory(err, npz->path);
}

static wa_status count_bytes(const wa_npz *npz, size_t rank, const size_t *shape, size_t *n_bytes, wa_error *err)
{
    *n_bytes = sizeof(float);
    for (size_t i = 0; i < rank; i++)
        if (!wa_mul_size(*n_bytes, shape[i], n_bytes))
            return wa_fail(err, WA_ENOMEM, "%s: the size of an array is beyond 64 bits", npz->path);
    return WA_OK;
}

wa_status wa_npz_add(wa_npz *npz, wa_text name, const float *data, size_t rank, const size_t *shape, wa_error *err)
{
    wa_status     st    = WA_OK;
    wa_buf        array = { .env = &npz->env }, local = { .env = &npz->env };
    wa_zip_member member;
    size_t        n_bytes;

    WA_TRY(count_bytes(npz, rank, shape, &n_bytes, err));
    WA_TRY(name_member(npz, name, &member, err));
    WA_TRY(reserve_member(npz, member.name, err));
    add_npy_header(&array, rank, shape, 0);
    member.crc     = wa_crc32(wa_crc32(0, array.data, array.n_bytes), data, n_bytes);
    member.n_bytes = (uint64_t)array.n_bytes + n_bytes;
    wa_zip_add_local(&local, &member);
    WA_TRY(write_buf(npz, &local, err));
    WA_TRY(write_buf(npz, &array, err));
    WA_TRY(wa_output_write(npz->output, data, n_bytes, err));
    npz->n_bytes += n_bytes;
    npz->members[npz->n_members++] = member;
done:
    wa_buf_clear(&local);
    wa_buf_clear(&array);
    return st;
}

wa_status wa_npz_commit(wa_npz *npz, wa_error *err)
{
    wa_status        st        = WA_OK;
    wa_buf           directory = { .env = &npz->env };
    wa_output *const output    = npz->output;

    for (size_t i = 0; i < npz->n_members; i++)
        wa_zip_add_central(&directory, &npz->members[i]);
    wa_zip_add_end(&directory, npz->n_members, npz->n_bytes, directory.n_bytes);
    WA_TRY(write_buf(npz, &directory, err));
    npz->output = NULL; /* committing frees it */
    WA_TRY(wa_output_commit(output, err));
done:
    wa_buf_clear(&directory);
    wa_npz_discard(npz);
    return st;
}

void wa_npz_discard(wa_npz *npz)
{
    if (!npz)
        return;
    const wa_env env = npz->env;
    wa_output_discard(npz->output);
    wa_lexicon_clear(&npz->names);
    wa_arena_clear(&npz->arena);
    wa_release(&env, npz->members);
    wa_release(&env, npz->path);
    wa_release(&env, npz);
}

/* ---------------------------------------------------------------- reading back */

enum { LOCAL_BYTES = 30, LOCAL_SIZE = 22, LOCAL_NAME = 26, LOCAL_EXTRA = 28, ZIP64_BYTES = 20 };

static uint64_t number_at(wa_text bytes, size_t at, size_t n)
{
    uint64_t x = 0;

    for (size_t i = n; i > 0; i--)
        x = x << 8 | (unsigned char)bytes.data[at + i - 1];
    return x;
}

/* The dimensions of "2, 3, 4" or "3,", and how many numbers there are. */
static bool read_shape(wa_text text, wa_npz_array *out)
{
    wa_cursor cursor = { text, 0 };
    wa_text   digits;

    out->n_values = 1;
    for (out->rank = 0; wa_cursor_left(&cursor) > 0; out->rank++) {
        if (!wa_cursor_take_until(&cursor, ',', SIZE_MAX, &digits) && !wa_cursor_take(&cursor, wa_cursor_left(&cursor), &digits))
            return false;
        if (digits.n_bytes > 0 && digits.data[0] == ' ')
            digits = (wa_text){ digits.data + 1, digits.n_bytes - 1 };
        if (out->rank == WA_NPZ_RANK || !wa_parse_size(digits, &out->shape[out->rank]) ||
            !wa_mul_size(out->n_values, out->shape[out->rank], &out->n_values))
            return false;
    }
    return true;
}

static bool read_npy(wa_text member, wa_npz_array *out)
{
    static const char before[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    wa_cursor         cursor   = { member, 0 };
    wa_text           prefix, header, shape;
    size_t            n_bytes;

    if (!wa_cursor_take(&cursor, NPY_PREFIX, &prefix) || memcmp(prefix.data, "\x93NUMPY\x01", 8) != 0 ||
        !wa_cursor_take(&cursor, (size_t)number_at(prefix, 8, 2), &header) || !wa_text_begins(header, wa_text_of(before)))
        return false;
    wa_cursor inner = { header, sizeof before - 1 };
    if (!wa_cursor_take_until(&inner, ')', SIZE_MAX, &shape) || !read_shape(shape, out))
        return false;
    out->bytes = (wa_text){ member.data + cursor.at, wa_cursor_left(&cursor) };
    return wa_mul_size(out->n_values, sizeof(float), &n_bytes) && n_bytes == out->bytes.n_bytes;
}

bool wa_npz_next(wa_cursor *archive, wa_npz_array *out)
{
    wa_cursor    cursor = *archive;
    wa_text      local, name, extra, member;
    wa_npz_array array = { .rank = 0 };

    if (!wa_cursor_take(&cursor, LOCAL_BYTES, &local) || memcmp(local.data, "PK\x03\x04", 4) != 0 ||
        !wa_cursor_take(&cursor, (size_t)number_at(local, LOCAL_NAME, 2), &name) ||
        !wa_cursor_take(&cursor, (size_t)number_at(local, LOCAL_EXTRA, 2), &extra) || !wa_text_ends(name, ".npy"))
        return false;
    uint64_t n_bytes = number_at(local, LOCAL_SIZE, 4);
    if (n_bytes == FULL32 && (extra.n_bytes < ZIP64_BYTES || number_at(extra, 0, 2) != EXTRA_ZIP64))
        return false;
    n_bytes = n_bytes == FULL32 ? number_at(extra, 4, 8) : n_bytes;
    if (!wa_cursor_take(&cursor, (size_t)n_bytes, &member) || !read_npy(member, &array))
        return false;
    array.name = (wa_text){ name.data, name.n_bytes - 4 };
    *out       = array;
    *archive   = cursor;
    return true;
}
