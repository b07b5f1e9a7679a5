// The page of `explain` and of `run --report` in a browser.
import fs from "node:fs";
import { assert, test } from "./harness.mjs";
import { findFaint, findOverlaps, findTooWide, findUnnamed, findUnreadable } from "./measure.mjs";
import { goldenCases, writeReport } from "./page.mjs";

const SENTENCE = "She looked out of the zyx window and saw the <b>";
const WIDE = { width: 1280, height: 800 }, NARROW = { width: 390, height: 844 };
const explain = (t) => writeReport(t, "report", "explain", SENTENCE, "-o");

async function openReport(t, options = {}) {
    return t.open(`file://${await explain(t)}`, { viewport: WIDE, ...options });
}

// The middle of a cell of a map, in the window.
function cellOf(page, name, head, row, column) {
    const slice = head === null ? "" : `[data-slice="${head}"]`;

    return page.evaluate(([selector, x, y]) => {
        const svg = document.querySelector(selector);

        svg.scrollIntoView({ block: "center", behavior: "instant" });
        const { x: left, y: top } = new DOMPoint(x + 0.5, y + 0.5).matrixTransform(svg.querySelector(".cells").getScreenCTM());
        return { x: left, y: top };
    }, [`svg.map[data-array="${name}"]${slice}`, column, row]);
}

async function clickCell(page, ...where) {
    const { x, y } = await cellOf(page, ...where);

    await page.mouse.click(x, y);
}

test("the page loads without a complaint and asks for nothing", async (t) => {
    const page = await openReport(t);

    await page.waitForLoadState("networkidle");
    assert.deepEqual(page.problems, []);
    assert.deepEqual(page.requests, [page.url()]);
    assert.equal(await page.evaluate(() => performance.getEntriesByType("resource").length), 0);
});

test("a cell of every map that is clicked shows arithmetic that ends in the recorded number", async (t) => {
    const page = await openReport(t);
    const names = await page.$$eval("svg.map[data-array]", (maps) => [...new Set(maps.map((map) => map.dataset.array))]);

    assert.ok(names.includes("attention.0.weights") && names.includes("norm.0.output"), names.join());
    for (const name of names) {
        const head = await page.$eval(`svg.map[data-array="${name}"]`, (map) => map.dataset.slice === undefined ? null : Number(map.dataset.slice));

        await page.evaluate(() => document.querySelector("#cell").setAttribute("hidden", ""));
        await clickCell(page, name, head, 3, 2);
        assert.equal(await page.isVisible("#cell"), true, name);
        const { value, recorded } = await page.$eval("#cell .result", (one) => one.dataset);
        assert.ok(Math.abs(value - recorded) < 1e-6 * Math.max(1, Math.abs(recorded)), `${name}: ${value}, recorded ${recorded}`);
    }
});

test("the pointer over a cell shows its words and its number", async (t) => {
    const page = await openReport(t);
    const { x, y } = await cellOf(page, "attention.0.weights", 1, 3, 2);

    await page.mouse.move(x, y);
    assert.match(await page.textContent("#tip"), /head 1, query “out”, key “looked”: [−0-9.e]+$/);
});

test("a bar that is clicked shows the arithmetic of its probability", async (t) => {
    const page = await openReport(t);

    await page.locator("svg.bars[data-array='vocabulary.probabilities'] [data-row='1']").first().click();
    assert.match(await page.textContent("#cell"), /sum over all 30000 words of exp\(logit − max\) = /);
    const { value, recorded } = await page.$eval("#cell .result", (one) => one.dataset);
    assert.ok(Math.abs(value - recorded) < 1e-7);
});

test("everything works from the keyboard", async (t) => {
    const page = await openReport(t);
    const focus = () => page.evaluate(() => document.activeElement.dataset.array || document.activeElement.textContent);

    for (let i = 0; i < 400 && await focus() !== "attention.0.scores"; i++)
        await page.keyboard.press("Tab");
    assert.equal(await focus(), "attention.0.scores");
    assert.equal(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "solid");
    assert.match(await page.evaluate(() => document.getElementById(document.activeElement.getAttribute("aria-describedby")).textContent), /arrow keys/);
    for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "Enter"])
        await page.keyboard.press(key);
    assert.match(await page.textContent("#cell h2"), /head 0, query “she”, key “she”/);
    await page.keyboard.press("ArrowDown");
    assert.match(await page.textContent("#cell h2"), /head 0, query “looked”, key “she”/);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Space"); // opens the list of products
    assert.equal(await page.locator("#cell details[open] tbody tr").count(), 56);
    await page.keyboard.press("Escape");
    assert.equal(await page.isVisible("#cell"), false);
    assert.equal(await focus(), "attention.0.scores");
});

