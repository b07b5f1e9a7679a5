/* Writing .npy and .npz: what was written is taken apart again here, by the formats' own descriptions, and every limit of a
 * zip field is met by the record writers, which need no 4 GiB for it. */
#include "suites.h"
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "data/npy.h"

static const float ramp[24] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 };

/* ---------------------------------------------------------------- reading back */

static size_t u16_at(const char *p)
{
    return (unsigned char)p[0] | (size_t)(unsigned char)p[1] << 8;
}

static size_t u32_at(const char *p)
{
    return u16_at(p) | u16_at(p + 2) << 16;
}

static uint64_t u64_at(const char *p)
{
    return u32_at(p) | (uint64_t)u32_at(p + 4) << 32;
}

/* An .npy of version 1.0 whose dictionary is `dict` and whose data are these n floats, as numpy/lib/format.py describes it. */
static void assert_npy(wa_text bytes, const char *dict, const float *data, size_t n)
{
    const size_t n_dict = strlen(dict);

    ck_assert_uint_ge(bytes.n_bytes, 10 + n_dict + 1);
    ck_assert_int_eq(memcmp(bytes.data, "\x93NUMPY\1\0", 8), 0);
    const size_t n_header = 10 + u16_at(bytes.data + 8);
    ck_assert_uint_eq(n_header % 64, 0);
    ck_assert_msg(memcmp(bytes.data + 10, dict, n_dict) == 0, "%.*s", (int)n_header, bytes.data + 10);
    for (size_t i = 10 + n_dict; i < n_header - 1; i++)
        ck_assert_int_eq(bytes.data[i], ' ');
    ck_assert_int_eq(bytes.data[n_header - 1], '\n');
    ck_assert_uint_eq(bytes.n_bytes, n_header + n * sizeof *data);
    ck_assert(n == 0 || memcmp(bytes.data + n_header, data, n * sizeof *data) == 0);
}

/* The bytes of member `i` of a zip, found through the central directory. Checks every field of both headers but its name. */
static wa_text member_at(wa_text zip, size_t i, const char *name, unsigned flags)
{
    const char *const end = zip.data + zip.n_bytes - 22;
    const char       *p   = zip.data + u32_at(end + 16);

    ck_assert_int_eq(memcmp(end, "PK\5\6\0\0\0\0", 8), 0);
    ck_assert_uint_lt(i, u16_at(end + 10));
    ck_assert_ptr_eq(zip.data + u32_at(end + 16) + u32_at(end + 12), end);
    for (; i > 0; i--)
        p += 46 + u16_at(p + 28) + u16_at(p + 30) + u16_at(p + 32);
    ck_assert_int_eq(memcmp(p, "PK\1\2", 4), 0);
    ck_assert_uint_eq(u16_at(p + 4), 3 << 8 | 20); /* Unix, 2.0 */
    ck_assert_uint_eq(u16_at(p + 8), flags);
    ck_assert_uint_eq(u32_at(p + 12), 0x00210000); /* 1980-01-01 00:00 */
    ck_assert_uint_eq(u32_at(p + 38), 0600u << 16);
    ck_assert_uint_eq(u16_at(p + 28), strlen(name));
    ck_assert_int_eq(memcmp(p + 46, name, strlen(name)), 0);
    const char *const local = zip.data + u32_at(p + 42);
    ck_assert_int_eq(memcmp(local, "PK\3\4", 4), 0);
    ck_assert_int_eq(memcmp(local + 4, p + 6, 26 - 4), 0); /* version needed ... sizes are the same */
    ck_assert_int_eq(memcmp(local + 30, name, strlen(name)), 0);
    const wa_text bytes = { local + 30 + u16_at(local + 26) + u16_at(local + 28), u32_at(p + 24) };
    ck_assert_uint_eq(u32_at(p + 20), bytes.n_bytes);
    ck_assert_uint_eq(u32_at(p + 16), wa_crc32(0, bytes.data, bytes.n_bytes));
    ck_assert_uint_eq((size_t)(bytes.data - zip.data) % 64, 0);
    return bytes;
}

/* How many files lie at the path or at a temporary name made from it. */
static size_t count_files(const char *path)
{
    char *const folder = strdup(path), *const name = strrchr(folder, '/') + 1;
    size_t n = 0;

    name[-1]       = '\0';
    DIR *const dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += strncmp(entry->d_name, name, strlen(name)) == 0;
    closedir(dir);
    free(folder);
    return n;
}

/* ---------------------------------------------------------------- checksum */

