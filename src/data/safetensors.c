/* Reading safetensors. See safetensors.h for the bytes.
 *
 * What always holds: an entry exists only after its type, its shape and its place were found to agree, so its bytes lie in the file
 * and are exactly as many as its values need. */
#include "data/safetensors.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "base/str.h"

#define HEADER_LIMIT 100000000 /* bytes; that of the reference implementation */

struct wa_safetensors {
    const wa_env           *env;
    wa_env                  own_env; /* a copy: the caller's need not live */
    char                   *path;    /* for messages while opening */
    wa_file                 file;
    wa_arena                arena; /* names */
    wa_text                 data;  /* the bytes behind the header */
    wa_tensor_entry        *entries;
    const wa_tensor_entry **by_name; /* sorted */
    size_t                  n_entries;
};

/* Every type of the format, so that a tensor of one that is not read here is refused by name, and only where it is asked for. */
static const struct {
    const char *name;
    size_t      n_bits;
    wa_dtype    dtype;
} types[] = {
    { "F32", 32, WA_DTYPE_F32 },          { "F64", 64, WA_DTYPE_F64 },      { "F16", 16, WA_DTYPE_F16 },
    { "BF16", 16, WA_DTYPE_BF16 },        { "BOOL", 8, WA_DTYPE_OTHER },    { "U8", 8, WA_DTYPE_OTHER },
    { "I8", 8, WA_DTYPE_OTHER },          { "I16", 16, WA_DTYPE_OTHER },    { "U16", 16, WA_DTYPE_OTHER },
    { "I32", 32, WA_DTYPE_OTHER },        { "U32", 32, WA_DTYPE_OTHER },    { "I64", 64, WA_DTYPE_OTHER },
    { "U64", 64, WA_DTYPE_OTHER },        { "C64", 64, WA_DTYPE_OTHER },    { "F8_E5M2", 8, WA_DTYPE_OTHER },
    { "F8_E4M3", 8, WA_DTYPE_OTHER },     { "F8_E8M0", 8, WA_DTYPE_OTHER }, { "F8_E4M3FNUZ", 8, WA_DTYPE_OTHER },
    { "F8_E5M2FNUZ", 8, WA_DTYPE_OTHER }, { "F6_E2M3", 6, WA_DTYPE_OTHER }, { "F6_E3M2", 6, WA_DTYPE_OTHER },
    { "F4", 4, WA_DTYPE_OTHER },
};

#define N_TYPES (sizeof types / sizeof *types)

/* ---------------------------------------------------------------- files that are something else */

#define CONVERT "save the weights with safetensors.torch.save_file() or safetensors.numpy.save_file()"

static const struct {
    const char *magic;
    size_t      n_magic;
    const char *is, *mend;
} foreign[] = {
    { "\x80\x02", 2, "a Python pickle", CONVERT },
    { "\x80\x03", 2, "a Python pickle", CONVERT },
    { "\x80\x04", 2, "a Python pickle", CONVERT },
    { "\x80\x05", 2, "a Python pickle", CONVERT },
    { "\x93NUMPY", 6, "a NumPy .npy array", CONVERT },
    { "\x89HDF\r\n", 6, "an HDF5 (Keras) file", CONVERT },
    { "GGUF", 4, "a GGUF model", CONVERT },
    { "SQLite format 3", 15, "an SQLite database", CONVERT },
    { "version https://git-lfs", 23, "a Git LFS pointer, not the file itself", "fetch it with `git lfs pull`" },
    { "<<<<<<<", 7, "a file with a git conflict in it", "check out the version that is meant" },
    { "<", 1, "an HTML or XML page, perhaps an error message of the server", "download the file again" },
    { "{", 1, "JSON text without the 8 bytes before it that give its length", CONVERT },
};