test("a step that is checked shows its largest difference", async (t) => {
    const page = await openReport(t), place = page.locator(".step[data-step='attention.0.query']");

    await place.locator("button").focus();
    await page.keyboard.press("Enter");
    assert.match(await place.locator("output").textContent(), /^\d+ numbers computed again, largest difference [0-9.e−]+$/);
    assert.equal(await place.locator("output").getAttribute("class"), "good");
});

test("checking every step finds less than 1e-5 in every golden case", async (t) => {
    for (const name of goldenCases(t)) {
        const page = await t.open(`file://${await writeReport(t, name, "run", `tests/golden/${name}/case.yaml`, "--report")}`);

        await page.click("#check-all button");
        await page.waitForSelector("#check-all output[data-state=done]");
        const [, n, nGood] = (await page.textContent("#check-all output p")).match(/^(\d+) steps: (\d+) agree within 0\.00001, 0 do not\.$/) || [];
        assert.ok(n >= 9 && n === nGood, `${name}: ${await page.textContent("#check-all output")}`);
        assert.deepEqual(page.problems, [], name);
        await page.close();
    }
});

test("with scripts off, words, tables and figures are there", async (t) => {
    const page = await openReport(t, { javaScriptEnabled: false });

    for (const word of ["looked", "window", SENTENCE])
        assert.equal(await page.getByText(word, { exact: true }).first().isVisible(), true, word);
    for (const name of ["embed.output", "positional.encoding", "attention.0.weights", "norm.0.output"]) {
        const figure = page.locator(`figure[id="${name}"]`);

        assert.equal(await figure.locator("svg").first().isVisible(), true, name);
        if (await figure.locator("details summary").count() > 0)
            await figure.locator("details summary").first().click();
        assert.equal(await figure.locator("table").first().isVisible(), true, name);
    }
    assert.equal(await page.getByRole("button").count(), 0);
});

for (const [size, viewport] of Object.entries({ 1280: WIDE, 390: NARROW }))
    for (const colorScheme of ["light", "dark"])
        test(`${size} pixels wide and ${colorScheme}, nothing overlaps, is cut off, faint or too wide`, async (t) => {
            const page = await openReport(t, { viewport, colorScheme });

            await clickCell(page, "attention.0.weights", 0, 3, 2);
            const faults = (await Promise.all([findOverlaps, findUnreadable, findTooWide, findFaint].map((find) => find(page)))).flat();
            await page.screenshot({ path: `${t.out}/report-${size}-${colorScheme}-cell.png` });
            await page.keyboard.press("Escape");
            await page.screenshot({ path: `${t.out}/report-${size}-${colorScheme}.png`, fullPage: true });
            assert.deepEqual(faults, []);
        });

test("light is light and dark is dark", async (t) => {
    for (const [colorScheme, isDark] of [["light", false], ["dark", true]]) {
        const page = await openReport(t, { colorScheme });
        const [r, g, b] = (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).match(/\d+/g).map(Number);

        assert.equal(r + g + b < 3 * 128, isDark, `${colorScheme}: ${r} ${g} ${b}`);
    }
});

test("every figure has a name, a caption and a table", async (t) => {
    const page = await openReport(t);

    assert.ok(await page.locator("figure").count() >= 15);
    assert.deepEqual(await findUnnamed(page), []);
});

test("the details that a reader opens do not make the page wider", async (t) => {
    const page = await openReport(t, { viewport: NARROW });

    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
    assert.deepEqual(await findTooWide(page), []);
});

test("words of any kind stay words: markup, other scripts, very long ones", async (t) => {
    const odd = `</script><script>alert(1)</script><img src=x onerror=alert(2)> <!-- ]]> \\u003c & "a" 'b' שלום مرحبا 日本語 👩‍👧 e̶x̶ ${"longer".repeat(20)}`;
    const config = `${t.scratch}/odd.yaml`;

    fs.writeFileSync(config, `model: ${t.root}/models/english\ninput: ${JSON.stringify(["the cat sat", odd])}\n`);
    const page = await t.open(`file://${await writeReport(t, "odd", "run", config, "--report")}`, { viewport: NARROW });

    assert.deepEqual([page.problems, page.requests], [[], [page.url()]]);
    assert.deepEqual([await findTooWide(page), await findOverlaps(page), await findUnreadable(page)], [[], [], []]);
    assert.equal(await page.locator("blockquote", { hasText: "onerror=alert(2)" }).count(), 1);
    assert.equal(await page.locator("img").count(), 0);
    await page.click("#check-all button");
    await page.waitForSelector("#check-all output[data-state=done]");
    assert.match(await page.textContent("#check-all output p"), /^30 steps: 30 agree within/);
});

