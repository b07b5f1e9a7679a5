// The script of a report on a page made by hand: two words of width two and one head, whose numbers can be computed on paper.
import fs from "node:fs";
import path from "node:path";
import { assert, test } from "./harness.mjs";

const floats = (...numbers) => Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
const array = (shape, ...numbers) => ({ shape, data: floats(...numbers) });

// x is [[1, 0], [0, 2]] and there are no projections, so the scores are x x^T: [[1, 0], [0, 4]].
const w = Math.fround(1 / (1 + Math.exp(-4))), v = Math.fround(Math.exp(-4) / (1 + Math.exp(-4)));
const block = {
    version: 1,
    runs: [{
        name: "by hand", text: "a <b>", words: [{ word: "a", known: true }, { word: "<b>", known: true }],
        stages: [
            { kind: "embed", prefix: "embed", options: { scale: 0.5 } },
            {
                kind: "attention", prefix: "attention.0",
                options: { heads: 1, head_dim: 2, mask: "causal", scale: "none", input: "full", projections: "none", output_projection: false,
                    bias: false, source: "previous", softmax_over: "keys", mask_heads: [] },
            },
        ],
        vectors: array([2, 2], 2, 0, 0, 4),
        arrays: {
            "embed.output": array([2, 2], 1, 0, 0, 2),
            "attention.0.query": array([1, 2, 2], 1, 0, 0, 2),
            "attention.0.key": array([1, 2, 2], 1, 0, 0, 2),
            "attention.0.value": array([1, 2, 2], 1, 0, 0, 2),
            "attention.0.scores": array([1, 2, 2], 1, 0, 0, 4),
            "attention.0.weights": array([1, 2, 2], 1, 0, v, w),
            "attention.0.heads": array([1, 2, 2], 1, 0, v, 2 * w),
            "attention.0.concat": array([2, 2], 1, 0, v, 2 * w + 0.25), // wrong, to be found
        },
        weights: {},
        abridged: ["attention.0.output"],
    }],
};

const figure = (name, slice) => `<figure id="${name}"><svg class="map" tabindex="0" role="img" aria-label="${name}" data-run="0" data-array="${name}"
    ${slice} data-rows="2" data-columns="2" viewBox="0 0 100 100" width="200" height="200"><g class="cells" transform="translate(10 10) scale(40)">
    <rect width="2" height="2" fill="#ccc"/></g></svg><div class="step" data-step="${name}"></div></figure>`;

async function openPage(t, options) {
    const scripts = ["steps", "arithmetic", "report"].map((name) => fs.readFileSync(path.join(t.root, `src/report/${name}.js`), "utf8"));
    const file = path.join(t.scratch, "page.html");

    fs.writeFileSync(file, `<!doctype html><html lang="en"><meta charset="utf-8"><title>by hand</title><style>.chosen { fill: none }</style><h1>By hand</h1>
        ${figure("attention.0.weights", 'data-slice="0"')}${figure("attention.0.concat", "")}${figure("attention.0.output", "")}
        <aside id="cell" aria-live="polite" hidden></aside>
        <script type="application/json" id="report-data">${JSON.stringify(block).replace(/</g, "\\u003c")}</script><script>${scripts.join("\n")}</script></html>`);
    const page = await t.open(`file://${file}`, options);

    assert.deepEqual(page.problems, []);
    return page;
}

// The middle of a cell, in the svg's own pixels: it is drawn at twice the size of its viewBox.
const middle = (row, column) => ({ x: 2 * (10 + 40 * (column + 0.5)), y: 2 * (10 + 40 * (row + 0.5)) });

test("the pointer over a cell shows its words and its number", async (t) => {
    const page = await openPage(t);

    await page.hover("[data-array='attention.0.weights']", { position: middle(1, 0) });
    assert.match(await page.textContent("#tip"), /head 0, query “<b>”, key “a”: 0\.0179862$/);
    await page.hover("[data-array='attention.0.concat']", { position: middle(0, 1) });
    assert.equal(await page.textContent("#tip"), "“a”, dimension 1: 0");
    await page.hover("h1");
    assert.equal(await page.isVisible("#tip"), false);
});

test("a click on a weight shows its arithmetic", async (t) => {
    const page = await openPage(t);

    await page.click("[data-array='attention.0.weights']", { position: middle(1, 0) });
    const text = await page.textContent("#cell");
    assert.match(text, /max = largest score of the row = 4/);
    assert.match(text, /exp\(score − max\) = exp\(0 − 4\) = exp\(−4\) = 0\.0183156/);
    assert.match(text, /row sum = 0\.01832 \+ 1 = 1\.0183156/);
    assert.match(text, /This is the number that the run recorded/);
    const { value, recorded } = await page.$eval("#cell .result", (one) => one.dataset);
    assert.equal(Number(value), v);
    assert.equal(Number(recorded), v);
});

test("a masked cell says why it is 0", async (t) => {
    const page = await openPage(t);

    await page.click("[data-array='attention.0.weights']", { position: middle(0, 1) });
    assert.match(await page.textContent("#cell"), /“<b>” comes after “a”, and with mask: causal no word sees a later one/);
});

test("arrows, Enter and Escape do what the pointer does", async (t) => {
    const page = await openPage(t);

    await page.keyboard.press("Tab"); // the button at the top
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.array), "attention.0.weights");
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#cell h2"), /query “a”, key “a”/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight"); // there is no further column
    assert.match(await page.textContent("#cell h2"), /query “<b>”, key “<b>”/);
    await page.keyboard.press("Home");
    assert.match(await page.textContent("#cell h2"), /query “<b>”, key “a”/);
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
    await page.keyboard.press("Escape");
    assert.equal(await page.isVisible("#cell"), false);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.array), "attention.0.weights");
    assert.equal(await page.locator(".chosen").count(), 0);
});

test("a step that is right is told so, a wrong one is found, one that was left out is named", async (t) => {
    const page = await openPage(t);
    const check = async (name) => {
        await page.click(`[data-step="${name}"] button`);
        return [await page.textContent(`[data-step="${name}"] output`), await page.getAttribute(`[data-step="${name}"] output`, "class")];
    };

    assert.deepEqual(await check("attention.0.weights"), ["4 numbers computed again, largest difference 0", "good"]);
    assert.deepEqual(await check("attention.0.concat"), ["4 numbers computed again, largest difference 0.25", "bad"]);
    assert.deepEqual(await check("attention.0.output"), ["cannot be computed again: this report leaves out attention.0.output", "good"]);
});

test("every step is checked at once, and the wrong one counted", async (t) => {
    const page = await openPage(t);

    await page.click("#check-all button");
    await page.waitForSelector("#check-all output[data-state=done]");
    assert.match(await page.textContent("#check-all output p"), /^9 steps: 7 agree within 0\.00001, 1 do not, 1 left out of this report\.$/);
    assert.equal(await page.getAttribute("#check-all output", "class"), "bad");
});

test("the script has one global name and asks for nothing", async (t) => {
    const page = await openPage(t);
    const names = await page.evaluate(() => {
        const frame = document.body.appendChild(document.createElement("iframe")), usual = Object.keys(frame.contentWindow);

        frame.remove();
        return [Object.keys(window).filter((name) => !usual.includes(name)), typeof wordahead];
    });

    assert.deepEqual(names, [[], "object"]); // a `const` is no property of the window
    assert.deepEqual(page.requests.filter((url) => !url.startsWith("file:") && url !== "about:blank"), []);
});
