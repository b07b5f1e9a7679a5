/* What a file of word vectors is, by its content: a foreign format, which is named; Word2Vec binary; or text with or without a
 * header.
 *
 * Nothing marks these formats, so structure decides: the first line, then whether the next line is a row of text, then bytes that
 * text never has, and last whether the records of a binary file would end where the file ends. A faulty text file is still text, so
 * that its error names a line. */
#include <string.h>

#include "base/status.h"
#include "data/w2v_read.h"

/* ---------------------------------------------------------------- foreign files */

typedef struct foreign {
    const char *magic;
    size_t      n_bytes, offset;
    const char *what, *mend;
} foreign;

#define MAGIC(text) text, sizeof text - 1

static const char unpack[]  = "unpack it first; only gzip is unpacked here";
static const char unclear[] = "load it with the program that wrote it and save it in word2vec format";
static const char gensim[]  = "load it in Python (gensim.models.Word2Vec.load or KeyedVectors.load) and save it with "
                              "save_word2vec_format(NAME, binary=True)";
static const char numpy[]   = "it has no words; load it with numpy and write it with its words in word2vec format";
static const char page[]    = "the download gave a web page; get the file itself";

/* The first row that fits names the file. */
static const foreign foreigners[] = {
    { MAGIC("\x80\x02"), 0, "a Python pickle, as gensim's save() writes", gensim },
    { MAGIC("\x80\x03"), 0, "a Python pickle, as gensim's save() writes", gensim },
    { MAGIC("\x80\x04"), 0, "a Python pickle, as gensim's save() writes", gensim },
    { MAGIC("\x80\x05"), 0, "a Python pickle, as gensim's save() writes", gensim },
    { MAGIC("\x93NUMPY"), 0, "a NumPy array (.npy)", numpy },
    { MAGIC("GGUF\x01\0\0\0"), 0, "a GGUF model", unclear },
    { MAGIC("GGUF\x02\0\0\0"), 0, "a GGUF model", unclear },
    { MAGIC("GGUF\x03\0\0\0"), 0, "a GGUF model", unclear },
    { MAGIC("SQLite format 3\0"), 0, "an SQLite database, as Magnitude keeps vectors in", unclear },
    { MAGIC("\xBA\x16\x4F\x2F"), 0, "a fastText model (.bin)", "use the .vec file that fastText wrote beside it" },
    { MAGIC("FiFu\0"), 0, "a finalfusion file", "convert it with `finalfusion convert -t word2vec`" },
    { MAGIC("\x89HDF\r\n\x1A\n"), 0, "an HDF5 file", unclear },
    { MAGIC("\x7F"
            "ELF"),
      0, "a program (ELF)", "name the file that holds the vectors" },
    { MAGIC("\x1F\x8B"), 0, "packed twice with gzip", "unpack it once" },
    { MAGIC("1AY&SY"), 4, "packed with bzip2", unpack },
    { MAGIC("\xFD"
            "7zXZ\0"),
      0, "packed with xz", unpack },
    { MAGIC("\x28\xB5\x2F\xFD"), 0, "packed with zstd", unpack },
    { MAGIC("7z\xBC\xAF\x27\x1C"), 0, "a 7z archive", unpack },
    { MAGIC("version https://git-lfs.github.com/spec/"), 0, "a Git LFS pointer, which stands for the file",
      "run `git lfs pull` to get the file itself" },
    { MAGIC("<<<<<<<"), 0, "a file with a git conflict in it", "resolve the conflict, or get the file again" },
    { MAGIC("\xFF\xFE"), 0, "text in UTF-16", "convert it to UTF-8 with `iconv -f UTF-16 -t UTF-8`" },
    { MAGIC("\xFE\xFF"), 0, "text in UTF-16", "convert it to UTF-8 with `iconv -f UTF-16 -t UTF-8`" },
};

