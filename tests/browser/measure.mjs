// What can be measured of how a page looks. Each function takes a page and gives sentences, one for each fault; none is good.

// These run in the page, so what they share is put there as a script.
function tools() {
    const isShown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && element.getClientRects().length > 0;
    const textOf = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
    const nameOf = (element) => `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""} “${textOf(element)}”`;
    const figureOf = (element) => (element.closest("figure[id]") || { id: "the page" }).id;

    // ------------------------------------------------------------ boxes, turned as their text is

    // The corners of a text's ink, about: a line box has room above and below the letters.
    function cornersOf(text) {
        const box = text.getBBox(), matrix = text.getScreenCTM(), top = box.y + 0.15 * box.height, bottom = box.y + 0.85 * box.height;

        return [[box.x, top], [box.x + box.width, top], [box.x + box.width, bottom], [box.x, bottom]]
            .map(([x, y]) => new DOMPoint(x, y).matrixTransform(matrix));
    }

    const project = (corners, { x, y }) => {
        const along = corners.map((corner) => corner.x * x + corner.y * y);

        return [Math.min(...along), Math.max(...along)];
    };

    // By how many pixels two rectangles overlap where they overlap least; separating axes are the sides of both.
    function overlap(a, b) {
        let least = Infinity;

        for (const corners of [a, b])
            for (const i of [0, 1]) {
                const side = { x: corners[i + 1].x - corners[i].x, y: corners[i + 1].y - corners[i].y };
                const length = Math.hypot(side.x, side.y) || 1, axis = { x: side.x / length, y: side.y / length };
                const [aLeast, aMost] = project(a, axis), [bLeast, bMost] = project(b, axis);

                least = Math.min(least, aMost - bLeast, bMost - aLeast);
            }
        return least;
    }

    // ------------------------------------------------------------ colours

    function parseColor(color) {
        const canvas = parseColor.canvas = parseColor.canvas || new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return { r, g, b, a: a / 255 };
    }

    const over = (top, below) => ({
        r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1,
    });

    function luminance({ r, g, b }) {
        const [R, G, B] = [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);

        return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    }

    // WCAG 2: (lighter + 0.05) / (darker + 0.05)
    function contrast(a, b) {
        const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);

        return (light + 0.05) / (dark + 0.05);
    }

    // What is painted behind an element: the backgrounds of those around it, over what the browser paints a page with.
    function backgroundOf(element) {
        const layers = [];

        for (let one = element; one; one = one.parentElement)
            layers.push(parseColor(getComputedStyle(one).backgroundColor));
        const canvas = matchMedia("(prefers-color-scheme: dark)").matches && /dark/.test(getComputedStyle(document.documentElement).colorScheme)
            ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 };

        return layers.reverse().reduce((below, top) => over(top, below), canvas);
    }

    // The same for a text of a figure, with the shapes that were painted before it and lie behind its middle.
    function backgroundOfText(text, shapes) {
        const box = text.getBoundingClientRect(), x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
        let below = backgroundOf(text.closest("svg"));

        for (const shape of shapes) {
            if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING))
                continue;
            const at = shape.getBoundingClientRect(), style = getComputedStyle(shape);

            if (at.left > x || at.right < x || at.top > y || at.bottom < y || style.fill === "none" || style.visibility === "hidden")
                continue;
            const fill = parseColor(style.fill);

            below = over({ ...fill, a: fill.a * Number(style.fillOpacity) * Number(style.opacity) }, below);
        }
        return below;
    }

    const isSvg = (element) => element.namespaceURI.endsWith("/svg");
    const svgTexts = (svg) => [...svg.querySelectorAll("text")].filter((text) => isShown(text) && text.textContent.trim());

    return { isShown, nameOf, figureOf, cornersOf, overlap, contrast, parseColor, over, backgroundOf, backgroundOfText, isSvg, svgTexts, textOf };
}

async function inPage(page, body) {
    return page.evaluate(`(() => { const tools = (${tools})(); return (${body})(tools); })()`);
}

// Labels of a figure that overlap each other, and headings that do.
function findOverlaps(page) {
    return inPage(page, ({ figureOf, cornersOf, overlap, svgTexts, textOf, isShown, nameOf }) => {
        const faults = [];

        for (const svg of document.querySelectorAll("svg")) {
            const texts = svgTexts(svg), corners = texts.map(cornersOf);

            for (let i = 0; i < texts.length; i++)
                for (let j = 0; j < i; j++)
                    if (overlap(corners[i], corners[j]) > 1)
                        faults.push(`${figureOf(svg)}: “${textOf(texts[j])}” and “${textOf(texts[i])}” overlap`);
        }
        const headings = [...document.querySelectorAll("h1, h2, h3, h4, figcaption, summary, button, th")].filter(isShown);
        const boxes = headings.map((one) => one.getBoundingClientRect());

        for (let i = 0; i < headings.length; i++)
            for (let j = 0; j < i; j++) {
                const width = Math.min(boxes[i].right, boxes[j].right) - Math.max(boxes[i].left, boxes[j].left);
                const height = Math.min(boxes[i].bottom, boxes[j].bottom) - Math.max(boxes[i].top, boxes[j].top);
                const isFixed = [i, j].some((k) => headings[k].closest("#cell"));

                if (width > 1 && height > 1 && !isFixed && !headings[i].contains(headings[j]) && !headings[j].contains(headings[i]))
                    faults.push(`${nameOf(headings[j])} and ${nameOf(headings[i])} overlap`);
            }
        return faults;
    });
}

