/* How far a long run has come. See progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

enum { MILLISECONDS_ON_TERMINAL = 200, MILLISECONDS_ELSEWHERE = 10000 };

void wa_progress_begin(wa_progress *progress, bool is_wanted, bool is_quiet, bool has_rival)
{
    const bool is_terminal = isatty(STDERR_FILENO);

    *progress = (wa_progress){ .is_on       = !is_quiet && (is_wanted || (is_terminal && !has_rival)),
                               .is_terminal = is_terminal,
                               .begun_at    = wa_clock_seconds(),
                               .shown_at    = wa_clock_seconds() };
}

/* "1.5 GB", "12 min": short, in units that a reader knows. */
static const char *format_bytes(char out[32], double n)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    size_t                   i       = 0;

    for (; n >= 999.5 && i + 1 < sizeof units / sizeof *units; i++)
        n /= 1000;
    snprintf(out, 32, i == 0 || n >= 99.95 ? "%.0f %s" : "%.1f %s", n, units[i]);
    return out;
}

static const char *format_seconds(char out[32], double s)
{
    if (s < 99.5)
        snprintf(out, 32, "%.0f s", s);
    else if (s < 99.5 * 60)
        snprintf(out, 32, "%.0f min", s / 60);
    else if (s < 99.5 * 3600)
        snprintf(out, 32, "%.1f h", s / 3600);
    else
        snprintf(out, 32, "%.1f days", s / 86400);
    return out;
}

static void print(const wa_progress *progress, double seconds, uint64_t n_bytes, uint64_t n_all, size_t n_lines)
{
    char         done[32], all[32], left[32];
    const double share = n_all ? (double)n_bytes / (double)n_all : 0;

    fprintf(stderr, "%s%s", progress->is_terminal ? "\r" : "wordahead: ", format_bytes(done, (double)n_bytes));
    if (n_all)
        fprintf(stderr, " of %s (%.0f %%)", format_bytes(all, (double)n_all), 100 * share);
    fprintf(stderr, ", %zu lines, %.0f lines/s", n_lines, (double)n_lines / seconds);
    if (share > 0)
        fprintf(stderr, ", %s left", format_seconds(left, seconds * (1 - share) / share));
    fprintf(stderr, "%s", progress->is_terminal ? "\033[K" : "\n"); /* clears what is left of a longer line */
    fflush(stderr);
}

void wa_progress_show(wa_progress *progress, uint64_t n_bytes, uint64_t n_all, size_t n_lines)
{
    const double now   = wa_clock_seconds();
    const double least = (progress->is_terminal ? MILLISECONDS_ON_TERMINAL : MILLISECONDS_ELSEWHERE) / 1000.0;

    if (!progress->is_on || now - progress->shown_at < least)
        return;
    print(progress, now - progress->begun_at, n_bytes, n_all, n_lines);
    progress->shown_at = now;
    progress->is_shown = true;
}

void wa_progress_clear(wa_progress *progress)
{
    if (progress->is_shown && progress->is_terminal)
        fprintf(stderr, "\r\033[K");
    progress->is_shown = false;
}