/* The check value of CRC-32/ISO-HDLC in the catalogue of CRC algorithms; continued in two steps it is the same. */
START_TEST(the_checksum_of_nine_digits_is_the_published_one)
{
    ck_assert_uint_eq(wa_crc32(0, "123456789", 9), 0xCBF43926);
    ck_assert_uint_eq(wa_crc32(wa_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
    ck_assert_uint_eq(wa_crc32(0, NULL, 0), 0);
}
END_TEST

/* ---------------------------------------------------------------- npy */

/* The same length whatever the number of rows, so that a header can be completed when they are counted. */
START_TEST(the_header_of_an_array_is_as_long_for_any_number_of_rows)
{
    static const size_t rows[] = { 0, 6, 99999, SIZE_MAX };
    char                expected[80];

    for (size_t i = 0; i < 4; i++) {
        wa_buf buf = { 0 };

        wa_npy_add_header(&buf, rows[i], 4);
        ck_assert_uint_eq(buf.n_bytes, WA_NPY_HEADER);
        if (rows[i] == 6)
            wa_buf_add(&buf, ramp, sizeof ramp);
        snprintf(expected, sizeof expected, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, 4), }", rows[i]);
        assert_npy(wa_buf_view(&buf), expected, ramp, rows[i] == 6 ? 24 : 0);
        wa_buf_clear(&buf);
    }
}
END_TEST

START_TEST(a_full_disk_is_an_output_error)
{
    wa_npz  *npz;
    wa_error err;

    ck_assert_int_eq(wa_npz_open("/dev/full", NULL, &npz, NULL), WA_OK);
    ck_assert_int_eq(wa_npz_add(npz, wa_text_of("a"), ramp, 1, (const size_t[]){ 24 }, NULL), WA_OK);
    ck_assert_int_eq(wa_npz_commit(npz, &err), WA_EIO);
    ck_assert_str_eq(err.message, "/dev/full: cannot write: No space left on device");
}
END_TEST

/* ---------------------------------------------------------------- npz */

static wa_status write_arrays(const char *path, const wa_env *env, wa_error *err)
{
    wa_npz   *npz = NULL;
    wa_status st  = wa_npz_open(path, env, &npz, err);

    if (st == WA_OK)
        st = wa_npz_add(npz, wa_text_of("0/embed.output"), ramp, 2, (const size_t[]){ 6, 4 }, err);
    if (st == WA_OK)
        st = wa_npz_add(npz, wa_text_of("attention.0.weights"), ramp, 3, (const size_t[]){ 2, 3, 4 }, err);
    if (st == WA_OK)
        st = wa_npz_add(npz, wa_text_of("\xC3\xA9t\xC3\xA9"), ramp, 1, (const size_t[]){ 3 }, err);
    if (st == WA_OK)
        st = wa_npz_add(npz, wa_text_of("scalar"), ramp + 7, 0, NULL, err);
    if (st == WA_OK)
        st = wa_npz_add(npz, wa_text_of("none"), NULL, 2, (const size_t[]){ 0, 4 }, err);
    if (st == WA_OK)
        return wa_npz_commit(npz, err);
    wa_npz_discard(npz);
    return st;
}

START_TEST(an_archive_has_its_arrays_in_the_order_they_were_added)
{
    const char *const path = scratch_path("five.npz");
    size_t            n;

    ck_assert_int_eq(write_arrays(path, NULL, NULL), WA_OK);
    char *const   bytes = read_file(path, &n);
    const wa_text zip   = { bytes, n };
    assert_npy(member_at(zip, 0, "0/embed.output.npy", 0), "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }", ramp, 24);
    assert_npy(member_at(zip, 1, "attention.0.weights.npy", 0), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }",
               ramp, 24);
    assert_npy(member_at(zip, 2, "\xC3\xA9t\xC3\xA9.npy", 0x800), "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", ramp,
               3);
    assert_npy(member_at(zip, 3, "scalar.npy", 0), "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", ramp + 7, 1);
    assert_npy(member_at(zip, 4, "none.npy", 0), "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", NULL, 0);
    ck_assert_uint_eq(u16_at(bytes + n - 12), 5);
    ck_assert_uint_eq(count_files(path), 1);
    free(bytes);
}
END_TEST

static void expect_next(wa_cursor *archive, const char *name, size_t rank, const size_t *shape, const float *data, size_t n)
{
    wa_npz_array array;

    ck_assert(wa_npz_next(archive, &array));
    ck_assert(wa_text_is(array.name, name));
    ck_assert_uint_eq(array.rank, rank);
    ck_assert(rank == 0 || memcmp(array.shape, shape, rank * sizeof *shape) == 0);
    ck_assert_uint_eq(array.n_values, n);
    ck_assert_uint_eq(array.bytes.n_bytes, n * sizeof *data);
    ck_assert(n == 0 || memcmp(array.bytes.data, data, n * sizeof *data) == 0);
}