static bool has_at(wa_text bytes, size_t offset, const char *magic, size_t n)
{
    return bytes.n_bytes >= offset + n && memcmp(bytes.data + offset, magic, n) == 0;
}

static bool begins_ignoring_case(wa_text bytes, const char *lower)
{
    size_t i = 0;

    for (; lower[i]; i++)
        if (i >= bytes.n_bytes || (bytes.data[i] != lower[i] && (bytes.data[i] | 0x20) != lower[i]))
            return false;
    return true;
}

static bool is_web_page(wa_text bytes)
{
    while (bytes.n_bytes > 0 && (wa_is_blank(bytes.data[0]) || bytes.data[0] == '\n' || bytes.data[0] == '\r'))
        bytes = (wa_text){ bytes.data + 1, bytes.n_bytes - 1 };
    return begins_ignoring_case(bytes, "<!doctype") || begins_ignoring_case(bytes, "<html") || begins_ignoring_case(bytes, "<?xml");
}

/* A zip's first entry has its name at byte 30; NumPy's archives hold .npy files, PyTorch's a data.pkl. */
static const foreign *find_zip(wa_text bytes)
{
    static const foreign npz     = { "", 0, 0, "a NumPy archive (.npz)", numpy };
    static const foreign pytorch = { "", 0, 0, "a PyTorch file", unclear };
    static const foreign zip     = { "", 0, 0, "a zip archive", "unpack it and name the file in it that holds the vectors" };
    size_t               n_name  = 0;

    if (!has_at(bytes, 0, MAGIC("PK\x03\x04")) && !has_at(bytes, 0, MAGIC("PK\x05\x06")))
        return NULL;
    if (bytes.n_bytes > 30)
        n_name = (size_t)(unsigned char)bytes.data[26] | (size_t)(unsigned char)bytes.data[27] << 8;
    if (n_name == 0 || n_name > bytes.n_bytes - 30)
        return &zip;
    const wa_text name = { bytes.data + 30, n_name };
    if (wa_text_ends(name, ".npy"))
        return &npz;
    return wa_text_ends(name, "/data.pkl") ? &pytorch : &zip;
}

/* Its length field is small, so that a number in text never is one. */
static bool is_safetensors(wa_text bytes)
{
    wa_cursor cursor = { .bytes = bytes };
    uint64_t  n;

    return wa_cursor_take_u64(&cursor, &n) && n <= 100000000 && n <= wa_cursor_left(&cursor) && has_at(bytes, 8, "{", 1);
}

/* UTF-16 without a byte order mark: every second byte of ASCII is 0. */
static bool is_utf16(wa_text bytes)
{
    const unsigned char *const p = (const unsigned char *)bytes.data;

    return bytes.n_bytes >= 4 && ((p[0] == 0 && p[1] > 0 && p[1] < 0x80 && p[2] == 0 && p[3] > 0 && p[3] < 0x80) ||
                                  (p[0] > 0 && p[0] < 0x80 && p[1] == 0 && p[2] > 0 && p[2] < 0x80 && p[3] == 0));
}

static const foreign *find_foreign(wa_text bytes)
{
    static const foreign tensors = { "", 0, 0, "a safetensors file",
                                     "it has no words; name it as `weights`, and here a file of word vectors" };
    static const foreign html    = { "", 0, 0, "a web page (HTML)", page };
    static const foreign utf16   = { "", 0, 0, "text in UTF-16", "convert it to UTF-8 with `iconv -f UTF-16LE -t UTF-8`" };

    for (size_t i = 0; i < sizeof foreigners / sizeof *foreigners; i++)
        if (has_at(bytes, foreigners[i].offset, foreigners[i].magic, foreigners[i].n_bytes))
            return &foreigners[i];
    if (is_safetensors(bytes))
        return &tensors;
    if (is_web_page(bytes))
        return &html;
    return is_utf16(bytes) ? &utf16 : find_zip(bytes);
}

