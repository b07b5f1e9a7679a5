/* Reading safetensors: values against bit patterns of IEEE 754, a file of the reference implementation, and broken files, each
 * with its message. */
#include "suites.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/safetensors.h"

/* A file of a header and data, in `buf`. */
static void build(wa_buf *buf, const char *json, size_t n_json, const void *data, size_t n_data)
{
    char length[8];

    for (size_t i = 0; i < 8; i++)
        length[i] = (char)(n_json >> 8 * i);
    wa_buf_add(buf, length, 8);
    wa_buf_add(buf, json, n_json);
    wa_buf_add(buf, data, n_data);
}

static const char *file_of(const char *json, const void *data, size_t n_data)
{
    wa_buf buf = { 0 };

    build(&buf, json, strlen(json), data, n_data);
    const char *const path = scratch_file("a.safetensors", buf.data, buf.n_bytes);
    wa_buf_clear(&buf);
    return path;
}

/* A message that asks nothing and names no way to mend has the general one behind it. */
static const char *with_advice(const char *message)
{
    static char whole[1024];

    snprintf(whole, sizeof whole, "%s%s", message,
             strpbrk(message, ";?") ? "" : "; write the file again with a safetensors library");
    return whole;
}

/* The file at `path` is refused with "path: message". */
static void assert_refused(const char *path, const char *message)
{
    wa_safetensors *file = NULL;
    wa_error        err  = { WA_OK, "" };

    ck_assert_msg(wa_safetensors_open(path, NULL, &file, &err) == WA_EFORMAT, "opened, expected: %s", message);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(strncmp(err.message, path, strlen(path)), 0);
    ck_assert_str_eq(err.message + strlen(path), with_advice(message));
}

static wa_safetensors *open_good(const char *path)
{
    wa_safetensors *file = NULL;
    wa_error        err  = { WA_OK, "" };

    ck_assert_msg(wa_safetensors_open(path, NULL, &file, &err) == WA_OK, "%s", err.message);
    return file;
}

/* ---------------------------------------------------------------- good files */

/* tests/golden/decoder/weights.safetensors was written by safetensors.torch; the shapes are those of its case.yaml (D 224, H 4,
 * E 56, 500 words). */
START_TEST(a_file_of_the_reference_implementation_opens)
{
    static const struct {
        const char *name;
        size_t      rank, shape[2];
    } expected[] = {
        { "attention.0.key.bias", 1, { 224, 0 } },
        { "attention.0.key.weight", 2, { 224, 224 } },
        { "attention.0.output.bias", 1, { 224, 0 } },
        { "attention.0.output.weight", 2, { 224, 224 } },
        { "attention.0.query.bias", 1, { 224, 0 } },
        { "attention.0.query.weight", 2, { 224, 224 } },
        { "attention.0.value.bias", 1, { 224, 0 } },
        { "attention.0.value.weight", 2, { 224, 224 } },
        { "norm.0.bias", 1, { 224, 0 } },
        { "norm.0.weight", 1, { 224, 0 } },
        { "vocabulary.bias", 1, { 500, 0 } },
        { "vocabulary.weight", 2, { 500, 224 } },
    };
    wa_safetensors *const file = open_good("tests/golden/decoder/weights.safetensors");

    ck_assert_uint_eq(wa_safetensors_count(file), sizeof expected / sizeof *expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const wa_tensor_entry *const e = wa_safetensors_entry(file, i);

        ck_assert(wa_text_is(e->name, expected[i].name));
        ck_assert_ptr_eq(wa_safetensors_find(file, wa_text_of(expected[i].name)), e);
        ck_assert_uint_eq(e->rank, expected[i].rank);
        ck_assert_uint_eq(e->shape[0], expected[i].shape[0]);
        ck_assert_uint_eq(e->shape[1], expected[i].shape[1]);
        ck_assert_int_eq(e->dtype, WA_DTYPE_F32);
    }
    ck_assert_ptr_null(wa_safetensors_find(file, wa_text_of("norm.0")));
    ck_assert_ptr_null(wa_safetensors_find(file, wa_text_of("")));
    wa_safetensors_close(file);
}
END_TEST