START_TEST(arrays_are_read_back_from_front_to_end)
{
    const char *const path = scratch_path("back.npz");
    size_t            n;
    wa_npz_array      array;

    ck_assert_int_eq(write_arrays(path, NULL, NULL), WA_OK);
    char *const bytes   = read_file(path, &n);
    wa_cursor   archive = { { bytes, n }, 0 };
    expect_next(&archive, "0/embed.output", 2, (const size_t[]){ 6, 4 }, ramp, 24);
    expect_next(&archive, "attention.0.weights", 3, (const size_t[]){ 2, 3, 4 }, ramp, 24);
    expect_next(&archive, "\xC3\xA9t\xC3\xA9", 1, (const size_t[]){ 3 }, ramp, 3);
    expect_next(&archive, "scalar", 0, NULL, ramp + 7, 1);
    expect_next(&archive, "none", 2, (const size_t[]){ 0, 4 }, NULL, 0);
    const size_t end = archive.at;
    ck_assert(!wa_npz_next(&archive, &array));
    ck_assert_uint_eq(archive.at, end);
    free(bytes);
}
END_TEST

START_TEST(what_is_no_whole_array_is_not_taken)
{
    const char *const path = scratch_path("whole.npz");
    size_t            n, n_taken = 0;
    wa_npz_array      array;

    ck_assert_int_eq(write_arrays(path, NULL, NULL), WA_OK);
    char *const bytes = read_file(path, &n);
    for (size_t most = 0; most < n; most++) { /* every beginning of the file, in memory of that size, gives no more than it has */
        char *const copy    = malloc(most + !most);
        wa_cursor   archive = { { copy, most }, 0 };
        size_t      n_here  = 0;

        memcpy(copy, bytes, most);
        while (wa_npz_next(&archive, &array))
            n_here++;
        ck_assert_uint_ge(n_here, n_taken);
        n_taken = n_here;
        free(copy);
    }
    ck_assert_uint_eq(n_taken, 5);
    for (size_t i = 0; i < 256; i++) { /* no byte of both headers of the first one is read beyond what is there */
        wa_cursor  archive = { { bytes, n }, 0 };
        const char before  = bytes[i];

        bytes[i] = (char)~before;
        while (wa_npz_next(&archive, &array))
            ck_assert_uint_le(array.n_values, n / sizeof(float));
        bytes[i] = before;
    }
    free(bytes);
}
END_TEST

START_TEST(the_same_arrays_give_the_same_bytes)
{
    const char *const first = scratch_path("same.npz"), *const second = scratch_path("same-again.npz");
    size_t n_first, n_second;

    ck_assert_int_eq(write_arrays(first, NULL, NULL), WA_OK);
    ck_assert_int_eq(write_arrays(second, NULL, NULL), WA_OK);
    char *const a = read_file(first, &n_first), *const b = read_file(second, &n_second);
    ck_assert_uint_eq(n_first, n_second);
    ck_assert_int_eq(memcmp(a, b, n_first), 0);
    free(a);
    free(b);
}
END_TEST

START_TEST(an_archive_without_arrays_is_an_archive)
{
    const char *const path = scratch_path("no-arrays.npz");
    wa_npz           *npz;
    size_t            n;

    ck_assert_int_eq(wa_npz_open(path, NULL, &npz, NULL), WA_OK);
    ck_assert_int_eq(wa_npz_commit(npz, NULL), WA_OK);
    char *const bytes = read_file(path, &n);
    ck_assert_uint_eq(n, 22);
    ck_assert_int_eq(memcmp(bytes, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22), 0);
    free(bytes);
}
END_TEST

static void assert_name_refused(wa_npz *npz, wa_text name, const char *message)
{
    wa_error err;

    ck_assert_int_eq(wa_npz_add(npz, name, ramp, 1, (const size_t[]){ 3 }, &err), WA_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err.message, message));
}

