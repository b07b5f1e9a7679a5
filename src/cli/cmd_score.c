/* `wordahead score`: the log-probability of every word of text files, and the totals of the field. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/summary.h"
#include "cli/words.h"
#include "report/jsonl.h"

enum { CONTEXT_LINE, CONTEXT_DOCUMENT };

typedef struct score_opts {
    bool          tokens, no_summary;
    int           context, format;
    wa_batch_opts batch;
} score_opts;

#define AT(field) offsetof(score_opts, field)

static const wa_option options[] = {
    { "tokens", 0, WA_OPTION_FLAG, AT(tokens), NULL, NULL, "one entry a word" },
    { "context", 0, WA_OPTION_CHOICE, AT(context), "line", "line|document", "document: earlier lines of a file count as context" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", WA_SCORE_FORMATS, "how to print; kenlm: as KenLM's query does" },
    { "no-summary", 0, WA_OPTION_FLAG, AT(no_summary), NULL, NULL, "nothing behind the last line: a record a line, and no more" },
    WA_BATCH_OPTIONS(AT(batch)),
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
                "  echo \"the cat sat on the mat\" | wordahead score --tokens\n"
                "  wordahead score --format jsonl -o scores.jsonl.gz --resume books/*.txt\n",
    .options  = options,
    .n_most   = WA_NONE,
};

typedef struct scorer {
    score_opts  opts;
    wa_arena    arena;
    wa_operands files;
    wa_model   *model;
    wa_context *context;   /* NULL with --context line */
    bool        has_files; /* more than one: records name theirs */
    wa_buf      options, header;
} scorer;

/* ---------------------------------------------------------------- jsonl */

