/* `wordahead vectors`: what a file of word vectors holds, what is wrong with it, and the same in another format. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "data/w2v.h"

enum { FORMAT_TABLE, FORMAT_TSV, FORMAT_JSONL };
enum { INFO_TABLE, INFO_JSON };
enum { TO_AUTO, TO_BINARY, TO_TEXT };
enum { NEWLINE_AUTO, NEWLINE_YES, NEWLINE_NO };

/* The options of all sub-verbs; each takes those of its table. */
typedef struct vectors_opts {
    size_t limit, k, threads;
    int    duplicates, format, to, newline;
    bool   salvage, all, escape;
} vectors_opts;

#define AT(field) offsetof(vectors_opts, field)

/* How to open a file: rows of every table. */
#define LIMIT_ROW                                                                                                                  \
    {                                                                                                                              \
        "limit", 0, WA_OPTION_SIZE, AT(limit), "0", "N", "take the first N records only; 0 takes all"                              \
    }
#define SALVAGE_ROW                                                                                                                \
    {                                                                                                                              \
        "salvage", 0, WA_OPTION_FLAG, AT(salvage), NULL, NULL, "keep the whole records of a truncated or overlong file"            \
    }
#define DUPLICATES_ROW                                                                                                             \
    {                                                                                                                              \
        "duplicates", 0, WA_OPTION_CHOICE, AT(duplicates), "first", "first|last|error", "which of the records with one word stays" \
    }