START_TEST(a_refused_name_leaves_the_archive_as_it_was)
{
    const char *const path = scratch_path("names.npz");
    char *const       name = calloc(65532, 1);
    wa_npz           *npz;
    size_t            n;

    memset(name, 'x', 65532);
    ck_assert_int_eq(wa_npz_open(path, NULL, &npz, NULL), WA_OK);
    ck_assert_int_eq(wa_npz_add(npz, wa_text_of("a"), ramp, 1, (const size_t[]){ 3 }, NULL), WA_OK);
    assert_name_refused(npz, wa_text_of("a"), "names.npz: two arrays have the name 'a'");
    assert_name_refused(npz, wa_text_of("\xFF"), "names.npz: the array's name '\\xFF' is not UTF-8");
    assert_name_refused(npz, (wa_text){ name, 65532 }, "has 65532 bytes, expected at most 65531");
    ck_assert_int_eq(wa_npz_add(npz, (wa_text){ name, 65531 }, ramp, 1, (const size_t[]){ 3 }, NULL), WA_OK);
    ck_assert_int_eq(wa_npz_commit(npz, NULL), WA_OK);
    char *const bytes = read_file(path, &n);
    ck_assert_uint_eq(u16_at(bytes + n - 12), 2);
    member_at((wa_text){ bytes, n }, 0, "a.npy", 0);
    free(bytes);
    free(name);
}
END_TEST

START_TEST(a_shape_beyond_memory_is_refused)
{
    const char *const path = scratch_path("shape.npz");
    wa_npz           *npz;

    ck_assert_int_eq(wa_npz_open(path, NULL, &npz, NULL), WA_OK);
    ck_assert_int_eq(wa_npz_add(npz, wa_text_of("a"), ramp, 2, (const size_t[]){ SIZE_MAX, 2 }, NULL), WA_ENOMEM);
    wa_npz_discard(npz);
    ck_assert_uint_eq(count_files(path), 0);
}
END_TEST

/* ---------------------------------------------------------------- zip64: APPNOTE 4.3.9, 4.3.14-16, 4.4.8, 4.5.3 */

/* The data of the zip64 field among the extra fields at `p`; NULL where there is none. */
static const char *zip64_field(const char *p, size_t n, size_t *n_field)
{
    for (size_t at = 0; at + 4 <= n; at += 4 + *n_field) {
        *n_field = u16_at(p + at + 2);
        if (u16_at(p + at) == 1)
            return p + at + 4;
    }
    return NULL;
}

START_TEST(a_local_header_gives_both_sizes_in_64_bits_from_the_first_that_does_not_fit)
{
    static const uint64_t offsets[] = { 0, 1, 63, 64, 0xFFFFFFFF, 0x123456789 };
    static const uint64_t sizes[]   = { 0, 0xFFFFFFFE, 0xFFFFFFFF, 0x100000000 };

    for (size_t i = 0; i < 24; i++) {
        const wa_zip_member m     = { .name = wa_text_of("a.npy"), .offset = offsets[i % 6], .n_bytes = sizes[i / 6] };
        wa_buf              buf   = { 0 };
        size_t              n     = 0;
        const bool          is_64 = m.n_bytes >= 0xFFFFFFFF;

        wa_zip_add_local(&buf, &m);
        const char *const field = zip64_field(buf.data + 35, u16_at(buf.data + 28), &n);
        ck_assert_uint_eq((m.offset + buf.n_bytes) % 64, 0);
        ck_assert_uint_eq(buf.n_bytes, 30 + 5 + u16_at(buf.data + 28));
        ck_assert_int_eq(field != NULL, is_64);
        ck_assert_uint_eq(u16_at(buf.data + 4), is_64 ? 45 : 20);
        ck_assert_uint_eq(u32_at(buf.data + 22), is_64 ? 0xFFFFFFFF : m.n_bytes);
        ck_assert(!field || (n == 16 && u64_at(field) == m.n_bytes && u64_at(field + 8) == m.n_bytes));
        wa_buf_clear(&buf);
    }
}
END_TEST

START_TEST(a_central_record_gives_in_64_bits_only_what_does_not_fit)
{
    static const struct {
        uint64_t n_bytes, offset;
        size_t   n_field;
    } cases[] = { { 0xFFFFFFFE, 0xFFFFFFFE, 0 }, { 0xFFFFFFFF, 7, 16 }, { 7, 0xFFFFFFFF, 8 }, { 0x100000000, 0x200000000, 24 } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const wa_zip_member m   = { .name = wa_text_of("a.npy"), .offset = cases[i].offset, .n_bytes = cases[i].n_bytes };
        wa_buf              buf = { 0 };
        size_t              n   = 0;

        wa_zip_add_central(&buf, &m);
        const char *const field = zip64_field(buf.data + 51, u16_at(buf.data + 30), &n);
        ck_assert_uint_eq(n, cases[i].n_field);
        ck_assert_uint_eq(u32_at(buf.data + 24), m.n_bytes >= 0xFFFFFFFF ? 0xFFFFFFFF : m.n_bytes);
        ck_assert_uint_eq(u32_at(buf.data + 42), m.offset >= 0xFFFFFFFF ? 0xFFFFFFFF : m.offset);
        ck_assert(n < 16 || (u64_at(field) == m.n_bytes && u64_at(field + 8) == m.n_bytes));
        ck_assert(n % 16 == 0 || u64_at(field + n - 8) == m.offset);
        ck_assert_uint_eq(buf.n_bytes, 46 + 5 + u16_at(buf.data + 30));
        wa_buf_clear(&buf);
    }
}
END_TEST

