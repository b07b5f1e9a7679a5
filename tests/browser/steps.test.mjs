// The steps of a report without a browser: computed again from its data block, for every golden case and for the options that none has.
import path from "node:path";
import { assert, test } from "./harness.mjs";
import { goldenCases, loadSteps, readBlock, readTrace, writeReport } from "./page.mjs";

const MOST_TRIED = 25; // numbers of a step whose arithmetic is told

// Some numbers of a step, evenly spread: { head, row, column }.
function somePlaces(run, step) {
    const shape = step.stage.kind === "vocabulary" ? [run.vocabulary.rows.length, 1] : run.array(step.name).shape;
    const [nRows, nColumns] = shape.slice(-2), n = shape.reduce((a, b) => a * b), nTried = Math.min(n, MOST_TRIED);

    return Array.from({ length: nTried }, (_, i) => Math.floor(i * n / nTried)).map((at) => ({
        head: shape.length === 3 ? Math.floor(at / (nRows * nColumns)) : undefined, row: Math.floor(at / nColumns) % nRows, column: at % nColumns,
    }));
}

// Each step within 1e-5 of what was recorded, as a whole and as it is told. Gives the number of steps.
function checkSteps(wordahead, block) {
    let n = 0;

    for (const run of block.runs.map(wordahead.openRun))
        for (const step of run.steps) {
            const { largest } = wordahead.checkStep(run, step.name);

            assert.ok(largest < 1e-5, `${step.name} differs by ${largest}`);
            for (const place of somePlaces(run, step)) {
                const told = wordahead.explain(run, step.name, place), text = JSON.stringify(told);

                assert.ok(Math.abs(told.value - told.recorded) < 1e-5, `${told.title} is ${told.value}, recorded ${told.recorded}`);
                assert.ok(!/undefined|NaN/.test(text), text);
                assert.ok(told.lines.at(-1).endsWith(`= ${wordahead.explain.show(told.value, 8)}`) || told.value === 0, text);
            }
            n++;
        }
    return n;
}

test("every step of every golden case is within 1e-5 of what was recorded", async (t) => {
    const wordahead = loadSteps(t), names = goldenCases(t);
    let n = 0;

    for (const name of names)
        n += checkSteps(wordahead, readBlock(await writeReport(t, name, "run", `tests/golden/${name}/case.yaml`, "--report")));
    assert.ok(names.length >= 13 && n >= 11 * names.length, `${n} steps of ${names.length} cases`);
});

test("every step is, with the options that no golden case has", async (t) => {
    const block = readBlock(await writeReport(t, "options", "run", "tests/browser/pages/options.yaml", "--report"));

    assert.equal(checkSteps(loadSteps(t), block), 33);
});

test("every step is where all numbers of a norm are equal", async (t) => {
    // Over the tokens of a text of one word the variance is 0, and so is the root without eps.
    const block = readBlock(await writeReport(t, "one", "run", "tests/browser/pages/options.yaml", "--set", 'input=["one"]', "--set", "add_norm.1.eps=0",
        "--report"));

    assert.equal(checkSteps(loadSteps(t), block), 33);
});

test("every step of the built-in model is", async (t) => {
    const block = readBlock(await writeReport(t, "english", "explain", "the cat sat on the", "-o"));

    assert.equal(checkSteps(loadSteps(t), block), 15);
});

test("a wrong number is found in every step", async (t) => {
    const wordahead = loadSteps(t), block = readBlock(await writeReport(t, "options", "run", "tests/browser/pages/options.yaml", "--report"));
    const names = wordahead.openRun(block.runs[0]).steps.filter((step) => step.stage.kind !== "vocabulary").map((step) => step.name);

    for (const name of names) {
        const wrong = structuredClone(block), { data } = wrong.runs[0].arrays[name], bytes = Buffer.from(data, "base64");

        bytes.writeFloatLE(bytes.readFloatLE(bytes.length - 4) + 0.001, bytes.length - 4);
        wrong.runs[0].arrays[name].data = bytes.toString("base64");
        const { largest } = wordahead.checkStep(wordahead.openRun(wrong.runs[0]), name);
        assert.ok(largest > 0.0005, `${name}: the largest difference is ${largest}`);
    }
});

