/* What makes a report answer: the number under the pointer, the arithmetic of a chosen cell, steps computed again.
 *
 * The page is whole without it. Figures are drawn by the program; a map has one unit a cell within its group `cells`, so the browser's own
 * transformation says which cell an event means. Texts are put in as text, never as HTML: words come from the reader's files. */
"use strict";

(() => {
    const source = document.getElementById("report-data");

    if (!source)
        return;
    const runs = JSON.parse(source.textContent).runs.map(wordahead.openRun), { explain } = wordahead;
    /* Several runs are called A, B and so on, as the page calls them. */
    const labelOf = (run) => runs.length > 1 ? String.fromCharCode(65 + runs.indexOf(run)) : "";
    const MOST_ROWS = 1000, GOOD = 1e-5; /* of a table; below which a difference is the last digits' */

    // ---------------------------------------------------------------- elements

    /* make("p", { className: "notes", "aria-label": "..." }, "text", otherElement). What is no property in every browser is an attribute. */
    function make(tag, properties, ...children) {
        const element = document.createElement(tag);

        for (const [name, value] of Object.entries(properties))
            if (name.includes("-") || name === "role")
                element.setAttribute(name, value);
            else
                element[name] = value;
        element.append(...children);
        return element;
    }

    function makeTable({ head, rows }) {
        const makeRow = (tag, cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, String(cell))));
        const left = rows.length - MOST_ROWS, rest = left > 0 ? [make("tr", {}, make("td", { colSpan: head.length }, `and ${left} more`))] : [];

        return make("div", { className: "scroll" }, make("table", {},
            make("thead", {}, makeRow("th", head)),
            make("tbody", {}, ...rows.slice(0, MOST_ROWS).map((row) => makeRow("td", row)), ...rest)));
    }

    // ---------------------------------------------------------------- figures and their cells

    /* What a figure shows: { run, name, head, nRows, nColumns }, or null where the report has no numbers for it. */
    function subjectOf(svg) {
        const run = runs[svg.dataset.run || 0], name = svg.dataset.array, step = run && run.steps.find((one) => one.name === name);

        if (!step)
            return null;
        if (step.stage.kind === "vocabulary")
            return { run, step, name, nRows: run.vocabulary.rows.length, nColumns: 1 };
        const array = run.array(name);

        if (!array)
            return null;
        const head = array.shape.length === 3 ? Number(svg.dataset.slice) : undefined, [nRows, nColumns] = array.shape.slice(-2);

        return { run, step, name, head, nRows, nColumns };
    }

    /* The row and column under a pointer event, or null. */
    function cellAt(svg, event) {
        const group = svg.querySelector(".cells"), { nRows, nColumns } = subjectOf(svg);
        const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(group.getScreenCTM().inverse());
        const row = Math.floor(at.y), column = Math.floor(at.x);

        return row >= 0 && row < nRows && column >= 0 && column < nColumns ? { row, column } : null;
    }

    // ---------------------------------------------------------------- the label

    const tip = make("div", { id: "tip", hidden: true, role: "status" });

    /* Beside a point of the window, and within it. */
    function showTip(text, x, y) {
        tip.textContent = text;
        tip.hidden = false;
        const right = document.documentElement.clientWidth - tip.offsetWidth - 8, isLow = y + tip.offsetHeight + 24 > window.innerHeight;

        tip.style.left = `${window.scrollX + Math.max(8, Math.min(x + 12, right))}px`;
        tip.style.top = `${window.scrollY + (isLow ? y - tip.offsetHeight - 12 : y + 16)}px`;
    }

    function hideTip() {
        tip.hidden = true;
    }

    function tellCell({ run, step, head }, cell) {
        const place = { head, ...cell };

        return `${explain.place(run, step, place)}: ${explain.show(explain.recordedAt(run, step, place), 6)}`;
    }

    // ---------------------------------------------------------------- the chosen cell

    const panel = document.getElementById("cell");
    let chosen = null; /* { svg, row, column } */

    function unmark() {
        document.querySelectorAll(".chosen").forEach((one) => one.matches("rect") ? one.remove() : one.classList.remove("chosen"));
    }

    function mark({ svg, row, column }) {
        unmark();
        const group = svg.querySelector(".cells"), bar = svg.querySelector(`[data-row="${row}"]`);

        if (!group) {
            if (bar)
                bar.classList.add("chosen");
            return bar || svg;
        }
        const rects = ["chosen halo", "chosen"].map((names) => {
            const rect = document.createElementNS(svg.namespaceURI, "rect");

            for (const [name, value] of Object.entries({ x: column, y: row, width: 1, height: 1, class: names }))
                rect.setAttribute(name, value);
            return rect;
        });

        group.append(...rects);
        return rects[1];
    }

    function tellResult({ value, recorded }) {
        const difference = value === recorded ? 0 : Math.abs(value - recorded), isGood = difference < GOOD;
        const text = difference === 0 ? "This is the number that the run recorded."
            : `The run recorded ${explain.show(recorded, 8)}; the difference is ${explain.show(difference, 2)}.`;
        const result = make("p", { className: isGood ? "result good" : "result bad" }, text);

        Object.assign(result.dataset, { value, recorded });
        return result;
    }

    function tellArithmetic(told) {
        if (told.missing)
            return [make("p", { className: "notes" }, `Left out of this report: ${told.missing.join(", ")}.`)];
        return [
            make("p", { className: "formula" }, told.formula),
            make("div", { className: "lines" }, ...told.lines.map((line) => make("p", {}, line))),
            tellResult(told),
            ...told.notes.map((note) => make("p", { className: "notes" }, note)),
            ...told.tables.map((table) => make("details", {}, make("summary", {}, table.caption), makeTable(table))),
        ];
    }

    function openPanel() {
        const { svg, row, column } = chosen, { run, name, head } = subjectOf(svg), told = explain(run, name, { head, row, column });
        const isOpen = [...panel.querySelectorAll("details")].some((one) => one.open);
        const close = make("button", { type: "button", className: "close", "aria-label": "Close" }, "×");

        close.addEventListener("click", closePanel);
        panel.replaceChildren(close, make("h2", {}, labelOf(run), " ", told.title), ...tellArithmetic(told));
        panel.querySelectorAll("details").forEach((one) => { one.open = isOpen; });
        panel.hidden = false;
        panel.scrollTop = 0;
        hideTip();
    }

    function closePanel() {
        if (panel.contains(document.activeElement) && chosen)
            chosen.svg.focus({ preventScroll: true });
        panel.hidden = true;
        panel.replaceChildren();
        unmark();
        hideTip();
        chosen = null;
    }

    /* Makes a cell the chosen one; its label stands beside it while its arithmetic is not shown. */
    function choose(svg, cell) {
        chosen = { svg, ...cell };
        const box = mark(chosen).getBoundingClientRect();

        if (panel.hidden)
            showTip(tellCell(subjectOf(svg), cell), box.right, box.bottom);
        else
            openPanel();
    }

    // ---------------------------------------------------------------- keyboard

    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };
    const within = (i, n) => Math.max(0, Math.min(i, n - 1));

    function move(svg, [down, right]) {
        const { nRows, nColumns } = subjectOf(svg), isHere = chosen && chosen.svg === svg;

        choose(svg, isHere ? { row: within(chosen.row + down, nRows), column: within(chosen.column + right, nColumns) } : { row: 0, column: 0 });
        svg.querySelector(".chosen").scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
    }

    /* Enter opens the arithmetic; again, it goes into it. */
    function enter(svg) {
        const isOpen = !panel.hidden && chosen && chosen.svg === svg;

        if (!chosen || chosen.svg !== svg)
            choose(svg, { row: 0, column: 0 });
        if (isOpen)
            (panel.querySelector("summary") || panel.querySelector(".close")).focus();
        else
            openPanel();
    }

    function onKey(event) {
        const svg = event.currentTarget;

        if (event.ctrlKey || event.altKey || event.metaKey)
            return;
        if (moves[event.key])
            move(svg, moves[event.key]);
        else if (event.key === "Enter" || event.key === " ")
            enter(svg);
        else
            return;
        event.preventDefault();
    }

    // ---------------------------------------------------------------- pointer

    /* find(svg, event) gives the cell that an event means, or null. */
    function wirePointer(svg, find) {
        svg.addEventListener("pointermove", (event) => {
            const cell = find(svg, event);

            if (cell && event.pointerType !== "touch")
                showTip(tellCell(subjectOf(svg), cell), event.clientX, event.clientY);
            else
                hideTip();
        });
        svg.addEventListener("pointerleave", hideTip);
        svg.addEventListener("click", (event) => {
            const cell = find(svg, event);

            if (cell)
                pick(svg, cell);
        });
    }

    function pick(svg, cell) {
        choose(svg, cell);
        openPanel();
    }

    /* The whole height of a bar's row counts, as the bar of an improbable word has no width. */
    function rowAt(svg, event) {
        const found = [...svg.querySelectorAll("[data-row]")].find((bar) => {
            const box = bar.getBoundingClientRect();

            return event.clientY >= box.top && event.clientY <= box.bottom;
        });

        return found ? { row: Number(found.dataset.row), column: 0 } : null;
    }

    function wireBars(svg) {
        svg.setAttribute("tabindex", "0");
        wirePointer(svg, rowAt);
    }

    /* An arc is a weight: its arithmetic is that of the cell in the map. */
    function wireArcs(svg) {
        svg.querySelectorAll("[data-from]").forEach((arc) => {
            const cell = { row: Number(arc.dataset.from), column: Number(arc.dataset.to) };

            arc.addEventListener("pointermove", (event) => showTip(tellCell(subjectOf(svg), cell), event.clientX, event.clientY));
            arc.addEventListener("pointerleave", hideTip);
            arc.addEventListener("click", () => pick(svg, cell));
        });
    }

    const wires = { map: (svg) => wirePointer(svg, cellAt), bars: wireBars, arcs: wireArcs };

    function wireFigures() {
        for (const [kind, wire] of Object.entries(wires))
            document.querySelectorAll(`svg.${kind}[data-array]`).forEach((svg) => {
                if (!subjectOf(svg))
                    return;
                wire(svg);
                if (kind === "arcs")
                    return;
                svg.setAttribute("aria-describedby", "figure-help");
                svg.addEventListener("keydown", onKey);
                svg.addEventListener("blur", hideTip);
            });
        document.addEventListener("keydown", (event) => {
            if (event.key === "Escape")
                closePanel();
        });
        document.body.append(tip);
    }

    // ---------------------------------------------------------------- steps

    const isFine = (checked) => Boolean(checked.missing) || checked.largest < GOOD;

    function tellCheck(checked) {
        if (checked.missing)
            return `cannot be computed again: this report leaves out ${checked.missing.join(", ")}`;
        return `${checked.n} numbers computed again, largest difference ${explain.show(checked.largest, 2)}`;
    }

    /* The runs that a step is checked in: that of the figure, or all that have it. */
    function runsWith(name, place) {
        return (place.dataset.run ? [runs[place.dataset.run]] : runs).filter((run) => run && run.steps.some((one) => one.name === name));
    }

    function wireStep(place) {
        const name = place.dataset.step, those = runsWith(name, place), output = make("output", {});

        if (those.length === 0)
            return;
        const isAlone = new Set([...place.parentElement.querySelectorAll(".step")].map((one) => one.dataset.step)).size === 1;
        const of = runs.length > 1 && place.dataset.run ? ` of ${labelOf(those[0])}` : "";
        const text = (isAlone ? "Check this step" : `Check the ${name.split(".").pop()}`) + of;
        const button = make("button", { type: "button", "aria-label": isAlone ? `${text}: ${name}` : text }, text);

        button.addEventListener("click", () => {
            const checks = those.map((run) => wordahead.checkStep(run, name));

            output.className = checks.every(isFine) ? "good" : "bad";
            output.textContent = checks.map((one, i) => (those.length > 1 ? `${labelOf(those[i])}: ` : "") + tellCheck(one)).join("; ");
        });
        place.append(button, " ", output);
    }

    /* One step after the other, the page drawn between them. */
    async function checkAll(output) {
        const rows = [];
        let nBad = 0, nLeftOut = 0;

        output.className = "";
        output.dataset.state = "running";
        for (const run of runs) {
            for (const { name } of run.steps) {
                const checked = wordahead.checkStep(run, name);

                nBad += !isFine(checked);
                nLeftOut += Boolean(checked.missing);
                rows.push([...(runs.length > 1 ? [labelOf(run)] : []), name,
                    ...(checked.missing ? ["left out", checked.missing.join(", ")] : [checked.n, explain.show(checked.largest, 2)])]);
                output.textContent = `${rows.length} steps checked …`;
                await new Promise((resolve) => setTimeout(resolve));
            }
        }
        const left = nLeftOut > 0 ? `, ${nLeftOut} left out of this report` : "";

        output.className = nBad > 0 ? "bad" : "good";
        output.replaceChildren(
            make("p", {}, `${rows.length} steps: ${rows.length - nBad - nLeftOut} agree within ${GOOD}, ${nBad} do not${left}.`),
            makeTable({ head: [...(runs.length > 1 ? ["run"] : []), "step", "numbers", "largest difference"], rows }));
        output.dataset.state = "done";
    }

    function wireCheckAll() {
        let place = document.getElementById("check-all");

        if (!place) {
            place = make("div", { id: "check-all" });
            document.querySelector("h1").after(place);
        }
        const button = make("button", { type: "button" }, "Check every step"), output = make("output", {});

        button.addEventListener("click", () => checkAll(output));
        place.append(
            make("p", { className: "notes", id: "figure-help" }, "Point at a figure to see its numbers. A click, or Enter, shows the arithmetic of a cell; arrow keys go to the " +
                "next one, Enter again goes into the arithmetic, Escape closes it."),
            button, output);
    }

    wireFigures();
    document.querySelectorAll(".step[data-step]").forEach(wireStep);
    wireCheckAll();
})();
