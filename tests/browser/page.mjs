// Reports for the tests: written by the program, and what is in them.
import fs from "node:fs";
import path from "node:path";
import vm from "node:vm";
import { assert } from "./harness.mjs";

// Writes a report with the arguments given before `-o` or --report; gives the file.
async function writeReport(t, name, ...args) {
    const file = path.join(t.scratch, `${name}.html`);
    const { code, stderr } = await t.run(...args, file);

    assert.equal(code, 0, `wordahead ${args.join(" ")} ended with ${code}: ${stderr}`);
    return file;
}

// The data block of a page.
function readBlock(file) {
    const [, text] = fs.readFileSync(file, "utf8").match(/<script type="application\/json" id="report-data">([^<]*)<\/script>/);

    return JSON.parse(text);
}

// The script's functions that need no page.
function loadSteps(t) {
    const source = ["steps", "arithmetic"].map((name) => fs.readFileSync(path.join(t.root, `src/report/${name}.js`), "utf8")).join("\n");

    return vm.runInThisContext(`(() => { ${source}; return wordahead; })()`);
}

// The arrays of an .npz, as bytes behind their headers: { name: { shape, bytes } }. The program stores them unpacked.
function readTrace(file) {
    const data = fs.readFileSync(file), arrays = {};
    let at = data.readUInt32LE(data.length - 6); // of the directory, which the last 22 bytes point to

    for (let left = data.readUInt16LE(data.length - 12); left > 0; left--) {
        const nName = data.readUInt16LE(at + 28), name = data.toString("latin1", at + 46, at + 46 + nName);
        const local = data.readUInt32LE(at + 42), size = data.readUInt32LE(at + 24);
        const begin = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28);
        const nHeader = data.readUInt16LE(begin + 8), header = data.toString("latin1", begin + 10, begin + 10 + nHeader);

        assert.equal(data.readUInt16LE(at + 10), 0, `${name} is packed`);
        arrays[name.replace(/\.npy$/, "")] = {
            shape: header.match(/'shape': \(([^)]*)\)/)[1].split(",").filter((one) => one.trim()).map(Number),
            bytes: data.subarray(begin + 10 + nHeader, begin + size),
        };
        at += 46 + nName + data.readUInt16LE(at + 30) + data.readUInt16LE(at + 32);
    }
    return arrays;
}

// Folders of tests/golden with a configuration.
function goldenCases(t) {
    const folder = path.join(t.root, "tests/golden");

    return fs.readdirSync(folder).filter((name) => fs.existsSync(path.join(folder, name, "case.yaml")));
}

export { goldenCases, loadSteps, readBlock, readTrace, writeReport };
