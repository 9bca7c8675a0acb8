// A browser without a screen: follows redirects, keeps cookies, reads forms and sends them.

import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';

const REDIRECTS = 20;

/** One answer, whose body is text. */
function request(url, { method = 'GET', headers, body }) {
    return new Promise((resolve, reject) => {
        const sent = (url.protocol === 'https:' ? https : http).request(url, { method, headers }, answer => {
            const chunks = [];
            answer.on('data', chunk => chunks.push(chunk));
            answer.on('end', () =>
                resolve({ status: answer.statusCode, headers: answer.headers, text: String(Buffer.concat(chunks)) })
            );
            answer.on('error', reject);
        });
        sent.setTimeout(60_000, () => sent.destroy(new Error(`${url}: no answer within a minute`)));
        sent.on('error', reject);
        sent.end(body);
    });
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'", '#34': '"' };
const decoded = text => text.replace(/&(\w+|#\w+);/g, (all, name) => ENTITIES[name] ?? all);
const plain = html =>
    decoded(html.replace(/<(style|script|title)\b.*?<\/\1>/gs, ' ').replace(/<[^>]*>/g, ''))
        .replace(/\s+/g, ' ')
        .trim();

function attributes(tag) {
    const pairs = tag.matchAll(/\s([\w-]+)(?:="([^"]*)")?/g);
    return Object.fromEntries([...pairs].map(([, name, value]) => [name, value === undefined ? true : decoded(value)]));
}

function formsOf(html, url) {
    return [...html.matchAll(/<form\b[^>]*>.*?<\/form>/gs)].map(([form]) => {
        const action = attributes(/<form\b[^>]*>/.exec(form)[0]).action ?? url.href;
        const fields = [...form.matchAll(/<input\b[^>]*>/g)].map(([tag]) => ({
            type: 'text',
            value: '',
            ...attributes(tag)
        }));
        const buttons = [...form.matchAll(/(<button\b[^>]*>)(.*?)<\/button>/gs)];
        return {
            action: new URL(action, url),
            fields,
            buttons: buttons.map(([, tag, text]) => ({ ...attributes(tag), text: plain(text) }))
        };
    });
}

export class Person {
    /** By host: browsers know no ports in cookies. */
    #cookies = new Map();

    #jar(url) {
        if (!this.#cookies.has(url.hostname)) this.#cookies.set(url.hostname, []);
        return this.#cookies.get(url.hostname);
    }

    #keep(url, lines = []) {
        const jar = this.#jar(url);
        for (const line of lines) {
            const [pair, ...rest] = line.split(';').map(part => part.trim());
            const [name, ...value] = pair.split('=');
            const more = Object.fromEntries(
                rest.map(part => [part.split('=')[0].toLowerCase(), part.slice(part.indexOf('=') + 1)])
            );
            const path = more.path ?? '/';
            const gone = more['max-age'] === '0' || Date.parse(more.expires) < Date.now() || value.join('=') === '';
            const known = jar.findIndex(cookie => cookie.name === name && cookie.path === path);
            if (known >= 0) jar.splice(known, 1);
            if (!gone) jar.push({ name, path, value: value.join('=') });
        }
    }

    /** Whether there is a cookie of such a name. */
    hasCookie(host, name) {
        return this.#jar({ hostname: host }).some(cookie => name.test(cookie.name));
    }

    /** Told of every address before it is asked. */
    before = async () => {};

    async #go(url, sent = {}, from) {
        for (let step = 0; step < REDIRECTS; step++) {
            await this.before(url.href);
            const cookies = this.#jar(url).filter(({ path }) => url.pathname.startsWith(path));
            const headers = {
                Accept: 'text/html',
                'Sec-Fetch-Dest': 'document',
                'Sec-Fetch-Mode': 'navigate',
                'Sec-Fetch-Site': !from ? 'none' : from === url.origin ? 'same-origin' : 'cross-site',
                ...(cookies.length && { Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') }),
                ...sent.headers
            };
            const answer = await request(url, { ...sent, headers });
            this.#keep(url, answer.headers['set-cookie']);
            const { location } = answer.headers;
            if (!location) return this.#shown(url, answer);
            url = new URL(location, url);
            sent = {};
        }
        assert.fail(`redirected without end, to ${url.origin}${url.pathname} last`);
    }

    #shown(url, { status, headers, text }) {
        const heading = plain(/<h1\b[^>]*>(.*?)<\/h1>/s.exec(text)?.[1] ?? '');
        return { url: url.href, status, headers, heading, text: plain(text), forms: formsOf(text, url) };
    }

    open(url) {
        return this.#go(new URL(url));
    }

    send(form, entries, button) {
        const body = new URLSearchParams();
        for (const { name, type, value, checked } of form.fields) {
            if (type === 'checkbox' ? checked : name) body.append(name, entries[name] ?? value);
        }
        if (button?.name) body.append(button.name, button.value);
        const { origin } = form.action;
        const headers = { Origin: origin, 'Content-Type': 'application/x-www-form-urlencoded' };
        return this.#go(form.action, { method: 'POST', headers, body: String(body) }, origin);
    }

    async close() {}
}
