/* Seeded random numbers. See rng.h. */
#include "base/rng.h"

#include "base/hash.h"

uint64_t wa_rng_next(wa_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

wa_rng wa_rng_named(uint64_t seed, wa_text name)
{
    wa_rng rng = { seed };

    rng.state = wa_rng_next(&rng) ^ wa_hash(name);
    return rng;
}

float wa_rng_uniform(wa_rng *rng, double low, double high)
{
    const double u = (double)(wa_rng_next(rng) >> 40) * 0x1p-24; /* 24 bits: every u is exact in a float */
    const float  x = (float)(low + (high - low) * u);

    return x < (float)high || low >= high ? x : (float)low; /* rounding up to `high` would leave the interval */
}
