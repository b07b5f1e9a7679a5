// What a test of a page is made of. A file NAME.test.mjs registers tests, and `run` starts them:
//
//     import { assert, test } from "./harness.mjs";
//
//     test("a page says hello", async (t) => {
//         const page = await t.open("file:///..."); // a tab of its own; t.open(url, { viewport: { width: 390, height: 844 } })
//         assert.equal(await page.textContent("h1"), "Hello");
//     });
//
// What t has:
//   binary, root, out   the program under test, the repository, and a folder for artefacts, build/browser
//   scratch             an empty folder, of this test, removed after it
//   open(url, options)  a tab of a fresh browser profile; options are those of Playwright's newContext(). page.problems gets what the
//                       page complains of (console errors, exceptions), page.requests every address that it asked for
//   run(...arguments)   runs the program to its end: { code, stdout, stderr }
//   start(...arguments) starts it and gives the child process, which is ended after the test
//
// A test that is not done after TEST_SECONDS (120) has failed. ONLY=REGEX in the environment runs the tests whose names match.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const out = path.join(root, "build/browser");
const seconds = Number(process.env.TEST_SECONDS || 120);
const only = new RegExp(process.env.ONLY || "");
const registered = [];
let binary, browser;

function test(name, body) {
    registered.push({ name, body });
}

// ---------------------------------------------------------------- the browser

async function launch() {
    const { chromium } = createRequire(path.join(out, "package.json"))("playwright-core");
    // Chromium's sandbox refuses to work for root, which CI often is.
    const args = process.getuid() === 0 ? ["--no-sandbox"] : [];

    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

function watch(page) {
    page.problems = [];
    page.requests = [];
    page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
    page.on("pageerror", (error) => page.problems.push(String(error)));
    page.on("request", (request) => page.requests.push(request.url()));
}

// ---------------------------------------------------------------- what a test has

function makeTest() {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "wordahead-browser-"));
    const contexts = [], children = [];

    return {
        binary, root, out, scratch,
        async open(url, options = {}) {
            if (!browser)
                await launch();
            const context = await browser.newContext(options);

            contexts.push(context);
            const page = await context.newPage();
            watch(page);
            await page.goto(url);
            return page;
        },
        run: (...args) => new Promise((resolve) => {
            execFile(binary, args, { cwd: root, maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
                resolve({ code: error ? error.code : 0, stdout, stderr }));
        }),
        start(...args) {
            const child = spawn(binary, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });

            children.push(child);
            return child;
        },
        async end() {
            await Promise.all(contexts.map((context) => context.close()));
            await Promise.all(children.map(endChild));
            fs.rmSync(scratch, { recursive: true, force: true });
        },
    };
}

function endChild(child) {
    if (child.exitCode !== null || child.signalCode !== null)
        return null;
    const ended = new Promise((resolve) => child.once("exit", resolve));

    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5000).unref();
    return ended;
}

// ---------------------------------------------------------------- running

function within(promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done after ${seconds} seconds`)), 1000 * seconds);
    });

    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function runTest({ name, body }) {
    const t = makeTest();

    try {
        await within(body(t));
        console.log(`  ${name}`);
        return true;
    } catch (error) {
        console.log(`FAILED ${name}\n${String(error.stack || error).replace(/^/gm, "    ")}`);
        return false;
    } finally {
        await t.end();
    }
}

// Runs the tests of the files given; the last line is "N passed, N failed". Gives whether none failed.
async function main(program, files) {
    let nPassed = 0, nFailed = 0;

    binary = path.resolve(program);
    fs.mkdirSync(out, { recursive: true });
    for (const file of files) {
        console.log(path.basename(file, ".test.mjs"));
        registered.length = 0;
        await import(path.resolve(file));
        for (const one of registered.filter(({ name }) => only.test(name)))
            (await runTest(one)) ? nPassed++ : nFailed++;
    }
    await (browser && browser.close());
    console.log(`${nPassed} passed, ${nFailed} failed`);
    return nFailed === 0;
}

export { assert, main, test };
