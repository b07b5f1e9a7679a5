/* `wordahead rank`: the words that may follow each text. */
#include <stddef.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/lines.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options.h"
#include "cli/texts.h"
#include "cli/words.h"
#include "data/lexicon.h"

enum { FORMAT_TABLE, FORMAT_TSV, FORMAT_JSONL };

typedef struct rank_opts {
    const char    *model, *candidates, *prefix;
    size_t         k, threads, batch;
    int            format;
    bool           words, interactive;
    wa_option_list inputs;
} rank_opts;

#define AT(field) offsetof(rank_opts, field)

static const wa_option options[] = {
    { "model", 'm', WA_OPTION_TEXT, AT(model), NULL, "MODEL",
      "a model's YAML file or folder; else WORDAHEAD_MODEL, else the built-in one" },
    { "top", 'k', WA_OPTION_SIZE, AT(k), "10", "K", "how many words; 0 means all" },
    { "candidates", 0, WA_OPTION_TEXT, AT(candidates), NULL, "FILE", "rank only the words of this file, one a line" },
    { "prefix", 0, WA_OPTION_TEXT, AT(prefix), NULL, "TEXT", "keep words that begin so" },
    { "words", 0, WA_OPTION_FLAG, AT(words), NULL, NULL, "words and logits without probabilities, which takes less time" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", "table|tsv|jsonl", "how to print" },
    { "input", 'i', WA_OPTION_LIST, AT(inputs), NULL, "FILE",
      "texts by lines, \"-\" for standard input; all arguments are files then" },
    { "interactive", 0, WA_OPTION_FLAG, AT(interactive), NULL, NULL,
      "each line of standard input goes on with the text before it; an empty one begins anew" },
    WA_OPTION_THREADS(AT(threads)),
    WA_OPTION_BATCH(AT(batch)),
    { 0 },
};

static const wa_verb verb = {
    .name     = "rank",
    .operands = "[TEXT ... | -i FILE ... | --interactive]",
    .summary =
        "Ranks the words that may follow each text: arguments, the lines of files, or of standard input where neither is given.\n"
        "With --interactive a word or line is read at a time, and what may follow all of them is answered at once.",
    .examples = "  wordahead rank \"the cat sat on the\"\n"
                "  wordahead rank -k 3 --format jsonl -i sentences.txt\n"
                "  wordahead rank --prefix th --candidates words.txt \"he went to\"\n"
                "  wordahead rank --interactive --words -k 3\n",
    .options  = options,
    .n_most   = WA_NONE,
};

/* Everything the verb holds while it runs. */
typedef struct ranker {
    rank_opts      opts;
    wa_operands    operands;
    wa_model      *model;
    wa_session    *session;
    wa_rank_opts   how;
    size_t        *candidates; /* [n] vocabulary indices, in the order of the file */
    size_t         n_candidates, candidates_capacity;
    wa_buf         unknown; /* unknown candidates, a line each */
    wa_context    *context; /* what was typed; NULL unless --interactive */
    wa_arena       typed;   /* the words of its last line */
    wa_texts       texts;
    wa_ranking    *rankings; /* [texts.n_most] */
    wa_buf         record;
    wa_cli_outcome outcome;
    size_t         n_printed;
} ranker;

/* ---------------------------------------------------------------- candidates and prefix */

static wa_status add_candidate(ranker *r, wa_lexicon *seen, wa_text word, wa_error *err)
{
    size_t          index, place;
    bool            is_new;
    void           *candidates = r->candidates;
    const wa_status st         = wa_lookup(r->session, word, &index, NULL, err);

    if (st != WA_OK)
        return st;
    if (index == WA_NONE) {
        wa_buf_text(&r->unknown, word);
        wa_buf_str(&r->unknown, "\n");
        return WA_OK;
    }
    if (!wa_lexicon_add(seen, wa_model_word(r->model, index), &place, &is_new) ||
        !wa_grow(NULL, &candidates, &r->candidates_capacity, r->n_candidates + 1, sizeof *r->candidates))
        return wa_fail_memory(err, r->opts.candidates);
    r->candidates = candidates;
    if (is_new)
        r->candidates[r->n_candidates++] = index;
    return WA_OK;
}

static wa_status read_candidates(ranker *r, wa_error *err)
{
    wa_status  st    = WA_OK;
    wa_lexicon seen  = { 0 };
    wa_lines  *lines = NULL;
    wa_text    line;
    bool       has_line;

    WA_TRY(wa_lines_open(r->opts.candidates, wa_cli_env(), &lines, err));
    for (;;) {
        WA_TRY(wa_lines_next(lines, &line, &has_line, err));
        if (!has_line)
            break;
        if (line.n_bytes > 0)
            WA_TRY(add_candidate(r, &seen, line, err));
    }
    if (r->unknown.failed)
        WA_TRY(wa_fail_memory(err, r->opts.candidates));
    if (r->n_candidates == 0 && r->unknown.n_bytes == 0)
        WA_FAIL(WA_EFORMAT, "%s: found no candidate, expected one word a line", r->opts.candidates);
    if (!r->candidates && !(r->candidates = wa_alloc(NULL, 1, sizeof *r->candidates)))
        WA_TRY(wa_fail_memory(err, r->opts.candidates));
    r->how.candidates   = r->candidates;
    r->how.n_candidates = r->n_candidates;
done:
    wa_lines_close(lines);
    wa_lexicon_clear(&seen);
    return st;
}

/* Calls `add` for every unknown candidate. */
static void each_unknown(const ranker *r, void (*add)(wa_buf *record, wa_text word, size_t i), wa_buf *record)
{
    wa_cursor cursor = { wa_buf_view(&r->unknown), 0 };
    wa_text   word;

    for (size_t i = 0; wa_cursor_take_until(&cursor, '\n', SIZE_MAX, &word); i++)
        add(record, word, i);
}

/* ---------------------------------------------------------------- jsonl */

static void add_unknown_json(wa_buf *record, wa_text word, size_t i)
{
    wa_buf_str(record, i ? "," : "");
    wa_json_add_text(record, word);
}

static void add_jsonl(ranker *r, const wa_cli_line *line, const wa_ranking *ranking)
{
    wa_buf *const record = &r->record;

    wa_words_add_json(record, line->text, &ranking->text);
    if (ranking->text.n_invalid)
        wa_buf_format(record, ",\"invalid\":%zu", ranking->text.n_invalid);
    if (ranking->text.n_dropped)
        wa_buf_format(record, ",\"dropped\":%zu", ranking->text.n_dropped);
    if (r->opts.candidates) {
        wa_buf_str(record, ",\"unknown_candidates\":[");
        each_unknown(r, add_unknown_json, record);
        wa_buf_str(record, "]");
    }
    if (r->how.words_only)
        wa_buf_format(record, ",\"computed\":%zu", ranking->n_computed);
    wa_buf_str(record, ",");
    wa_ranking_add_json(record, ranking, r->how.words_only);
    wa_buf_str(record, "}\n");
}

/* ---------------------------------------------------------------- tsv and table */

static void add_numbers(wa_buf *record, const wa_prediction *word, bool words_only)
{
    char number[WA_NUMBER_SIZE];

    if (words_only) {
        wa_buf_format(record, "\t%s\n", wa_format_float(number, word->logit));
        return;
    }
    wa_buf_format(record, "\t%s", wa_format_float(number, word->logprob));
    wa_buf_format(record, "\t%s\n", wa_format_float(number, word->prob));
}

static void add_tsv(ranker *r, const wa_cli_line *line, const wa_ranking *ranking)
{
    wa_buf *const record = &r->record;
    wa_cursor     cursor = { wa_buf_view(&r->unknown), 0 };
    wa_text       word;

    if (r->n_printed == 0)
        wa_buf_format(record, "text\trank\tword\t%s\n", r->how.words_only ? "logit" : "logprob\tprob");
    for (size_t i = 0; i < ranking->n_next; i++) {
        wa_cli_add_field(record, line->text);
        wa_buf_format(record, "\t%zu\t", i + 1);
        wa_cli_add_field(record, ranking->next[i].word);
        add_numbers(record, &ranking->next[i], r->how.words_only);
    }
    while (wa_cursor_take_until(&cursor, '\n', SIZE_MAX, &word)) {
        wa_cli_add_field(record, line->text);
        wa_buf_str(record, "\tunknown\t");
        wa_cli_add_field(record, word);
        wa_buf_str(record, r->how.words_only ? "\t\n" : "\t\t\n");
    }
}

static void write_unknown_word(wa_buf *ignored, wa_text word, size_t i)
{
    (void)ignored;
    wa_cli_write(wa_text_of(i ? ", " : ""));
    wa_cli_write_padded(word, 0);
}

static void write_notes(const ranker *r, const wa_tokens *text)
{
    size_t n_unknown = 0;

    if (text->n_unknown)
        wa_cli_write(wa_text_of("  unknown words: "));
    for (size_t i = 0; i < text->n_tokens; i++)
        if (!text->tokens[i].is_known)
            write_unknown_word(NULL, text->tokens[i].word, n_unknown++);
    if (text->n_unknown)
        wa_cli_write(wa_text_of("\n"));
    if (text->n_invalid)
        wa_cli_printf("  not UTF-8: %zu sequence%s read as U+FFFD\n", text->n_invalid, text->n_invalid == 1 ? "" : "s");
    if (text->n_dropped)
        wa_cli_printf("  too long: the first %zu word%s left out (tokenizer.max_tokens)\n", text->n_dropped,
                      text->n_dropped == 1 ? " was" : "s were");
    if (r->unknown.n_bytes) {
        wa_cli_write(wa_text_of("  unknown candidates: "));
        each_unknown(r, write_unknown_word, NULL);
        wa_cli_write(wa_text_of("\n"));
    }
}

static void write_table(ranker *r, const wa_cli_line *line, const wa_ranking *ranking)
{
    wa_cli_write(wa_text_of(r->n_printed ? "\n" : ""));
    wa_cli_write_padded(line->text, 0);
    wa_cli_write(wa_text_of(" ...\n"));
    wa_ranking_write(ranking, r->how.words_only);
    write_notes(r, &ranking->text);
}

/* ---------------------------------------------------------------- running */

static wa_status rank(void *user, const wa_texts *texts, size_t first, size_t *n_done, wa_error *err)
{
    ranker *const r = user;

    return wa_rank_many(r->session, texts->items + first, texts->n - first, &r->how, r->rankings, n_done, err);
}

/* The words of a result live until the next call of the session, and these are shown with the ranking that follows. */
static wa_status keep_words(ranker *r, wa_tokens *tokens, wa_error *err)
{
    wa_arena_reset(&r->typed);
    wa_token *const copies = wa_arena_alloc(&r->typed, tokens->n_tokens, sizeof *copies);
    if (!copies)
        return wa_fail_memory(err, "rank");
    for (size_t i = 0; i < tokens->n_tokens; i++) {
        copies[i]      = tokens->tokens[i];
        copies[i].word = wa_arena_text(&r->typed, tokens->tokens[i].word);
        if (!copies[i].word.data)
            return wa_fail_memory(err, "rank");
    }
    tokens->tokens = copies;
    return WA_OK;
}

/* With --interactive: adds the words of one line to those before. */
static wa_status rank_typed(void *user, const wa_texts *texts, size_t first, size_t *n_done, wa_error *err)
{
    wa_status     st = WA_OK;
    ranker *const r  = user;
    wa_tokens     tokens;

    if (texts->items[first].n_bytes == 0)
        wa_context_clear(r->context);
    WA_TRY(wa_feed(r->session, r->context, texts->items[first], &tokens, err));
    WA_TRY(keep_words(r, &tokens, err));
    WA_TRY(wa_rank_next(r->session, r->context, &r->how, r->rankings, err));
    r->rankings->text = tokens;
    *n_done           = 1;
done:
    return st;
}

/* Whoever types waits for this answer, whatever is there to be read. */
static void hand_on(const ranker *r)
{
    if (r->context)
        wa_cli_flush();
}

/* A text of the command line that is also a file was perhaps meant as one. */
static void note_file(const wa_cli_line *line, const wa_operands *texts)
{
    if (!line->file && wa_path_exists(texts->items[line->number - 1]))
        wa_cli_complain(WA_EXIT_OK, "note: %s is ranked as a text; -i reads the file of that name", wa_show(line->text).quoted);
}

static void print_ranking(void *user, const wa_cli_line *line, size_t i)
{
    ranker *const           r       = user;
    const wa_ranking *const ranking = &r->rankings[i];
    wa_error                err;

    note_file(line, &r->operands);
    r->record.n_bytes = 0;
    if (r->opts.format == FORMAT_JSONL)
        add_jsonl(r, line, ranking);
    else if (r->opts.format == FORMAT_TSV)
        add_tsv(r, line, ranking);
    else
        write_table(r, line, ranking);
    if (r->record.failed) {
        wa_fail_memory(&err, "output");
        wa_cli_line_failed(&r->outcome, line, &err);
        return;
    }
    wa_cli_write(wa_buf_view(&r->record));
    hand_on(r);
    r->n_printed++;
    r->outcome.n_done++;
}

static void print_failure(void *user, const wa_cli_line *line, const wa_error *err)
{
    ranker *const r = user;

    note_file(line, &r->operands);
    wa_cli_line_failed(&r->outcome, line, err);
    if (r->opts.format != FORMAT_JSONL)
        return;
    r->record.n_bytes = 0;
    wa_failure_add_json(&r->record, line->text, err);
    wa_buf_str(&r->record, "\n");
    wa_cli_write(wa_buf_view(&r->record));
    hand_on(r);
}

/* -i turns all arguments into files; without texts and files, standard input is read. */
static bool are_texts(const ranker *r)
{
    return r->opts.inputs.n == 0 && r->operands.n > 0;
}

/* What is read by lines when the operands are no texts: the files of -i, then the operands. */
static wa_operands more_files(const ranker *r)
{
    return r->opts.inputs.n > 0 ? r->operands : wa_cli_files(&r->operands);
}

static void rank_inputs(ranker *r)
{
    if (are_texts(r)) {
        for (size_t i = 0; i < r->operands.n && wa_cli_is_output_open(); i++)
            wa_texts_add(&r->texts, &(wa_cli_line){ NULL, i + 1, wa_text_of(r->operands.items[i]) });
    } else {
        const wa_operands more = more_files(r);

        wa_texts_read(&r->texts, r->opts.inputs.items, r->opts.inputs.n);
        wa_texts_read(&r->texts, more.items, more.n);
    }
    wa_texts_flush(&r->texts);
}

static size_t count_stdin(const ranker *r)
{
    const char *const names[] = { r->opts.model, r->opts.candidates };
    const wa_operands more    = more_files(r);
    const size_t      n       = wa_cli_count_stdin(names, 2) + wa_cli_count_stdin(r->opts.inputs.items, r->opts.inputs.n);

    return are_texts(r) ? n : n + wa_cli_count_stdin(more.items, more.n);
}

/* Long rankings take memory, so fewer of them are kept together: about a million words. */
static size_t count_together(const ranker *r)
{
    const size_t N    = wa_model_vocabulary(r->model);
    const size_t each = r->how.k < N ? r->how.k : N;
    const size_t most = each > 0 ? ((size_t)1 << 20) / each : r->opts.batch;

    if (r->opts.interactive)
        return 1;
    return most == 0 ? 1 : most < r->opts.batch ? most : r->opts.batch;
}

static wa_status prepare_texts(ranker *r, wa_error *err)
{
    r->texts = (wa_texts){ .n_most  = count_together(r),
                           .compute = r->opts.interactive ? rank_typed : rank,
                           .take    = print_ranking,
                           .fail    = print_failure,
                           .user    = r,
                           .outcome = &r->outcome };
    if (!(r->rankings = wa_alloc(NULL, r->texts.n_most, sizeof *r->rankings)))
        return wa_fail_memory(err, "rank");
    if (r->opts.interactive && wa_context_new(r->model, &r->context, err) != WA_OK)
        return err->status;
    return wa_texts_init(&r->texts, err);
}

static int check_usage(const ranker *r)
{
    if (r->opts.interactive && (r->operands.n > 0 || r->opts.inputs.n > 0))
        return wa_cli_complain(WA_EXIT_USAGE,
                               "--interactive: found %s as well, expected standard input alone; leave one of them out",
                               r->opts.inputs.n > 0 ? "-i, --input" : "texts");
    return wa_cli_check_stdin(count_stdin(r));
}

static int prepare(ranker *r)
{
    wa_status st = WA_OK;
    wa_error err_here, *const err = &err_here;
    int    code = WA_EXIT_OK;
    size_t ignored;

    if (!(r->session = wa_cli_open_session(r->opts.model, r->opts.threads, &r->model, &code)))
        return code;
    r->how.k          = r->opts.k ? r->opts.k : WA_NONE;
    r->how.words_only = r->opts.words;
    if (r->opts.candidates)
        WA_TRY(read_candidates(r, err));
    if (r->opts.prefix) /* the last look-up: its normalised form lives until the next */
        WA_TRY(wa_lookup(r->session, wa_text_of(r->opts.prefix), &ignored, &r->how.prefix, err));
    WA_TRY(prepare_texts(r, err));
done:
    return st == WA_OK ? WA_EXIT_OK : wa_cli_fail(err);
}

int wa_cmd_rank(int argc, char **argv)
{
    ranker r    = { 0 };
    int    code = wa_verb_parse(&verb, argc, argv, &r.opts, &r.operands);

    if (code < 0 && (code = check_usage(&r)) == WA_EXIT_OK && (code = prepare(&r)) == WA_EXIT_OK) {
        rank_inputs(&r);
        code = wa_cli_exit_code(&r.outcome);
    }
    wa_texts_clear(&r.texts);
    wa_release(NULL, r.rankings);
    wa_context_free(r.context);
    wa_arena_clear(&r.typed);
    wa_session_free(r.session);
    wa_model_close(r.model);
    wa_release(NULL, r.candidates);
    wa_buf_clear(&r.unknown);
    wa_buf_clear(&r.record);
    free(r.opts.inputs.items);
    return code;
}