/* What a zip is, told by the name of its first member, which begins at byte 30. Source: torch.save(), numpy.savez(). */
static const char *name_zip(wa_text bytes)
{
    const size_t n_name = bytes.n_bytes < 30 ? 0 : (unsigned char)bytes.data[26] + (size_t)(unsigned char)bytes.data[27] * 256;

    if (n_name == 0 || bytes.n_bytes - 30 < n_name)
        return "a zip archive";
    const wa_text name = { bytes.data + 30, n_name };
    if (wa_text_ends(name, ".npy"))
        return "a NumPy .npz archive";
    if (wa_text_ends(name, ".pkl") || wa_text_ends(name, "/version") || wa_text_ends(name, "/.format_version"))
        return "a PyTorch .pt file";
    return "a zip archive";
}

/* Fails with the name of what the file is, where it is something known. */
static wa_status check_foreign(const wa_safetensors *s, wa_error *err)
{
    const wa_text bytes = s->file.bytes;

    if (wa_text_begins(bytes, wa_text_of("PK\x03\x04")))
        return wa_fail(err, WA_EFORMAT, "%s: this is %s, expected safetensors; %s", s->path, name_zip(bytes), CONVERT);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (wa_text_begins(bytes, (wa_text){ foreign[i].magic, foreign[i].n_magic }))
            return wa_fail(err, WA_EFORMAT, "%s: this is %s, expected safetensors; %s", s->path, foreign[i].is, foreign[i].mend);
    return WA_OK;
}

/* ---------------------------------------------------------------- one tensor */

#define IN_TENSOR "%s: tensor %s: "

