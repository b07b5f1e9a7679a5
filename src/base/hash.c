/* Hashes of bytes. See hash.h for what must never change. */
#include "base/hash.h"

#include <stdlib.h>
#include <xxhash.h>

uint64_t wa_hash(wa_text text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < text.n_bytes; i++)
        h = (h ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

uint32_t wa_crc32(uint32_t crc, const void *bytes, size_t n)
{
    /* entry i: the polynomial's remainder of the 4 bits i; 16 entries do for files of arrays */
    static const uint32_t remainders[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    const unsigned char *const p = bytes;

    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ remainders[crc & 15];
        crc = crc >> 4 ^ remainders[crc & 15];
    }
    return ~crc;
}

/* ---------------------------------------------------------------- fingerprints */

struct wa_digest {
    XXH3_state_t *state;
};

wa_digest *wa_digest_new(void)
{
    wa_digest *const digest = malloc(sizeof *digest);

    if (!digest)
        return NULL;
    digest->state = XXH3_createState();
    if (digest->state && XXH3_64bits_reset(digest->state) == XXH_OK)
        return digest;
    wa_digest_free(digest);
    return NULL;
}

void wa_digest_free(wa_digest *digest)
{
    if (!digest)
        return;
    XXH3_freeState(digest->state);
    free(digest);
}

void wa_digest_add(wa_digest *digest, const void *bytes, size_t n)
{
    XXH3_64bits_update(digest->state, bytes, n);
}

void wa_digest_add_number(wa_digest *digest, uint64_t number)
{
    unsigned char bytes[8]; /* little-endian, whatever the machine */

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    wa_digest_add(digest, bytes, sizeof bytes);
}

void wa_digest_add_text(wa_digest *digest, wa_text text)
{
    wa_digest_add_number(digest, text.n_bytes);
    if (text.n_bytes > 0)
        wa_digest_add(digest, text.data, text.n_bytes);
}

uint64_t wa_digest_value(const wa_digest *digest)
{
    return XXH3_64bits_digest(digest->state);
}
