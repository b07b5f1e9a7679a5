/* How many positions a second get the log-probabilities of all N words from a KenLM model in the probing format. tools/bench_kenlm compiles
 * and calls it.
 *
 *     kenlm_distribution loop|index MODEL WORDS THREADS SECONDS
 *
 * loop   Score() of every word of the vocabulary from the state of the position: what KenLM's interface offers
 * index  Score() only of the words that the model knows after the last one; the others are their own probability, backed off. KenLM
 *        keeps no such lists: they are asked from it before the clock starts, and only for the words of the text
 *
 * What makes the loop fast: the class of the model instead of the virtual interface, words by index in the order of the tables, one
 * state for all that comes out, the model read into large pages, and lm/model.cc compiled together with this file, so that Score() is
 * inlined.
 *
 * WORDS is a file of words with blanks between them; a line is a sentence. The output is that of tests/bench/distribution.c. <unk> and <s>
 * are no words of the vocabulary: nothing outside it is in the text, and <s> is never predicted. */
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "lm/model.hh"

using lm::WordIndex;
using lm::ngram::ProbingModel;
using lm::ngram::State;

namespace
{

const size_t CHECK_EVERY = 16; // lines
const double LN_10       = 2.302585092994046;

struct Text {
    std::vector<std::vector<WordIndex>> lines; // each with its end word
    size_t                              n_positions = 0;
};

// What follows each word in the model: lists by the index of the word. Empty where it was not looked for.
typedef std::vector<std::vector<WordIndex>> Followers;

struct Engine {
    const ProbingModel    &model;
    const Text            &text;
    std::vector<WordIndex> words;  // the vocabulary, in the order of the tables
    std::vector<float>     alone;  // log10-probability of each word, by its index
    Followers              follow; // empty: loop over all
};

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Text read_text(const ProbingModel &model, const char *path)
{
    std::ifstream file(path);
    std::string   line, word;
    Text          text;

    if (!file)
        throw std::runtime_error(std::string(path) + ": cannot be opened");
    while (std::getline(file, line)) {
        std::istringstream     words(line);
        std::vector<WordIndex> found;

        while (words >> word) {
            found.push_back(model.GetVocabulary().Index(word));
            if (found.back() == model.GetVocabulary().NotFound())
                throw std::runtime_error(word + ": not a word of the model; its vocabulary is not that of the text");
        }
        found.push_back(model.GetVocabulary().EndSentence());
        text.n_positions += found.size();
        text.lines.push_back(found);
    }
    return text;
}

/* ---------------------------------------------------------------- all log10-probabilities of a position, by word index */

void loop(const Engine &e, const State &state, float *out)
{
    State ignored;

    for (WordIndex word : e.words)
        out[word] = e.model.Score(state, word, ignored);
}

void index(const Engine &e, const State &state, float *out)
{
    float backoff = 0;
    State ignored;

    for (unsigned i = 0; i < state.length; i++)
        backoff += state.backoff[i];
    for (size_t i = 0; i < e.alone.size(); i++)
        out[i] = e.alone[i] + backoff;
    if (state.length == 0)
        return;
    for (WordIndex word : e.follow[state.words[0]])
        out[word] = e.model.Score(state, word, ignored);
}

/* ---------------------------------------------------------------- before the clock starts */

void list_followers(Engine &e, WordIndex word)
{
    State state, ignored;

    e.model.GetState(&word, &word + 1, state);
    if (state.length == 0 || !e.follow[word].empty())
        return;
    for (WordIndex next : e.words)
        if (e.model.FullScore(state, next, ignored).ngram_length > 1)
            e.follow[word].push_back(next);
}

Engine make_engine(const ProbingModel &model, const Text &text, bool has_index)
{
    const lm::ngram::ProbingVocabulary &vocabulary = model.GetVocabulary();
    Engine                              e          = { model, text, {}, std::vector<float>(vocabulary.Bound()), {} };
    State                               ignored;

    for (WordIndex word = 0; word < vocabulary.Bound(); word++) {
        if (word != vocabulary.NotFound() && word != vocabulary.BeginSentence())
            e.words.push_back(word);
        e.alone[word] = model.Score(model.NullContextState(), word, ignored);
    }
    if (!has_index)
        return e;
    e.follow.resize(vocabulary.Bound());
    list_followers(e, vocabulary.BeginSentence());
    for (const std::vector<WordIndex> &line : text.lines)
        for (WordIndex word : line)
            list_followers(e, word);
    return e;
}

/* ---------------------------------------------------------------- passes over the text */

struct Sums {
    double logprob = 0, prob = 0; // logprob: base 10, of the words that followed
    size_t n_checked = 0;
};

double sum_probabilities(const Engine &e, const float *out)
{
    double sum = 0;

    for (WordIndex word : e.words)
        sum += std::exp(LN_10 * out[word]);
    return sum;
}

// Lines first, first + step, ...
void run_lines(const Engine &e, size_t first, size_t step, bool is_checking, Sums &sums)
{
    std::vector<float> out(e.alone.size());

    for (size_t i = first; i < e.text.lines.size(); i += step) {
        State state = e.model.BeginSentenceState();

        for (WordIndex word : e.text.lines[i]) {
            const State before = state;

            e.follow.empty() ? loop(e, before, out.data()) : index(e, before, out.data());
            e.model.Score(before, word, state);
            sums.logprob += out[word];
            sums.prob += is_checking ? sum_probabilities(e, out.data()) : 0;
            sums.n_checked += is_checking;
        }
    }
}

Sums run_pass(const Engine &e, size_t n_threads)
{
    std::vector<Sums>        parts(n_threads);
    std::vector<std::thread> threads;
    Sums                     all;

    for (size_t i = 1; i < n_threads; i++)
        threads.emplace_back([&, i] { run_lines(e, i, n_threads, false, parts[i]); });
    run_lines(e, 0, n_threads, false, parts[0]);
    for (std::thread &thread : threads)
        thread.join();
    for (const Sums &part : parts)
        all.logprob += part.logprob;
    return all;
}

void measure(const char *way, const Engine &e, size_t n_threads, double seconds)
{
    size_t n_passes = 0;
    Sums   checked, found;

    run_lines(e, 0, CHECK_EVERY, true, checked);
    const double began = now();
    do {
        found = run_pass(e, n_threads);
        n_passes++;
    } while (now() - began < seconds);

    const double took = now() - began, n = (double)e.text.n_positions;
    std::printf("%s\t%zu\t%zu\t%zu\t%zu\t%.4f\t%.1f\t%.6f\t%.3f\n", way, n_threads, e.words.size(), e.text.n_positions, n_passes,
                took, n * (double)n_passes / took, checked.prob / (double)checked.n_checked, std::exp(-LN_10 * found.logprob / n));
}

} // namespace

int main(int argc, char **argv)
try {
    const bool has_index = argc == 6 && !std::strcmp(argv[1], "index");

    if (argc != 6 || (!has_index && std::strcmp(argv[1], "loop")) || std::atol(argv[4]) < 1)
        throw std::runtime_error("usage: kenlm_distribution loop|index MODEL WORDS THREADS SECONDS");

    lm::ngram::Config config;
    config.load_method = util::READ;
    const ProbingModel model(argv[2], config);
    const Text         text = read_text(model, argv[3]);
    measure(argv[1], make_engine(model, text, has_index), (size_t)std::atol(argv[4]), std::atof(argv[5]));
    return 0;
} catch (const std::exception &e) {
    std::fprintf(stderr, "kenlm_distribution: %s\n", e.what());
    return 2;
}
