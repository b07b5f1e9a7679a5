/* What the verbs share. See cli.h.
 *
 * The only state of the process that the program keeps: whether standard output still takes data, the name of the temporary file
 * that a signal has to remove, and the signal that was noted. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "base/str.h"

static bool                  output_is_open = true;
static int                   output_errno;
static char                  temporary_path[4096];
static volatile sig_atomic_t has_temporary;
static atomic_int            noted_signal; /* 0: none; the handler runs on any thread */
static int                   wake[2] = { -1, -1 };

/* ---------------------------------------------------------------- the library's environment */

static void log_to_stderr(void *user, wa_log_level level, const char *message, size_t n_bytes)
{
    (void)user;
    fprintf(stderr, "wordahead: %s: %.*s\n", level == WA_LOG_WARNING ? "warning" : "note", (int)n_bytes, message);
}

/* The flag is down while the name changes, so a signal in between removes nothing wrong. */
static void note_temporary(void *user, const char *path)
{
    (void)user;
    has_temporary = 0;
    if (path && strlen(path) < sizeof temporary_path) {
        strcpy(temporary_path, path);
        has_temporary = 1;
    }
}

const wa_env *wa_cli_env(void)
{
    static const wa_env env = { .log = log_to_stderr, .temporary = note_temporary };

    return &env;
}

/* ---------------------------------------------------------------- signals */

static void end_by_signal(int number)
{
    if (has_temporary)
        unlink(temporary_path);
    signal(number, SIG_DFL);
    raise(number);
}

/* A mapped file that becomes shorter while it is read ends in this signal; there is no other sign of it. */
static void end_by_bus_error(int number)
{
    static const char message[] = "wordahead: a file became shorter while it was being read; run it again on a file that "
                                  "nobody writes to\n";
    const ssize_t     n         = write(STDERR_FILENO, message, sizeof message - 1);

    (void)n;
    (void)number;
    if (has_temporary)
        unlink(temporary_path);
    _exit(WA_EXIT_IO);
}

/* A closed standard descriptor is given something that fails, so that no file of ours gets its number, and with it what is
 * meant for standard output. The lowest free number is the one that is missing. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(WA_EXIT_IO);
}

static void handle_endings(void (*handler)(int number), int flags)
{
    static const int       ending[] = { SIGINT, SIGTERM, SIGHUP };
    const struct sigaction action   = { .sa_handler = handler, .sa_flags = flags };

    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction old;

        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup stays in force */
            sigaction(ending[i], &action, NULL);
    }
}

void wa_cli_begin(void)
{
    struct sigaction action = { .sa_handler = end_by_bus_error };

    fill_standard_descriptors();
    handle_endings(end_by_signal, 0);
    sigaction(SIGBUS, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL); /* a closed pipe is seen as EPIPE */
    sigaction(SIGXFSZ, &action, NULL); /* a file that may not grow (ulimit -f) as EFBIG */
}

static void note_signal(int number)
{
    if (noted_signal)
        end_by_signal(number);
    noted_signal    = number;
    const ssize_t n = write(wake[1], "", 1);

    (void)n;
}

int wa_cli_wake_fd(void)
{
    if (wake[0] < 0 && pipe(wake) == 0) {
        fcntl(wake[0], F_SETFD, FD_CLOEXEC);
        fcntl(wake[1], F_SETFD, FD_CLOEXEC);
    }
    return wake[0];
}

/* What is being written goes on: stdio loses what is left where write() is interrupted. */
void wa_cli_defer_signals(void)
{
    if (wa_cli_wake_fd() >= 0)
        handle_endings(note_signal, SA_RESTART);
}

bool wa_cli_is_stopping(void)
{
    return noted_signal != 0;
}

int wa_cli_end(int exit_code)
{
    wa_cli_flush();
    if (noted_signal)
        end_by_signal(noted_signal);
    if (output_is_open || output_errno == EPIPE)
        return exit_code;
    return wa_cli_complain(WA_EXIT_IO, "standard output: cannot write: %s", strerror(output_errno));
}

/* ---------------------------------------------------------------- messages */

void wa_cli_message(wa_text text)
{
    fflush(stdout);
    fwrite(text.data, 1, text.n_bytes, stderr);
}

int wa_cli_fail(const wa_error *err)
{
    fflush(stdout);
    fprintf(stderr, "wordahead: %s\n", err->message);
    return wa_exit_code(err->status);
}

