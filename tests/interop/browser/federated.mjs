// People log in at an OpenID provider, which changes its keys, is slow, stops, and removes them.
//
//   node federated.mjs SERVER PROVIDER…
//
// The example `oauth` of the package `tests`, and the command that starts the provider: `oidc/people.mjs` or
// `python/provider.py`.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Application } from './application.mjs';
import { Chromium } from './chromium.mjs';
import { Person } from './person.mjs';
import { Program, scratch, within } from './processes.mjs';
import { walk } from './screen.mjs';

const [server, ...command] = process.argv.slice(2);
assert.ok(command.length, 'usage: node federated.mjs SERVER PROVIDER…');

const CLIENT = ['notebook', 'a-secret-that-is:only+for/tests'];
const LABEL = 'Example Inc.';
// The lifetime of an access token, and `RECHECK_EVERY` and `GRACE` of the server under test, in seconds.
const TOKEN = 15 * 60;
const RECHECK = 20 * 60;
const GRACE = 40 * 60;
/** What a page may take while a provider does not answer. */
const BOUND = 16;

const folder = scratch('federated');
const provider = new Program(command[0], command.slice(1));
const issuer = await provider.line();

/** A server whose clock moves. */
class Server {
    static async start(name) {
        const program = new Program(server, ['--data', join(folder, name), '--oidc', 'corp', issuer, ...CLIENT]);
        const { url, control } = await program.said({ url: 'Listening on ', control: 'Control on ' }, 'Control on ');
        await provider.ask('client', ...CLIENT, `${new URL(url).origin}/callback/corp`);
        return Object.assign(new Server(), { program, url, control, callback: `${new URL(url).origin}/callback/corp` });
    }

    async advance(seconds) {
        const answer = await fetch(`${this.control}/advance`, { method: 'POST', body: String(seconds) });
        assert.equal(answer.status, 204);
    }

    stop = () => this.program.stop();
}

const person = name => ({ name, provider: LABEL });
const staff = name => provider.ask('groups', name, 'staff');

/** Pages on the way. Whether the provider asks for something too, and asks again whom it knows, is its own affair. */
function assertPages(pages) {
    assert.deepEqual(
        pages.filter(page => !page.startsWith('upstream')),
        ['choice', 'consent']
    );
}

/** Runs with an application that is closed afterwards. */
async function withApp(at, run, revision) {
    const app = await Application.start(at.url, revision);
    try {
        return await run(app);
    } finally {
        await app.close();
    }
}

/** Changes the provider once somebody is about to come back from it. */
function onTheWayBack(browser, at, ...change) {
    browser.before = async url => {
        if (!url.startsWith(at.callback)) return;
        browser.before = async () => {};
        await provider.ask(...change);
    };
}

/** Tries again until an answer has this status: the server waits a while before it asks a provider that was down. */
async function soon(at, run, status) {
    const until = performance.now() + 15_000;
    for (;;) {
        await at.advance(31);
        const answer = await run();
        if ((answer.status ?? answer.screen.status) === status) return answer;
        assert.ok(performance.now() < until, 'the server does not notice that the provider is back');
        await new Promise(resolve => setTimeout(resolve, 200));
    }
}

/** How many there are, whoever asks. */
async function notes(app) {
    const headers = {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': '2025-11-25'
    };
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_notes', arguments: {} } };
    const answer = await fetch(app.url, { method: 'POST', headers, body: JSON.stringify(call) });
    return (await answer.json()).result.structuredContent.notes.length;
}

/** The client's own way to refresh, outside of it: the status and what is said. */
async function refresh(app) {
    const { access_token, refresh_token } = app.tokens;
    const client_id = app.provider.kept.client.client_id;
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token, client_id, resource: app.url });
    const answer = await fetch(`${app.origin}/token`, { method: 'POST', body });
    const said = await answer.json();
    if (answer.ok) {
        assert.notEqual(said.access_token, access_token);
        app.provider.kept.tokens = { ...app.tokens, ...said };
    }
    return { status: answer.status, ...said };
}

// ---- what is tried

