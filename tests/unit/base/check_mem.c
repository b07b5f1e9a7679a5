/* Memory: sizes that overflow, arrays that grow, buffers whose failure stays, arenas. Above all that a failed allocation
 * changes nothing and loses nothing. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "suites.h"
#include "support.h"

/* ---------------------------------------------------------------- sizes */

START_TEST(products_and_sums_beyond_size_t_are_refused)
{
    size_t out = 7;

    ck_assert(wa_mul_size(SIZE_MAX / 2, 2, &out));
    ck_assert_uint_eq(out, SIZE_MAX - 1);
    ck_assert(wa_add_size(SIZE_MAX - 5, 5, &out));
    ck_assert_uint_eq(out, SIZE_MAX);
    out = 7;
    ck_assert(!wa_mul_size(SIZE_MAX / 2 + 1, 2, &out));
    ck_assert(!wa_mul_size(SIZE_MAX, SIZE_MAX, &out));
    ck_assert(!wa_add_size(SIZE_MAX, 1, &out));
    ck_assert_uint_eq(out, 7);
    ck_assert(wa_mul_size(0, SIZE_MAX, &out));
    ck_assert_uint_eq(out, 0);
}
END_TEST

START_TEST(an_allocation_beyond_what_memory_can_be_asks_nobody)
{
    counting_allocator counter  = { 0 };
    const wa_env       env      = counting_env(&counter);
    int                item     = 0;
    void              *array    = &item;
    size_t             capacity = 1;
    wa_arena           arena    = { .env = &env };

    ck_assert_ptr_null(wa_alloc(&env, SIZE_MAX / 2 + 1, 2));
    ck_assert_ptr_null(wa_alloc(&env, (size_t)PTRDIFF_MAX + 1, 1));
    ck_assert_ptr_null(wa_alloc_zeroed(&env, SIZE_MAX, 8));
    ck_assert(!wa_grow(&env, &array, &capacity, SIZE_MAX / 4, 8));
    ck_assert_ptr_eq(array, &item);
    ck_assert_uint_eq(capacity, 1);
    ck_assert_ptr_null(wa_arena_alloc(&arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(wa_arena_alloc(&arena, SIZE_MAX, 1));
    ck_assert_ptr_null(wa_arena_alloc(&arena, SIZE_MAX - 63, 1));
    ck_assert_uint_eq(counter.n_calls, 0);
}
END_TEST

START_TEST(no_items_still_give_memory_that_can_be_released)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    void *const        memory  = wa_alloc(&env, 0, 8);

    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq(counter.n_live, 1);
    wa_release(&env, memory);
    wa_release(&env, NULL);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

START_TEST(without_an_env_memory_comes_from_malloc)
{
    unsigned char *const bytes = wa_alloc_zeroed(NULL, 3, 100);
    const wa_env         empty = { 0 };

    for (size_t i = 0; i < 300; i++)
        ck_assert_uint_eq(bytes[i], 0);
    wa_release(&empty, bytes);
}
END_TEST

START_TEST(a_copied_text_ends_in_a_zero_byte)
{
    char *const copy  = wa_copy_text(NULL, (wa_text){ "a\0bc", 3 });
    char *const empty = wa_copy_text(NULL, (wa_text){ NULL, 0 });

    ck_assert_mem_eq(copy, "a\0b", 4);
    ck_assert_str_eq(empty, "");
    wa_release(NULL, copy);
    wa_release(NULL, empty);
}
END_TEST

/* ---------------------------------------------------------------- growing */

/* By half or more: n items one at a time cost a number of calls that is logarithmic in n. ln(100000 / 8) / ln 1.5 is 23.3. */
START_TEST(growing_item_by_item_takes_few_calls_and_keeps_the_items)
{
    counting_allocator counter  = { 0 };
    const wa_env       env      = counting_env(&counter);
    void              *array    = NULL;
    size_t             capacity = 0;

    for (size_t i = 0; i < 100000; i++) {
        if (!wa_grow(&env, &array, &capacity, i + 1, sizeof i) || capacity < i + 1)
            ck_abort_msg("no room for item %zu", i);
        ((size_t *)array)[i] = i;
    }
    for (size_t i = 0; i < 100000; i++)
        if (((size_t *)array)[i] != i)
            ck_abort_msg("item %zu was lost", i);
    ck_assert_uint_le(counter.n_calls, 24);
    wa_release(&env, array);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

START_TEST(a_failed_growth_leaves_the_array_as_it_was)
{
    counting_allocator counter  = { .fail_at = 2 };
    const wa_env       env      = counting_env(&counter);
    void              *array    = NULL;
    size_t             capacity = 0;

    ck_assert(wa_grow(&env, &array, &capacity, 3, 1));
    memcpy(array, "abc", 3);
    const void *const before        = array;
    const size_t      before_growth = capacity;
    ck_assert(!wa_grow(&env, &array, &capacity, 1000, 1));
    ck_assert_ptr_eq(array, before);
    ck_assert_uint_eq(capacity, before_growth);
    ck_assert_mem_eq(array, "abc", 3);
    wa_release(&env, array);
}
END_TEST

/* ---------------------------------------------------------------- byte buffers */

START_TEST(a_buffer_joins_bytes_texts_strings_and_formats)
{
    wa_buf buf = { 0 };

    wa_buf_add(&buf, "a\0", 2);
    wa_buf_add(&buf, NULL, 0);
    wa_buf_text(&buf, (wa_text){ "bcd", 2 });
    wa_buf_str(&buf, "");
    wa_buf_str(&buf, "ef");
    wa_buf_format(&buf, "%d-%s", 42, "x");
    ck_assert_uint_eq(wa_buf_view(&buf).n_bytes, 10);
    ck_assert_mem_eq(wa_buf_view(&buf).data, "a\0bcef42-x", 10);
    wa_buf_clear(&buf);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.n_bytes + buf.capacity, 0);
}
END_TEST

START_TEST(a_format_longer_than_the_room_left_is_written_whole)
{
    wa_buf buf = { 0 };
    char   expected[1001];

    memset(expected, 'x', 1000);
    expected[1000] = '\0';
    wa_buf_str(&buf, "12345678"); /* fills the first room exactly */
    wa_buf_format(&buf, "%s", expected);
    ck_assert_uint_eq(buf.n_bytes, 1008);
    ck_assert_mem_eq(buf.data + 8, expected, 1000);
    wa_buf_clear(&buf);
}
END_TEST

START_TEST(the_failure_of_a_buffer_stays_until_it_is_cleared)
{
    counting_allocator counter  = { .fail_at = 2 };
    const wa_env       env      = counting_env(&counter);
    wa_buf             buf      = { .env = &env };
    char               big[500] = { 0 };

    wa_buf_str(&buf, "kept");
    ck_assert(!buf.failed);
    wa_buf_add(&buf, big, sizeof big);
    ck_assert(buf.failed);
    wa_buf_str(&buf, "x"); /* there would be room, but a piece is missing before it */
    wa_buf_format(&buf, "%d", 1);
    ck_assert(buf.failed);
    ck_assert_uint_eq(buf.n_bytes, 4);
    ck_assert_mem_eq(buf.data, "kept", 4);
    wa_buf_clear(&buf);
    ck_assert(!buf.failed);
    ck_assert_ptr_eq(buf.env, &env);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

START_TEST(a_buffer_whose_size_would_overflow_fails)
{
    wa_buf buf = { 0 };

    wa_buf_str(&buf, "a");
    wa_buf_add(&buf, "", SIZE_MAX);
    ck_assert(buf.failed);
    ck_assert_uint_eq(buf.n_bytes, 1);
    wa_buf_clear(&buf);
}
END_TEST

/* ---------------------------------------------------------------- arenas */

START_TEST(blocks_of_an_arena_are_aligned_apart_and_writable)
{
    wa_arena       arena = { 0 };
    unsigned char *blocks[200];

    for (size_t i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(blocks[i] = wa_arena_alloc(&arena, i * 37, 3)); /* some larger than what is left, 0 among them */
        ck_assert_uint_eq((uintptr_t)blocks[i] % 64, 0);
        memset(blocks[i], (int)i, i * 37 * 3);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t b = 0; b < i * 37 * 3; b++)
            if (blocks[i][b] != i)
                ck_abort_msg("byte %zu of block %zu was overwritten", b, i);
    wa_arena_clear(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(a_block_larger_than_those_of_the_arena_fits_exactly)
{
    wa_arena       arena = { 0 };
    const size_t   n     = 300000;
    unsigned char *bytes = wa_arena_alloc_zeroed(&arena, n, 1);

    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0)
            ck_abort_msg("byte %zu is not zero", i);
    memset(bytes, 1, n); /* a sanitizer sees a byte too many */
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(zeroed_memory_of_an_arena_is_zero_after_a_reset_too)
{
    wa_arena arena = { 0 };

    memset(wa_arena_alloc(&arena, 1000, 1), 0xFF, 1000);
    wa_arena_reset(&arena);
    const unsigned char *const bytes = wa_arena_alloc_zeroed(&arena, 500, 2);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(bytes[i], 0);
    wa_arena_clear(&arena);
}
END_TEST

START_TEST(a_text_in_an_arena_is_copied_with_a_zero_byte)
{
    wa_arena arena  = { 0 };
    char     text[] = "word";

    const wa_text copy  = wa_arena_text(&arena, wa_text_of(text));
    const wa_text empty = wa_arena_text(&arena, (wa_text){ NULL, 0 });
    text[0]             = 'l';
    ck_assert_str_eq(copy.data, "word");
    ck_assert_uint_eq(copy.n_bytes, 4);
    ck_assert_str_eq(empty.data, "");
    ck_assert_uint_eq(empty.n_bytes, 0);
    wa_arena_clear(&arena);
}
END_TEST

static void use(wa_arena *arena)
{
    for (size_t i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(wa_arena_alloc(arena, 30000, 1));
}

START_TEST(after_a_reset_the_same_work_allocates_nothing)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    wa_arena           arena   = { .env = &env };

    wa_arena_reset(&arena); /* of an empty one: nothing to do */
    use(&arena);
    ck_assert_uint_gt(counter.n_live, 1);
    wa_arena_reset(&arena);
    ck_assert_uint_eq(counter.n_live, 1);
    const size_t n_calls = counter.n_calls;
    for (size_t i = 0; i < 5; i++) {
        use(&arena);
        wa_arena_reset(&arena);
    }
    ck_assert_uint_eq(counter.n_calls, n_calls);
    wa_arena_clear(&arena);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

START_TEST(a_reset_that_finds_no_memory_leaves_an_arena_that_works)
{
    counting_allocator counter = { 0 };
    const wa_env       env     = counting_env(&counter);
    wa_arena           arena   = { .env = &env };

    use(&arena);
    counter.fail_at = counter.n_calls + 1;
    wa_arena_reset(&arena);
    ck_assert_uint_eq(counter.n_live, 0);
    use(&arena);
    wa_arena_clear(&arena);
    ck_assert_uint_eq(counter.n_live, 0);
}
END_TEST

/* ---------------------------------------------------------------- failing */

static wa_status use_everything(const wa_env *env, void *user)
{
    wa_error *const err   = user;
    wa_status       st    = WA_OK;
    wa_buf          buf   = { .env = env };
    wa_arena        arena = { .env = env };
    char           *copy = NULL, *memory = NULL;

    if (!(memory = wa_alloc(env, 3, 5)) || !(copy = wa_copy_text(env, wa_text_of("text"))))
        WA_FAIL(WA_ENOMEM, "alone");
    wa_buf_format(&buf, "%d", 12345);
    wa_buf_str(&buf, "a longer piece, so that the buffer grows again");
    if (buf.failed)
        WA_FAIL(WA_ENOMEM, "buffer");
    if (!wa_arena_alloc(&arena, 100, 1) || !wa_arena_alloc_zeroed(&arena, 100000, 1) ||
        !wa_arena_text(&arena, (wa_text){ copy, 4 }).data)
        WA_FAIL(WA_ENOMEM, "arena");
done:
    wa_arena_clear(&arena);
    wa_buf_clear(&buf);
    wa_release(env, copy);
    wa_release(env, memory);
    return st;
}

START_TEST(every_failing_allocation_is_seen_and_loses_nothing)
{
    wa_error err;

    every_allocation_fails_in_turn(use_everything, &err, 20);
}
END_TEST

/* ---------------------------------------------------------------- messages of failures */

START_TEST(a_message_too_long_ends_in_dots)
{
    wa_error err;
    char     text[WA_MESSAGE_SIZE + 1];

    memset(text, 'm', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(wa_fail(&err, WA_EFORMAT, "%s", text), WA_EFORMAT);
    ck_assert_int_eq(err.status, WA_EFORMAT);
    ck_assert_uint_eq(strlen(err.message), WA_MESSAGE_SIZE - 1);
    ck_assert_str_eq(err.message + WA_MESSAGE_SIZE - 6, "mm...");
    text[WA_MESSAGE_SIZE - 1] = '\0'; /* this one just fits */
    wa_fail(&err, WA_EFORMAT, "%s", text);
    ck_assert_str_eq(err.message, text);
}
END_TEST

START_TEST(failing_without_an_error_to_fill_gives_the_status)
{
    ck_assert_int_eq(wa_fail(NULL, WA_EIO, "%d", 1), WA_EIO);
    ck_assert_int_eq(wa_fail_memory(NULL, "x"), WA_ENOMEM);
    ck_assert_int_eq(wa_fail_system(NULL, "x", "cannot read", 2), WA_EIO);
}
END_TEST

/* The codes are those of CLI.md: 2 usage or configuration, 3 data, 4 input/output. */
START_TEST(every_status_has_a_name_and_an_exit_code)
{
    ck_assert_int_eq(wa_exit_code(WA_OK), 0);
    ck_assert_int_eq(wa_exit_code(WA_EUSAGE), 2);
    ck_assert_int_eq(wa_exit_code(WA_ECONFIG), 2);
    ck_assert_int_eq(wa_exit_code(WA_EFORMAT), 3);
    ck_assert_int_eq(wa_exit_code(WA_EMODEL), 3);
    ck_assert_int_eq(wa_exit_code(WA_EIO), 4);
    ck_assert_int_eq(wa_exit_code(WA_ENOMEM), 4);
    for (int status = WA_OK; status <= WA_EMODEL; status++)
        ck_assert_str_ne(wa_status_name((wa_status)status), "unknown status");
    ck_assert_str_eq(wa_status_name(WA_ECONFIG), "configuration error");
    ck_assert_str_eq(wa_status_name((wa_status)(WA_EMODEL + 1)), "unknown status");
}
END_TEST

Suite *wa_suite_mem(void)
{
    Suite *const suite = suite_create("mem");
    TCase *const tcase = new_case("mem");

    tcase_add_test(tcase, products_and_sums_beyond_size_t_are_refused);
    tcase_add_test(tcase, an_allocation_beyond_what_memory_can_be_asks_nobody);
    tcase_add_test(tcase, no_items_still_give_memory_that_can_be_released);
    tcase_add_test(tcase, without_an_env_memory_comes_from_malloc);
    tcase_add_test(tcase, a_copied_text_ends_in_a_zero_byte);
    tcase_add_test(tcase, growing_item_by_item_takes_few_calls_and_keeps_the_items);
    tcase_add_test(tcase, a_failed_growth_leaves_the_array_as_it_was);
    tcase_add_test(tcase, a_buffer_joins_bytes_texts_strings_and_formats);
    tcase_add_test(tcase, a_format_longer_than_the_room_left_is_written_whole);
    tcase_add_test(tcase, the_failure_of_a_buffer_stays_until_it_is_cleared);
    tcase_add_test(tcase, a_buffer_whose_size_would_overflow_fails);
    tcase_add_test(tcase, blocks_of_an_arena_are_aligned_apart_and_writable);
    tcase_add_test(tcase, a_block_larger_than_those_of_the_arena_fits_exactly);
    tcase_add_test(tcase, zeroed_memory_of_an_arena_is_zero_after_a_reset_too);
    tcase_add_test(tcase, a_text_in_an_arena_is_copied_with_a_zero_byte);
    tcase_add_test(tcase, after_a_reset_the_same_work_allocates_nothing);
    tcase_add_test(tcase, a_reset_that_finds_no_memory_leaves_an_arena_that_works);
    tcase_add_test(tcase, every_failing_allocation_is_seen_and_loses_nothing);
    tcase_add_test(tcase, a_message_too_long_ends_in_dots);
    tcase_add_test(tcase, failing_without_an_error_to_fill_gives_the_status);
    tcase_add_test(tcase, every_status_has_a_name_and_an_exit_code);
    suite_add_tcase(suite, tcase);
    return suite;
}