static wa_status open_vectors(const char *path, const vectors_opts *opts, wa_vectors **out, wa_error *err)
{
    const wa_vectors_opts how = { opts->limit, (wa_duplicates)opts->duplicates, opts->salvage, opts->threads };

    return wa_vectors_open(path, &how, wa_cli_env(), out, err);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static const char *name_format(wa_vectors_format format)
{
    static const char *const names[] = {
        [WA_VECTORS_BINARY] = "word2vec binary",
        [WA_VECTORS_TEXT]   = "word2vec text",
        [WA_VECTORS_GLOVE]  = "text without a header",
        [WA_VECTORS_MEMORY] = "memory",
    };

    return names[format];
}

/* ---------------------------------------------------------------- info */

static const wa_option info_options[] = {
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", "table|json", "how to print" },
    LIMIT_ROW,
    DUPLICATES_ROW,
    SALVAGE_ROW,
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb info_verb = {
    .name     = "vectors info",
    .operands = "FILE",
    .summary  = "Says what a file of word vectors holds: its format, how many words, how wide, and what reading it met.",
    .examples = "  wordahead vectors info models/english/vectors.bin.gz\n"
                "  wordahead vectors info --format json vectors.txt\n",
    .options  = info_options,
    .n_least  = 1,
    .n_most   = 1,
};

/* The counts of a wa_vectors_info, as `info` names them. */
static const struct {
    const char *key, *label;
    size_t      offset;
} counts[] = {
    { "claimed", "records expected", offsetof(wa_vectors_info, n_claimed) },
    { "records", "records read", offsetof(wa_vectors_info, n_records) },
    { "duplicates", "dropped duplicates", offsetof(wa_vectors_info, n_duplicates) },
    { "invalid_utf8", "words that are not UTF-8", offsetof(wa_vectors_info, n_invalid_utf8) },
    { "cut", "of those cut at 98 bytes", offsetof(wa_vectors_info, n_cut) },
    { "with_space", "words with white space", offsetof(wa_vectors_info, n_with_space) },
    { "empty", "empty words", offsetof(wa_vectors_info, n_empty) },
    { "missing", "records missing", offsetof(wa_vectors_info, n_missing) },
    { "trailing", "left over at the end", offsetof(wa_vectors_info, n_trailing) },
};

static size_t count_at(const wa_vectors_info *info, size_t i)
{
    size_t n;

    memcpy(&n, (const char *)info + counts[i].offset, sizeof n);
    return n;
}

static void print_row(const char *label, const char *value)
{
    wa_cli_printf("%-26s  %s\n", label, value);
}

static void print_count(const char *label, size_t n)
{
    wa_cli_printf("%-26s  %zu\n", label, n);
}

static void print_info(const char *path, const wa_vectors *v)
{
    const wa_vectors_info info = wa_vectors_describe(v);

    print_row("file", path);
    wa_cli_printf("%-26s  %s%s\n", "format", name_format(info.format), info.is_gzip ? ", gzip" : "");
    if (info.format == WA_VECTORS_BINARY)
        print_row("newline after records", info.has_newlines ? "yes" : "no");
    print_count("words", wa_vectors_count(v));
    print_count("width", wa_vectors_width(v));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        print_count(counts[i].label, count_at(&info, i));
}

static wa_status print_info_json(const char *path, const wa_vectors *v, wa_error *err)
{
    static const char *const formats[] = { "binary", "text", "glove", "memory" };
    const wa_vectors_info    info      = wa_vectors_describe(v);
    wa_buf                   buf       = { 0 };

    wa_buf_str(&buf, "{\"file\":");
    wa_json_add_text(&buf, wa_text_of(path));
    wa_buf_format(&buf, ",\"format\":\"%s\",\"gzip\":%s,\"newlines\":%s,\"words\":%zu,\"width\":%zu", formats[info.format],
                  info.is_gzip ? "true" : "false", info.has_newlines ? "true" : "false", wa_vectors_count(v), wa_vectors_width(v));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        wa_buf_format(&buf, ",\"%s\":%zu", counts[i].key, count_at(&info, i));
    wa_buf_str(&buf, "}\n");
    const wa_status st = buf.failed ? wa_fail_memory(err, path) : WA_OK;
    if (st == WA_OK)
        wa_cli_write(wa_buf_view(&buf));
    wa_buf_clear(&buf);
    return st;
}

static int run_info(const vectors_opts *opts, const wa_operands *operands)
{
    wa_status   st   = WA_OK;
    wa_vectors *v    = NULL;
    const char *path = operands->items[0];
    wa_error err_here, *const err = &err_here;

    WA_TRY(open_vectors(path, opts, &v, err));
    if (opts->format == INFO_JSON)
        WA_TRY(print_info_json(path, v, err));
    else
        print_info(path, v);
done:
    wa_vectors_close(v);
    return st == WA_OK ? WA_EXIT_OK : wa_cli_fail(err);
}

/* ---------------------------------------------------------------- check */

#define MOST_FINDINGS 20 /* of one kind, unless --all */

static const wa_option check_options[] = {
    { "all", 0, WA_OPTION_FLAG, AT(all), NULL, NULL, "print every finding, not only the first 20 of a kind" },
    LIMIT_ROW,
    DUPLICATES_ROW,
    SALVAGE_ROW,
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb check_verb = {
    .name     = "vectors check",
    .operands = "FILE",
    .summary = "Reads every record and prints what is remarkable, with its place and the option that accepts or mends it. Records\n"
               "count from 0. Ends with 0 where the file opens with these options, with 3 where it does not.",
    .examples = "  wordahead vectors check vectors.bin\n"
                "  wordahead vectors check --salvage --all truncated.bin.gz\n",
    .options  = check_options,
    .n_least  = 1,
    .n_most   = 1,
};

typedef struct checker {
    const char *path;
    bool        all;
    size_t      n_of[WA_N_FINDING_KINDS];
} checker;

static void print_finding(void *user, const wa_finding *finding)
{
    checker *const c = user;
    char           place[WA_PLACE_SIZE];

    if (c->n_of[finding->kind]++ < MOST_FINDINGS || c->all)
        wa_cli_printf("%s: %s: %s\n", c->path, wa_finding_place(place, finding), finding->message);
}

static void print_abridged(const checker *c)
{
    static const char *const names[] = {
        [WA_FINDING_DUPLICATE]    = "duplicates",
        [WA_FINDING_INVALID_UTF8] = "words that are not UTF-8",
        [WA_FINDING_CUT]          = "words cut inside a character",
        [WA_FINDING_SPACE]        = "words with white space",
        [WA_FINDING_EMPTY]        = "empty words",
        [WA_FINDING_NAN]          = "rows with NaN",
        [WA_FINDING_INFINITE]     = "rows with infinities",
        [WA_FINDING_ZERO]         = "rows of zeros",
        [WA_FINDING_BROKEN]       = "broken records",
    };

    for (size_t i = 0; i < WA_N_FINDING_KINDS && !c->all; i++)
        if (c->n_of[i] > MOST_FINDINGS)
            wa_cli_printf("%s: and %zu more %s; --all prints each\n", c->path, c->n_of[i] - MOST_FINDINGS, names[i]);
}

static void print_totals(const checker *c, const wa_vectors_census *census)
{
    const wa_vectors_info *const info        = &census->info;
    const size_t                 n_remarks[] = { info->n_duplicates, info->n_invalid_utf8, info->n_with_space, info->n_empty,
                                                 census->n_nan,      census->n_infinite,   census->n_zero,     info->n_missing };
    static const char *const     names[]     = { "duplicate", "not UTF-8", "with white space", "empty",
                                                 "with NaN",  "infinite",  "all zeros",        "missing" };

    wa_cli_printf("%s: %s%s, %zu record%s, %zu word%s of width %zu", c->path, name_format(info->format),
                  info->is_gzip ? ", gzip" : "", info->n_records, plural(info->n_records), census->n_words, plural(census->n_words),
                  census->width);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (n_remarks[i] > 0)
            wa_cli_printf(", %zu %s", n_remarks[i], names[i]);
    if (info->n_trailing > 0)
        wa_cli_printf(", %zu %s%s left over", info->n_trailing, info->format == WA_VECTORS_BINARY ? "byte" : "line",
                      plural(info->n_trailing));
    if (census->n_refused > 0)
        wa_cli_printf("; %zu finding%s an option\n", census->n_refused, census->n_refused == 1 ? " needs" : "s need");
    else
        wa_cli_printf("; opens with these options\n");
}

static int run_check(const vectors_opts *opts, const wa_operands *operands)
{
    const wa_vectors_opts how = { opts->limit, (wa_duplicates)opts->duplicates, opts->salvage, opts->threads };
    checker               c   = { .path = operands->items[0], .all = opts->all };
    wa_vectors_census     census;
    wa_error              err;

    if (wa_vectors_check(c.path, &how, wa_cli_env(), print_finding, &c, &census, &err) != WA_OK) {
        print_abridged(&c);
        return wa_cli_fail(&err);
    }
    print_abridged(&c);
    print_totals(&c, &census);
    return census.n_refused > 0 ? WA_EXIT_DATA : WA_EXIT_OK;
}

/* ---------------------------------------------------------------- nearest and analogy */

static const wa_option nearest_options[] = {
    { "top", 'k', WA_OPTION_SIZE, AT(k), "10", "K", "how many words; 0 means all" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", "table|tsv|jsonl", "how to print" },
    LIMIT_ROW,
    DUPLICATES_ROW,
    SALVAGE_ROW,
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb nearest_verb = {
    .name     = "vectors nearest",
    .operands = "FILE WORD",
    .summary  = "Prints the words whose vectors have the largest cosine to that of WORD.",
    .examples = "  wordahead vectors nearest models/english/vectors.bin.gz cat\n"
                "  wordahead vectors nearest -k 3 --format jsonl vectors.bin king\n",
    .options  = nearest_options,
    .n_least  = 2,
    .n_most   = 2,
};

static const wa_verb analogy_verb = {
    .name     = "vectors analogy",
    .operands = "FILE A B C",
    .summary  = "Prints the words that complete \"A is to B as C is to ...\": those nearest to B - A + C, each of length 1.",
    .examples = "  wordahead vectors analogy models/english/vectors.bin.gz man king woman\n",
    .options  = nearest_options,
    .n_least  = 4,
    .n_most   = 4,
};

#define SPELLING_SIZE 64 /* wa_nearest_name() compares no longer ones */

typedef struct speller {
    const wa_vectors *vectors;
    char             *word; /* [SPELLING_SIZE], the last one asked for */
} speller;

static const char *spell(const void *user, size_t i)
{
    const speller *const s    = user;
    const wa_text        word = wa_vectors_word(s->vectors, i);
    const size_t         n    = word.n_bytes < SPELLING_SIZE ? word.n_bytes : SPELLING_SIZE - 1;

    memcpy(s->word, word.data, n);
    s->word[n] = '\0';
    return s->word;
}

/* A word of the file that was perhaps meant: the same in lower case, or one spelt nearly so. */
static size_t find_similar(const wa_vectors *v, wa_text word)
{
    char          buffer[SPELLING_SIZE];
    const speller s = { v, buffer };

    if (word.n_bytes < sizeof buffer) {
        for (size_t i = 0; i < word.n_bytes; i++)
            buffer[i] = (char)(word.data[i] >= 'A' && word.data[i] <= 'Z' ? word.data[i] + 0x20 : word.data[i]);
        const size_t lower = wa_vectors_find(v, (wa_text){ buffer, word.n_bytes });
        if (lower != WA_NONE)
            return lower;
    }
    return wa_nearest_name(word, spell, &s, wa_vectors_count(v));
}

static wa_status find_word(const wa_vectors *v, const char *path, const char *name, size_t *row, wa_error *err)
{
    const wa_text word = wa_text_of(name);

    if ((*row = wa_vectors_find(v, word)) != WA_NONE)
        return WA_OK;
    const size_t similar = find_similar(v, word);
    if (similar == WA_NONE)
        return wa_fail(err, WA_EUSAGE, "%s is not among the %zu words of %s; words are compared byte for byte",
                       wa_show(word).quoted, wa_vectors_count(v), path);
    return wa_fail(err, WA_EUSAGE, "%s is not among the %zu words of %s; did you mean %s?", wa_show(word).quoted,
                   wa_vectors_count(v), path, wa_show(wa_vectors_word(v, similar)).quoted);
}

/* What one search asks and finds. `words` are those of the command line. */
typedef struct search {
    const wa_vectors   *vectors;
    const char *const  *words;
    size_t              n_words;
    size_t              rows[3];
    float              *query; /* [D] */
    const wa_neighbour *found;
    size_t              n_found;
} search;

static void add_neighbour_json(wa_buf *buf, const search *s, size_t i)
{
    wa_buf_format(buf, "%s{\"rank\":%zu,\"word\":", i ? "," : "", i + 1);
    wa_json_add_text(buf, wa_vectors_word(s->vectors, s->found[i].index));
    wa_buf_str(buf, ",\"cosine\":");
    wa_json_add_float(buf, s->found[i].cosine);
    wa_buf_str(buf, "}");
}

static void add_jsonl(wa_buf *buf, const search *s)
{
    wa_buf_str(buf, "{\"words\":[");
    for (size_t i = 0; i < s->n_words; i++) {
        wa_buf_str(buf, i ? "," : "");
        wa_json_add_text(buf, wa_text_of(s->words[i]));
    }
    wa_buf_str(buf, "],\"nearest\":[");
    for (size_t i = 0; i < s->n_found; i++)
        add_neighbour_json(buf, s, i);
    wa_buf_str(buf, "]}\n");
}

static void add_tsv(wa_buf *buf, const search *s)
{
    char cosine[WA_NUMBER_SIZE];

    wa_buf_str(buf, "rank\tword\tcosine\n");
    for (size_t i = 0; i < s->n_found; i++) {
        wa_buf_format(buf, "%zu\t", i + 1);
        wa_cli_add_field(buf, wa_vectors_word(s->vectors, s->found[i].index));
        wa_buf_format(buf, "\t%s\n", wa_format_float(cosine, s->found[i].cosine));
    }
}

static void print_table(const search *s)
{
    size_t widest = 4; /* of the heading "word" */

    for (size_t i = 0; i < s->n_found; i++) {
        const size_t columns = wa_cli_columns(wa_vectors_word(s->vectors, s->found[i].index));

        widest = columns > widest ? columns : widest;
    }
    wa_cli_printf("rank  %-*s   cosine\n", (int)widest, "word");
    for (size_t i = 0; i < s->n_found; i++) {
        wa_cli_printf("%4zu  ", i + 1);
        wa_cli_write_padded(wa_vectors_word(s->vectors, s->found[i].index), widest);
        wa_cli_printf("  %7.4f\n", (double)s->found[i].cosine);
    }
}

static wa_status print_found(const search *s, int format, wa_error *err)
{
    wa_buf buf = { 0 };

    if (format == FORMAT_TABLE)
        print_table(s);
    else if (format == FORMAT_TSV)
        add_tsv(&buf, s);
    else
        add_jsonl(&buf, s);
    const wa_status st = buf.failed ? wa_fail_memory(err, "output") : WA_OK;
    if (st == WA_OK)
        wa_cli_write(wa_buf_view(&buf));
    wa_buf_clear(&buf);
    return st;
}

/* The library does not know what the vectors and the question are called. */
static wa_status fail_search(const search *s, const char *path, const wa_error *inner, wa_error *err)
{
    if (s->n_words == 1)
        return wa_fail(err, inner->status, "%s: %s: %s; ask for another word", path, wa_show(wa_text_of(s->words[0])).quoted,
                       inner->message);
    return wa_fail(err, inner->status, "%s: %s; ask for other words", path, inner->message);
}

/* One word: its own vector. Three: the analogy. The words asked about are never among those found. */
static wa_status make_query(search *s, const char *path, wa_error *err)
{
    wa_status st = WA_OK;
    wa_error  inner;

    for (size_t i = 0; i < s->n_words; i++)
        WA_TRY(find_word(s->vectors, path, s->words[i], &s->rows[i], err));
    if (!(s->query = wa_alloc(NULL, wa_vectors_width(s->vectors), sizeof *s->query)))
        WA_TRY(wa_fail_memory(err, path));
    if (s->n_words == 3 && wa_vectors_analogy(s->vectors, s->rows[0], s->rows[1], s->rows[2], s->query, &inner) != WA_OK)
        st = fail_search(s, path, &inner, err);
    else if (s->n_words == 1)
        wa_vectors_row(s->vectors, s->rows[0], s->query);
done:
    return st;
}

static int run_search(const vectors_opts *opts, const wa_operands *operands)
{
    wa_status     st    = WA_OK;
    wa_vectors   *v     = NULL;
    wa_neighbour *found = NULL;
    search        s     = { .words = operands->items + 1, .n_words = operands->n - 1 };
    wa_error inner, err_here, *const err = &err_here;

    WA_TRY(open_vectors(operands->items[0], opts, &v, err));
    s.vectors = v;
    WA_TRY(make_query(&s, operands->items[0], err));
    const size_t N = wa_vectors_count(v), k = opts->k == 0 || opts->k > N ? N : opts->k;
    if (!(found = wa_alloc(NULL, k, sizeof *found)))
        WA_FAIL(WA_ENOMEM, "%s: not enough memory for %zu words", operands->items[0], k);
    if (wa_vectors_nearest(v, s.query, s.rows, s.n_words, k, found, &s.n_found, &inner) != WA_OK) {
        st = fail_search(&s, operands->items[0], &inner, err);
        goto done;
    }
    s.found = found;
    WA_TRY(print_found(&s, opts->format, err));
done:
    wa_release(NULL, s.query);
    wa_release(NULL, found);
    wa_vectors_close(v);
    return st == WA_OK ? WA_EXIT_OK : wa_cli_fail(err);
}

/* ---------------------------------------------------------------- convert */

static const wa_option convert_options[] = {
    { "to", 0, WA_OPTION_CHOICE, AT(to), "auto", "auto|binary|text", "auto: text where OUT ends in .txt or .vec, also before .gz" },
    { "newline", 0, WA_OPTION_CHOICE, AT(newline), "auto", "auto|yes|no",
      "binary: a newline after each record; auto: yes, as word2vec.c" },
    { "escape", 0, WA_OPTION_FLAG, AT(escape), NULL, NULL, "write '_' for blanks and line breaks in words, and for an empty word" },
    LIMIT_ROW,
    DUPLICATES_ROW,
    SALVAGE_ROW,
    WA_OPTION_THREADS(AT(threads)),
    { 0 },
};

static const wa_verb convert_verb = {
    .name     = "vectors convert",
    .operands = "IN OUT",
    .summary  = "Writes the vectors of IN to OUT as word2vec binary or text; an OUT ending in .gz is compressed.",
    .examples = "  wordahead vectors convert glove.6B.300d.txt glove.bin\n"
                "  wordahead vectors convert --limit 50000 GoogleNews-vectors-negative300.bin.gz news.vec.gz\n",
    .options  = convert_options,
    .n_least  = 2,
    .n_most   = 2,
};

static bool is_text_name(wa_text name)
{
    if (wa_text_ends(name, ".gz"))
        name.n_bytes -= 3;
    return wa_text_ends(name, ".txt") || wa_text_ends(name, ".vec");
}

static int run_convert(const vectors_opts *opts, const wa_operands *operands)
{
    wa_status                  st  = WA_OK;
    wa_vectors                *v   = NULL;
    const char *const          out = operands->items[1];
    const wa_vectors_save_opts how = {
        .as_text         = opts->to == TO_TEXT || (opts->to == TO_AUTO && is_text_name(wa_text_of(out))),
        .without_newline = opts->newline == NEWLINE_NO,
        .escape_spaces   = opts->escape,
    };
    wa_error err_here, *const err = &err_here;

    if (strcmp(out, "-") == 0)
        return wa_cli_complain(WA_EXIT_USAGE, "vectors convert: OUT is a file, found '-'; /dev/stdout is standard output");
    if (how.as_text && opts->newline != NEWLINE_AUTO)
        return wa_cli_complain(
            WA_EXIT_USAGE, "--newline: %s is written as text, which always has newlines; leave it out, or add --to binary", out);
    WA_TRY(open_vectors(operands->items[0], opts, &v, err));
    WA_TRY(wa_vectors_save(v, out, &how, err));
done:
    wa_vectors_close(v);
    return st == WA_OK ? WA_EXIT_OK : wa_cli_fail(err);
}

/* ---------------------------------------------------------------- the verb */

static int run_with(const wa_verb *verb, int (*run)(const vectors_opts *opts, const wa_operands *operands), int argc, char **argv)
{
    vectors_opts opts = { 0 };
    wa_operands  operands;
    const int    code = wa_verb_parse(verb, argc, argv, &opts, &operands);

    return code >= 0 ? code : run(&opts, &operands);
}

static int info(int argc, char **argv)
{
    return run_with(&info_verb, run_info, argc, argv);
}

static int check(int argc, char **argv)
{
    return run_with(&check_verb, run_check, argc, argv);
}

static int nearest(int argc, char **argv)
{
    return run_with(&nearest_verb, run_search, argc, argv);
}

static int analogy(int argc, char **argv)
{
    return run_with(&analogy_verb, run_search, argc, argv);
}

static int convert(int argc, char **argv)
{
    return run_with(&convert_verb, run_convert, argc, argv);
}

int wa_cmd_vectors(int argc, char **argv)
{
    static const wa_verb_row verbs[] = {
        { "info", info, "what a file is and what was met on the way" },
        { "check", check, "everything that is odd or broken in a file, with its place and the option that accepts it" },
        { "nearest", nearest, "the words nearest to a word" },
        { "analogy", analogy, "a is to b as c is to ..." },
        { "convert", convert, "binary to text, text to binary, plain to gzip and back" },
        { 0 },
    };

    return wa_verb_dispatch("vectors", verbs,
                            "  wordahead vectors info vectors.bin.gz\n"
                            "  wordahead vectors nearest vectors.bin.gz ship -k 5\n"
                            "  wordahead vectors convert vectors.bin.gz vectors.txt\n",
                            argc, argv);
}
