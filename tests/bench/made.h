/* The models, vectors and texts that are measured: made here, the same bytes on every machine, so that a peer can be given the
 * same numbers.
 *
 * Words are word0, word1 ...; the shape is the main one of docs/MODEL.md (D 224, H 4, E 56). Every weight is rounded to BF16, whether
 * it is stored so or as F32: both models, and every peer, then compute with the same values. The weights are scaled so that
 * the scores of the attention and the logits spread as those of a trained model do (logits: a standard deviation of 2.6). */
#ifndef BENCH_MADE_H
#define BENCH_MADE_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_WIDTH       224
#define BENCH_TEXTS       64
#define BENCH_TEXT_LENGTH 33 /* 32 words and one more to score */

/* Makes what is not there yet under `folder`, and says so on standard error. Where a file cannot be written the program ends.
 *
 *     nN/vectors.bin     Word2Vec binary, a newline after each record
 *     nN/vectors.bin.gz  the same, gzip level 6
 *     nN/f32/            model.yaml, weights.safetensors
 *     nN/bf16/           likewise, the weights stored as BF16
 *     nN/texts.txt       BENCH_TEXTS lines of BENCH_TEXT_LENGTH words */
void bench_make_vectors(const char *folder, size_t N);
void bench_make_gzip(const char *folder, size_t N);
void bench_make_model(const char *folder, size_t N, bool is_bf16);

/* Which word stands at a place of a text, in a vocabulary of N words. */
size_t bench_text_word(size_t text, size_t place, size_t N);

#endif
