// The live page: asks the server about the text as it is typed, and shows what it says. One question at a time: what was typed meanwhile
// is asked about next, and what lies between is skipped.
'use strict';
(() => {
    const K = 10, K_FINISH = 5, MOST_SURPRISE = 10; // nats
    const part = id => document.getElementById(id);
    const text = part('text');
    let asking = false, waiting = false, spoken = 0;
    let shown = null; // the answers on the page: { text, rank, score, trace }
    let special = {}; // words that stand for something else: { "</s>": "end of the text" }
    let chosen = null; // the word whose attention is shown; null: the last

    function make(tag, attributes, ...children) {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) {
            if (name === 'share' || name === 'surprise') element.style.setProperty('--' + name, value);
            else element.setAttribute(name, value);
        }
        element.append(...children);
        return element;
    }

    // ---------------------------------------------------------------- asking

    class Refused extends Error { }

    async function ask(path, request) {
        const answer = await fetch(path, {
            method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(request),
        });
        const record = await answer.json();
        if (record.error && answer.status !== 200) throw new Refused(record.error.message);
        return record;
    }

    // The answer, or null where it is refused.
    const optional = answer => answer.catch(error => {
        if (error instanceof Refused) return null;
        throw error;
    });

    // A word that is being typed: what stands behind the last white space.
    function unfinished(all) {
        const at = all.search(/\S+$/u);
        return at < 0 ? null : { before: all.slice(0, at), prefix: all.slice(at) };
    }

    async function askAll(all) {
        const start = unfinished(all), began = performance.now();
        const rank = ask('v1/rank', { text: all, k: K }).then(record => {
            part('time').textContent = (performance.now() - began).toFixed(1) + ' ms round trip';
            return record;
        });
        const [ranked, finished, score, trace] = await Promise.all([
            rank,
            start && optional(ask('v1/rank', { text: start.before, prefix: start.prefix, k: K_FINISH })), // nothing may come before it
            ask('v1/score', { text: all, tokens: true }),
            optional(ask('v1/trace', { text: all, names: ['attention.*.weights'] })), // a pipeline may have no attention
        ]);
        return { text: all, start, rank: ranked, finish: finished, score, trace };
    }

    function notice(message) {
        part('notice').hidden = !message;
        part('notice').textContent = message || '';
    }

    async function update() {
        if (asking) {
            waiting = true;
            return;
        }
        asking = true;
        try {
            shown = await askAll(text.value);
            notice('');
            show();
        } catch (error) {
            notice(error instanceof Refused ? error.message : 'The server does not answer. The page asks again in a second.');
            if (!(error instanceof Refused)) setTimeout(update, 1000);
        }
        asking = false;
        if (waiting) {
            waiting = false;
            update();
        }
    }

    // ---------------------------------------------------------------- numbers

    function percent(prob) {
        if (prob >= 0.0995) return (100 * prob).toFixed(0) + ' %';
        if (prob >= 0.00995) return (100 * prob).toFixed(1) + ' %';
        if (prob >= 0.0001) return (100 * prob).toFixed(2) + ' %';
        return prob > 0 ? '< 0.01 %' : '0 %';
    }

    const minus = x => String(x).replace('-', '\u2212');

    // ---------------------------------------------------------------- next words

    // Where white space belongs before a word, as the server spells completions.
    function append(word) {
        const all = text.value;
        const glue = all === '' || /\s$/u.test(all) || /^[.,;:!?)\]}%\u2019\u201d\u2026']/u.test(word) || /[([{\u201c\u2018]$/u.test(all) ? '' : ' ';
        write(all + glue + word);
    }

    function write(all) {
        text.value = all;
        chosen = null;
        text.focus();
        update();
    }

    function showRanked(list, ranked, choose, hasKeys) {
        const best = ranked.length ? ranked[0].prob : 1;
        list.replaceChildren(...ranked.map((next, i) => {
            const button = make('button', { type: 'button', share: (100 * next.prob / best).toFixed(1) + '%' },
                make('span', { class: 'rank' }, String(next.rank)), make('span', { class: 'word' }, Object.hasOwn(special, next.word) ? special[next.word] : next.word),
                make('span', { class: 'prob' }, percent(next.prob)));
            button.disabled = Object.hasOwn(special, next.word);
            if (hasKeys && i < 9) button.setAttribute('aria-keyshortcuts', 'Alt+' + (i + 1));
            button.addEventListener('click', () => choose(next.word));
            return make('li', {}, button);
        }));
    }

    function showNext() {
        showRanked(part('next'), shown.rank.next, append, true);
        const { start, finish } = shown;
        part('finish-part').hidden = !finish || finish.next.length === 0;
        if (finish) {
            part('finish-title').textContent = 'Words that begin with \u201c' + start.prefix + '\u201d';
            showRanked(part('finish'), finish.next, word => write(start.before + word + ' '), false);
        }
    }

    // For those who do not see the list: its first words, once typing pauses.
    function speak() {
        clearTimeout(spoken);
        spoken = setTimeout(() => {
            part('spoken').textContent = 'Next: ' + shown.rank.next.slice(0, 3).map(next => next.word + ' ' + percent(next.prob)).join(', ');
        }, 1500);
    }

    // ---------------------------------------------------------------- words of the text

    function describe(token, typed) {
        if (token.logprob === null) return '\u201c' + typed + '\u201d has no probability' + (token.known ? '.' : ': the model does not know it.');
        return '\u201c' + typed + '\u201d' + (token.known ? '' : ' (unknown)') + ': probability ' + percent(Math.exp(token.logprob)) + ', rank ' +
            token.rank.toLocaleString('en') + ', log-probability ' + minus(token.logprob.toFixed(3));
    }

    function showWords() {
        const bytes = new TextEncoder().encode(shown.text), decoder = new TextDecoder();
        const tokens = shown.score.tokens.filter(token => token.end > token.start); // without the end word
        part('words').replaceChildren(...tokens.map((token, i) => {
            const typed = decoder.decode(bytes.subarray(token.start, token.end));
            const surprise = token.logprob === null ? 0 : Math.min(1, -token.logprob / MOST_SURPRISE);
            const button = make('button', {
                type: 'button', surprise: (0.5 * surprise).toFixed(3), 'aria-pressed': String(i === (chosen ?? tokens.length - 1)),
                title: describe(token, typed),
            }, make('span', token.known ? {} : { class: 'unknown' }, typed),
                make('small', {}, token.logprob === null ? '\u2013' : percent(Math.exp(token.logprob))));
            const detail = () => { part('word').textContent = describe(token, typed); };
            button.addEventListener('mouseenter', detail);
            button.addEventListener('focus', detail);
            button.addEventListener('click', () => {
                chosen = i;
                part('words').querySelectorAll('button').forEach((other, j) => other.setAttribute('aria-pressed', String(i === j)));
                showAttention();
            });
            return button;
        }));
        part('word').textContent = '';
        const scored = tokens.filter(token => token.logprob !== null);
        const sum = scored.reduce((total, token) => total + token.logprob, 0);
        part('sum').textContent = scored.length ? scored.length + ' words, log-probability ' + minus(sum.toFixed(2)) + ', perplexity ' +
            Math.exp(-sum / scored.length).toPrecision(4) : '';
    }

    // ---------------------------------------------------------------- attention

    // The words that the pipeline ran over: those that have a vector, the start word and the last ones where there were too many. Each with
    // its place among the words of the text, -1 for the start word.
    function contextOf(trace, T) {
        const scored = shown.score.tokens.filter(token => token.end > token.start);
        const offset = trace.tokens.length - scored.length; // 1 with a start word
        let all = trace.tokens.map((word, i) => ({ word, place: i - offset }));
        if (all.length > T) {
            const unknown = new Set(trace.unknown);
            const known = all.filter(token => !unknown.has(token.word));
            if (known.length >= T) all = known;
        }
        return all.length > T ? [...all.slice(0, offset), ...all.slice(all.length - (T - offset))] : all;
    }

    function chooseStage(steps) {
        const select = part('stage'), names = steps.map(step => step.name);
        part('stage-part').hidden = steps.length < 2;
        if (names.join() !== [...select.options].map(option => option.value).join())
            select.replaceChildren(...names.map((name, i) => make('option', { value: name }, String(i))));
        return steps[Math.max(0, select.selectedIndex)];
    }

    function showAttention() {
        const steps = shown.trace ? shown.trace.steps : [];
        if (steps.length === 0) {
            part('attention').textContent = 'This model has no attention to show, or the text is too long for it.';
            return;
        }
        const { shape: [H, T], values } = chooseStage(steps);
        const words = contextOf(shown.trace, T);
        let query = chosen === null ? T - 1 : words.findIndex(word => word.place === chosen);
        if (query < 0 && chosen !== null) {
            part('attention-title').textContent = 'Attention';
            part('attention').textContent = 'The pipeline did not run over this word: it has no vector, or too many words follow it.';
            return;
        }
        query = Math.max(0, query);
        part('attention-title').textContent = 'What \u201c' + words[query].word + '\u201d attends to, ' + (H === 1 ? 'by its head' : 'by each of ' + H + ' heads');
        const heads = Array.from({ length: H }, (_, h) => h);
        const rows = words.slice(0, T).map((word, t) => make('tr', t === query ? { class: 'chosen' } : {}, make('th', { scope: 'row' }, word.word),
            ...heads.map(h => {
                const weight = values[h][query][t];
                return make('td', { share: (100 * weight).toFixed(1) + '%', title: String(weight) }, weight.toFixed(3));
            })));
        part('attention').replaceChildren(make('table', {},
            make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'word'), ...heads.map(h => make('th', { scope: 'col' }, 'head ' + h)))),
            make('tbody', {}, ...rows)));
        part('attention').scrollTop = rows[query].offsetTop + rows[query].offsetHeight - part('attention').clientHeight; // in sight
    }

    function show() {
        showNext();
        showWords();
        showAttention();
        speak();
    }

    // ---------------------------------------------------------------- beginning

    text.addEventListener('input', () => {
        chosen = null;
        update();
    });
    part('stage').addEventListener('change', showAttention);
    document.addEventListener('keydown', event => {
        const digit = /^Digit([1-9])$/.exec(event.code);
        if (!digit || !event.altKey || event.ctrlKey || event.metaKey || !shown) return;
        const next = shown.rank.next[digit[1] - 1];
        if (!next || Object.hasOwn(special, next.word)) return;
        event.preventDefault();
        append(next.word);
    });
    text.setSelectionRange(text.value.length, text.value.length);
    text.focus();
    fetch('health').then(answer => answer.json()).then(health => {
        part('facts').textContent = 'model ' + health.model + ', ' + health.vocabulary.toLocaleString('en') + ' words';
        if (health.unknown !== null) special[health.unknown] = 'an unknown word';
        if (health.end !== null) special[health.end] = 'end of the text';
    }).catch(() => { }).finally(update);
})();
