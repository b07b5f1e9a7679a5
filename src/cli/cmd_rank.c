/* `wordahead rank`: the words that may follow each text. */
#include <stddef.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/lines.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/words.h"
#include "data/lexicon.h"
#include "report/jsonl.h"

enum { FORMAT_TABLE, FORMAT_TSV, FORMAT_JSONL };
#define FORMATS "table|tsv|jsonl"

typedef struct rank_opts {
    const char   *candidates, *prefix;
    size_t        k;
    int           format;
    bool          words, interactive;
    wa_batch_opts batch;
} rank_opts;

#define AT(field) offsetof(rank_opts, field)

static const wa_option options[] = {
    { "top", 'k', WA_OPTION_SIZE, AT(k), "10", "K", "how many words; 0 means all" },
    { "candidates", 0, WA_OPTION_TEXT, AT(candidates), NULL, "FILE", "rank only the words of this file, one a line" },
    { "prefix", 0, WA_OPTION_TEXT, AT(prefix), NULL, "TEXT", "keep words that begin so" },
    { "words", 0, WA_OPTION_FLAG, AT(words), NULL, NULL, "words and logits without probabilities, which takes less time" },
    { "format", 0, WA_OPTION_CHOICE, AT(format), "table", FORMATS, "how to print" },
    { "interactive", 0, WA_OPTION_FLAG, AT(interactive), NULL, NULL,
      "each line of standard input goes on with the text before it; an empty one begins anew" },
    WA_BATCH_OPTIONS(AT(batch)),
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
                "  wordahead rank -k 3 --format jsonl -o ranks.jsonl.gz --resume -i books/*.txt\n"
                "  wordahead rank --prefix th --candidates words.txt \"he went to\"\n"
                "  wordahead rank --interactive --words -k 3\n",
    .options  = options,
    .n_most   = WA_NONE,
};