async function logsIn(at, browser, name, revision) {
    await staff(name);
    const run = async app => {
        const asked = await app.ask();
        await provider.ask('seen');
        const choice = await walk(browser, asked, person(name), 'choice');
        assert.match(choice.screen.text, /registered itself/);
        assert.match(choice.screen.text, /go back to a program on this computer/);
        assert.deepEqual(await provider.ask('seen'), [], 'nothing goes to the provider before the click');
        const { screen, pages } = await walk(browser, choice.screen, person(name));
        await app.finish(screen);
        assertPages(pages);
        assert.ok(pages.includes('upstream login'));
        const before = await notes(app);
        await app.call('add_note', { title: 'with a login', text: 'b' });
        assert.equal(await notes(app), before + 1);
        assert.match(await app.whoami(), /scopes: notes:write$/);
        assert.ok((await provider.ask('seen')).some(request => /^POST .*token$/.test(request)));
    };
    await withApp(at, run, revision);
}

async function saysNo(at, browser, name) {
    await staff(name);
    await withApp(at, async app => {
        const { screen } = await walk(browser, await app.ask(), person(name), 'upstream login');
        // A button at one provider, a link at the other.
        const [form, no] =
            screen.forms
                .flatMap(form => form.buttons.map(button => [form, button]))
                .find(([, { text }]) => text === 'Deny') ?? [];
        const refused = no ? await browser.send(form, {}, no) : await browser.open(`${screen.url}/abort`);
        assert.equal(refused.status, 403, refused.text);
        // oidc-provider-mock forgets `state` when somebody says no.
        const known = new URL(refused.url).searchParams.has('state');
        assert.match(
            refused.text,
            known ? /Example Inc\. did not say who you are\. Nothing was allowed/ : /not valid any more/
        );
        assert.deepEqual(app.arrived, []);
    });
}

async function isNotAdmitted(at, browser, name) {
    await provider.ask('groups', name, 'visitors');
    await withApp(at, async app => {
        const { screen } = await walk(browser, await app.ask(), person(name));
        assert.equal(screen.status, 403, screen.text);
        assert.match(screen.text, /Example Inc\. knows you, but your account there may not use this server/);
        assert.deepEqual(app.arrived, []);
    });
}

async function keysChange(at, browser, name) {
    await staff(name);
    await withApp(at, async app => {
        onTheWayBack(browser, at, 'rotate');
        assertPages(await app.logIn(browser, person(name)));
    });
}

async function providerStops(at, browser, name) {
    await staff(name);
    await withApp(at, async app => {
        const before = await notes(app);
        onTheWayBack(browser, at, 'stop');
        await cannotBeReached(app, () => app.ask().then(asked => walk(browser, asked, person(name))));
        await provider.ask('start');
        assert.equal(await notes(app), before);
        assertPages(await app.logIn(browser, person(name)));
    });
}

async function cannotBeReached(app, visit) {
    const { screen } = await within(BOUND, 'the page', visit());
    assert.equal(screen.status, 503, `${screen.url}: ${screen.text}`);
    assert.match(
        screen.text,
        /Example Inc\. cannot be reached right now\. Go back to the app and try again in a moment/
    );
    assert.deepEqual(app.arrived, []);
}

async function providerHangs(at, browser, name) {
    await staff(name);
    await withApp(at, async app => {
        onTheWayBack(browser, at, 'hang');
        await cannotBeReached(app, () => app.ask().then(asked => walk(browser, asked, person(name))));
        await provider.ask('slow', '1');
        assertPages(await app.logIn(browser, person(name)));
        await provider.ask('go');
    });
}

/** A server that knows nothing of the provider yet. */
async function isDownFromTheStart(change, back) {
    const at = await Server.start(change);
    await provider.ask(change);
    try {
        await withApp(at, async app => {
            const person = { name: 'alice', provider: LABEL };
            await cannotBeReached(app, () => app.ask().then(asked => walk(new Person(), asked, person)));
            await provider.ask(back);
            await staff('alice');
            const { screen, pages } = await soon(
                at,
                () => app.ask().then(asked => walk(new Person(), asked, person)),
                200
            );
            await app.finish(screen);
            assertPages(pages);
        });
    } finally {
        await at.stop();
    }
}