/* ---------------------------------------------------------------- text without a header */

#define LINES_LOOKED_AT 64
#define BYTES_LOOKED_AT 4096

/* The number of fields that most of the first lines have; of two equally frequent ones the smaller, as words with blanks only add.
 * 0: no line has any. */
static size_t most_common_count(wa_text bytes)
{
    wa_cursor cursor = { .bytes = bytes };
    wa_text   line;
    size_t    counts[LINES_LOOKED_AT], n = 0, best = 0, best_times = 0;

    while (n < LINES_LOOKED_AT && wa_cursor_take_line(&cursor, &line))
        if ((counts[n] = wa_w2v_count_fields(line)) > 0)
            n++;
    for (size_t i = 0; i < n; i++) {
        size_t times = 0;

        for (size_t j = 0; j < n; j++)
            times += counts[j] == counts[i];
        if (times > best_times || (times == best_times && counts[i] < best)) {
            best       = counts[i];
            best_times = times;
        }
    }
    return best;
}

/* Whether at least half of the first lines are rows of that width. */
static bool half_are_rows(wa_text bytes, size_t width)
{
    wa_cursor cursor = { .bytes = bytes };
    wa_text   line;
    size_t    n = 0, n_rows = 0;

    while (n < LINES_LOOKED_AT && wa_cursor_take_line(&cursor, &line)) {
        if (wa_w2v_count_fields(line) == 0)
            continue;
        n++;
        n_rows += wa_w2v_is_row(line, width);
    }
    return n_rows >= n - n / 2;
}

static wa_status fail_strange(const wa_w2v_reader *reader, wa_text line, wa_error *err)
{
    const wa_text shown    = line;
    const wa_text last     = wa_w2v_take_last_field(&line);
    const bool    is_comma = line.n_bytes > 0 && wa_w2v_is_decimal_comma(last);
    const bool    is_list  = memchr(shown.data, ',', shown.n_bytes) || memchr(shown.data, ';', shown.n_bytes);

    return wa_fail(
        err, WA_EFORMAT,
        "%s: line 1: found %s, expected word vectors: a header of two whole numbers (how many words, how many values), or a "
        "word and its values%s",
        reader->path, wa_show(shown).quoted,
        is_comma  ? "; the numbers have decimal commas, replace them by points"
        : is_list ? "; separate them by blanks instead of commas"
                  : "");
}

static wa_status sniff_glove(wa_w2v_reader *reader, wa_text bytes, wa_text line, wa_error *err)
{
    wa_vectors *const v = reader->vectors;
    const size_t      n = most_common_count(bytes);

    if (n < 2 || !half_are_rows(bytes, n - 1))
        return fail_strange(reader, line, err);
    v->width          = n - 1;
    v->info.format    = WA_VECTORS_GLOVE;
    v->info.n_claimed = WA_NONE;
    return WA_OK;
}

/* ---------------------------------------------------------------- files with a header */

/* Whether the line is two numbers of any kind. */
static bool is_pair_of_numbers(wa_text line, wa_text pair[2])
{
    double x;

    pair[0] = wa_text_take_field(&line);
    pair[1] = wa_text_take_field(&line);
    return wa_text_take_field(&line).n_bytes == 0 && wa_parse_double(pair[0], &x) && wa_parse_double(pair[1], &x);
}

/* Whether what seems to be a header is the first row of GloVe text of width 1: then every line after it is a word and a value. A
 * last line without its newline may be a longer one that was cut off, so it proves nothing. */
static bool rows_are_pairs(wa_text rest)
{
    wa_cursor cursor = { .bytes = rest };
    wa_text   line;
    size_t    n = 0;

    while (n < LINES_LOOKED_AT && wa_cursor_take_line(&cursor, &line)) {
        if (rest.data[cursor.at - 1] != '\n')
            break;
        if (wa_w2v_count_fields(line) == 0)
            continue;
        if (wa_w2v_count_fields(line) != 2 || !wa_w2v_is_row(line, 1))
            return false;
        n++;
    }
    return n > 0;
}