static void assert_values(const char *dtype, const void *data, size_t n_data, const float *expected, size_t n)
{
    char  json[200];
    float found[16];

    /* one byte before it, so that the tensor lies at an odd address */
    snprintf(json, sizeof json,
             "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
             "\"x\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[1,%zu]}}",
             dtype, n, n_data + 1);
    char *const bytes = calloc(n_data + 1, 1);
    memcpy(bytes + 1, data, n_data);
    wa_safetensors *const        file = open_good(file_of(json, bytes, n_data + 1));
    const wa_tensor_entry *const x    = wa_safetensors_find(file, wa_text_of("x"));
    ck_assert_str_eq(x->dtype_name, dtype);
    ck_assert_uint_eq(x->n_values, n);
    wa_tensor_entry_read(x, found);
    for (size_t i = 0; i < n; i++) {
        if (isnan(expected[i]))
            ck_assert_msg(isnan(found[i]), "%s value %zu is %g", dtype, i, (double)found[i]);
        else
            ck_assert_msg(memcmp(&found[i], &expected[i], sizeof(float)) == 0, "%s value %zu is %a, expected %a", dtype, i,
                          (double)found[i], (double)expected[i]);
    }
    wa_safetensors_close(file);
    free(bytes);
}

/* IEEE 754-2008, table 3.5: 1, -2, largest, smallest normal, largest and smallest subnormal, infinities, a NaN, zeros. */
START_TEST(halves_are_widened_exactly)
{
    static const unsigned char halves[]   = { 0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x00, 0x04, 0xFF, 0x03, 0x01,
                                              0x80, 0x00, 0x7C, 0x00, 0xFC, 0x01, 0x7E, 0x00, 0x00, 0x00, 0x80 };
    static const float         expected[] = { 1, -2, 65504, 0x1p-14f, 0x3FFp-24f, -0x1p-24f, INFINITY, -INFINITY, NAN, 0, -0.0f };

    assert_values("F16", halves, sizeof halves, expected, 11);
}
END_TEST

/* A BF16 is the upper half of a float: 0x3F80 is 1, 0x4049 is 3.140625, 0x0001 is 2^-133, 0xFF80 is -infinity. */
START_TEST(brain_floats_are_widened_exactly)
{
    static const unsigned char brains[]   = { 0x80, 0x3F, 0x49, 0x40, 0x01, 0x00, 0x80, 0xFF, 0xC0, 0x7F };
    static const float         expected[] = { 1, 3.140625f, 0x1p-133f, -INFINITY, NAN };

    assert_values("BF16", brains, sizeof brains, expected, 5);
}
END_TEST

/* 0x3FB999999999999A is 0.1; 0x3FF0000010000000 lies halfway between 1 and the next float and goes to the even one;
 * 0x7FE0000000000000 is beyond the floats. */
START_TEST(doubles_are_rounded_to_the_nearest_float)
{
    static const unsigned char doubles[]  = { 0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F, 0x00, 0x00, 0x00,
                                              0x10, 0x00, 0x00, 0xF0, 0x3F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                              0xE0, 0x7F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0 };
    static const float         expected[] = { 0.1f, 1, INFINITY, -2 };

    assert_values("F64", doubles, sizeof doubles, expected, 4);
}
END_TEST

START_TEST(floats_are_taken_as_they_are)
{
    static const unsigned char floats[]   = { 0x00, 0x00, 0x80, 0x3F, 0xDB, 0x0F, 0x49, 0x40,
                                              0x01, 0x00, 0x00, 0x80, 0x00, 0x00, 0xC0, 0x7F };
    static const float         expected[] = { 1, 3.14159274f, -0x1p-149f, NAN };

    assert_values("F32", floats, sizeof floats, expected, 4);
}
END_TEST

START_TEST(a_view_is_given_only_where_floats_are_aligned)
{
    static const char aligned[]   = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  "; /* 8 + 56 bytes */
    static const char unaligned[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}   ";
    static const char doubles[]   = "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}  ";
    const float       data[2]     = { 1.5f, -2 };

    wa_safetensors *file = open_good(file_of(aligned, data, sizeof data));
    const float    *view = wa_tensor_entry_view(wa_safetensors_entry(file, 0));
    ck_assert_ptr_nonnull(view);
    ck_assert_int_eq(memcmp(view, data, sizeof data), 0);
    wa_safetensors_close(file);
    file = open_good(file_of(unaligned, data, sizeof data));
    ck_assert_ptr_null(wa_tensor_entry_view(wa_safetensors_entry(file, 0)));
    wa_safetensors_close(file);
    file = open_good(file_of(doubles, data, sizeof data));
    ck_assert_ptr_null(wa_tensor_entry_view(wa_safetensors_entry(file, 0)));
    wa_safetensors_close(file);
}
END_TEST

