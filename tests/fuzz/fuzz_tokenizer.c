/* Any bytes as a text: words are UTF-8, not empty, and come from bytes of the text in ascending order; what NFKC makes of one
 * character, as three full stops of an ellipsis, may be several words of the same bytes. The first two bytes choose the options. */
#include "fuzz.h"

#include "base/str.h"
#include "data/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wa_arena  arena = { 0 };
    wa_pieces pieces;
    size_t    start = 0, end = 0;

    if (n < 2)
        return 0;
    const wa_tokenizer_opts opts = {
        .split     = bytes[0] & 1,
        .lowercase = bytes[0] & 2,
        .digits    = (bytes[0] >> 2) & 1,
        .normalize = bytes[1] % 3,
    };
    const wa_text text = { (const char *)bytes + 2, n - 2 };

    FUZZ_CHECK(wa_tokenizer_split(&opts, text, &arena, &pieces, NULL) == WA_OK);
    for (size_t i = 0; i < pieces.n; i++) {
        const wa_piece *const piece = &pieces.items[i];

        FUZZ_CHECK(piece->word.n_bytes > 0 && wa_utf8_is_valid(piece->word));
        FUZZ_CHECK(start <= piece->start && end <= piece->end && piece->start < piece->end && piece->end <= text.n_bytes);
        start = piece->start;
        end   = piece->end;
    }
    wa_arena_clear(&arena);
    return 0;
}