static bool is_size(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static const char *kind_of(const json_t *value)
{
    static const char *const kinds[] = {
        [JSON_OBJECT]  = "an object",
        [JSON_ARRAY]   = "an array",
        [JSON_STRING]  = "a string",
        [JSON_INTEGER] = "an integer",
        [JSON_REAL]    = "a number with a point or an exponent",
        [JSON_TRUE]    = "true",
        [JSON_FALSE]   = "false",
        [JSON_NULL]    = "null",
    };

    if (!value)
        return "nothing";
    return json_is_integer(value) && !is_size(value) ? "a negative integer" : kinds[json_typeof(value)];
}

/* A tensor while it is read. */
typedef struct reading {
    const char      *path, *name; /* the name fit for a message */
    wa_tensor_entry *entry;
    size_t           n_bits; /* of one value */
} reading;

static wa_status read_type(reading *r, const json_t *value, wa_error *err)
{
    if (!json_is_string(value))
        return wa_fail(err, WA_EFORMAT, IN_TENSOR "dtype is %s, expected a string such as \"F32\"", r->path, r->name,
                       kind_of(value));
    const wa_text name = { json_string_value(value), json_string_length(value) };
    for (size_t i = 0; i < N_TYPES; i++) {
        if (!wa_text_is(name, types[i].name))
            continue;
        r->entry->dtype      = types[i].dtype;
        r->entry->dtype_name = types[i].name;
        r->n_bits            = types[i].n_bits;
        return WA_OK;
    }
    return wa_fail(err, WA_EFORMAT, IN_TENSOR "dtype is %s, which safetensors does not have; save the tensor as F32", r->path,
                   r->name, wa_show(name).quoted);
}

static wa_status read_shape(reading *r, const json_t *value, wa_error *err)
{
    wa_status              st = WA_OK;
    wa_tensor_entry *const e  = r->entry;

    if (!json_is_array(value))
        WA_FAIL(WA_EFORMAT, IN_TENSOR "shape is %s, expected an array of integers", r->path, r->name, kind_of(value));
    e->rank     = json_array_size(value);
    e->n_values = 1;
    for (size_t i = 0; i < e->rank; i++) {
        const json_t *const n = json_array_get(value, i);

        if (!is_size(n))
            WA_FAIL(WA_EFORMAT, IN_TENSOR "shape[%zu] is %s, expected an integer from 0", r->path, r->name, i, kind_of(n));
        if (!wa_mul_size(e->n_values, (size_t)json_integer_value(n), &e->n_values))
            WA_FAIL(WA_EFORMAT, IN_TENSOR "the product of its shape is beyond 64 bits", r->path, r->name);
        if (e->rank <= WA_TENSOR_RANK)
            e->shape[i] = (size_t)json_integer_value(n);
    }
done:
    return st;
}

/* data_offsets, into entry->bytes: their agreement with the shape, and that they lie in the data. */
static wa_status read_place(reading *r, const json_t *value, wa_text data, wa_error *err)
{
    wa_status              st = WA_OK;
    wa_tensor_entry *const e  = r->entry;
    size_t                 n_bits;

    if (!json_is_array(value) || json_array_size(value) != 2)
        WA_FAIL(WA_EFORMAT, IN_TENSOR "data_offsets is %s, expected an array of two integers", r->path, r->name,
                json_is_array(value) ? "an array of another length" : kind_of(value));
    const json_t *const first = json_array_get(value, 0), *const last = json_array_get(value, 1);
    if (!is_size(first) || !is_size(last))
        WA_FAIL(WA_EFORMAT, IN_TENSOR "data_offsets has %s, expected integers from 0", r->path, r->name,
                kind_of(is_size(first) ? last : first));
    const size_t begin = (size_t)json_integer_value(first), end = (size_t)json_integer_value(last);
    if (begin > end)
        WA_FAIL(WA_EFORMAT, IN_TENSOR "data_offsets are [%zu, %zu], expected the smaller first", r->path, r->name, begin, end);
    if (!wa_mul_size(e->n_values, r->n_bits, &n_bits))
        WA_FAIL(WA_EFORMAT, IN_TENSOR "the size of its %zu values is beyond 64 bits", r->path, r->name, e->n_values);
    if (n_bits % 8 != 0)
        WA_FAIL(WA_EFORMAT, IN_TENSOR "its %zu values of %s have %zu bits, expected whole bytes", r->path, r->name, e->n_values,
                e->dtype_name, n_bits);
    if (end - begin != n_bits / 8)
        WA_FAIL(WA_EFORMAT, IN_TENSOR "data_offsets are %zu bytes apart, expected %zu for %zu values of %s", r->path, r->name,
                end - begin, n_bits / 8, e->n_values, e->dtype_name);
    if (end > data.n_bytes)
        WA_FAIL(WA_EFORMAT, IN_TENSOR "it ends at byte %zu of the data, but the file has only %zu; is the download complete?",
                r->path, r->name, end, data.n_bytes);
    e->bytes = (wa_text){ data.data + begin, end - begin };
done:
    return st;
}

static wa_status read_entry(wa_safetensors *s, wa_text name, json_t *value, wa_error *err)
{
    wa_status              st    = WA_OK;
    const wa_shown         shown = wa_show(name);
    wa_tensor_entry *const e     = &s->entries[s->n_entries];
    reading                r     = { .path = s->path, .name = shown.quoted, .entry = e };
    const char            *key;
    json_t                *field;

    if (!json_is_object(value))
        WA_FAIL(WA_EFORMAT, IN_TENSOR "found %s, expected an object with dtype, shape and data_offsets", r.path, r.name,
                kind_of(value));
    json_object_foreach(value, key, field)
    {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 && strcmp(key, "data_offsets") != 0)
            WA_FAIL(WA_EFORMAT, IN_TENSOR "unknown field %s, expected dtype, shape and data_offsets only", r.path, r.name,
                    wa_show(wa_text_of(key)).quoted);
    }
    *e = (wa_tensor_entry){ .name = wa_arena_text(&s->arena, name) };
    if (!e->name.data)
        WA_TRY(wa_fail_memory(err, s->path));
    WA_TRY(read_type(&r, json_object_get(value, "dtype"), err));
    WA_TRY(read_shape(&r, json_object_get(value, "shape"), err));
    WA_TRY(read_place(&r, json_object_get(value, "data_offsets"), s->data, err));
    s->n_entries++;
done:
    return st;
}