/* The format's README: a scalar has shape []; a tensor with a dimension 0 is empty; __metadata__ holds strings; order in the header
 * is free; escapes are JSON's. Sub-byte types need whole bytes: four F6 are three. */
START_TEST(unusual_but_valid_headers_are_read)
{
    wa_safetensors *file =
        open_good(file_of("{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
                          "\"\\u00e9\":{\"shape\":[0,7],\"data_offsets\":[8,8],\"dtype\":\"F32\"},\"a\":{\"dtype\":\"F32\","
                          "\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]},"
                          "\"z\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[16,19]}}   ",
                          "0123456789abcdefxyz", 19));

    ck_assert_uint_eq(wa_safetensors_count(file), 4);
    ck_assert(wa_text_is(wa_safetensors_entry(file, 0)->name, "a"));
    ck_assert_uint_eq(wa_safetensors_entry(file, 0)->rank, 5);
    ck_assert_uint_eq(wa_safetensors_entry(file, 0)->n_values, 2);
    ck_assert_uint_eq(wa_safetensors_entry(file, 0)->shape[0], 0); /* beyond WA_TENSOR_RANK: not kept */
    ck_assert(wa_text_is(wa_safetensors_entry(file, 1)->name, "\xC3\xA9"));
    ck_assert_uint_eq(wa_safetensors_entry(file, 1)->n_values, 0);
    ck_assert_uint_eq(wa_safetensors_entry(file, 1)->shape[1], 7);
    ck_assert_uint_eq(wa_safetensors_entry(file, 2)->n_values, 1);
    ck_assert_int_eq(wa_safetensors_entry(file, 2)->dtype, WA_DTYPE_OTHER);
    ck_assert_str_eq(wa_safetensors_entry(file, 2)->dtype_name, "I64");
    ck_assert_int_eq(memcmp(wa_safetensors_entry(file, 3)->bytes.data, "xyz", 3), 0);
    wa_safetensors_close(file);
    file = open_good(file_of("{}", "", 0));
    ck_assert_uint_eq(wa_safetensors_count(file), 0);
    ck_assert_ptr_null(wa_safetensors_find(file, wa_text_of("a")));
    wa_safetensors_close(file);
    wa_safetensors_close(NULL);
}
END_TEST

/* ---------------------------------------------------------------- broken files */

#define TENSOR(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define GOOD_A                        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"

