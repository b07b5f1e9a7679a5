/* What a report recorded, and every step of it computed again.
 *
 * No page is needed: these are functions of the data block, so that node can run them, too (tests/browser/steps.test.mjs). The rules are
 * those of docs/MODEL.md, "The numeric contract": an element of a matrix product is one chain of fused multiply-adds in ascending order
 * that begins with the bias. fma() below is that operation but for a double rounding, which needs a sum within 2^-53 of halfway between
 * two floats. Exponentials, sines and the error function are the browser's or made here; they differ from the program's in the last digit.
 *
 * wordahead is the one global name; arithmetic.js and report.js add to it. */
"use strict";

const wordahead = (() => {
    const fround = Math.fround;

    /* a * b is exact in double: 24 + 24 bits. */
    const fma = (a, b, c) => fround(a * b + c);

    // ---------------------------------------------------------------- what was recorded

    function decodeBytes(base64) {
        const text = atob(base64), bytes = new Uint8Array(text.length);

        for (let i = 0; i < text.length; i++)
            bytes[i] = text.charCodeAt(i);
        return bytes;
    }

    /* float32, or bf16, which is the upper half of one; both with the low byte first. */
    function decodeNumbers(packed) {
        const bytes = decodeBytes(packed.data), view = new DataView(bytes.buffer);
        const isHalf = packed.type === "bf16", size = isHalf ? 2 : 4;
        const out = new Float32Array(bytes.length / size), bits = new Uint32Array(out.buffer);

        for (let i = 0; i < out.length; i++)
            bits[i] = isHalf ? view.getUint16(2 * i, true) << 16 : view.getUint32(4 * i, true);
        return { shape: packed.shape, data: out };
    }

    /* A run of the data block, its arrays decoded when they are first asked for.
     *
     * array(name), weight(name)   { shape, data: Float32Array }, or null where the report has none
     * stages                      those of the block, each with what it was given (`given`) and what it gave (`output`), as names of
     *                             arrays; the word vectors are called "vectors" */
    function openRun(block) {
        const known = new Map();
        const find = (key, packed) => {
            if (!known.has(key))
                known.set(key, packed ? decodeNumbers(packed) : null);
            return known.get(key);
        };
        const vocabulary = block.vocabulary || null;
        const run = {
            name: block.name,
            words: block.words,
            vocabulary,
            array: (name) => name === "vectors" ? find("vectors", block.vectors) : find("array " + name, (block.arrays || {})[name]),
            weight: (name) => find("weight " + name, (block.weights || {})[name]),
            logits: () => find("logits", vocabulary && vocabulary.logits),
            wordWeights: () => find("word weights", vocabulary && vocabulary.weight),
            wordBias: () => find("word bias", vocabulary && vocabulary.bias),
        };

        run.stages = linkStages(block.stages);
        run.steps = run.stages.flatMap(stepsOf);
        return run;
    }

    function linkStages(stages) {
        let output = "vectors", before = null;

        return stages.map((stage) => {
            const linked = { ...stage, given: output, before };

            before = output;
            output = linked.output = stage.kind === "vocabulary" ? stage.prefix + ".logits" : stage.prefix + ".output";
            return linked;
        });
    }

    // ---------------------------------------------------------------- elementary

    /* y[o] = bias[o] + sum over d of x[d] w[o, d], as a chain. x and w begin at xAt and wAt. */
    function chain(x, xAt, w, wAt, n, start) {
        let sum = start;

        for (let d = 0; d < n; d++)
            sum = fma(x[xAt + d], w[wAt + d], sum);
        return sum;
    }

    /* [T, O] from x [T, D] and a weight [O, D] with an optional bias [O]. */
    function product(x, T, D, weight, bias) {
        const O = weight.length / D, out = new Float32Array(T * O);

        for (let t = 0; t < T; t++)
            for (let o = 0; o < O; o++)
                out[t * O + o] = chain(x, t * D, weight, o * D, D, bias ? bias[o] : 0);
        return out;
    }

    /* erf(x) = 2/sqrt(pi) exp(-x^2) * sum over n of 2^n x^(2n+1) / (1 3 5 ... (2n+1)); all terms have one sign, so nothing cancels.
     * Beyond 6 it is 1 in double. Source: Abramowitz & Stegun 1964, 7.1.6. */
    function erf(x) {
        if (!(Math.abs(x) < 6))
            return Math.sign(x);
        let term = x, sum = x;

        for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    const relu = (x) => x < 0 ? 0 : x;
    const gelu = (x) => fround(x * 0.5 * (1 + erf(x * Math.SQRT1_2)));
    const activations = { relu, gelu };

    /* exp(x - max) as a float, and the sum of all of them in double. */
    function normaliser(x, first, n) {
        let max = -Infinity, sum = 0;

        for (let i = first; i < first + n; i++)
            max = Math.max(max, x[i]);
        for (let i = first; i < first + n; i++)
            sum += exponential(x[i], max);
        return { max, sum };
    }

    const exponential = (x, max) => fround(Math.exp(fround(x - max)));

    // ---------------------------------------------------------------- embed and positional

    function embedOutput(run, stage) {
        const factor = fround(stage.options.scale);

        return run.array("vectors").data.map((x) => x * factor);
    }

    /* Of column d: the pair it belongs to, whether it is the sine, the exponent and what the position is divided by. */
    function encodingColumn(options, d, D) {
        const nSines = Math.ceil(D / 2), isHalved = options.layout === "halves";
        const isSine = isHalved ? d < nSines : d % 2 === 0;
        const pair = isHalved ? d % nSines : Math.floor(d / 2);
        const exponent = (options.exponent === "doubled" ? 4 : 2) * pair / D;

        return { isSine, pair, exponent, divisor: Math.pow(options.base, exponent) };
    }

    function positionalEncoding(run, stage) {
        const { shape: [T, D] } = run.array(stage.given), out = new Float32Array(T * D);

        if (stage.options.kind === "none")
            return out;
        for (let d = 0; d < D; d++) {
            const { isSine, divisor } = encodingColumn(stage.options, d, D);

            for (let t = 0; t < T; t++) {
                const angle = (stage.options.start + t) / divisor;

                out[t * D + d] = isSine ? Math.sin(angle) : Math.cos(angle);
            }
        }
        return out;
    }

    function sumOf(a, b) {
        return a.map((x, i) => x + b[i]);
    }

    // ---------------------------------------------------------------- attention

    /* What head h reads: the array's name, its width, and the columns from `first` on, `n` of them. */
    function reading(run, stage, h) {
        const { heads, input, source } = stage.options;
        const name = source === "vectors" ? "vectors" : stage.given;
        const width = run.array(name).shape[1], n = input === "slice" ? width / heads : width;

        return { name, width, first: input === "slice" ? h * n : 0, n };
    }

    /* Row e of head h in the weight of a role, which a report has as [H, E, n] also where heads share a matrix; and its bias or null. */
    function roleRow(run, stage, role, h, e) {
        const weight = run.weight(`${stage.prefix}.${role}.weight`), bias = run.weight(`${stage.prefix}.${role}.bias`);
        const row = h * stage.options.head_dim + e;

        return { weight: weight.data, at: row * weight.shape.at(-1), bias: bias ? bias.data[row] : null };
    }

    function attentionRole(run, stage, role) {
        const { heads: H, head_dim: E, projections } = stage.options;
        const x = run.array(reading(run, stage, 0).name), T = x.shape[0], out = new Float32Array(H * T * E);

        for (let h = 0; h < H; h++) {
            const { width, first, n } = reading(run, stage, h);

            for (let e = 0; e < E; e++) {
                const row = projections === "none" ? null : roleRow(run, stage, role, h, e);

                for (let t = 0; t < T; t++)
                    out[(h * T + t) * E + e] = row ? chain(x.data, t * width + first, row.weight, row.at, n, row.bias || 0)
                                                   : x.data[t * width + first + e];
            }
        }
        return out;
    }

    /* What scores are multiplied by. */
    const scoreFactor = (options) => options.scale === "sqrt_e" ? fround(1 / Math.sqrt(options.head_dim)) : 1;

    function attentionScores(run, stage) {
        const q = run.array(stage.prefix + ".query"), k = run.array(stage.prefix + ".key").data;
        const [H, T, E] = q.shape, out = new Float32Array(H * T * T), factor = scoreFactor(stage.options);

        for (let h = 0; h < H; h++)
            for (let t = 0; t < T; t++)
                for (let s = 0; s < T; s++)
                    out[(h * T + t) * T + s] = factor * chain(q.data, (h * T + t) * E, k, (h * T + s) * E, E, 0);
        return out;
    }

    const isMasked = (options, t, s) => options.mask === "causal" && s > t;

    function attentionWeights(run, stage) {
        const scores = run.array(stage.prefix + ".scores"), [H, T] = scores.shape, out = scores.data.slice();
        const n = stage.options.softmax_over === "matrix" ? T * T : T; /* that share one sum */

        for (let i = 0; i < out.length; i++)
            if (isMasked(stage.options, Math.floor(i / T) % T, i % T))
                out[i] = -Infinity;
        for (let first = 0; first < H * T * T; first += n) {
            const { max, sum } = normaliser(out, first, n);

            for (let i = first; i < first + n; i++)
                out[i] = exponential(out[i], max) / sum;
        }
        return out;
    }

    const isHeadOff = (options, h) => (options.mask_heads || []).includes(h);

    function attentionHeads(run, stage) {
        const weights = run.array(stage.prefix + ".weights").data, v = run.array(stage.prefix + ".value");
        const [H, T, E] = v.shape, out = new Float32Array(H * T * E);

        for (let h = 0; h < H; h++)
            for (let t = 0; t < T && !isHeadOff(stage.options, h); t++)
                for (let s = 0; s < T; s++)
                    for (let e = 0, at = (h * T + t) * E; e < E; e++)
                        out[at + e] = fma(weights[(h * T + t) * T + s], v.data[(h * T + s) * E + e], out[at + e]);
        return out;
    }

    function attentionConcat(run, stage) {
        const heads = run.array(stage.prefix + ".heads"), [H, T, E] = heads.shape, out = new Float32Array(H * T * E);

        for (let i = 0; i < out.length; i++) {
            const t = Math.floor(i / (H * E)), h = Math.floor(i / E) % H;

            out[i] = heads.data[(h * T + t) * E + i % E];
        }
        return out;
    }

    /* A linear map with the names of its weight and bias. */
    function linear(run, given, weightName, biasName) {
        const x = run.array(given), bias = run.weight(biasName);

        return product(x.data, x.shape[0], x.shape[1], run.weight(weightName).data, bias && bias.data);
    }

    function attentionOutput(run, stage) {
        const concat = stage.prefix + ".concat", name = stage.prefix + ".output";

        return stage.options.output_projection ? linear(run, concat, name + ".weight", name + ".bias") : run.array(concat).data;
    }

    // ---------------------------------------------------------------- add_norm and feed_forward

    function normSum(run, stage) {
        const given = run.array(stage.given).data;

        return stage.options.residual ? sumOf(run.array(stage.before).data, given) : given;
    }

    /* Mean, variance and their root over n numbers, `stride` apart, in double. */
    function momentsOf(x, first, n, stride, eps) {
        let mean = 0, variance = 0;

        for (let i = 0; i < n; i++)
            mean += x[first + i * stride];
        mean /= n;
        for (let i = 0; i < n; i++)
            variance += (x[first + i * stride] - mean) ** 2;
        variance /= n;
        return { mean, variance, root: Math.sqrt(variance + eps) };
    }

    /* Those that number (t, d) of a sum [T, D] is normalised with. */
    function normMoments(sum, options, t, d) {
        const [T, D] = sum.shape;

        return options.over === "tokens" ? momentsOf(sum.data, d, T, D, options.eps) : momentsOf(sum.data, t * D, D, 1, options.eps);
    }

    const standardise = (x, { mean, root }) => root === 0 ? 0 : fround((x - mean) / root);

    function normOutput(run, stage) {
        const sum = run.array(stage.prefix + ".sum"), [T, D] = sum.shape, out = new Float32Array(T * D);
        const gain = run.weight(stage.prefix + ".weight").data, bias = run.weight(stage.prefix + ".bias").data;
        const isOverTokens = stage.options.over === "tokens";
        const moments = Array.from({ length: isOverTokens ? D : T }, (_, i) => normMoments(sum, stage.options, i, i));

        for (let t = 0; t < T; t++)
            for (let d = 0; d < D; d++)
                out[t * D + d] = fma(standardise(sum.data[t * D + d], moments[isOverTokens ? d : t]), gain[d], bias[d]);
        return out;
    }

    function feedForwardHidden(run, stage) {
        return linear(run, stage.given, stage.prefix + ".up.weight", stage.prefix + ".up.bias")
            .map(activations[stage.options.activation]);
    }

    function feedForwardOutput(run, stage) {
        return linear(run, stage.prefix + ".hidden", stage.prefix + ".down.weight", stage.prefix + ".down.bias");
    }

    // ---------------------------------------------------------------- vocabulary

    /* The report has the weights of the best words only, so only their logits are computed again; probabilities use all logits. */
    function vocabularyLogits(run, stage) {
        const x = run.array(stage.given), [T, D] = x.shape, weight = run.wordWeights().data, bias = run.wordBias();
        const factor = fround(1 / stage.options.temperature);

        return product(x.data.subarray((T - 1) * D), 1, D, weight, bias && bias.data).map((y) => y * factor);
    }

    function vocabularyProbabilities(run) {
        const { max, sum } = normaliser(run.logits().data, 0, run.vocabulary.n);

        return Float32Array.from(run.vocabulary.rows, (row) => exponential(row.logit, max) / sum);
    }

    const recordedRows = (run, key) => Float32Array.from(run.vocabulary.rows, (row) => row[key]);

    // ---------------------------------------------------------------- the steps

    /* A step: its name (that of the array it gives), the arrays and weights it needs, and how it is computed from them.
     *
     * name       "attention.0.scores"
     * quantity   "scores"
     * arrays     names of those it needs
     * weights    names of those it needs; large ones may have been left out
     * compute    run -> Float32Array
     * recorded   run -> Float32Array: what `compute` must give; null where the report has left it out */
    function step(stage, quantity, { arrays = [], weights = [] }, compute, recorded) {
        const name = `${stage.prefix}.${quantity}`;

        return {
            name, stage, quantity, arrays, weights: weights.map((weight) => `${stage.prefix}.${weight}`),
            compute: (run) => compute(run, stage),
            recorded: recorded || ((run) => { const found = run.array(name); return found && found.data; }),
        };
    }

    /* The names of what a step takes or gives and the report leaves out. */
    function missingOf(run, one) {
        return [...one.arrays.filter((name) => !run.array(name)), ...one.weights.filter((name) => !run.weight(name)),
            ...(one.recorded(run) ? [] : [one.name])];
    }

    function attentionSteps(stage) {
        const own = (...names) => ({ arrays: names.map((name) => `${stage.prefix}.${name}`) });
        const source = stage.options.source === "vectors" ? "vectors" : stage.given, isLearned = stage.options.projections !== "none";
        const roles = ["query", "key", "value"].map((role) => step(stage, role, { arrays: [source], weights: isLearned ? [`${role}.weight`] : [] },
            (run) => attentionRole(run, stage, role)));

        return [
            ...roles,
            step(stage, "scores", own("query", "key"), attentionScores),
            step(stage, "weights", own("scores"), attentionWeights),
            step(stage, "heads", own("weights", "value"), attentionHeads),
            step(stage, "concat", own("heads"), attentionConcat),
            step(stage, "output", { ...own("concat"), weights: stage.options.output_projection ? ["output.weight"] : [] }, attentionOutput),
        ];
    }

    const stepsOfKind = {
        embed: (stage) => [step(stage, "output", { arrays: ["vectors"] }, embedOutput)],
        positional: (stage) => [
            step(stage, "encoding", { arrays: [stage.given] }, positionalEncoding),
            step(stage, "output", { arrays: [stage.given, stage.prefix + ".encoding"] },
                (run) => sumOf(run.array(stage.given).data, run.array(stage.prefix + ".encoding").data)),
        ],
        attention: attentionSteps,
        add_norm: (stage) => [
            step(stage, "sum", { arrays: stage.options.residual ? [stage.before, stage.given] : [stage.given] }, normSum),
            step(stage, "output", { arrays: [stage.prefix + ".sum"], weights: ["weight", "bias"] }, normOutput),
        ],
        feed_forward: (stage) => [
            step(stage, "hidden", { arrays: [stage.given], weights: ["up.weight"] }, feedForwardHidden),
            step(stage, "output", { arrays: [stage.prefix + ".hidden"], weights: ["down.weight"] }, feedForwardOutput),
        ],
        vocabulary: (stage) => [
            step(stage, "logits", { arrays: [stage.given] }, vocabularyLogits, (run) => run.wordWeights() && recordedRows(run, "logit")),
            step(stage, "probabilities", {}, vocabularyProbabilities, (run) => run.logits() && recordedRows(run, "prob")),
        ],
    };

    const stepsOf = (stage) => stepsOfKind[stage.kind](stage);

    /* Computes a step again: { n, largest }, the number of numbers and the largest absolute difference (NaN where one is NaN);
     * or { missing: [names] } where the report leaves out what it takes. */
    function checkStep(run, name) {
        const found = run.steps.find((one) => one.name === name), missing = missingOf(run, found);

        if (missing.length > 0)
            return { missing };
        const computed = found.compute(run), recorded = found.recorded(run);
        let largest = computed.length === recorded.length ? 0 : NaN;

        for (let i = 0; i < recorded.length; i++)
            largest = Math.max(largest, recorded[i] === computed[i] ? 0 : Math.abs(recorded[i] - computed[i]));
        return { n: recorded.length, largest };
    }

    return {
        openRun, checkStep, missingOf,
        math: { fround, fma, erf, activations, exponential, normaliser },
        parts: { encodingColumn, reading, roleRow, scoreFactor, isMasked, isHeadOff, normMoments, standardise },
    };
})();
