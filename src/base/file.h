/* Whole files in memory, gzip unpacked. "-" is standard input. Reading a folder or a file that is not there fails with the system's
 * reason. env must live as long as the file. */
#ifndef WA_BASE_FILE_H
#define WA_BASE_FILE_H

#include "base/mem.h"
#include "base/pool.h"

/* The bytes of a file: mapped where it is a plain regular file, else in memory of our own. A mapped file must not be shortened
 * while it is in use: the system then ends the process with SIGBUS. Zeroed is empty. */
typedef struct wa_file {
    const wa_env *env;
    wa_text       bytes;
    bool          is_mapped;
    bool          is_gzip; /* the bytes were unpacked */
} wa_file;

/* most    gives up after so many bytes of what cannot be mapped: a pipe may never end, and a small gzip file unpack to anything
 * Errors  WA_EIO; WA_EFORMAT where gzip data is broken (with the offset in the packed file) or there is too much; WA_ENOMEM. */
wa_status wa_file_read(wa_file *file, const char *path, size_t most, const wa_env *env, wa_error *err);
/* The same with the threads of a pool, which may be NULL: unpacking is one thread's work, and a second one is of use to it. */
wa_status wa_file_read_with(wa_file *file, const char *path, size_t most, wa_pool *pool, const wa_env *env, wa_error *err);
void      wa_file_clear(wa_file *file);

/* How many bytes a plain regular file has; WA_NONE where that is not known, as of standard input. */
size_t wa_file_size(const char *path);

/* How many bytes a regular file has, packed or not as they lie there, and their fingerprint (XXH3, see wa_digest).
 * Errors  WA_EUSAGE where it is no regular file, so that its bytes are not there a second time; WA_EIO, WA_ENOMEM. */
wa_status wa_file_digest(const char *path, uint64_t *n_bytes, uint64_t *digest, wa_error *err);

#endif