/* Each with 8 bytes of data. The messages are ours; the rules are those of the reference's validate() and README. */
static const struct {
    const char *json, *message;
} broken[] = {
    { "[]", ": byte 8: found '[', expected '{', with which the header begins" },
    { "\xEF\xBB\xBF{}", ": byte 8: found '\\xEF', expected '{', with which the header begins" },
    { " {}", ": byte 8: found ' ', expected '{', with which the header begins" },
    { "{}\n", ": byte 10: the header ends in '\\x0A', expected '}' and nothing but spaces after it" },
    { "{", ": byte 8: the header ends in '{', expected '}' and nothing but spaces after it" },
    { "{\"a\"}", ": byte 13: the header is not JSON: ':' expected near '}'" },
    { "{}}", ": byte 11: the header is not JSON: end of file expected near '}'" },
    { "{\"\xFF\":1}", ": byte 10: the header is not JSON: unable to decode byte 0xff near '\"'" },
    { "{" GOOD_A "," GOOD_A "}",
      ": byte 65: duplicate object key near '\"a\"'; every name may be there once: write the file again" },
    { "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
      ": byte 35: duplicate object key near '\"dtype\"'; every name may be there once: write the file again" },
    { "{\"__metadata__\":7}", ": __metadata__ is an integer, expected an object of strings" },
    { "{\"__metadata__\":{\"a\":{}}}", ": __metadata__: 'a' is an object, expected a string" },
    { "{\"a\":5}", ": tensor 'a': found an integer, expected an object with dtype, shape and data_offsets" },
    { "{\"a\":{}}", ": tensor 'a': dtype is nothing, expected a string such as \"F32\"" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", ": tensor 'a': data_offsets is nothing, expected an array of two integers" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"crc\":1}}",
      ": tensor 'a': unknown field 'crc', expected dtype, shape and data_offsets only" },
    { TENSOR("\"f32\"", "[2]", "[0,8]"), ": tensor 'a': dtype is 'f32', which safetensors does not have; save the tensor as F32" },
    { TENSOR("32", "[2]", "[0,8]"), ": tensor 'a': dtype is an integer, expected a string such as \"F32\"" },
    { TENSOR("\"F32\"", "2", "[0,8]"), ": tensor 'a': shape is an integer, expected an array of integers" },
    { TENSOR("\"F32\"", "[-2]", "[0,8]"), ": tensor 'a': shape[0] is a negative integer, expected an integer from 0" },
    { TENSOR("\"F32\"", "[1,2.0]", "[0,8]"),
      ": tensor 'a': shape[1] is a number with a point or an exponent, expected an integer from 0" },
    { TENSOR("\"F32\"", "[1e2]", "[0,8]"),
      ": tensor 'a': shape[0] is a number with a point or an exponent, expected an integer from 0" },
    { TENSOR("\"F32\"", "[4294967296,4294967296]", "[0,8]"), ": tensor 'a': the product of its shape is beyond 64 bits" },
    { TENSOR("\"F32\"", "[4294967296,1073741824]", "[0,8]"),
      ": tensor 'a': the size of its 4611686018427387904 values is beyond 64 bits" },
    { TENSOR("\"F32\"", "[99999999999999999999]", "[0,8]"),
      ": byte 57: the header is not JSON: too big integer near '99999999999999999999'" },
    { TENSOR("\"F32\"", "[2]", "[0]"),
      ": tensor 'a': data_offsets is an array of another length, expected an array of two integers" },
    { TENSOR("\"F32\"", "[2]", "[0,\"8\"]"), ": tensor 'a': data_offsets has a string, expected integers from 0" },
    { TENSOR("\"F32\"", "[2]", "[8,0]"), ": tensor 'a': data_offsets are [8, 0], expected the smaller first" },
    { TENSOR("\"F32\"", "[3]", "[0,8]"), ": tensor 'a': data_offsets are 8 bytes apart, expected 12 for 3 values of F32" },
    { TENSOR("\"F32\"", "[3]", "[0,12]"),
      ": tensor 'a': it ends at byte 12 of the data, but the file has only 8; is the download complete?" },
    { TENSOR("\"F4\"", "[3]", "[0,2]"), ": tensor 'a': its 3 values of F4 have 12 bits, expected whole bytes" },
    { TENSOR("\"F32\"", "[1]", "[4,8]"),
      ": tensor 'a': it begins at byte 4 of the data, expected 0, where the data begins: tensors may not have gaps between them" },
    { "{" GOOD_A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
      ": tensor 'b': it begins at byte 2 of the data, expected 4, where the one before it ends: tensors may not overlap" },
    { "{" GOOD_A ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[6,7]}}",
      ": tensor 'b': it begins at byte 6 of the data, expected 4, where the one before it ends: tensors may not have gaps between "
      "them" },
    { "{" GOOD_A "}", ": byte 66: found 4 bytes after the last tensor, expected the end of the file; cut them off" },
    { "{}", ": byte 10: found 8 bytes after the last tensor, expected the end of the file; cut them off" },
};

START_TEST(each_broken_header_is_refused_with_what_was_found_and_expected)
{
    assert_refused(file_of(broken[_i].json, "01234567", 8), broken[_i].message);
}
END_TEST

#define CONVERT        "save the weights with safetensors.torch.save_file() or safetensors.numpy.save_file()"
#define BYTES(literal) literal, sizeof literal - 1

