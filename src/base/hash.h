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

#endif
