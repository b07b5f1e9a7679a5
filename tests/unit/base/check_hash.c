/* base/hash: hashes that must never change, against published values. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "suites.h"
#include "support.h"

/* The published FNV-1a 64 of "", "a" and "foobar" (Fowler, Noll & Vo, test vectors of their reference code): cbf29ce484222325,
 * af63dc4c8601ec8c and 85944171f73967e8, each put through fmix64() of MurmurHash3 by hand. */
START_TEST(the_hash_of_a_name_never_changes)
{
    ck_assert_uint_eq(wa_hash(wa_text_of("")), UINT64_C(0xEFD01F60BA992926));
    ck_assert_uint_eq(wa_hash(wa_text_of("a")), UINT64_C(0x82A2A958A9BECE5B));
    ck_assert_uint_eq(wa_hash(wa_text_of("foobar")), UINT64_C(0x2C22194922D1672B));
}
END_TEST

/* The check value of CRC-32 in every catalogue: the digits 1 to 9. */
START_TEST(the_checksum_of_zip_is_the_published_one_however_it_is_cut)
{
    const char *const digits = "123456789";

    ck_assert_uint_eq(wa_crc32(0, digits, 0), 0);
    for (size_t cut = 0; cut <= 9; cut++)
        ck_assert_uint_eq(wa_crc32(wa_crc32(0, digits, cut), digits + cut, 9 - cut), 0xCBF43926);
}
END_TEST

/* ---------------------------------------------------------------- fingerprints */

static uint64_t value_of(wa_digest *digest)
{
    const uint64_t value = wa_digest_value(digest);

    wa_digest_free(digest);
    return value;
}

static wa_digest *new_digest(void)
{
    wa_digest *const digest = wa_digest_new();

    ck_assert_ptr_nonnull(digest);
    return digest;
}

enum { MOST_BYTES = 2367 };

/* The bytes of xxHash's own test (xxhsum, xsum_sanity_check.c, XSUM_fillTestBuffer()). */
static void fill(unsigned char bytes[MOST_BYTES])
{
    uint64_t x = 2654435761u;

    for (size_t i = 0; i < MOST_BYTES; i++, x *= UINT64_C(11400714785074694797))
        bytes[i] = (unsigned char)(x >> 56);
}

/* Its values for seed 0 (XSUM_XXH3_testdata[]): each length takes another way through XXH3. */
static const struct {
    size_t   n;
    uint64_t value;
} published[] = {
    { 0, UINT64_C(0x2D06800538D394C2) },    { 1, UINT64_C(0xC44BDFF4074EECDB) },    { 6, UINT64_C(0x27B56A84CD2D7325) },
    { 12, UINT64_C(0xA713DAF0DFBB77E7) },   { 24, UINT64_C(0xA3FE70BF9D3510EB) },   { 48, UINT64_C(0x397DA259ECBA1F11) },
    { 80, UINT64_C(0xBCDEFBBB2C47C90A) },   { 195, UINT64_C(0xCD94217EE362EC3A) },  { 403, UINT64_C(0xCDEB804D65C6DEA4) },
    { 512, UINT64_C(0x617E49599013CB6B) },  { 2048, UINT64_C(0xDD59E2C3A5F038E0) }, { 2240, UINT64_C(0x6E73A90539CF2948) },
    { 2367, UINT64_C(0xCB37AEB9E5D361ED) },
};

START_TEST(a_fingerprint_is_the_published_one)
{
    unsigned char    bytes[MOST_BYTES];
    wa_digest *const digest = new_digest();

    fill(bytes);
    wa_digest_add(digest, bytes, published[_i].n);
    ck_assert_uint_eq(value_of(digest), published[_i].value);
}
END_TEST

/* Pieces of 1, 2, ... bytes, of none between them, and the value looked at after each: neither changes anything. */
START_TEST(pieces_do_not_change_a_fingerprint)
{
    unsigned char bytes[MOST_BYTES];

    fill(bytes);
    for (size_t step = 1; step < 1000; step += 1 + step / 3) {
        wa_digest *const digest = new_digest();

        for (size_t at = 0; at < published[_i].n; at += step) {
            wa_digest_add(digest, bytes + at, step < published[_i].n - at ? step : published[_i].n - at);
            wa_digest_add(digest, bytes, 0);
            (void)wa_digest_value(digest);
        }
        ck_assert_uint_eq(value_of(digest), published[_i].value);
    }
}
END_TEST

START_TEST(a_number_is_its_eight_bytes_with_the_lowest_first)
{
    wa_digest *const a = new_digest();
    wa_digest *const b = new_digest();

    wa_digest_add_number(a, UINT64_C(0x8877665544332211));
    wa_digest_add(b, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    ck_assert_uint_eq(value_of(a), value_of(b));
}
END_TEST

static uint64_t of_texts(const char *const *texts)
{
    wa_digest *const digest = new_digest();

    for (; *texts; texts++)
        wa_digest_add_text(digest, wa_text_of(*texts));
    return value_of(digest);
}

#define OF_TEXTS(...) of_texts((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(texts_one_after_another_are_told_apart)
{
    const uint64_t values[] = {
        OF_TEXTS("abc"),     OF_TEXTS("ab", "c"), OF_TEXTS("a", "bc"),     OF_TEXTS("a", "b", "c"),
        OF_TEXTS("", "abc"), OF_TEXTS("abc", ""), OF_TEXTS("", "abc", ""), OF_TEXTS("", "", "abc"),
        OF_TEXTS(""),        OF_TEXTS("", ""),    OF_TEXTS(NULL),
    };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(values[i] != values[j], "texts %zu and %zu have the same fingerprint", i, j);
    ck_assert_uint_eq(OF_TEXTS("ab", "c"), values[1]);
}
END_TEST

START_TEST(a_text_is_its_length_and_its_bytes)
{
    wa_digest *const a = new_digest();
    wa_digest *const b = new_digest();

    wa_digest_add_text(a, (wa_text){ NULL, 0 });
    wa_digest_add_text(a, (wa_text){ "n\0l", 3 });
    wa_digest_add(b, "\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0n\0l", 19);
    ck_assert_uint_eq(value_of(a), value_of(b));
    wa_digest_free(NULL);
}
END_TEST

Suite *wa_suite_hash(void)
{
    Suite *const suite = suite_create("hash");
    TCase *const tcase = new_case("hash");

    tcase_add_test(tcase, the_hash_of_a_name_never_changes);
    tcase_add_test(tcase, the_checksum_of_zip_is_the_published_one_however_it_is_cut);
    tcase_add_loop_test(tcase, a_fingerprint_is_the_published_one, 0, sizeof published / sizeof *published);
    tcase_add_loop_test(tcase, pieces_do_not_change_a_fingerprint, 0, sizeof published / sizeof *published);
    tcase_add_test(tcase, a_number_is_its_eight_bytes_with_the_lowest_first);
    tcase_add_test(tcase, texts_one_after_another_are_told_apart);
    tcase_add_test(tcase, a_text_is_its_length_and_its_bytes);
    suite_add_tcase(suite, tcase);
    return suite;
}
