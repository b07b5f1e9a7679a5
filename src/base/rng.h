/* Seeded random numbers that are the same everywhere: integers only, and one multiplication to make a float. */
#ifndef WA_BASE_RNG_H
#define WA_BASE_RNG_H

#include "wordahead.h"

typedef struct wa_rng {
    uint64_t state;
} wa_rng;

/* The generator of one named thing (a tensor, a word) under a seed: what it gives does not depend on which other things there
 * are, nor on their order. */
wa_rng wa_rng_named(uint64_t seed, wa_text name);

/* The next 64 bits. Source: splitmix64 (Steele, Lea & Flood 2014; Vigna's reference). */
uint64_t wa_rng_next(wa_rng *rng);

/* A float in [low, high): low + (high - low) * u with u of 24 bits, computed in double and rounded once. */
float wa_rng_uniform(wa_rng *rng, double low, double high);

#endif
