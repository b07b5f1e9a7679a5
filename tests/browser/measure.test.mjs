// The measures of measure.mjs on a page that has every fault, and on one that has none.
import fs from "node:fs";
import path from "node:path";
import { assert, test } from "./harness.mjs";
import { findFaint, findOverlaps, findTooWide, findUnnamed, findUnreadable } from "./measure.mjs";

async function openPage(t, body, options) {
    const file = path.join(t.scratch, "page.html");

    fs.writeFileSync(file, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>t</title>
        <style>:root { color-scheme: light dark } .grey { color: #666 } @media (prefers-color-scheme: dark) { .grey { color: #999 } }</style>${body}</html>`);
    return t.open(`file://${file}`, options);
}

const svg = (content, attributes = 'role="img" aria-label="a figure"') =>
    `<figure id="one"><figcaption>one</figcaption><svg ${attributes} width="200" height="100" viewBox="0 0 200 100">${content}</svg>
     <table><tr><td>1</td></tr></table></figure>`;

test("labels that overlap are found, also where they are turned", async (t) => {
    const page = await openPage(t, svg(`<text x="10" y="50">one</text><text x="20" y="52">two</text><text x="150" y="50">far</text>
        <text transform="translate(60 90) rotate(-45)">slanting one</text><text transform="translate(80 90) rotate(-45)">slanting two</text>`));

    assert.deepEqual(await findOverlaps(page), ["one: “one” and “two” overlap"]);
});

test("headings that overlap are found", async (t) => {
    const page = await openPage(t, `<h2>first</h2><h2 style="margin-top: -50px">second</h2>`);

    assert.deepEqual(await findOverlaps(page), ["h2 “first” and h2 “second” overlap"]);
});

test("labels that are cut off or tiny are found", async (t) => {
    const page = await openPage(t, svg(`<text x="190" y="50">beyond</text><text x="10" y="50" font-size="6">tiny</text><text x="50" y="50">good</text>`));

    assert.deepEqual(await findUnreadable(page), ["one: “beyond” is cut off", "one: “tiny” is 6.0 pixels high"]);
});

test("what is too wide is found, and what scrolls by itself is not", async (t) => {
    const narrow = { viewport: { width: 390, height: 844 } };
    const wide = await openPage(t, `<div style="width: 500px">wide</div>`, narrow);
    assert.match((await findTooWide(wide)).join(), /the page is 508 pixels wide,div “wide” ends at 508/);
    const scrolling = await openPage(t, `<div style="overflow-x: auto"><div style="width: 500px">wide</div></div>`, narrow);
    assert.deepEqual(await findTooWide(scrolling), []);
});

test("faint text is found, on a page and in a figure, light and dark", async (t) => {
    const body = `<p class="grey">grey</p><p style="color: #888">faint</p>` +
        svg(`<rect width="60" height="100" fill="#333"/><text x="5" y="50" fill="#eee">good</text><text x="100" y="50" fill="#bbb">pale</text>`);

    const light = await openPage(t, body, { colorScheme: "light" });
    assert.deepEqual(await findFaint(light), ["one: text “pale” has a contrast of 1.92", "the page: p “faint” has a contrast of 3.54"]);
    const dark = await openPage(t, body.replace('fill="#eee"', 'fill="#444"'), { colorScheme: "dark" });
    assert.deepEqual(await findFaint(dark), ["one: text “good” has a contrast of 1.30"]);
});

test("figures and controls without a name are found", async (t) => {
    const page = await openPage(t, `${svg("", 'role="img"')}<figure id="two"><svg role="img" aria-label="two"></svg></figure><button></button>`);

    assert.deepEqual(await findUnnamed(page), ["one: an svg has no aria-label or no role", "figure two has no caption",
        "figure two has no table or list that says the same", "button “” in the page has no name"]);
});
