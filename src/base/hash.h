/* Hashes of bytes: for tables in memory, to give each named thing random numbers of its own, and to check archives. The value is
 * the same on every machine and in every version: random weights depend on it. */
#ifndef WA_BASE_HASH_H
#define WA_BASE_HASH_H

#include "wordahead.h"

/* Source: FNV-1a 64 (Fowler, Noll & Vo), finished with the mixer of MurmurHash3 so that its low bits are good. */
uint64_t wa_hash(wa_text text);

/* The checksum of zip: crc of what came before (0 at the start), continued over n bytes.
 * Source: PKWARE APPNOTE 6.3, 4.4.7 (CRC-32 of IEEE 802.3, reflected, polynomial 0xEDB88320). */
uint32_t wa_crc32(uint32_t crc, const void *bytes, size_t n);

/* A fingerprint of many bytes, given piece by piece: to tell whether a file, a model or what was read is still the same. How the bytes
 * were cut into pieces does not matter. No defence against somebody who wants two to be equal.
 * Source: XXH3, 64 bits, seed 0 (Collet, xxHash). */
typedef struct wa_digest wa_digest;
wa_digest               *wa_digest_new(void); /* NULL: no memory; it comes from malloc() */
void                     wa_digest_free(wa_digest *digest);
void                     wa_digest_add(wa_digest *digest, const void *bytes, size_t n);
void                     wa_digest_add_number(wa_digest *digest, uint64_t number);
/* Its length goes before it, so that texts one after another are told from others that join to the same. */
void     wa_digest_add_text(wa_digest *digest, wa_text text);
uint64_t wa_digest_value(const wa_digest *digest); /* of what was added so far */

#endif
