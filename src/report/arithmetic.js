/* The arithmetic of one number, in words and numbers: what a reader could follow with pencil and calculator.
 *
 * Like steps.js these are functions of the data block without a page. wordahead.explain() is the way in. */
"use strict";

wordahead.explain = (() => {
    const { fround, fma, erf, exponential, normaliser } = wordahead.math;
    const { encodingColumn, reading, roleRow, scoreFactor, isMasked, isHeadOff, normMoments, standardise } = wordahead.parts;

    // ---------------------------------------------------------------- numbers and words

    /* So many significant digits, without zeros behind them; very large and very small ones as powers of ten. */
    function show(x, digits = 4) {
        if (!Number.isFinite(x))
            return Number.isNaN(x) ? "NaN" : x < 0 ? "−∞" : "∞";
        const size = Math.abs(x), isPlain = size === 0 || (size >= 1e-4 && size < 1e7);
        const text = isPlain ? Number(x.toPrecision(digits)).toString() : x.toExponential(digits - 1).replace(/\.?0*e/, "e");

        return text.replace(/-/g, "−");
    }

    const exact = (x) => show(x, 8);
    const wordAt = (run, t) => `“${run.words[t].word}”`;

    const FIRST = 3, LAST = 1; /* terms of a long sum that are shown in it; the table has all */

    function shorten(texts, between) {
        const isShort = texts.length <= FIRST + LAST + 1;

        return (isShort ? texts : [...texts.slice(0, FIRST), "…", ...texts.slice(-LAST)]).join(between);
    }

    // ---------------------------------------------------------------- sums of products

    /* A chain of multiply-adds, told: its value, its text, and a table of every product and the sum so far.
     *
     * start   what it begins with: the bias, or null
     * terms   [label, a, b] each
     * heads   of the columns of label, a and b */
    function tellProducts(start, terms, heads) {
        let value = start === null ? 0 : start;
        const rows = terms.map(([label, a, b]) => {
            value = fma(a, b, value);
            return [label, exact(a), exact(b), exact(a * b), exact(value)];
        });
        const products = terms.map(([, a, b]) => `${show(a)} × ${show(b)}`);
        const texts = start === null ? products : [`${show(start)}`, ...products];

        if (start !== null)
            rows.unshift(["bias", "", "", exact(start), exact(start)]);
        return {
            value,
            text: shorten(texts, " + "),
            table: { caption: `All ${terms.length} products`, head: [...heads, "product", "sum so far"], rows },
        };
    }

    /* Row t of x times row o of a weight [O, D]. */
    function tellMap(x, t, weight, o, bias) {
        const D = x.shape[1], terms = [];

        for (let d = 0; d < D; d++)
            terms.push([d, x.data[t * D + d], weight.data[o * D + d]]);
        return tellProducts(bias ? bias.data[o] : null, terms, ["dimension", "input", "weight"]);
    }

    const bySum = (name, told) => `${name} = ${told.text} = ${exact(told.value)}`;
    const beginsWith = (bias) => bias === null ? [] : ["The first number of the sum is the bias."];

    /* A linear map as a whole explanation. */
    function explainMap(run, given, weightName, biasName, { row, column }, name) {
        const bias = run.weight(biasName), told = tellMap(run.array(given), row, run.weight(weightName), column, bias);

        return { formula: `${name} = ${bias ? "bias + " : ""}input · weights`, lines: [bySum(name, told)], notes: beginsWith(bias), tables: [told.table], value: told.value };
    }

    // ---------------------------------------------------------------- embed and positional

    function explainEmbed(run, stage, { row, column }) {
        const vectors = run.array("vectors"), x = vectors.data[row * vectors.shape[1] + column];
        const value = fround(x * fround(stage.options.scale));

        return {
            formula: "output = vector × scale",
            lines: [`output = ${exact(x)} × ${exact(stage.options.scale)} = ${exact(value)}`], value,
        };
    }

    function explainEncoding(run, stage, { row, column }) {
        const D = run.array(stage.given).shape[1], { kind, start, base, exponent: kindOfExponent } = stage.options;

        if (kind === "none")
            return { formula: "encoding = 0", lines: ["encoding = 0"], notes: ["With kind: none no position is added."], value: 0 };
        const { isSine, pair, exponent, divisor } = encodingColumn(stage.options, column, D), name = isSine ? "sin" : "cos";
        const factor = kindOfExponent === "doubled" ? 4 : 2, angle = (start + row) / divisor;
        const value = fround(isSine ? Math.sin(angle) : Math.cos(angle));

        return {
            formula: `encoding = ${name}(position / base^(${factor}i/D))`,
            lines: [
                `base^(${factor}i/D) = ${show(base)}^(${factor} × ${pair} / ${D}) = ${show(base)}^${show(exponent, 6)} = ${exact(divisor)}`,
                `angle = ${show(start + row)} / ${show(divisor, 6)} = ${exact(angle)}`,
                `encoding = ${name}(${show(angle, 6)}) = ${exact(value)}`,
            ],
            notes: [`Column ${column} is the ${isSine ? "sine" : "cosine"} of pair i = ${pair}; the position is start + place = ` +
                    `${show(start)} + ${row}.`],
            value,
        };
    }

    function explainPositionalOutput(run, stage, { row, column }) {
        return explainSum(run, [stage.given, stage.prefix + ".encoding"], ["input", "encoding"], row, column, "output");
    }

    /* One number of each array, added. */
    function explainSum(run, arrays, names, row, column, name) {
        const numbers = arrays.map((one) => run.array(one)).map((x) => x.data[row * x.shape[1] + column]);
        const value = fround(numbers.reduce((a, b) => a + b));

        return { formula: `${name} = ${names.join(" + ")}`, lines: [`${name} = ${numbers.map(exact).join(" + ")} = ${exact(value)}`], value };
    }

    // ---------------------------------------------------------------- attention

    function explainRole(run, stage, { head, row, column }, role) {
        const { name, width, first, n } = reading(run, stage, head), x = run.array(name).data;
        const from = name === "vectors" ? "the word's vector" : name;

        if (stage.options.projections === "none") {
            const value = x[row * width + first + column];

            return { formula: `${role} = input`, lines: [`${role} = ${exact(value)}`], value,
                notes: [`With projections: none it is number ${first + column} of ${from}.`] };
        }
        const weights = roleRow(run, stage, role, head, column), terms = [];

        for (let d = 0; d < n; d++)
            terms.push([first + d, x[row * width + first + d], weights.weight[weights.at + d]]);
        const told = tellProducts(weights.bias, terms, ["dimension", "input", "weight"]);
        const slice = stage.options.input === "slice" ? [`Head ${head} reads dimensions ${first} to ${first + n - 1} only.`] : [];

        return {
            formula: `${role} = ${weights.bias === null ? "" : "bias + "}input · weights`, lines: [bySum(role, told)], tables: [told.table],
            notes: [...beginsWith(weights.bias), `The input is ${from}.`, ...slice], value: told.value,
        };
    }

    function explainScore(run, stage, { head, row, column }) {
        const q = run.array(stage.prefix + ".query"), k = run.array(stage.prefix + ".key").data, [, T, E] = q.shape;
        const terms = Array.from({ length: E }, (_, e) => [e, q.data[(head * T + row) * E + e], k[(head * T + column) * E + e]]);
        const told = tellProducts(null, terms, ["dimension", "query", "key"]);
        const isScaled = stage.options.scale === "sqrt_e", value = fround(told.value * scoreFactor(stage.options));

        return {
            formula: isScaled ? "score = query · key / √E" : "score = query · key",
            lines: isScaled ? [`score = (${told.text}) / √${E}`, `= ${show(told.value, 6)} / ${show(Math.sqrt(E), 6)} = ${exact(value)}`]
                : [bySum("score", told)],
            notes: [
                ...(isScaled ? [] : ["With scale: none it is not divided."]),
                ...(isMasked(stage.options, row, column) ? [`Scores are recorded before the mask: ${whyMasked(run, row, column)}`] : []),
            ],
            tables: [told.table], value,
        };
    }

    function whyMasked(run, t, s) {
        return `${wordAt(run, s)} comes after ${wordAt(run, t)}, and with mask: causal no word sees a later one.`;
    }

    /* The places of the scores that share one sum with that of query t, and their labels. */
    function sharing(run, stage, head, t, T) {
        const isMatrix = stage.options.softmax_over === "matrix", places = [];

        for (let r = isMatrix ? 0 : t; r < (isMatrix ? T : t + 1); r++)
            for (let s = 0; s < T; s++)
                places.push({ at: (head * T + r) * T + s, is: isMasked(stage.options, r, s),
                    label: isMatrix ? `${run.words[r].word} → ${run.words[s].word}` : run.words[s].word });
        return places;
    }

    function explainWeight(run, stage, { head, row, column }) {
        const scores = run.array(stage.prefix + ".scores"), T = scores.shape[1], isMatrix = stage.options.softmax_over === "matrix";

        if (isMasked(stage.options, row, column))
            return { formula: "weight = 0: masked", lines: ["weight = exp(−∞) / row sum = 0"], notes: [whyMasked(run, row, column)], value: 0 };
        const places = sharing(run, stage, head, row, T), seen = places.map(({ at, is }) => is ? -Infinity : scores.data[at]);
        const { max, sum } = normaliser(seen, 0, seen.length), score = scores.data[(head * T + row) * T + column];
        const mine = exponential(score, max), value = fround(mine / sum), all = isMatrix ? "all scores of the head" : "the row";
        const sumName = isMatrix ? "sum over the matrix" : "row sum";
        const kept = seen.filter((x) => x > -Infinity).map((x) => show(exponential(x, max)));

        return {
            formula: `weight = exp(score − max) / ${sumName}`,
            lines: [
                `max = largest score of ${all} = ${exact(max)}`,
                `exp(score − max) = exp(${show(score, 6)} − ${show(max, 6)}) = exp(${show(fround(score - max), 6)}) = ${exact(mine)}`,
                `${sumName} = ${shorten(kept, " + ")} = ${exact(sum)}`,
                `weight = ${show(mine, 6)} / ${show(sum, 6)} = ${exact(value)}`,
            ],
            notes: kept.length < seen.length ? [`Scores of later words are masked: they count as −∞, and exp(−∞) is 0.`] : [],
            tables: [{
                caption: `All ${seen.length} exponentials`, head: [isMatrix ? "query → key" : "key", "score", "score − max", "exponential", "weight"],
                rows: places.map(({ label, is }, i) => is ? [label, "masked", "−∞", "0", "0"]
                    : [label, exact(seen[i]), exact(fround(seen[i] - max)), exact(exponential(seen[i], max)), exact(fround(exponential(seen[i], max) / sum))]),
            }],
            value,
        };
    }

    function explainHead(run, stage, { head, row, column }) {
        const weights = run.array(stage.prefix + ".weights").data, v = run.array(stage.prefix + ".value"), [, T, E] = v.shape;

        if (isHeadOff(stage.options, head))
            return { formula: "heads = 0", lines: ["heads = 0"], notes: [`Head ${head} is switched off by mask_heads.`], value: 0 };
        const terms = Array.from({ length: T }, (_, s) =>
            [run.words[s].word, weights[(head * T + row) * T + s], v.data[(head * T + s) * E + column]]);
        const told = tellProducts(null, terms, ["key", "weight", "value"]);

        return { formula: "heads = sum over the keys of weight × value", lines: [bySum("heads", told)], tables: [told.table], value: told.value };
    }

    function explainConcat(run, stage, { row, column }) {
        const heads = run.array(stage.prefix + ".heads"), [, T, E] = heads.shape, h = Math.floor(column / E);
        const value = heads.data[(h * T + row) * E + column % E];

        return { formula: "concat = the heads side by side", lines: [`concat = ${exact(value)}`], value,
            notes: [`Column ${column} is number ${column % E} of head ${h}.`] };
    }

    function explainAttentionOutput(run, stage, place) {
        const concat = stage.prefix + ".concat", name = stage.prefix + ".output";

        if (stage.options.output_projection)
            return explainMap(run, concat, name + ".weight", name + ".bias", place, "output");
        const x = run.array(concat), value = x.data[place.row * x.shape[1] + place.column];

        return { formula: "output = concat", lines: [`output = ${exact(value)}`], notes: ["With output_projection: false nothing is done."], value };
    }

    // ---------------------------------------------------------------- add_norm and feed_forward

    function explainNormSum(run, stage, { row, column }) {
        const isResidual = stage.options.residual, arrays = isResidual ? [stage.before, stage.given] : [stage.given];

        return { ...explainSum(run, arrays, arrays, row, column, "sum"), notes: isResidual ? [] : ["With residual: false nothing is added."] };
    }

    function explainNormOutput(run, stage, { row, column }) {
        const sum = run.array(stage.prefix + ".sum"), [T, D] = sum.shape, { over, eps } = stage.options, isOverTokens = over === "tokens";
        const x = sum.data[row * D + column], gain = run.weight(stage.prefix + ".weight").data[column];
        const bias = run.weight(stage.prefix + ".bias").data[column], moments = normMoments(sum, stage.options, row, column);
        const { mean, variance, root } = moments, standard = standardise(x, moments), value = fma(standard, gain, bias);
        const n = isOverTokens ? T : D, of = isOverTokens ? `the ${T} words' numbers in dimension ${column}` : `the ${D} numbers of the row`;

        return {
            formula: "output = (sum − mean) / √(variance + eps) × gain + bias",
            lines: [
                `mean of ${of} = ${exact(mean)}`,
                `variance = mean of (number − mean)² = ${exact(variance)}`,
                `√(variance + eps) = √(${show(variance, 6)} + ${show(eps)}) = ${exact(root)}`,
                root === 0 ? "(sum − mean) / 0 counts as 0" : `(sum − mean) / √… = (${show(x, 6)} − ${show(mean, 6)}) / ${show(root, 6)} = ${exact(standard)}`,
                `output = ${show(standard, 6)} × ${show(gain, 6)} + ${show(bias, 6)} = ${exact(value)}`,
            ],
            tables: [{
                caption: `All ${n} numbers and their deviations`, head: [isOverTokens ? "word" : "dimension", "number", "number − mean", "squared"],
                rows: Array.from({ length: n }, (_, i) => {
                    const one = sum.data[isOverTokens ? i * D + column : row * D + i];

                    return [isOverTokens ? run.words[i].word : i, exact(one), exact(one - mean), exact((one - mean) ** 2)];
                }),
            }],
            value,
        };
    }

    function explainHidden(run, stage, { row, column }) {
        const bias = run.weight(stage.prefix + ".up.bias"), isRelu = stage.options.activation === "relu";
        const told = tellMap(run.array(stage.given), row, run.weight(stage.prefix + ".up.weight"), column, bias), y = told.value;
        const value = wordahead.math.activations[stage.options.activation](y);

        return {
            formula: `hidden = ${stage.options.activation}(bias + input · weights)`,
            lines: [bySum("sum", told), ...(isRelu ? [`hidden = max(${show(y, 6)}, 0) = ${exact(value)}`] : [
                `erf(sum / √2) = erf(${show(y * Math.SQRT1_2, 6)}) = ${exact(erf(y * Math.SQRT1_2))}`,
                `hidden = sum / 2 × (1 + erf(sum / √2)) = ${show(y / 2, 6)} × ${show(1 + erf(y * Math.SQRT1_2), 6)} = ${exact(value)}`,
            ])],
            notes: beginsWith(bias), tables: [told.table], value,
        };
    }

    function explainFeedForwardOutput(run, stage, place) {
        return explainMap(run, stage.prefix + ".hidden", stage.prefix + ".down.weight", stage.prefix + ".down.bias", place, "output");
    }

    // ---------------------------------------------------------------- vocabulary

    function explainLogit(run, stage, { row }) {
        const x = run.array(stage.given), T = x.shape[0], { temperature } = stage.options, bias = run.wordBias();
        const told = tellMap(x, T - 1, run.wordWeights(), row, bias), value = fround(told.value * fround(1 / temperature));
        const isPlain = temperature === 1;

        return {
            formula: isPlain ? "logit = bias + output · word's weights" : "logit = (bias + output · word's weights) / temperature",
            lines: [bySum(isPlain ? "logit" : "sum", told), ...(isPlain ? [] : [`logit = ${show(told.value, 6)} / ${show(temperature)} = ${exact(value)}`])],
            notes: [...beginsWith(bias), `The input is the last row of ${stage.given}.`], tables: [told.table], value,
        };
    }

    /* With the arithmetic of the logit before it. */
    function explainProbability(run, stage, place) {
        const logit = run.array(stage.given) && run.wordWeights() ? explainLogit(run, stage, place) : { lines: [], notes: [], tables: [] };
        const { row } = place, { n, rows } = run.vocabulary, { max, sum } = normaliser(run.logits().data, 0, n), mine = exponential(rows[row].logit, max);
        const value = fround(mine / sum);

        return {
            formula: "probability = exp(logit − max) / sum over all words",
            notes: logit.notes,
            lines: [
                ...logit.lines,
                `max = largest of all ${n} logits = ${exact(max)}`,
                `exp(logit − max) = exp(${show(rows[row].logit, 6)} − ${show(max, 6)}) = ${exact(mine)}`,
                `sum over all ${n} words of exp(logit − max) = ${exact(sum)}`,
                `probability = ${show(mine, 6)} / ${show(sum, 6)} = ${exact(value)}`,
            ],
            tables: [...logit.tables, {
                caption: `The best ${rows.length} words`, head: ["word", "logit", "exponential", "probability"],
                rows: rows.map(({ word, logit }) => [word, exact(logit), exact(exponential(logit, max)), exact(fround(exponential(logit, max) / sum))]),
            }],
            value,
        };
    }

    // ---------------------------------------------------------------- which is whose

    const explainers = {
        embed: { output: explainEmbed },
        positional: { encoding: explainEncoding, output: explainPositionalOutput },
        attention: {
            query: explainRole, key: explainRole, value: explainRole, scores: explainScore, weights: explainWeight, heads: explainHead,
            concat: explainConcat, output: explainAttentionOutput,
        },
        add_norm: { sum: explainNormSum, output: explainNormOutput },
        feed_forward: { hidden: explainHidden, output: explainFeedForwardOutput },
        vocabulary: { logits: explainLogit, probabilities: explainProbability },
    };

    /* Where a number stands, in words. */
    function tellPlace(run, { stage, quantity }, { head, row, column }) {
        if (stage.kind === "vocabulary")
            return `next word “${run.vocabulary.rows[row].word}”`;
        const isPair = quantity === "scores" || quantity === "weights", where = head === undefined ? [] : [`head ${head}`];

        return [...where, ...(isPair ? [`query ${wordAt(run, row)}`, `key ${wordAt(run, column)}`] : [wordAt(run, row), `dimension ${column}`])].join(", ");
    }

    function recordedAt(run, step, { head = 0, row, column }) {
        const recorded = step.recorded(run);

        if (step.stage.kind === "vocabulary")
            return recorded[row];
        const shape = run.array(step.name).shape, [T, n] = shape.slice(-2);

        return recorded[(head * T + row) * n + column];
    }

    /* The arithmetic of one number of a step.
     *
     * place     { head, row, column }; no head where the array has none; for the vocabulary the row is that of the best words
     * Returns   { title, formula, lines, notes, tables, value, recorded }: value is what the arithmetic gives, recorded what the run gave;
     *           or { title, missing } where the report leaves out what it takes. */
    function explain(run, name, place) {
        const step = run.steps.find((one) => one.name === name), missing = wordahead.missingOf(run, step);
        const title = `${name}: ${tellPlace(run, step, place)}`;

        if (missing.length > 0)
            return { title, missing };
        const told = explainers[step.stage.kind][step.quantity](run, step.stage, place, step.quantity);

        return { notes: [], tables: [], ...told, title, recorded: recordedAt(run, step, place) };
    }

    explain.show = show;
    explain.place = tellPlace;
    explain.recordedAt = recordedAt;
    return explain;
})();