/* The values of a faulty row are still ASCII or at least UTF-8, those of a binary file hardly ever. */
static bool values_are_utf8(wa_text line)
{
    wa_text_take_field(&line);
    return wa_utf8_is_valid(line);
}

/* Control characters that no text has, near the start. */
static bool has_control(wa_text bytes)
{
    const size_t n = bytes.n_bytes < BYTES_LOOKED_AT ? bytes.n_bytes : BYTES_LOOKED_AT;

    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes.data[i];

        if ((c < ' ' && !(c >= '\t' && c <= '\r')) || c == 0x7F)
            return true;
    }
    return false;
}

static bool is_binary(const wa_w2v_reader *reader, wa_text rest)
{
    wa_cursor cursor = { .bytes = rest };
    wa_text   line   = { "", 0 };

    while (wa_cursor_take_line(&cursor, &line) && line.n_bytes == 0)
        continue;
    if (wa_w2v_is_row(line, reader->vectors->width))
        return false;
    if (has_control(rest))
        return true;
    if (reader->vectors->info.n_claimed > 0 && wa_w2v_records_fit(reader, reader->cursor.at, reader->vectors->info.n_claimed, 4))
        return true;
    return !values_are_utf8(line);
}

static wa_status sniff_header(wa_w2v_reader *reader, wa_text rest, const wa_text pair[2], wa_error *err)
{
    wa_vectors *const v = reader->vectors;

    for (size_t i = 0; i < 2; i++) {
        size_t *const number = i == 0 ? &v->info.n_claimed : &v->width;

        if (!wa_parse_size(pair[i], number) || *number >= WA_NONE / 16)
            return wa_fail(
                err, WA_EFORMAT,
                "%s: byte 0: the header gives %s as the number of %s, expected a whole number that a file can hold; the header "
                "is damaged, get the file again",
                reader->path, wa_show(pair[i]).quoted, i == 0 ? "words" : "values of a vector");
    }
    if (v->width == 0)
        return wa_fail(
            err, WA_EFORMAT,
            "%s: byte 0: the header promises vectors of 0 values, expected at least 1; the header is damaged, get the file again",
            reader->path);
    v->info.format = is_binary(reader, rest) ? WA_VECTORS_BINARY : WA_VECTORS_TEXT;
    return WA_OK;
}

/* ---------------------------------------------------------------- all of them */

wa_status wa_w2v_sniff(wa_w2v_reader *reader, wa_error *err)
{
    wa_cursor *const     cursor = &reader->cursor;
    const wa_text        bytes  = cursor->bytes;
    const foreign *const other  = find_foreign(bytes);
    wa_text              line   = { "", 0 }, pair[2];

    if (bytes.n_bytes == 0)
        return wa_fail(err, WA_EFORMAT, "%s: the file is empty, expected word vectors; get the file again", reader->path);
    if (other)
        return wa_fail(err, WA_EFORMAT, "%s: this is %s, expected a file of word vectors; %s", reader->path, other->what,
                       other->mend);
    if (wa_text_begins(bytes, wa_text_of("\xEF\xBB\xBF"))) /* a byte order mark, as some editors write */
        cursor->at = 3;
    const size_t first = cursor->at;
    wa_cursor_take_line(cursor, &line);
    reader->line       = 2;
    const wa_text rest = { bytes.data + cursor->at, wa_cursor_left(cursor) };
    if (is_pair_of_numbers(line, pair) && (wa_text_is(pair[1], "1") || !rows_are_pairs(rest)))
        return sniff_header(reader, rest, pair, err);
    cursor->at   = first;
    reader->line = 1;
    return sniff_glove(reader, (wa_text){ bytes.data + first, bytes.n_bytes - first }, line, err);
}