test("two runs side by side: a cell and a check are those of their own run", async (t) => {
    const model = `model: ${t.root}/models/english\n`, [a, b] = ["a", "b"].map((name) => `${t.scratch}/${name}.yaml`);

    fs.writeFileSync(a, model);
    fs.writeFileSync(b, `${model}pipeline:\n  - embed: { scale: 6.584 }\n  - positional: { kind: none }\n` +
        "  - attention: { heads: 4, head_dim: 56, mask_heads: [ 2 ] }\n  - add_norm: {}\n  - vocabulary: { temperature: 0.5 }\n");
    const page = await t.open(`file://${await writeReport(t, "two", "explain", "--compare", a, b, "the cat sat on the", "-o")}`, { viewport: NARROW });
    const inHead2 = "svg.map[data-array='attention.0.heads'][data-slice='2']";

    assert.deepEqual([page.problems, await findTooWide(page), await findOverlaps(page), await findFaint(page), await findUnnamed(page)], [[], [], [], [], []]);
    await page.locator(`${inHead2}[data-run='1']`).focus();
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#cell"), /B attention\.0\.heads: .*Head 2 is switched off by mask_heads/);
    await page.locator(`${inHead2}[data-run='0']`).focus();
    await page.keyboard.press("Enter");
    assert.match(await page.textContent("#cell"), /A attention\.0\.heads: .*All 6 products/);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Check this step of B: attention.0.heads" }).click();
    assert.equal(await page.getAttribute(".step[data-run='1'][data-step='attention.0.heads'] output", "class"), "good");
    await page.click("#check-all button");
    await page.waitForSelector("#check-all output[data-state=done]");
    assert.match(await page.textContent("#check-all output p"), /^30 steps: 30 agree within 0\.00001, 0 do not\.$/);
    await page.screenshot({ path: `${t.out}/compare-390-light.png`, fullPage: true });
});

test("a long text is abridged: its figures are there, and what is left out is named", async (t) => {
    const text = "she looked out of the window and saw the sea . ".repeat(50);
    const page = await t.open(`file://${await writeReport(t, "long", "explain", text, "--set", "tokenizer.max_tokens=512", "-o")}`, { viewport: NARROW });

    assert.deepEqual([page.problems, await findTooWide(page), await findOverlaps(page)], [[], [], []]);
    await page.click("#check-all button");
    await page.waitForSelector("#check-all output[data-state=done]");
    assert.match(await page.textContent("#check-all output p"), /^15 steps: 1 agree within 0\.00001, 0 do not, 14 left out of this report\.$/);
    await page.locator(".step[data-step='attention.0.scores'] button").click();
    assert.match(await page.textContent(".step[data-step='attention.0.scores'] output"), /leaves out attention\.0\.query, attention\.0\.key, attention\.0\.scores$/);
    await page.hover("svg.map[data-array='attention.0.weights']");
    assert.equal(await page.isVisible("#tip"), false);
});

test("figures as files: every label is readable, light and dark", async (t) => {
    const folder = `${t.scratch}/figures`, all = `${t.scratch}/all.html`;
    const { code, stderr } = await t.run("explain", SENTENCE, "--figures", folder);

    assert.equal(code, 0, stderr);
    const names = fs.readdirSync(folder);
    assert.ok(names.length >= 30 && names.every((name) => name.endsWith(".svg")), names.join());
    // In one page, with the ground that a dark slide or a white paper has.
    fs.writeFileSync(all, `<!doctype html><meta charset="utf-8"><style>@media (prefers-color-scheme: dark) { body { background: #111 } }</style>` +
        names.map((name) => `<figure id="${name}">${fs.readFileSync(`${folder}/${name}`, "utf8")}</figure>`).join(""));
    for (const colorScheme of ["light", "dark"]) {
        const page = await t.open(`file://${all}`, { viewport: WIDE, colorScheme });

        assert.equal(await page.locator("svg").count(), names.length);
        assert.deepEqual([await findOverlaps(page), await findUnreadable(page), await findFaint(page)], [[], [], []], colorScheme);
    }
    const alone = await t.open(`file://${folder}/attention.0.weights.0.svg`);
    assert.deepEqual([alone.problems, alone.requests], [[], [alone.url()]]);
});
