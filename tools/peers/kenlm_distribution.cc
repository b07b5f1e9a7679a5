/* How many positions a second get the log-probabilities of all N words from a KenLM model in the probing format. tools/bench_kenlm compiles
 * and calls it.
 *
 *     kenlm_distribution MODEL WORDS <REQUESTS
 *
 * A request is a line "loop|index THREADS SECONDS", and a line answers it as tests/bench/distribution.c does: the model is read once.
 *
 * loop   Score() of every word of the vocabulary from the state of the position: what KenLM's interface offers
 * index  Score() only of the words that the model knows after the last one; the others are their own probability, backed off. KenLM
 *        keeps no such lists: they are asked from it before the first clock starts, and only for the words of the text
 *
 * What makes the loop fast: the class of the model instead of the virtual interface, words by index in the order of the tables, one
 * state for all that comes out, the model read into large pages, and lm/model.cc compiled together with this file, so that Score() is
 * inlined.
 *
 * WORDS is a file of words with blanks between them; a line is a sentence. <unk> and <s> are no words of the vocabulary: nothing outside
 * it is in the text, and <s> is never predicted. */
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

const size_t CHECK_EVERY = 16; // positions
const double LN_10       = 2.302585092994046;

struct Position {
    State     state;
    WordIndex next; // the word that follows
};

// What follows each word in the model: lists by the index of the word. Empty where it was not looked for.
typedef std::vector<std::vector<WordIndex>> Followers;

struct Engine {
    const ProbingModel    &model;
    std::vector<Position>  positions; // of the text
    std::vector<WordIndex> words;     // the vocabulary, in the order of the tables
    std::vector<float>     alone;     // log10-probability of each word, by its index
    Followers              follow;
};

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void add_word(const ProbingModel &model, WordIndex word, State &state, std::vector<Position> &positions)
{
    const State before = state;

    positions.push_back({ before, word });
    model.Score(before, word, state);
}

std::vector<Position> read_text(const ProbingModel &model, const char *path)
{
    std::ifstream         file(path);
    std::string           line, word;
    std::vector<Position> positions;

    if (!file)
        throw std::runtime_error(std::string(path) + ": cannot be opened");
    while (std::getline(file, line)) {
        std::istringstream words(line);
        State              state = model.BeginSentenceState();

        while (words >> word) {
            const WordIndex found = model.GetVocabulary().Index(word);

            if (found == model.GetVocabulary().NotFound())
                throw std::runtime_error(word + ": not a word of the model; its vocabulary is not that of the text");
            add_word(model, found, state, positions);
        }
        add_word(model, model.GetVocabulary().EndSentence(), state, positions);
    }
    return positions;
}

/* ---------------------------------------------------------------- all log10-probabilities of a position, by word index */

typedef void Way(const Engine &e, const State &state, float *out);

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
    if (!e.follow[word].empty())
        return;
    for (WordIndex next : e.words)
        if (e.model.FullScore(state, next, ignored).ngram_length > 1)
            e.follow[word].push_back(next);
}

void list_all_followers(Engine &e)
{
    e.follow.resize(e.alone.size());
    for (const Position &position : e.positions)
        if (position.state.length > 0)
            list_followers(e, position.state.words[0]);
}

Engine make_engine(const ProbingModel &model, const std::vector<Position> &positions)
{
    const lm::ngram::ProbingVocabulary &vocabulary = model.GetVocabulary();
    Engine                              e          = { model, positions, {}, std::vector<float>(vocabulary.Bound()), {} };
    State                               ignored;

    for (WordIndex word = 0; word < vocabulary.Bound(); word++) {
        if (word != vocabulary.NotFound() && word != vocabulary.BeginSentence())
            e.words.push_back(word);
        e.alone[word] = model.Score(model.NullContextState(), word, ignored);
    }
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

// Positions first, first + step, ...
void run_positions(const Engine &e, Way *way, size_t first, size_t step, bool is_checking, Sums &sums)
{
    std::vector<float> out(e.alone.size());

    for (size_t i = first; i < e.positions.size(); i += step) {
        way(e, e.positions[i].state, out.data());
        sums.logprob += out[e.positions[i].next];
        sums.prob += is_checking ? sum_probabilities(e, out.data()) : 0;
        sums.n_checked += is_checking;
    }
}

Sums run_pass(const Engine &e, Way *way, size_t n_threads)
{
    std::vector<Sums>        parts(n_threads);
    std::vector<std::thread> threads;
    Sums                     all;

    for (size_t i = 1; i < n_threads; i++)
        threads.emplace_back([&, i] { run_positions(e, way, i, n_threads, false, parts[i]); });
    run_positions(e, way, 0, n_threads, false, parts[0]);
    for (std::thread &thread : threads)
        thread.join();
    for (const Sums &part : parts)
        all.logprob += part.logprob;
    return all;
}

void measure(const char *name, Way *way, const Engine &e, size_t n_threads, double seconds)
{
    size_t n_passes = 0;
    Sums   checked, found;

    run_positions(e, way, 0, CHECK_EVERY, true, checked);
    const double began = now();
    do {
        found = run_pass(e, way, n_threads);
        n_passes++;
    } while (now() - began < seconds);

    const double took = now() - began, n = (double)e.positions.size();
    std::printf("%s\t%zu\t%zu\t%zu\t%zu\t%.4f\t%.1f\t%.6f\t%.3f\n", name, n_threads, e.words.size(), e.positions.size(), n_passes,
                took, n * (double)n_passes / took, checked.prob / (double)checked.n_checked, std::exp(-LN_10 * found.logprob / n));
}

void serve(Engine &e)
{
    char   way[8];
    size_t n_threads;
    double seconds;

    while (std::scanf("%7s %zu %lf", way, &n_threads, &seconds) == 3) {
        const bool has_index = !std::strcmp(way, "index");

        if ((!has_index && std::strcmp(way, "loop")) || n_threads < 1)
            throw std::runtime_error("expected loop|index THREADS SECONDS");
        if (has_index && e.follow.empty())
            list_all_followers(e);
        measure(way, has_index ? index : loop, e, n_threads, seconds);
        std::fflush(stdout);
    }
}

} // namespace

int main(int argc, char **argv)
try {
    if (argc != 3)
        throw std::runtime_error("usage: kenlm_distribution MODEL WORDS <REQUESTS");

    lm::ngram::Config config;
    config.load_method = util::READ;
    const ProbingModel model(argv[1], config);
    Engine             e = make_engine(model, read_text(model, argv[2]));
    serve(e);
    return 0;
} catch (const std::exception &e) {
    std::fprintf(stderr, "kenlm_distribution: %s\n", e.what());
    return 2;
}