/* ---------------------------------------------------------------- the header */

/* The JSON of the header, checked as far as its length and its first and last byte go. */
static wa_status find_header(const wa_safetensors *s, wa_text *header, wa_error *err)
{
    wa_status st     = WA_OK;
    wa_cursor cursor = { .bytes = s->file.bytes };
    uint64_t  n      = 0;

    const bool has_length = wa_cursor_take_u64(&cursor, &n);
    const bool is_inside  = has_length && n <= wa_cursor_left(&cursor) && n <= HEADER_LIMIT;
    if (is_inside)
        wa_cursor_take(&cursor, (size_t)n, header);
    if (is_inside && n > 0 && header->data[0] == '{')
        goto done;
    WA_TRY(check_foreign(s, err));
    if (!has_length)
        WA_FAIL(WA_EFORMAT,
                "%s: the file has %zu bytes, expected at least 8 for the length of its header; is the download complete?", s->path,
                cursor.bytes.n_bytes);
    if (n > HEADER_LIMIT)
        WA_FAIL(WA_EFORMAT, "%s: byte 0: the header claims %llu bytes, expected at most %d; is this a safetensors file?", s->path,
                (unsigned long long)n, HEADER_LIMIT);
    if (!is_inside)
        WA_FAIL(WA_EFORMAT, "%s: byte 0: the header claims %llu bytes, but only %zu follow; is the download complete?", s->path,
                (unsigned long long)n, wa_cursor_left(&cursor));
    if (n == 0)
        WA_FAIL(WA_EFORMAT, "%s: byte 0: the header claims 0 bytes, expected at least '{}'", s->path);
    WA_FAIL(WA_EFORMAT, "%s: byte 8: found %s, expected '{', with which the header begins", s->path,
            wa_show((wa_text){ header->data, 1 }).quoted);
done:
    return st;
}

static wa_status fail_parsing(const wa_safetensors *s, const json_error_t *error, wa_error *err)
{
    const size_t at = 8 + (size_t)(error->position > 0 ? error->position : 0);

    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return wa_fail_memory(err, s->path);
    case json_error_duplicate_key:
        return wa_fail(err, WA_EFORMAT, "%s: byte %zu: %s; every name may be there once: write the file again", s->path, at,
                       error->text);
    default:
        return wa_fail(err, WA_EFORMAT, "%s: byte %zu: the header is not JSON: %s", s->path, at, error->text);
    }
}

static wa_status parse_header(const wa_safetensors *s, wa_text header, json_t **out, wa_error *err)
{
    wa_status    st = WA_OK;
    json_error_t error;

    while (header.data[header.n_bytes - 1] == ' ') /* it begins with '{' */
        header.n_bytes--;
    if (header.data[header.n_bytes - 1] != '}')
        WA_FAIL(WA_EFORMAT, "%s: byte %zu: the header ends in %s, expected '}' and nothing but spaces after it", s->path,
                8 + header.n_bytes - 1, wa_show((wa_text){ header.data + header.n_bytes - 1, 1 }).quoted);
    if (!(*out = json_loadb(header.data, header.n_bytes, JSON_REJECT_DUPLICATES, &error)))
        st = fail_parsing(s, &error, err);
done:
    return st;
}

/* What __metadata__ says has no meaning here, but a file in which it is malformed is malformed. */
static wa_status check_metadata(const wa_safetensors *s, json_t *metadata, wa_error *err)
{
    wa_status   st = WA_OK;
    const char *key;
    json_t     *value;

    if (!json_is_object(metadata))
        WA_FAIL(WA_EFORMAT, "%s: __metadata__ is %s, expected an object of strings", s->path, kind_of(metadata));
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            WA_FAIL(WA_EFORMAT, "%s: __metadata__: %s is %s, expected a string", s->path, wa_show(wa_text_of(key)).quoted,
                    kind_of(value));
    }