int wa_cli_complain(int exit_code, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "wordahead: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    return exit_code;
}

/* ---------------------------------------------------------------- standard output */

bool wa_cli_is_output_open(void)
{
    return output_is_open;
}

static void note_failure(void)
{
    output_is_open = false;
    output_errno   = errno;
}

void wa_cli_flush(void)
{
    if (output_is_open && fflush(stdout) != 0)
        note_failure();
}

void wa_cli_write(wa_text text)
{
    if (output_is_open && text.n_bytes > 0 && fwrite(text.data, 1, text.n_bytes, stdout) != text.n_bytes)
        note_failure();
}

void wa_cli_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (output_is_open && vprintf(format, args) < 0)
        note_failure();
    va_end(args);
}

/* ---------------------------------------------------------------- columns */

/* Columns of a code point: 0 for combining marks and joiners, 2 for East Asian wide ones and emoji, else 1. The C library's
 * wcwidth() would need a locale; these ranges are enough for aligned tables. Source: Unicode 15, EastAsianWidth.txt, classes W
 * and F. */
static size_t columns_of(uint32_t c)
{
    static const struct {
        uint32_t first, last;
        size_t   n;
    } ranges[] = {
        { 0x0300, 0x036F, 0 },   { 0x0483, 0x0489, 0 }, { 0x0591, 0x05BD, 0 }, { 0x064B, 0x065F, 0 },   { 0x200B, 0x200F, 0 },
        { 0x202A, 0x202E, 0 },   { 0x2066, 0x2069, 0 }, { 0x20D0, 0x20F0, 0 }, { 0xFE00, 0xFE0F, 0 },   { 0xFEFF, 0xFEFF, 0 },
        { 0x1100, 0x115F, 2 },   { 0x2E80, 0x303E, 2 }, { 0x3041, 0xA4CF, 2 }, { 0xAC00, 0xD7A3, 2 },   { 0xF900, 0xFAFF, 2 },
        { 0xFE30, 0xFE6F, 2 },   { 0xFF00, 0xFF60, 2 }, { 0xFFE0, 0xFFE6, 2 }, { 0x1F300, 0x1F64F, 2 }, { 0x1F900, 0x1F9FF, 2 },
        { 0x20000, 0x3FFFD, 2 },
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].n;
    return 1;
}

/* The next character of a text as a terminal should see it, and how many bytes of the text it takes. */
static size_t next_shown(wa_text text, wa_text *shown, size_t *columns)
{
    uint32_t     c;
    bool         is_valid;
    const size_t n = wa_utf8_next(text, &c, &is_valid);

    if (!is_valid || c < 0x20 || (c >= 0x7F && c < 0xA0)) {
        *shown   = wa_text_of("\xEF\xBF\xBD");
        *columns = 1;
    } else {
        *shown   = (wa_text){ text.data, n };
        *columns = columns_of(c);
    }
    return n;
}

size_t wa_cli_columns(wa_text text)
{
    size_t total = 0, columns;

    for (wa_text shown; text.n_bytes > 0;) {
        const size_t n = next_shown(text, &shown, &columns);

        text = (wa_text){ text.data + n, text.n_bytes - n };
        total += columns;
    }
    return total;
}

void wa_cli_add_padded(wa_buf *record, wa_text text, size_t columns)
{
    size_t used = wa_cli_columns(text), ignored;

    for (wa_text shown; text.n_bytes > 0;) {
        const size_t n = next_shown(text, &shown, &ignored);

        wa_buf_text(record, shown);
        text = (wa_text){ text.data + n, text.n_bytes - n };
    }
    for (; used < columns; used++)
        wa_buf_str(record, " ");
}

void wa_cli_write_padded(wa_text text, size_t columns)
{
    wa_buf record = { 0 };

    wa_cli_add_padded(&record, text, columns);
    wa_cli_write(wa_buf_view(&record));
    wa_buf_clear(&record);
}

/* ---------------------------------------------------------------- tables by tabs */

void wa_cli_add_field(wa_buf *record, wa_text text)
{
    for (size_t i = 0; i < text.n_bytes; i++) {
        const char c = text.data[i];

        if (c == '\t' || c == '\n' || c == '\r' || c == '\\')
            wa_buf_format(record, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
        else
            wa_buf_add(record, &c, 1);
    }
}