// Labels that a figure cuts off, or that are too small to read: below 9 pixels.
function findUnreadable(page) {
    return inPage(page, ({ figureOf, cornersOf, svgTexts, textOf }) => {
        const faults = [];

        for (const svg of document.querySelectorAll("svg")) {
            const box = svg.getBoundingClientRect();

            for (const text of svgTexts(svg)) {
                const corners = cornersOf(text), matrix = text.getScreenCTM();
                const size = parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.b, matrix.d);

                if (size < 9)
                    faults.push(`${figureOf(svg)}: “${textOf(text)}” is ${size.toFixed(1)} pixels high`);
                if (corners.some(({ x, y }) => x < box.left - 1 || x > box.right + 1 || y < box.top - 1 || y > box.bottom + 1))
                    faults.push(`${figureOf(svg)}: “${textOf(text)}” is cut off`);
            }
        }
        return faults;
    });
}

// What makes the page scroll sideways.
function findTooWide(page) {
    return inPage(page, ({ isShown, nameOf }) => {
        const width = document.documentElement.clientWidth;

        if (document.documentElement.scrollWidth <= width)
            return [];
        // What lies in a box that scrolls by itself does no harm.
        const scrolls = (element) => element && (/auto|scroll|hidden|clip/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
        const wide = [...document.body.querySelectorAll("*")].filter((one) => isShown(one) && one.getBoundingClientRect().right > width + 0.5 &&
            !scrolls(one.parentElement));

        return [`the page is ${document.documentElement.scrollWidth} pixels wide`,
            ...wide.slice(0, 10).map((one) => `${nameOf(one)} ends at ${Math.round(one.getBoundingClientRect().right)}`)];
    });
}

// Text whose contrast to what is behind it is below 4.5.
function findFaint(page) {
    return inPage(page, ({ isShown, nameOf, contrast, parseColor, over, backgroundOf, backgroundOfText, isSvg, figureOf, svgTexts }) => {
        const faults = new Set();
        const judge = (element, color, below) => {
            const ratio = contrast(over(color, below), below);

            if (ratio < 4.5)
                faults.add(`${figureOf(element)}: ${nameOf(element)} has a contrast of ${ratio.toFixed(2)}`);
        };

        for (const svg of document.querySelectorAll("svg")) {
            const shapes = [...svg.querySelectorAll("rect")];

            svgTexts(svg).forEach((text) => judge(text, parseColor(getComputedStyle(text).fill), backgroundOfText(text, shapes)));
        }
        for (const element of document.body.querySelectorAll("*")) {
            const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());

            if (hasText && !isSvg(element) && !element.matches("script, style, noscript") && isShown(element) && !element.disabled)
                judge(element, parseColor(getComputedStyle(element).color), backgroundOf(element));
        }
        return [...faults];
    });
}

// Figures without a name, or without a table or text that says the same; controls without a name.
function findUnnamed(page) {
    return inPage(page, ({ nameOf, figureOf }) => {
        const faults = [];
        const isHidden = (element) => element.closest("[aria-hidden=true]");
        const labelOf = (element) => (element.getAttribute("aria-label") || element.textContent || element.title || "").trim();

        for (const svg of document.querySelectorAll("svg"))
            if (!isHidden(svg) && !((svg.getAttribute("aria-label") || "").trim() && svg.getAttribute("role")))
                faults.push(`${figureOf(svg)}: an svg has no aria-label or no role`);
        for (const figure of document.querySelectorAll("figure")) {
            if (!figure.querySelector("figcaption"))
                faults.push(`figure ${figure.id} has no caption`);
            if (!figure.querySelector("table, dl, ol, ul"))
                faults.push(`figure ${figure.id} has no table or list that says the same`);
        }
        for (const control of document.querySelectorAll("button, a[href], input, textarea, select, summary"))
            if (!labelOf(control) && !(control.labels || []).length)
                faults.push(`${nameOf(control)} in ${figureOf(control)} has no name`);
        return faults;
    });
}

export { findFaint, findOverlaps, findTooWide, findUnnamed, findUnreadable };