static const struct {
    const char *bytes;
    size_t      n;
    const char *message;
} strange[] = {
    { BYTES(""), ": the file has 0 bytes, expected at least 8 for the length of its header; is the download complete?" },
    { BYTES("1234567"), ": the file has 7 bytes, expected at least 8 for the length of its header; is the download complete?" },
    { BYTES("\x03\0\0\0\0\0\0\0{}"), ": byte 0: the header claims 3 bytes, but only 2 follow; is the download complete?" },
    { BYTES("\0\0\0\0\0\0\0\0{}"), ": byte 0: the header claims 0 bytes, expected at least '{}'" },
    { BYTES("\1\xE1\xF5\5\0\0\0\0{}"),
      ": byte 0: the header claims 100000001 bytes, expected at most 100000000; is this a safetensors file?" },
    { BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}"),
      ": byte 0: the header claims 18446744073709551615 bytes, expected at most 100000000; is this a safetensors file?" },
    { BYTES("\x80\2}q\0(X\0\0\0\0"), ": this is a Python pickle, expected safetensors; " CONVERT },
    { BYTES("PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl"),
      ": this is a PyTorch .pt file, expected safetensors; " CONVERT },
    { BYTES("PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0a.npy"),
      ": this is a NumPy .npz archive, expected safetensors; " CONVERT },
    { BYTES("PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xFF\xFF\0\0a.npy"),
      ": this is a zip archive, expected safetensors; " CONVERT },
    { BYTES("PK\3\4"), ": this is a zip archive, expected safetensors; " CONVERT },
    { BYTES("\x93NUMPY\1\0v\0"), ": this is a NumPy .npy array, expected safetensors; " CONVERT },
    { BYTES("GGUF\3\0\0\0"), ": this is a GGUF model, expected safetensors; " CONVERT },
    { BYTES("version https://git-lfs.github.com/spec/v1\n"),
      ": this is a Git LFS pointer, not the file itself, expected safetensors; fetch it with `git lfs pull`" },
    { BYTES("<!DOCTYPE html>\n<html>"),
      ": this is an HTML or XML page, perhaps an error message of the server, expected safetensors; download the file again" },
    { BYTES("<<<<<<< HEAD\n"),
      ": this is a file with a git conflict in it, expected safetensors; check out the version that is meant" },
    { BYTES("{\"a\":1}\n\n\n"),
      ": this is JSON text without the 8 bytes before it that give its length, expected safetensors; " CONVERT },
};

START_TEST(each_file_of_another_kind_is_named_as_what_it_is)
{
    assert_refused(scratch_file("x.pt", strange[_i].bytes, strange[_i].n), strange[_i].message);
}
END_TEST

/* A depth that jansson refuses, so that no recursion goes further. */
START_TEST(a_header_nested_without_end_is_refused)
{
    enum { DEPTH = 100000 };
    char *const json = malloc(2 * DEPTH + 8);
    wa_error    err;

    strcpy(json, "{\"a\":");
    memset(json + 5, '[', DEPTH);
    strcpy(json + 5 + DEPTH, "}");
    wa_safetensors *file;
    ck_assert_int_eq(wa_safetensors_open(file_of(json, "", 0), NULL, &file, &err), WA_EFORMAT);
    ck_assert_ptr_nonnull(strstr(err.message, "maximum parsing depth reached"));
    free(json);
}
END_TEST

/* The limit of the reference implementation is 100,000,000; the file has holes and takes no room. */
START_TEST(a_header_beyond_the_limit_is_refused_though_the_file_holds_it)
{
    const char *const path = scratch_file("big.safetensors", "\1\xE1\xF5\5\0\0\0\0{}", 10);

    ck_assert_int_eq(truncate(path, 8 + 100000001), 0);
    assert_refused(path, ": byte 0: the header claims 100000001 bytes, expected at most 100000000; is this a safetensors file?");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_input_error)
{
    wa_safetensors *file;
    wa_error        err;

    ck_assert_int_eq(wa_safetensors_open("/nowhere/a.safetensors", NULL, &file, &err), WA_EIO);
    ck_assert_ptr_nonnull(strstr(err.message, "/nowhere/a.safetensors"));
}
END_TEST

static const char small_json[] = "{\"__metadata__\":{\"k\":\"v\"},\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                                 "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[8,12]}}";