test("what a report leaves out is named, and the steps that take it are not computed", async (t) => {
    const wordahead = loadSteps(t), block = readBlock(await writeReport(t, "options", "run", "tests/browser/pages/options.yaml", "--report"));
    const [{ arrays, weights, vocabulary }] = block.runs;
    const leftOut = ["attention.0.query.weight", "norm.1.bias", "feed_forward.0.up.weight", "feed_forward.1.down.weight"];

    for (const name of leftOut)
        delete weights[name];
    delete arrays["attention.1.scores"];
    delete vocabulary.logits;
    const run = wordahead.openRun(block.runs[0]), missing = {};
    for (const { name } of run.steps) {
        const checked = wordahead.checkStep(run, name);

        assert.ok(checked.missing || checked.largest < 1e-5, name);
        if (checked.missing)
            missing[name] = checked.missing.join();
    }
    assert.deepEqual(missing, {
        "attention.0.query": "attention.0.query.weight", "feed_forward.0.hidden": "feed_forward.0.up.weight", "norm.1.output": "norm.1.bias",
        "attention.1.scores": "attention.1.scores", "attention.1.weights": "attention.1.scores", "feed_forward.1.output": "feed_forward.1.down.weight",
        "vocabulary.probabilities": "vocabulary.probabilities",
    });
    assert.deepEqual(wordahead.explain(run, "attention.0.query", { head: 0, row: 1, column: 2 }).missing, ["attention.0.query.weight"]);
});

test("a report has the numbers of the trace, bit for bit", async (t) => {
    const trace = path.join(t.scratch, "trace.npz");
    const file = await writeReport(t, "traced", "run", "tests/golden/decoder/case.yaml", "--trace", trace, "--report");
    const arrays = readTrace(trace), [{ arrays: found, vocabulary }] = readBlock(file).runs, N = vocabulary.n;

    assert.ok(Object.keys(found).length >= 13);
    for (const [name, { shape, data }] of Object.entries(found)) {
        assert.deepEqual(shape, arrays[name].shape, name);
        assert.ok(arrays[name].bytes.equals(Buffer.from(data, "base64")), `${name} is not the same`);
    }
    assert.deepEqual(Object.keys(arrays).filter((name) => !found[name]), ["vocabulary.logits", "vocabulary.probabilities"]);
    const logits = arrays["vocabulary.logits"].bytes.subarray(-4 * N), probabilities = arrays["vocabulary.probabilities"].bytes.subarray(-4 * N);
    assert.ok(logits.equals(Buffer.from(vocabulary.logits.data, "base64")), "the logits are not the same");
    for (const row of vocabulary.rows) {
        assert.equal(Math.fround(row.logit), logits.readFloatLE(4 * row.index), row.word);
        assert.equal(Math.fround(row.prob), probabilities.readFloatLE(4 * row.index), row.word);
    }
});

test("the error function is that of the tables", async (t) => {
    const { erf } = loadSteps(t).math;
    const table = [[0, 0], [0.5, 0.5204998778130465], [1, 0.8427007929497149], [2, 0.9953222650189527], [3.5, 0.9999992569016276], [7, 1]];

    for (const [x, y] of table) {
        assert.ok(Math.abs(erf(x) - y) < 2e-15, `erf(${x}) is ${erf(x)}`);
        assert.equal(erf(-x), -erf(x));
    }
});

test("a fused multiply-add rounds once", async (t) => {
    const { fma } = loadSteps(t).math, x = 1 + 2 ** -23;

    // x * x is 1 + 2^-22 + 2^-46: rounded to a float before the sum, the last part would be lost.
    assert.equal(fma(x, x, -(1 + 2 ** -22)), 2 ** -46);
});