/* Everything the verb holds while it runs. */
typedef struct ranker {
    rank_opts    opts;
    wa_arena     arena;
    wa_operands  operands;
    bool         are_texts;
    wa_model    *model;
    wa_session  *session; /* for look-ups */
    wa_rank_opts how;
    size_t      *candidates; /* [n] vocabulary indices, in the order of the file */
    size_t       n_candidates, candidates_capacity;
    wa_buf       unknown; /* unknown candidates, a line each */
    wa_context  *context; /* what was typed; NULL unless --interactive */
    wa_arena     typed;   /* the words of its last line */
    wa_buf       options, header;
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

static void add_jsonl(const ranker *r, wa_buf *record, const wa_cli_line *line, const wa_ranking *ranking)
{
    wa_words_add_json(record, line->text, &ranking->text);
    wa_notes_add_json(record, &ranking->text);
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

static void add_tsv(const ranker *r, wa_buf *record, const wa_cli_line *line, const wa_ranking *ranking)
{
    wa_cursor cursor = { wa_buf_view(&r->unknown), 0 };
    wa_text   word;

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

static void add_unknown_table(wa_buf *record, wa_text word, size_t i)
{
    wa_buf_str(record, i ? ", " : "");
    wa_cli_add_padded(record, word, 0);
}

static void add_notes(const ranker *r, wa_buf *record, const wa_tokens *text)
{
    size_t n_unknown = 0;

    if (text->n_unknown)
        wa_buf_str(record, "  unknown words: ");
    for (size_t i = 0; i < text->n_tokens; i++)
        if (!text->tokens[i].is_known)
            add_unknown_table(record, text->tokens[i].word, n_unknown++);
    if (text->n_unknown)
        wa_buf_str(record, "\n");
    if (text->n_invalid)
        wa_buf_format(record, "  not UTF-8: %zu sequence%s read as U+FFFD\n", text->n_invalid, text->n_invalid == 1 ? "" : "s");
    if (text->n_dropped)
        wa_buf_format(record, "  too long: the first %zu word%s left out (tokenizer.max_tokens)\n", text->n_dropped,
                      text->n_dropped == 1 ? " was" : "s were");
    if (r->unknown.n_bytes) {
        wa_buf_str(record, "  unknown candidates: ");
        each_unknown(r, add_unknown_table, record);
        wa_buf_str(record, "\n");
    }
}

static void add_table(const ranker *r, wa_buf *record, const wa_cli_line *line, const wa_ranking *ranking)
{
    wa_cli_add_padded(record, line->text, 0);
    wa_buf_str(record, " ...\n");
    wa_ranking_add_table(record, ranking, r->how.words_only);
    add_notes(r, record, &ranking->text);
}

/* ---------------------------------------------------------------- lines */

static wa_status rank(void *user, wa_session *session, const wa_batch_lines *lines, size_t first, void *results, size_t *n_done,
                      wa_error *err)
{
    const ranker *const r = user;

    return wa_rank_many(session, lines->texts + first, lines->n - first, &r->how, results, n_done, err);
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
static wa_status rank_typed(void *user, wa_session *session, const wa_batch_lines *lines, size_t first, void *results,
                            size_t *n_done, wa_error *err)
{
    wa_status         st      = WA_OK;
    ranker *const     r       = user;
    wa_ranking *const ranking = results;
    const wa_text     text    = lines->texts[first];
    wa_tokens         tokens;

    if (text.n_bytes == 0)
        wa_context_clear(r->context);
    WA_TRY(wa_feed(session, r->context, text, &tokens, err));
    WA_TRY(keep_words(r, &tokens, err));
    WA_TRY(wa_rank_next(session, r->context, &r->how, ranking, err));
    ranking->text = tokens;
    *n_done       = 1;
done:
    return st;
}

/* A text of the command line that is also a file was perhaps meant as one. */
static void note_file(const ranker *r, wa_answers *answers, const wa_cli_line *line)
{
    if (!line->file && wa_path_exists(r->operands.items[line->number - 1]))
        wa_answers_say(answers, "note: %s is ranked as a text; -i reads the file of that name", wa_show(line->text).quoted);
}

static void add_ranking(void *user, wa_answers *answers, const wa_cli_line *line, const void *result)
{
    const ranker *const     r       = user;
    const wa_ranking *const ranking = result;

    if (r->opts.format == FORMAT_JSONL)
        add_jsonl(r, &answers->records, line, ranking);
    else if (r->opts.format == FORMAT_TSV)
        add_tsv(r, &answers->records, line, ranking);
    else
        add_table(r, &answers->records, line, ranking);
    note_file(r, answers, line);
}

static void add_failure(void *user, wa_answers *answers, const wa_cli_line *line, const wa_error *err)
{
    const ranker *const r = user;

    note_file(r, answers, line);
    if (r->opts.format != FORMAT_JSONL)
        return;
    wa_failure_add_json(&answers->records, line->text, err);
    wa_buf_str(&answers->records, "\n");
}

/* ---------------------------------------------------------------- running */

/* Long rankings take memory, so fewer of them are kept together: about a million words. */
static size_t count_together(const ranker *r)
{
    const size_t N    = wa_model_vocabulary(r->model);
    const size_t each = r->how.k < N ? r->how.k : N;
    const size_t most = each > 0 ? ((size_t)1 << 20) / each : r->opts.batch.batch;

    if (r->opts.interactive)
        return 1;
    return most == 0 ? 1 : most < r->opts.batch.batch ? most : r->opts.batch.batch;
}

/* What the records depend on: of the candidates, which they are. */
static void add_options(ranker *r)
{
    wa_buf chosen = { 0 };

    wa_buf_format(&r->options, "rank -k %zu --format ", r->opts.k);
    wa_buf_text(&r->options, wa_choice_word(FORMATS, r->opts.format));
    wa_buf_str(&r->options, r->opts.words ? " --words" : "");
    wa_buf_str(&r->options, r->opts.interactive ? " --interactive" : "");
    if (r->opts.prefix)
        wa_buf_format(&r->options, " --prefix '%s'", r->opts.prefix);
    if (r->opts.candidates) {
        wa_buf_add(&chosen, r->candidates, r->n_candidates * sizeof *r->candidates);
        wa_buf_text(&chosen, wa_buf_view(&r->unknown));
        wa_buf_format(&r->options, " --candidates %016llx", (unsigned long long)wa_hash(wa_buf_view(&chosen)));
    }
    r->options.failed |= chosen.failed;
    wa_buf_clear(&chosen);
    if (r->opts.format == FORMAT_TSV)
        wa_buf_format(&r->header, "text\trank\tword\t%s\n", r->how.words_only ? "logit" : "logprob\tprob");
}

static int check_usage(const ranker *r)
{
    const wa_batch_opts *const o = &r->opts.batch;

    if (r->opts.interactive && (r->operands.n > 0 || o->inputs.n > 0 || o->files_from))
        return wa_cli_complain(WA_EXIT_USAGE,
                               "--interactive: found %s as well, expected standard input alone; leave one of them out",
                               o->inputs.n > 0 ? "-i, --input"
                               : o->files_from ? "--files-from"
                                               : "texts");
    if (r->opts.interactive && (o->resume || o->shard))
        return wa_cli_complain(WA_EXIT_USAGE, "--interactive: found %s as well, which is for files; leave one of them out",
                               o->resume ? "--resume" : "--shard");
    return -1;
}

/* -i and --files-from turn all arguments into files; without texts and files, standard input is read. */
static int gather(ranker *r, const wa_operands *operands)
{
    const char *const others[] = { r->opts.batch.model, r->opts.candidates };
    int               code;

    r->operands  = *operands;
    r->are_texts = operands->n > 0 && r->opts.batch.inputs.n == 0 && !r->opts.batch.files_from;
    if ((code = check_usage(r)) >= 0)
        return code;
    if (!r->are_texts)
        return wa_cli_gather_files(&r->opts.batch, r->opts.candidates, operands, &r->arena, &r->operands);
    code = wa_cli_check_stdin(wa_cli_count_stdin(others, 2));
    if (code == WA_EXIT_OK)
        code = wa_cli_check_output(r->opts.batch.output, others, 2);
    return code == WA_EXIT_OK ? -1 : code;
}

static int prepare(ranker *r)
{
    wa_status st = WA_OK;
    wa_error err_here, *const err = &err_here;
    int    code = WA_EXIT_OK;
    size_t ignored;

    if (!(r->model = wa_cli_open_model(r->opts.batch.model, r->opts.batch.threads, &code)))
        return code;
    WA_TRY(wa_session_new(r->model, &r->session, err));
    r->how.k          = r->opts.k ? r->opts.k : WA_NONE;
    r->how.words_only = r->opts.words;
    if (r->opts.candidates)
        WA_TRY(read_candidates(r, err));
    if (r->opts.prefix) /* the last look-up: its normalised form lives until the next */
        WA_TRY(wa_lookup(r->session, wa_text_of(r->opts.prefix), &ignored, &r->how.prefix, err));
    if (r->opts.interactive)
        WA_TRY(wa_context_new(r->model, &r->context, err));
    add_options(r);
    if (r->options.failed || r->header.failed)
        WA_TRY(wa_fail_memory(err, "rank"));
done:
    return st == WA_OK ? -1 : wa_cli_fail(err);
}

/* Whoever types waits for the answer, whatever is there to be read. */
static int run(ranker *r)
{
    static const wa_batch_verb texts = { sizeof(wa_ranking), rank, add_ranking, add_failure, NULL, NULL };
    static const wa_batch_verb typed = { sizeof(wa_ranking), rank_typed, add_ranking, add_failure, NULL, NULL };
    const int                  code  = prepare(r);

    if (code >= 0)
        return code;
    r->opts.batch.line_buffered |= r->opts.interactive;
    return wa_batch_run(&(wa_batch){
        .verb          = r->opts.interactive ? &typed : &texts,
        .user          = r,
        .opts          = &r->opts.batch,
        .model         = r->model,
        .operands      = r->operands,
        .are_texts     = r->are_texts,
        .is_sequential = r->opts.interactive,
        .is_table      = r->opts.format == FORMAT_TABLE,
        .n_most        = count_together(r),
        .options       = wa_buf_view(&r->options),
        .header        = wa_buf_view(&r->header),
        .separator     = wa_text_of(r->opts.format == FORMAT_TABLE ? "\n" : ""),
    });
}

int wa_cmd_rank(int argc, char **argv)
{
    ranker      r = { 0 };
    wa_operands operands;
    int         code = wa_verb_parse(&verb, argc, argv, &r.opts, &operands);

    if (code < 0)
        code = gather(&r, &operands);
    if (code < 0)
        code = run(&r);
    wa_context_free(r.context);
    wa_arena_clear(&r.typed);
    wa_session_free(r.session);
    wa_model_close(r.model);
    wa_release(NULL, r.candidates);
    wa_buf_clear(&r.unknown);
    wa_buf_clear(&r.options);
    wa_buf_clear(&r.header);
    wa_arena_clear(&r.arena);
    free(r.opts.batch.inputs.items);
    return code;
}
