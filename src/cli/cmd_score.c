/* `wordahead score`: the log-probability of every word of text files, and the totals of the field. */
#include <math.h>
#include <stddef.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/texts.h"

enum { FORMAT_TABLE, FORMAT_TSV, FORMAT_JSONL };
enum { CONTEXT_LINE, CONTEXT_DOCUMENT };

typedef struct score_opts {
    const char *model;
    bool        tokens;
    int         context, format;
    size_t      threads, batch;
} score_opts;

#define AT(field) offsetof(score_opts, field)

static const wa_option options[] = {
    { "model", 'm', WA_OPTION_TEXT, AT(model), NULL, "MODEL",
      "a model's YAML file or folder; else WORDAHEAD_MODEL, else the built-in one" },
    { "tokens", 0, WA_OPTION_FLAG, AT(tokens), NULL, NULL, "one entry a word" },
    { "context", 0, WA_OPTION_CHOICE, AT(context), "line", "line|document", "document: earlier lines of a file count as context" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", "table|tsv|jsonl", "how to print" },
    WA_OPTION_THREADS(AT(threads)),
    WA_OPTION_BATCH(AT(batch)),
    { 0 },
};

static const wa_verb verb = {
    .name     = "score",
    .operands = "[FILE ...]",
    .summary  = "Scores the words of each line of the files, or of standard input, and sums up: log-probability (natural log), "
                "perplexity,\n"
                "mean reciprocal rank, and how often the right word was among the first 1, 5 and 10.",
    .examples = "  wordahead score book.txt\n"
                "  wordahead score --tokens --format jsonl book.txt.gz\n"
                "  echo \"the cat sat on the mat\" | wordahead score --tokens\n",
    .options  = options,
    .n_most   = WA_NONE,
};

typedef struct scorer {
    score_opts      opts;
    wa_model       *model;
    wa_session     *session;
    wa_context     *context;    /* NULL with --context line */
    bool            has_files;  /* more than one: records name theirs */
    const char     *shown_file; /* the one that the table has named last */
    wa_score_totals totals;
    wa_texts        texts;
    wa_scores      *scores; /* [texts.n_most] */
    wa_buf          record;
    wa_cli_outcome  outcome;
    size_t          n_printed;
} scorer;

/* ---------------------------------------------------------------- jsonl */

static void add_word_json(wa_buf *record, const wa_word_score *word, bool is_first)
{
    wa_buf_str(record, is_first ? "{\"word\":" : ",{\"word\":");
    wa_json_add_text(record, word->token.word);
    wa_buf_format(record, ",\"known\":%s,\"logprob\":", word->token.is_known ? "true" : "false");
    wa_json_add_float(record, word->has_score ? word->logprob : NAN);
    if (word->has_score)
        wa_buf_format(record, ",\"rank\":%zu", word->rank);
    else
        wa_buf_str(record, ",\"rank\":null");
    wa_buf_format(record, ",\"start\":%zu,\"end\":%zu}", word->token.start, word->token.end);
}

static void add_jsonl(scorer *s, const wa_cli_line *line, const wa_scores *scores)
{
    wa_buf *const record = &s->record;

    wa_buf_str(record, "{");
    if (s->has_files) {
        wa_buf_str(record, "\"file\":");
        wa_json_add_text(record, wa_text_of(line->file));
        wa_buf_str(record, ",");
    }
    wa_buf_format(record, "\"line\":%zu,\"logprob\":", line->number);
    wa_json_add_double(record, scores->logprob);
    wa_buf_format(record, ",\"words\":%zu,\"perplexity\":", scores->n_scored);
    wa_json_add_double(record, wa_perplexity(scores->logprob, scores->n_scored));
    for (size_t i = 0; s->opts.tokens && i < scores->n_words; i++) {
        wa_buf_str(record, i ? "" : ",\"tokens\":[");
        add_word_json(record, &scores->words[i], i == 0);
    }
    wa_buf_str(record, !s->opts.tokens ? "}\n" : scores->n_words ? "]}\n" : ",\"tokens\":[]}\n");
}

/* ---------------------------------------------------------------- tsv */

static void add_word_tsv(wa_buf *record, const wa_word_score *word)
{
    char number[WA_NUMBER_SIZE];

    wa_cli_add_field(record, word->token.word);
    wa_buf_format(record, "\t%s\t%s\t", word->token.is_known ? "known" : "unknown",
                  word->has_score ? wa_format_float(number, word->logprob) : "");
    if (word->has_score)
        wa_buf_format(record, "%zu", word->rank);
    wa_buf_format(record, "\t%zu\t%zu\n", word->token.start, word->token.end);
}

static void add_place_tsv(const scorer *s, wa_buf *record, const wa_cli_line *line)
{
    if (s->has_files) {
        wa_cli_add_field(record, wa_text_of(line->file));
        wa_buf_str(record, "\t");
    }
    wa_buf_format(record, "%zu\t", line->number);
}

static void add_tsv(scorer *s, const wa_cli_line *line, const wa_scores *scores)
{
    char          logprob[WA_NUMBER_SIZE], perplexity[WA_NUMBER_SIZE];
    wa_buf *const record = &s->record;

    if (s->n_printed == 0)
        wa_buf_format(record, "%s%s\n", s->has_files ? "file\t" : "",
                      s->opts.tokens ? "line\tword\tknown\tlogprob\trank\tstart\tend"
                                     : "line\twords\tunknown\tlogprob\tperplexity");
    for (size_t i = 0; s->opts.tokens && i < scores->n_words; i++) {
        add_place_tsv(s, record, line);
        add_word_tsv(record, &scores->words[i]);
    }
    if (s->opts.tokens)
        return;
    add_place_tsv(s, record, line);
    wa_buf_format(record, "%zu\t%zu\t%s\t%s\n", scores->n_scored, scores->n_unknown, wa_format_double(logprob, scores->logprob),
                  scores->n_scored ? wa_format_double(perplexity, wa_perplexity(scores->logprob, scores->n_scored)) : "");
}

/* ---------------------------------------------------------------- table */

enum { WORD_COLUMNS = 20 };

static void write_word(const wa_word_score *word)
{
    wa_cli_write(wa_text_of("        "));
    wa_cli_write_padded(word->token.word, WORD_COLUMNS);
    if (word->has_score)
        wa_cli_printf("%10.4f  rank %zu", (double)word->logprob, word->rank);
    else
        wa_cli_printf("%10s  rank -", "-");
    wa_cli_printf("%s\n", word->token.is_known ? "" : "  unknown");
}

static void write_table(scorer *s, const wa_cli_line *line, const wa_scores *scores)
{
    if (s->n_printed == 0)
        wa_cli_printf("  line   words  unknown     logprob  perplexity\n");
    if (s->has_files && s->shown_file != line->file) {
        wa_cli_write_padded(wa_text_of(line->file), 0);
        wa_cli_write(wa_text_of("\n"));
    }
    s->shown_file = line->file;
    wa_cli_printf("%6zu  %6zu  %7zu  %10.4f", line->number, scores->n_scored, scores->n_unknown, scores->logprob);
    if (scores->n_scored)
        wa_cli_printf("  %10.2f\n", wa_perplexity(scores->logprob, scores->n_scored));
    else
        wa_cli_printf("  %10s\n", "-");
    for (size_t i = 0; s->opts.tokens && i < scores->n_words; i++)
        write_word(&scores->words[i]);
}

/* ---------------------------------------------------------------- summary */

/* The figures of the summary that are not counts, in the order of the record. */
typedef struct figure {
    const char *name, *title;
    double      value;
} figure;

enum { N_FIGURES = 7 };

static void list_figures(const wa_score_totals *t, figure out[N_FIGURES])
{
    const double n       = (double)t->n_words;
    const size_t n_known = t->n_words - t->n_unknown_scored;
    const double logprob = wa_sum_value(&t->logprob);

    out[0] = (figure){ "logprob", "log-probability", logprob };
    out[1] = (figure){ "perplexity", "perplexity", wa_perplexity(logprob, t->n_words) };
    out[2] = (figure){ "perplexity_known", "perplexity of known words", wa_perplexity(wa_sum_value(&t->logprob_known), n_known) };
    out[3] = (figure){ "mrr", "mean reciprocal rank", wa_sum_value(&t->reciprocal_ranks) / n };
    out[4] = (figure){ "top1", "right word first", (double)t->n_top1 / n };
    out[5] = (figure){ "top5", "right word among 5", (double)t->n_top5 / n };
    out[6] = (figure){ "top10", "right word among 10", (double)t->n_top10 / n };
}

static void add_special(wa_buf *record, const char *name, wa_text word)
{
    wa_buf_format(record, ",\"%s\":", name);
    if (word.data)
        wa_json_add_text(record, word);
    else
        wa_buf_str(record, "null");
}

static void add_summary_jsonl(scorer *s, const figure *figures)
{
    wa_buf *const record = &s->record;

    wa_buf_format(record, "{\"summary\":true,\"lines\":%zu,\"words\":%zu,\"unknown\":%zu", s->totals.n_texts, s->totals.n_words,
                  s->totals.n_unknown);
    for (size_t i = 0; i < N_FIGURES; i++) {
        wa_buf_format(record, ",\"%s\":", figures[i].name);
        wa_json_add_double(record, figures[i].value);
    }
    wa_buf_str(record, ",\"log_base\":\"e\"");
    add_special(record, "start", wa_model_start(s->model));
    add_special(record, "end", wa_model_end(s->model));
    if (s->totals.n_invalid)
        wa_buf_format(record, ",\"invalid\":%zu", s->totals.n_invalid);
    wa_buf_format(record, ",\"context\":\"%s\"}\n", s->opts.context == CONTEXT_LINE ? "line" : "document");
}

static void add_summary_tsv(scorer *s, const figure *figures)
{
    char number[WA_NUMBER_SIZE];

    wa_buf_format(&s->record, "# lines\t%zu\n# words\t%zu\n# unknown\t%zu\n", s->totals.n_texts, s->totals.n_words,
                  s->totals.n_unknown);
    for (size_t i = 0; i < N_FIGURES; i++)
        wa_buf_format(&s->record, "# %s\t%s\n", figures[i].name,
                      isfinite(figures[i].value) ? wa_format_double(number, figures[i].value) : "");
}

static void write_summary_table(const scorer *s, const figure *figures)
{
    wa_cli_printf("\n%-26s %12zu\n%-26s %12zu\n%-26s %12zu\n", "lines", s->totals.n_texts, "scored words", s->totals.n_words,
                  "unknown words", s->totals.n_unknown);
    if (s->totals.n_invalid)
        wa_cli_printf("%-26s %12zu\n", "not UTF-8 (read as U+FFFD)", s->totals.n_invalid);
    for (size_t i = 0; i < N_FIGURES; i++) {
        if (isfinite(figures[i].value))
            wa_cli_printf("%-26s %12.4f\n", figures[i].title, figures[i].value);
        else
            wa_cli_printf("%-26s %12s\n", figures[i].title, "-");
    }
}

static int write_summary(scorer *s)
{
    figure figures[N_FIGURES];

    list_figures(&s->totals, figures);
    s->record.n_bytes = 0;
    if (s->opts.format == FORMAT_JSONL)
        add_summary_jsonl(s, figures);
    else if (s->opts.format == FORMAT_TSV)
        add_summary_tsv(s, figures);
    else
        write_summary_table(s, figures);
    if (s->record.failed)
        return wa_cli_complain(WA_EXIT_IO, "output: not enough memory");
    wa_cli_write(wa_buf_view(&s->record));
    return WA_EXIT_OK;
}

/* ---------------------------------------------------------------- running */

static wa_status score_many(void *user, const wa_texts *texts, size_t first, size_t *n_done, wa_error *err)
{
    scorer *const s = user;

    return wa_score_many(s->session, texts->items + first, texts->n - first, s->scores, n_done, err);
}

/* With --context document each line adds to what the next one sees, so there is one at a time. */
static wa_status score_next(void *user, const wa_texts *texts, size_t first, size_t *n_done, wa_error *err)
{
    scorer *const s = user;

    if (texts->lines[first].number == 1)
        wa_context_clear(s->context);
    const wa_status st = wa_score(s->session, texts->items[first], s->context, s->scores, err);
    *n_done            = st == WA_OK;
    return st;
}

static void print_scores(void *user, const wa_cli_line *line, size_t i)
{
    scorer *const          s      = user;
    const wa_scores *const scores = &s->scores[i];
    wa_error               err;

    s->record.n_bytes = 0;
    if (s->opts.format == FORMAT_JSONL)
        add_jsonl(s, line, scores);
    else if (s->opts.format == FORMAT_TSV)
        add_tsv(s, line, scores);
    else
        write_table(s, line, scores);
    if (s->record.failed) {
        wa_fail_memory(&err, "output");
        wa_cli_line_failed(&s->outcome, line, &err);
        return;
    }
    wa_cli_write(wa_buf_view(&s->record));
    wa_score_add(&s->totals, scores);
    s->n_printed++;
    s->outcome.n_done++;
}

static int prepare(scorer *s)
{
    wa_status  st      = WA_OK;
    const bool is_line = s->opts.context == CONTEXT_LINE;
    int        code    = WA_EXIT_OK;
    wa_error err_here, *const err = &err_here;

    s->texts = (wa_texts){ .n_most  = is_line ? s->opts.batch : 1,
                           .compute = is_line ? score_many : score_next,
                           .take    = print_scores,
                           .user    = s,
                           .outcome = &s->outcome };
    if (!(s->session = wa_cli_open_session(s->opts.model, s->opts.threads, &s->model, &code)))
        return code;
    if (!is_line)
        WA_TRY(wa_context_new(s->model, &s->context, err));
    if (!(s->scores = wa_alloc(NULL, s->texts.n_most, sizeof *s->scores)))
        WA_TRY(wa_fail_memory(err, "score"));
    WA_TRY(wa_texts_init(&s->texts, err));
done:
    return st == WA_OK ? WA_EXIT_OK : wa_cli_fail(err);
}

static int run(scorer *s, const wa_operands *files)
{
    int code = prepare(s);

    if (code != WA_EXIT_OK)
        return code;
    s->has_files = files->n > 1;
    wa_texts_read(&s->texts, files->items, files->n);
    wa_texts_flush(&s->texts);
    if (s->outcome.n_done > 0 || s->outcome.n_failed == 0)
        code = write_summary(s);
    return code != WA_EXIT_OK ? code : wa_cli_exit_code(&s->outcome);
}

int wa_cmd_score(int argc, char **argv)
{
    scorer      s = { 0 };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &s.opts, &operands);

    if (code < 0) {
        operands = wa_cli_files(&operands);
        code     = wa_cli_check_stdin(wa_cli_count_stdin(&s.opts.model, 1) + wa_cli_count_stdin(operands.items, operands.n));
        if (code == WA_EXIT_OK)
            code = run(&s, &operands);
    }
    wa_texts_clear(&s.texts);
    wa_release(NULL, s.scores);
    wa_context_free(s.context);
    wa_session_free(s.session);
    wa_model_close(s.model);
    wa_buf_clear(&s.record);
    return code;
}