START_TEST(the_end_has_a_zip64_record_where_a_count_size_or_offset_needs_it)
{
    static const struct {
        uint64_t n_members, offset, n_bytes;
        bool     is_64;
    } cases[] = { { 0xFFFE, 0xFFFFFFFE, 0xFFFFFFFE, false },
                  { 0xFFFF, 5, 6, true },
                  { 3, 0xFFFFFFFF, 6, true },
                  { 3, 5, 0xFFFFFFFF, true },
                  { 0x12345, 0x123456789, 0x234567890, true } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wa_buf buf = { 0 };

        wa_zip_add_end(&buf, cases[i].n_members, cases[i].offset, cases[i].n_bytes);
        const char *const end = buf.data + buf.n_bytes - 22;
        ck_assert_int_eq(memcmp(end, "PK\5\6", 4), 0);
        ck_assert_uint_eq(u16_at(end + 10), cases[i].n_members >= 0xFFFF ? 0xFFFF : cases[i].n_members);
        ck_assert_uint_eq(u32_at(end + 12), cases[i].n_bytes >= 0xFFFFFFFF ? 0xFFFFFFFF : cases[i].n_bytes);
        ck_assert_uint_eq(u32_at(end + 16), cases[i].offset >= 0xFFFFFFFF ? 0xFFFFFFFF : cases[i].offset);
        ck_assert_uint_eq(buf.n_bytes, cases[i].is_64 ? 56 + 20 + 22 : 22);
        if (cases[i].is_64) {
            ck_assert_int_eq(memcmp(buf.data, "PK\6\6", 4), 0);
            ck_assert_uint_eq(u64_at(buf.data + 4), 56 - 12);
            ck_assert_uint_eq(u64_at(buf.data + 24), cases[i].n_members);
            ck_assert_uint_eq(u64_at(buf.data + 32), cases[i].n_members);
            ck_assert_uint_eq(u64_at(buf.data + 40), cases[i].n_bytes);
            ck_assert_uint_eq(u64_at(buf.data + 48), cases[i].offset);
            ck_assert_int_eq(memcmp(buf.data + 56, "PK\6\7", 4), 0);
            ck_assert_uint_eq(u64_at(buf.data + 64), cases[i].offset + cases[i].n_bytes);
            ck_assert_uint_eq(u32_at(buf.data + 72), 1);
        }
        wa_buf_clear(&buf);
    }
}
END_TEST

/* ---------------------------------------------------------------- memory */

static wa_status npz_body(const wa_env *env, void *path)
{
    const wa_status st = write_arrays(path, env, NULL);

    ck_assert_uint_eq(count_files(path), st == WA_OK);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_leaves_no_file)
{
    char path[200];

    snprintf(path, sizeof path, "%s", scratch_path("failing.npz"));
    every_allocation_fails_in_turn(npz_body, path, 400);
}
END_TEST

Suite *wa_suite_npy(void)
{
    Suite *const suite = suite_create("npy");
    TCase *const tcase = new_case("npy");

    tcase_add_test(tcase, the_checksum_of_nine_digits_is_the_published_one);
    tcase_add_test(tcase, the_header_of_an_array_is_as_long_for_any_number_of_rows);
    tcase_add_test(tcase, a_full_disk_is_an_output_error);
    tcase_add_test(tcase, an_archive_has_its_arrays_in_the_order_they_were_added);
    tcase_add_test(tcase, arrays_are_read_back_from_front_to_end);
    tcase_add_test(tcase, what_is_no_whole_array_is_not_taken);
    tcase_add_test(tcase, the_same_arrays_give_the_same_bytes);
    tcase_add_test(tcase, an_archive_without_arrays_is_an_archive);
    tcase_add_test(tcase, a_refused_name_leaves_the_archive_as_it_was);
    tcase_add_test(tcase, a_shape_beyond_memory_is_refused);
    tcase_add_test(tcase, a_local_header_gives_both_sizes_in_64_bits_from_the_first_that_does_not_fit);
    tcase_add_test(tcase, a_central_record_gives_in_64_bits_only_what_does_not_fit);
    tcase_add_test(tcase, the_end_has_a_zip64_record_where_a_count_size_or_offset_needs_it);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_leaves_no_file);
    suite_add_tcase(suite, tcase);
    return suite;
}