/** The tokens of somebody while the provider is there, is not, and is again. */
async function outlivesAnOutage(at, name) {
    await staff(name);
    await withApp(at, async app => {
        await app.logIn(new Person(), person(name));
        await provider.ask('seen');
        await at.advance(TOKEN + 1);
        assert.match(await app.whoami(), /scopes: notes:write$/);
        assert.deepEqual(await provider.ask('seen'), [], 'was asked a moment ago');
        await at.advance(TOKEN + 1);
        assert.match(await app.whoami(), /scopes: notes:write$/);
        assert.ok(
            (await provider.ask('seen')).some(request => /^POST .*token$/.test(request)),
            'is asked again'
        );

        await provider.ask('stop');
        await at.advance(RECHECK + 1);
        assert.equal((await refresh(app)).status, 200, 'the provider may be down for a while');
        assert.match(await app.whoami(), /scopes: notes:write$/);
        await at.advance(GRACE);
        assert.deepEqual(await refresh(app).then(({ status, error }) => [status, error]), [
            503,
            'temporarily_unavailable'
        ]);
        await provider.ask('start');
        await soon(at, () => refresh(app), 200);
        assert.match(await app.whoami(), /scopes: notes:write$/);
    });
}

async function losesAGroup(at, name) {
    await provider.ask('groups', name, 'staff', 'admins');
    await withApp(at, async app => {
        const browser = new Person();
        await app.logIn(browser, person(name));
        const { screen } = await walk(browser, await app.ask('delete_note', { id: 0 }), person(name));
        await app.finish(screen);
        assert.match(await app.whoami(), /scopes: (admin notes:write|notes:write admin)$/);
        await staff(name);
        await at.advance(RECHECK + 1);
        assert.match(await app.whoami(), /scopes: notes:write$/);
        await provider.ask('groups', name, 'staff', 'admins');
        await at.advance(RECHECK + 1);
        assert.match(await app.whoami(), /scopes: notes:write$/, 'what was lost comes back with a login only');
    });
}

async function isRemoved(at, name) {
    await staff(name);
    await withApp(at, async app => {
        await app.logIn(new Person(), person(name));
        await provider.ask('remove', name);
        await at.advance(TOKEN + 1);
        assert.match(await app.whoami(), /scopes: notes:write$/, 'is not looked up yet');
        await at.advance(TOKEN + 1);
        const before = await notes(app);
        const { refresh_token } = app.tokens;
        await app.ask();
        assert.equal(await notes(app), before, 'the tool did not run');
        const answers = app.recorder.take().short;
        assert.deepEqual(answers.slice(-2), ['POST /mcp 401', 'POST /token 400']);
        app.provider.kept.tokens = { refresh_token };
        assert.equal((await refresh(app)).error, 'invalid_grant');
    });
}

const chromium = await Chromium.start();
try {
    const at = await Server.start('notebook');
    for (const [what, run] of [
        ['a person logs in', () => logsIn(at, new Person(), 'alice', '2025-11-25')],
        ['Chromium logs in', async () => logsIn(at, await chromium.fresh(), 'bob')],
        ['somebody says no', () => saysNo(at, new Person(), 'heidi')],
        ['keys change', () => keysChange(at, new Person(), 'carol')],
        ['somebody else', () => isNotAdmitted(at, new Person(), 'mallory')],
        ['the provider stops', () => providerStops(at, new Person(), 'dave')],
        ['the provider hangs', async () => providerHangs(at, await chromium.fresh(), 'bob')],
        ['the provider is down from the start', () => isDownFromTheStart('stop', 'start')],
        ['the provider hangs from the start', () => isDownFromTheStart('hang', 'go')],
        ['an outage', () => outlivesAnOutage(at, 'erin')],
        ['a group', () => losesAGroup(at, 'frank')],
        ['somebody is removed', () => isRemoved(at, 'grace')]
    ]) {
        const began = performance.now();
        await run().catch(error => {
            const last = program => program.log.split('\n').slice(-20).join('\n');
            console.error(`not ok: ${what}\n-- the server\n${last(at.program)}\n-- the provider\n${last(provider)}`);
            throw error;
        });
        console.log(`  ${what}: ok, ${Math.round(performance.now() - began)} ms`);
    }
    assert.deepEqual(chromium.violationsAt(new URL(at.url).origin), []);
    assert.doesNotMatch(at.program.log, / ERROR |panicked/);
    // Neither tokens nor codes nor our secret.
    assert.doesNotMatch(at.program.log, /eyJ|code=[^"]|a-secret-that-is/);
} finally {
    await chromium.close();
}
process.exit(0);