START_TEST(every_truncation_is_refused)
{
    wa_buf whole = { 0 };

    build(&whole, small_json, sizeof small_json - 1, "0123456789ab", 12);
    wa_safetensors_close(open_good(scratch_file("whole", whole.data, whole.n_bytes)));
    for (size_t n = 0; n < whole.n_bytes; n++) {
        wa_safetensors *file;
        wa_error        err = { WA_OK, "" };

        ck_assert_int_eq(wa_safetensors_open(scratch_file("cut", whole.data, n), NULL, &file, &err), WA_EFORMAT);
        ck_assert_ptr_nonnull(strstr(err.message, "is the download complete?"));
    }
    wa_buf_clear(&whole);
}
END_TEST

/* Either refused with a message, or every value can be read: the sanitizers watch. */
START_TEST(a_file_with_random_changes_never_leads_outside_of_it)
{
    wa_buf   whole = { 0 };
    uint64_t state = 11;

    build(&whole, small_json, sizeof small_json - 1, "0123456789ab", 12);
    char *const mutant = malloc(whole.n_bytes);
    for (size_t round = 0; round < 3000; round++) {
        wa_safetensors *file = NULL;
        wa_error        err  = { WA_OK, "" };

        memcpy(mutant, whole.data, whole.n_bytes);
        for (size_t i = 0; i < 1 + round % 3; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
            mutant[(state >> 33) % whole.n_bytes] = round % 2 ? (char)(state >> 56) : "0123456789,]}\"["[(state >> 56) % 15];
        }
        if (wa_safetensors_open(scratch_file("mutant", mutant, whole.n_bytes), NULL, &file, &err) != WA_OK)
            ck_assert(err.message[0] != '\0');
        for (size_t i = 0; file && i < wa_safetensors_count(file); i++) {
            const wa_tensor_entry *const e = wa_safetensors_entry(file, i);
            float                        values[64];

            ck_assert_uint_le(e->n_values, 64);
            if (e->dtype != WA_DTYPE_OTHER)
                wa_tensor_entry_read(e, values);
        }
        wa_safetensors_close(file);
    }
    free(mutant);
    wa_buf_clear(&whole);
}
END_TEST

static wa_status open_body(const wa_env *env, void *path)
{
    wa_safetensors *file = NULL;
    const wa_status st   = wa_safetensors_open(path, env, &file, NULL);

    wa_safetensors_close(file);
    return st;
}

START_TEST(every_failing_allocation_is_reported_and_nothing_is_lost)
{
    char path[200];

    snprintf(path, sizeof path, "%s", file_of(small_json, "0123456789ab", 12));
    every_allocation_fails_in_turn(open_body, path, 100);
}
END_TEST

Suite *wa_suite_safetensors(void)
{
    Suite *const suite = suite_create("safetensors");
    TCase *const tcase = new_case("safetensors");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_file_of_the_reference_implementation_opens);
    tcase_add_test(tcase, halves_are_widened_exactly);
    tcase_add_test(tcase, brain_floats_are_widened_exactly);
    tcase_add_test(tcase, doubles_are_rounded_to_the_nearest_float);
    tcase_add_test(tcase, floats_are_taken_as_they_are);
    tcase_add_test(tcase, a_view_is_given_only_where_floats_are_aligned);
    tcase_add_test(tcase, unusual_but_valid_headers_are_read);
    tcase_add_loop_test(tcase, each_broken_header_is_refused_with_what_was_found_and_expected, 0,
                        (int)(sizeof broken / sizeof *broken));
    tcase_add_loop_test(tcase, each_file_of_another_kind_is_named_as_what_it_is, 0, (int)(sizeof strange / sizeof *strange));
    tcase_add_test(tcase, a_header_nested_without_end_is_refused);
    tcase_add_test(tcase, a_header_beyond_the_limit_is_refused_though_the_file_holds_it);
    tcase_add_test(tcase, a_file_that_is_not_there_is_an_input_error);
    tcase_add_test(tcase, every_truncation_is_refused);
    tcase_add_test(tcase, a_file_with_random_changes_never_leads_outside_of_it);
    tcase_add_test(tcase, every_failing_allocation_is_reported_and_nothing_is_lost);
    suite_add_tcase(suite, tcase);
    return suite;
}
