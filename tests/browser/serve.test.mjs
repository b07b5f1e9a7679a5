// The live page of `serve`.
import fs from "node:fs";
import path from "node:path";
import { assert, test } from "./harness.mjs";
import { findFaint, findOverlaps, findTooWide, findUnnamed, findUnreadable } from "./measure.mjs";

const WIDE = { width: 1280, height: 900 }, NARROW = { width: 390, height: 844 };

async function startServer(t, ...args) {
    const child = t.start("serve", "--listen", "127.0.0.1:0", ...args);

    return new Promise((resolve, reject) => {
        let said = "";

        child.stderr.on("data", (data) => {
            said += data;
            const found = /listening on (\S+)/.exec(said);

            if (found)
                resolve({ url: found[1], child });
        });
        child.once("exit", () => reject(new Error(`the server ended: ${said}`)));
    });
}

async function ask(url, name, request) {
    const answer = await fetch(`${url}v1/${name}`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(request),
    });

    return answer.json();
}

// Waits until the page shows the answers to a text: the words under it are its own.
async function settle(page, text) {
    const words = (await ask(page.url(), "score", { text, tokens: true })).tokens.filter((token) => token.end > token.start)
        .map((token) => Buffer.from(text).subarray(token.start, token.end).toString());

    await page.waitForFunction((expected) => [...document.querySelectorAll("#words button > span")].map((word) => word.textContent).join("\n") === expected,
        words.join("\n"));
}

async function openPage(t, options = {}) {
    const { url, child } = await startServer(t);
    const page = await t.open(url, { viewport: WIDE, ...options });

    page.server = child;
    await settle(page, await page.inputValue("#text"));
    return page;
}

async function write(page, text) {
    await page.fill("#text", text);
    await settle(page, text);
}

const wordsOf = (page, list) => page.$$eval(`${list} .word`, (words) => words.map((word) => word.textContent));

test("the page asks its server alone, and complains of nothing", async (t) => {
    const page = await openPage(t);

    assert.deepEqual(page.problems, []);
    assert.deepEqual([...new Set(page.requests.map((one) => new URL(one).origin))].filter((origin) => origin !== "null"), [new URL(page.url()).origin]);
    assert.match(await page.textContent("#facts"), /model english, 30,000 words/);
    assert.match(await page.textContent("#time"), /^[0-9.]+ ms round trip$/);
});

test("what is typed is ranked, scored and traced as the server says", async (t) => {
    const page = await openPage(t), text = "The “ship” sailed into café zyx the";

    await page.fill("#text", "");
    await page.type("#text", text);
    await settle(page, text);
    const rank = await ask(page.url(), "rank", { text, k: 10 }), score = await ask(page.url(), "score", { text, tokens: true });
    const trace = await ask(page.url(), "trace", { text, names: ["attention.0.weights"] });
    const shown = await wordsOf(page, "#next");

    assert.equal(shown.length, 10);
    rank.next.forEach((next, i) => assert.ok(shown[i] === next.word || /an unknown word|end of the text/.test(shown[i]), shown[i]));
    const first = score.tokens[0];
    assert.match(await page.getAttribute("#words button >> nth=0", "title"), new RegExp(`^“The”.*rank ${first.rank},`));
    assert.equal(await page.textContent("#words button:has-text('zyx') .unknown"), "zyx");
    const last = trace.steps[0].values.map((head) => head[trace.tokens.length - 1]);
    const cells = await page.$$eval("#attention td", (all) => all.map((cell) => Number(cell.title)));
    assert.deepEqual(cells, trace.tokens.flatMap((_, i) => last.map((weights) => weights[i])));
    assert.match(await page.textContent("#attention-title"), /^What “the” attends to, by each of 4 heads$/);
});

test("typing fast ends with the answers to the last text", async (t) => {
    const page = await openPage(t);

    for (const text of ["a", "a b", "a b c", "he", "he went", "he went to", "he went to the"])
        await page.fill("#text", text);
    await settle(page, "he went to the");
    const rank = await ask(page.url(), "rank", { text: "he went to the", k: 1 });
    assert.equal((await wordsOf(page, "#next"))[0], rank.next[0].word);
});

test("a next word that is chosen is appended, by pointer and by key", async (t) => {
    const page = await openPage(t);

    await write(page, "She looked out of the");
    const best = (await wordsOf(page, "#next"))[0];
    await page.click("#next button >> nth=0");
    assert.equal(await page.inputValue("#text"), `She looked out of the ${best}`);
    await settle(page, `She looked out of the ${best}`);
    const words = await wordsOf(page, "#next"), comma = words.indexOf(",");
    assert.ok(comma >= 0 && comma < 9, words.join(" "));
    await page.keyboard.press(`Alt+Digit${comma + 1}`);
    assert.equal(await page.inputValue("#text"), `She looked out of the ${best},`);
});

test("a word that stands for none cannot be chosen", async (t) => {
    const page = await openPage(t);

    await write(page, "She looked out of the");
    const unknown = page.locator("#next button", { hasText: "an unknown word" });
    assert.equal(await unknown.isDisabled(), true);
    const place = (await wordsOf(page, "#next")).indexOf("an unknown word");
    await page.keyboard.press(`Alt+Digit${place + 1}`);
    assert.equal(await page.inputValue("#text"), "She looked out of the");
});