static void add_jsonl(const scorer *s, wa_buf *record, const wa_cli_line *line, const wa_scores *scores)
{
    wa_place_add_json(record, line, s->has_files);
    wa_buf_str(record, ",");
    wa_scores_add_json(record, scores, s->opts.tokens);
    wa_buf_str(record, "}\n");
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

static void add_tsv(const scorer *s, wa_buf *record, const wa_cli_line *line, const wa_scores *scores)
{
    char logprob[WA_NUMBER_SIZE], perplexity[WA_NUMBER_SIZE];

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

static void add_word_table(wa_buf *record, const wa_word_score *word)
{
    wa_buf_str(record, "        ");
    wa_cli_add_padded(record, word->token.word, WORD_COLUMNS);
    if (word->has_score)
        wa_buf_format(record, "%10.4f  rank %zu", (double)word->logprob, word->rank);
    else
        wa_buf_format(record, "%10s  rank -", "-");
    wa_buf_format(record, "%s\n", word->token.is_known ? "" : "  unknown");
}

static void add_file_table(const scorer *s, wa_buf *record, const wa_cli_line *line)
{
    if (!s->has_files || line->number != 1)
        return;
    wa_cli_add_padded(record, wa_text_of(line->file), 0);
    wa_buf_str(record, "\n");
}

static void add_table(const scorer *s, wa_buf *record, const wa_cli_line *line, const wa_scores *scores)
{
    add_file_table(s, record, line);
    wa_buf_format(record, "%6zu  %6zu  %7zu  %10.4f", line->number, scores->n_scored, scores->n_unknown, scores->logprob);
    if (scores->n_scored)
        wa_buf_format(record, "  %10.2f\n", wa_perplexity(scores->logprob, scores->n_scored));
    else
        wa_buf_format(record, "  %10s\n", "-");
    for (size_t i = 0; s->opts.tokens && i < scores->n_words; i++)
        add_word_table(record, &scores->words[i]);
}

/* ---------------------------------------------------------------- kenlm */

/* As KenLM's query prints: word=index, the length of what the probability was looked up for, log10 of the probability; and the total of
 * the line. Here the length is that of the context, the word itself included: nothing shorter is fallen back to.
 * Source: KenLM, lm/ngram_query.hh, FullPrint. */
static void add_kenlm(const scorer *s, wa_buf *record, const wa_scores *scores)
{
    const size_t unknown = wa_model_find(s->model, wa_model_unknown(s->model));
    char         number[WA_NUMBER_SIZE];
    size_t       n_before = 1;

    for (size_t i = 0; i < scores->n_words; i++) {
        const wa_word_score *const word = &scores->words[i];

        wa_cli_add_field(record, word->token.word);
        wa_buf_format(record, "=%zu %zu %s\t", word->token.is_known ? wa_model_find(s->model, word->token.word) : unknown,
                      ++n_before, wa_format_float(number, (float)((double)word->logprob / M_LN10)));
    }
    wa_buf_format(record, "Total: %s OOV: %zu\n", wa_format_float(number, (float)(scores->logprob / M_LN10)), scores->n_unknown);
}

/* ---------------------------------------------------------------- the end */

static void add_summary(void *user, const wa_journal *journal, wa_buf *footer, wa_buf *first)
{
    const scorer *const s = user;

    (void)first;
    if (!s->opts.no_summary)
        wa_summary_add(footer, &(wa_summary){ .format      = (wa_score_format)s->opts.format,
                                              .totals      = &journal->totals,
                                              .start       = wa_model_start(s->model),
                                              .end         = wa_model_end(s->model),
                                              .is_document = s->opts.context == CONTEXT_DOCUMENT });
}

/* ---------------------------------------------------------------- lines */

static wa_status score_many(void *user, wa_session *session, const wa_batch_lines *lines, size_t first, void *results,
                            size_t *n_done, wa_error *err)
{
    (void)user;
    return wa_score_many(session, lines->texts + first, lines->n - first, results, n_done, err);
}

/* A document begins with each file. */
static void begin_document(scorer *s, const wa_cli_line *line)
{
    if (line->number == 1)
        wa_context_clear(s->context);
}

/* With --context document each line adds to what the next one sees, so there is one at a time. */
static wa_status score_next(void *user, wa_session *session, const wa_batch_lines *lines, size_t first, void *results,
                            size_t *n_done, wa_error *err)
{
    scorer *const s = user;

    begin_document(s, &lines->lines[first]);
    const wa_status st = wa_score(session, lines->texts[first], s->context, results, err);
    *n_done            = st == WA_OK;
    return st;
}

/* A line that an earlier run has scored is context for the next one. */
static wa_status recall(void *user, wa_session *session, const wa_cli_line *line, wa_error *err)
{
    scorer *const s = user;

    begin_document(s, line);
    const wa_status st = wa_feed(session, s->context, line->text, NULL, err);
    return st == WA_OK ? wa_feed_end(s->context, err) : st;
}

static void add_scores(void *user, wa_answers *answers, const wa_cli_line *line, const void *result)
{
    const scorer *const    s      = user;
    const wa_scores *const scores = result;

    if (s->opts.format == WA_SCORE_JSONL)
        add_jsonl(s, &answers->records, line, scores);
    else if (s->opts.format == WA_SCORE_TSV)
        add_tsv(s, &answers->records, line, scores);
    else if (s->opts.format == WA_SCORE_KENLM)
        add_kenlm(s, &answers->records, scores);
    else
        add_table(s, &answers->records, line, scores);
    wa_score_add(&answers->totals, scores);
}

static void add_failure(void *user, wa_answers *answers, const wa_cli_line *line, const wa_error *err)
{
    const scorer *const s = user;

    if (s->opts.format == WA_SCORE_TABLE)
        add_file_table(s, &answers->records, line);
    if (s->opts.format != WA_SCORE_JSONL)
        return;
    wa_place_add_json(&answers->records, line, s->has_files);
    wa_error_add_json(&answers->records, err);
    wa_buf_str(&answers->records, "}\n");
}

/* ---------------------------------------------------------------- running */

static void add_header(scorer *s)
{
    if (s->opts.format == WA_SCORE_TABLE)
        wa_buf_str(&s->header, "  line   words  unknown     logprob  perplexity\n");
    if (s->opts.format == WA_SCORE_TSV)
        wa_buf_format(&s->header, "%s%s\n", s->has_files ? "file\t" : "",
                      s->opts.tokens ? "line\tword\tknown\tlogprob\trank\tstart\tend"
                                     : "line\twords\tunknown\tlogprob\tperplexity");
}

static void add_options(scorer *s)
{
    wa_buf_str(&s->options, "score --format ");
    wa_buf_text(&s->options, wa_choice_word(WA_SCORE_FORMATS, s->opts.format));
    wa_buf_format(&s->options, " --context %s%s%s", s->opts.context == CONTEXT_LINE ? "line" : "document",
                  s->opts.tokens ? " --tokens" : "", s->opts.no_summary ? " --no-summary" : "");
}

/* KenLM has a probability for every word. */
static int check_kenlm(const scorer *s)
{
    if (s->opts.format != WA_SCORE_KENLM || (wa_model_unknown(s->model).data && wa_model_start(s->model).data))
        return -1;
    return wa_cli_complain(WA_EXIT_USAGE, "--format kenlm: expected a model with a start word and a word for unknown ones "
                                          "(tokenizer.start, tokenizer.unknown), as there every word has a probability");
}

static int run(scorer *s)
{
    static const wa_batch_verb lines     = { sizeof(wa_scores), score_many, add_scores, add_failure, NULL, add_summary };
    static const wa_batch_verb documents = { sizeof(wa_scores), score_next, add_scores, add_failure, recall, add_summary };
    const bool                 is_line   = s->opts.context == CONTEXT_LINE;
    int                        code      = WA_EXIT_OK;
    wa_error                   err;

    if (!(s->model = wa_cli_open_model(s->opts.batch.model, s->opts.batch.threads, &code)))
        return code;
    if ((code = check_kenlm(s)) >= 0)
        return code;
    if (!is_line && wa_context_new(s->model, &s->context, &err) != WA_OK)
        return wa_cli_fail(&err);
    s->has_files = s->files.n > 1;
    add_header(s);
    add_options(s);
    if (s->header.failed || s->options.failed)
        return wa_cli_complain(WA_EXIT_IO, "score: not enough memory");
    return wa_batch_run(&(wa_batch){
        .verb          = is_line ? &lines : &documents,
        .user          = s,
        .opts          = &s->opts.batch,
        .model         = s->model,
        .operands      = s->files,
        .is_sequential = !is_line,
        .is_table      = s->opts.format == WA_SCORE_TABLE,
        .n_most        = is_line ? s->opts.batch.batch : 1,
        .options       = wa_buf_view(&s->options),
        .merging       = (s->opts.format == WA_SCORE_KENLM ? 0 : WA_MERGE_LINES) | (s->opts.no_summary ? 0 : WA_MERGE_SCORES),
        .format        = s->opts.format,
        .header        = wa_buf_view(&s->header),
    });
}

int wa_cmd_score(int argc, char **argv)
{
    scorer      s = { 0 };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &s.opts, &operands);

    if (code < 0)
        code = wa_cli_gather_files(&s.opts.batch, NULL, &operands, &s.arena, &s.files);
    if (code < 0)
        code = run(&s);
    wa_context_free(s.context);
    wa_model_close(s.model);
    wa_buf_clear(&s.options);
    wa_buf_clear(&s.header);
    wa_arena_clear(&s.arena);
    free(s.opts.batch.inputs.items);
    return code;
}
