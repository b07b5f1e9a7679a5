/* Time that passes. */
#ifndef WA_BASE_CLOCK_H
#define WA_BASE_CLOCK_H

/* Seconds of a clock that only goes forward; where it began means nothing. */
double wa_clock_seconds(void);

#endif