test("a word that is begun is finished", async (t) => {
    const page = await openPage(t);

    await write(page, "She looked out of the wind");
    assert.equal(await page.textContent("#finish-title"), "Words that begin with “wind”");
    assert.ok((await wordsOf(page, "#finish")).includes("window"));
    await page.locator("#finish button", { hasText: "window" }).first().click();
    assert.match(await page.inputValue("#text"), /^She looked out of the window\S* $/);
    await page.waitForSelector("#finish-part", { state: "hidden" });
});

test("the attention of a word that is chosen is shown", async (t) => {
    const page = await openPage(t);

    await write(page, "The cat sat on the mat");
    await page.click("#words button >> nth=2");
    assert.match(await page.textContent("#attention-title"), /^What “sat” attends to/);
    const trace = await ask(page.url(), "trace", { text: "The cat sat on the mat", names: ["attention.0.weights"] });
    assert.deepEqual(await page.$$eval("#attention td", (all) => all.map((cell) => Number(cell.title))),
        trace.tokens.flatMap((_, i) => trace.steps[0].values.map((head) => head[3][i])));
    assert.equal(await page.getAttribute("#words button >> nth=2", "aria-pressed"), "true");
});

test("a text that is longer than the model looks back keeps its words apart", async (t) => {
    const page = await openPage(t), text = "It was a dark and stormy night; ".repeat(12) + "the";

    await write(page, text);
    assert.equal(await page.$$eval("#attention tbody tr", (rows) => rows.length), 64);
    await page.click("#words button >> nth=1");
    assert.match(await page.textContent("#attention"), /did not run over this word/);
    await page.click("#words button >> nth=-1");
    assert.match(await page.textContent("#attention-title"), /^What “the” attends to/);
});

test("everything can be reached and done from the keyboard", async (t) => {
    const page = await openPage(t), reached = new Set();

    await write(page, "The cat sat");
    for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => (document.activeElement.closest("[id]") || { id: "" }).id));
        if (reached.has("attention"))
            break;
    }
    assert.ok(["next", "finish", "words", "attention"].every((id) => reached.has(id)), [...reached].join());
    await page.focus("#words button >> nth=1");
    assert.match(await page.textContent("#word"), /^“cat”: probability/);
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#attention-title"), /^What “cat” attends to/);
});

test("markup in a text is text", async (t) => {
    const page = await openPage(t), text = "<img src=x onerror=alert(1)> & <b>the</b>";

    await write(page, text);
    assert.equal(await page.$$eval("main img, main b", (all) => all.length), 0);
    assert.deepEqual(page.problems, []);
});

test("a server that is gone is told of, and one that is back is asked again", async (t) => {
    const page = await openPage(t);

    page.server.kill("SIGTERM");
    await new Promise((resolve) => page.server.once("exit", resolve));
    await page.fill("#text", "The ship");
    await page.waitForSelector("#notice:not([hidden])");
    assert.match(await page.textContent("#notice"), /does not answer/);
    const back = t.start("serve", "--listen", new URL(page.url()).host);
    await new Promise((resolve) => back.stderr.once("data", resolve));
    await settle(page, "The ship");
    await page.waitForSelector("#notice", { state: "hidden" });
});

test("a refusal is shown as it was worded", async (t) => {
    const { url } = await startServer(t, "--max-words", "3");
    const page = await t.open(url);

    await page.waitForSelector("#notice:not([hidden])");
    assert.match(await page.textContent("#notice"), /more than 3 words/);
});

test("a model without a start word or attention shows what there is", async (t) => {
    const config = path.join(t.scratch, "model.yaml");

    fs.writeFileSync(config, `
vectors: { random: { width: 8, seed: 7 } }
pipeline:
  - embed: { scale: 1 }
  - vocabulary: { words: input, tied: true, bias: false }
input: [ "she looked out of the window" ]
`);
    const { url } = await startServer(t, "-m", config);
    const page = await t.open(url);

    await page.fill("#text", "she");
    await page.waitForFunction(() => document.querySelectorAll("#next li").length === 6);
    await settle(page, "she");
    assert.match(await page.textContent("#words"), /^she–$/);
    assert.match(await page.textContent("#attention"), /no attention to show/);
    assert.equal(await page.isVisible("#notice"), false);
});

test("without scripts the page says what it needs", async (t) => {
    const { url } = await startServer(t);
    const page = await t.open(url, { javaScriptEnabled: false });

    assert.match(await page.textContent("noscript"), /scripts are off/);
});

for (const [name, viewport, colorScheme] of [["wide", WIDE, "light"], ["wide", WIDE, "dark"], ["narrow", NARROW, "light"], ["narrow", NARROW, "dark"]])
    test(`at ${viewport.width} pixels, ${colorScheme}, all is readable and nothing overlaps`, async (t) => {
        const page = await openPage(t, { viewport, colorScheme });

        await write(page, "It was a dark and stormy night; the zyx ship sailed into the");
        await page.screenshot({ path: path.join(t.out, `serve-${name}-${colorScheme}.png`), fullPage: true });
        for (const find of [findFaint, findOverlaps, findTooWide, findUnnamed, findUnreadable])
            assert.deepEqual(await find(page), [], find.name);
    });