done:
    return st;
}

static wa_status read_entries(wa_safetensors *s, json_t *header, wa_error *err)
{
    wa_status   st = WA_OK;
    const char *key;
    json_t     *value;

    s->entries = wa_alloc(s->env, json_object_size(header), sizeof *s->entries);
    s->by_name = wa_alloc(s->env, json_object_size(header), sizeof *s->by_name);
    if (!s->entries || !s->by_name)
        WA_TRY(wa_fail_memory(err, s->path));
    json_object_foreach(header, key, value)
    {
        if (strcmp(key, "__metadata__") == 0)
            WA_TRY(check_metadata(s, value, err));
        else
            WA_TRY(read_entry(s, wa_text_of(key), value, err));
    }
done:
    return st;
}

/* ---------------------------------------------------------------- all tensors together */

static int compare_texts(wa_text a, wa_text b)
{
    const size_t n     = a.n_bytes < b.n_bytes ? a.n_bytes : b.n_bytes;
    const int    order = n > 0 ? memcmp(a.data, b.data, n) : 0;

    return order != 0 ? order : (a.n_bytes > b.n_bytes) - (a.n_bytes < b.n_bytes);
}

static int by_place(const void *a, const void *b)
{
    const wa_tensor_entry *const x = a, *const y = b;

    if (x->bytes.data != y->bytes.data)
        return x->bytes.data < y->bytes.data ? -1 : 1;
    if (x->bytes.n_bytes != y->bytes.n_bytes) /* an empty one comes before what begins where it lies */
        return x->bytes.n_bytes < y->bytes.n_bytes ? -1 : 1;
    return compare_texts(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const wa_tensor_entry *const *const x = a, *const *const y = b;

    return compare_texts((*x)->name, (*y)->name);
}

/* Each tensor begins where the one before it ends, the first at 0, and the last ends with the file. */
static wa_status check_places(const wa_safetensors *s, wa_error *err)
{
    wa_status st  = WA_OK;
    size_t    end = 0;

    for (size_t i = 0; i < s->n_entries; i++) {
        const wa_tensor_entry *const e     = &s->entries[i];
        const size_t                 begin = (size_t)(e->bytes.data - s->data.data);

        if (begin != end)
            WA_FAIL(WA_EFORMAT, IN_TENSOR "it begins at byte %zu of the data, expected %zu, where %s: tensors may not %s", s->path,
                    wa_show(e->name).quoted, begin, end, i > 0 ? "the one before it ends" : "the data begins",
                    begin > end ? "have gaps between them" : "overlap");
        end += e->bytes.n_bytes;
    }
    if (end != s->data.n_bytes)
        WA_FAIL(WA_EFORMAT, "%s: byte %zu: found %zu bytes after the last tensor, expected the end of the file; cut them off",
                s->path, (size_t)(s->data.data - s->file.bytes.data) + end, s->data.n_bytes - end);
done:
    return st;
}

static wa_status read_file(wa_safetensors *s, wa_error *err)
{
    wa_status st     = WA_OK;
    json_t   *json   = NULL;
    wa_text   header = { NULL, 0 };

    WA_TRY(wa_file_read(&s->file, s->path, SIZE_MAX, s->env, err));
    WA_TRY(find_header(s, &header, err));
    s->data = (wa_text){ header.data + header.n_bytes, s->file.bytes.n_bytes - 8 - header.n_bytes };
    WA_TRY(parse_header(s, header, &json, err));
    WA_TRY(read_entries(s, json, err));
    qsort(s->entries, s->n_entries, sizeof *s->entries, by_place);
    WA_TRY(check_places(s, err));
    for (size_t i = 0; i < s->n_entries; i++)
        s->by_name[i] = &s->entries[i];
    qsort(s->by_name, s->n_entries, sizeof *s->by_name, by_name);
done:
    json_decref(json);
    return st;
}

/* Gives the one way to mend a broken header to those messages that name no better one. */
static void advise(wa_error *err)
{
    static const char advice[] = "; write the file again with a safetensors library";

    if (err && !strpbrk(err->message, ";?") && strlen(err->message) + sizeof advice <= sizeof err->message)
        strcat(err->message, advice);
}

wa_status wa_safetensors_open(const char *path, const wa_env *env, wa_safetensors **out, wa_error *err)
{
    wa_status       st = WA_OK;
    wa_safetensors *s  = wa_alloc_zeroed(env, 1, sizeof *s);

    if (!s)
        return wa_fail_memory(err, path);
    s->own_env   = env ? *env : (wa_env){ 0 };
    s->env       = &s->own_env;
    s->arena.env = s->file.env = s->env;
    if (!(s->path = wa_copy_text(s->env, wa_text_of(path))))
        WA_TRY(wa_fail_memory(err, path));
    if ((st = read_file(s, err)) == WA_EFORMAT)
        advise(err);
    WA_TRY(st);
    *out = s;
    s    = NULL;
done:
    wa_safetensors_close(s);
    return st;
}

void wa_safetensors_close(wa_safetensors *s)
{
    if (!s)
        return;
    const wa_env env = s->own_env;
    wa_release(&env, s->by_name);
    wa_release(&env, s->entries);
    wa_release(&env, s->path);
    wa_arena_clear(&s->arena);
    wa_file_clear(&s->file);
    wa_release(&env, s);
}

size_t wa_safetensors_count(const wa_safetensors *s)
{
    return s->n_entries;
}

const wa_tensor_entry *wa_safetensors_entry(const wa_safetensors *s, size_t i)
{
    return &s->entries[i];
}

const wa_tensor_entry *wa_safetensors_find(const wa_safetensors *s, wa_text name)
{
    const wa_tensor_entry key = { .name = name }, *const wanted = &key;
    const wa_tensor_entry *const *const hit = bsearch(&wanted, s->by_name, s->n_entries, sizeof *s->by_name, by_name);

    return hit ? *hit : NULL;
}

/* ---------------------------------------------------------------- values */

/* n <= 8 bytes, little-endian, wherever they lie. */
static uint64_t load(const char *bytes, size_t n)
{
    uint64_t bits = 0;

    for (size_t i = n; i-- > 0;)
        bits = bits << 8 | (unsigned char)bytes[i];
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static double double_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Every half is a float. Source: IEEE 754-2008, 3.4. */
static float half_of(uint32_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 0x3FFu;

    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24 */
        const float size = (float)fraction * 0x1p-24f;

        return sign ? -size : size;
    }
    /* 112 = 127 - 15, the difference of the biases; an infinity or NaN has all bits of the exponent set in both */
    return float_of(sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | fraction << 13);
}

void wa_tensor_entry_read(const wa_tensor_entry *entry, float *out)
{
    const char *const from = entry->bytes.data;

    assert(entry->dtype != WA_DTYPE_OTHER);
    for (size_t i = 0; i < entry->n_values; i++) {
        switch (entry->dtype) {
        case WA_DTYPE_F32:
            out[i] = float_of((uint32_t)load(from + 4 * i, 4));
            break;
        case WA_DTYPE_F64:
            out[i] = (float)double_of(load(from + 8 * i, 8));
            break;
        case WA_DTYPE_F16:
            out[i] = half_of((uint32_t)load(from + 2 * i, 2));
            break;
        case WA_DTYPE_BF16:
            out[i] = float_of((uint32_t)load(from + 2 * i, 2) << 16);
            break;
        case WA_DTYPE_OTHER:
            break;
        }
    }
}

const float *wa_tensor_entry_view(const wa_tensor_entry *entry)
{
    const bool is_native = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

    if (entry->dtype != WA_DTYPE_F32 || !is_native || (uintptr_t)entry->bytes.data % alignof(float) != 0)
        return NULL;
    return (const float *)(const void *)entry->bytes.data;
}
