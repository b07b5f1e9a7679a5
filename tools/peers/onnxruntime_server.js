// onnxruntime_server.js DATA GRAPHS THREADS: ONNX Runtime as a peer. It speaks as server.py describes; onnxruntime-node is looked
// for beside the folder GRAPHS, in ../node.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const [data, graphs, threads] = process.argv.slice(2);
const modules = path.resolve(graphs, '../node/node_modules');
const ort = require(path.join(modules, 'onnxruntime-node'));
const opened = new Map();

async function open(graph) {
    if (!opened.has(graph)) {
        const [, nWords] = graph.split('-');
        const session = await ort.InferenceSession.create(path.join(graphs, graph + '.onnx'), { intraOpNumThreads: +threads });
        const lines = fs.readFileSync(path.join(data, `n${nWords}`, 'texts.txt'), 'ascii').trim().split('\n');
        opened.set(graph, { session, texts: lines.map(line => line.split(' ').map(word => BigInt(word.slice(4)))) });
    }
    return opened.get(graph);
}

// The tensors of run i, made before the clock starts.
function feeds(texts, graph, batch, i) {
    const nTokens = +graph.split('-')[2];
    const rows = batch > 1 ? texts.slice(0, batch) : [texts[i % texts.length]];
    const tensor = first => new ort.Tensor('int64', BigInt64Array.from(rows.flatMap(row => row.slice(first, first + nTokens))),
        [rows.length, nTokens]);
    return graph.startsWith('score') ? { words: tensor(0), targets: tensor(1) } : { words: tensor(0) };
}

const now = () => Number(process.hrtime.bigint()) / 1e9;

async function measure({ session, texts }, request) {
    const all = (request.batch > 1 ? [0] : texts.map((_, i) => i)).map(i => feeds(texts, request.graph, request.batch, i));
    const run = i => session.run(all[i % all.length]);
    const began = now();
    for (let i = 0; i < 3 || now() - began < 0.1 * request.seconds; i++) {
        await run(i);
        if (now() - began > 0.3 * request.seconds) break;
    }
    const samples = [];
    while (samples.length < 5 || now() - began < request.seconds) {
        const at = now();
        await run(samples.length);
        samples.push(now() - at);
    }
    samples.sort((a, b) => a - b);
    return { median_s: samples[samples.length >> 1], min_s: samples[0], samples: samples.length };
}

async function answer({ session, texts }, request) {
    const lines = [];
    for (let first = 0; first < texts.length; first += request.batch) {
        const input = feeds(texts, request.graph, request.batch, first);
        const { logprob, index = input.targets } = await session.run(input);
        const [nRows, nPlaces] = logprob.dims;
        for (let row = 0; row < nRows; row++)
            for (let place = 0; place < nPlaces; place++) {
                const at = row * nPlaces + place;
                lines.push([request.name, first + row, place + 1, index.data[at], logprob.data[at].toPrecision(9)].join('\t'));
            }
    }
    fs.appendFileSync(request.file, lines.join('\n') + '\n');
    return {};
}

async function handle(request) {
    if (request.do === 'version') return { version: require(path.join(modules, 'onnxruntime-node/package.json')).version };
    const graph = await open(request.graph);
    return request.do === 'time' ? measure(graph, request) : answer(graph, request);
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin }))
        console.log(JSON.stringify(await handle(JSON.parse(line))));
})();
