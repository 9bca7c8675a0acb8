// The client of the TypeScript SDK logs in, steps up, refreshes and is shut out, on one revision of the protocol.
//
//   node login.mjs URL CONTROL REVISION PYTHON [NAME PASSWORD]
//
// CONTROL moves the server's clock; with `-` a token is broken instead of expired. PYTHON runs the browser. Without NAME and PASSWORD the server must log in by itself.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect as connectTo, Provider, text, UnauthorizedError } from './client.mjs';

const [url, control, revision, python, user, password] = process.argv.slice(2);
assert.ok(python, 'usage: node login.mjs URL CONTROL REVISION PYTHON [NAME PASSWORD]');
const origin = new URL(url).origin;
const REDIRECT = 'http://127.0.0.1:39541/callback';
const run = promisify(execFile);
// It says whenever it gives tokens up.
console.warn = () => {};
const jar = await mkdtemp(join(tmpdir(), 'login-'));

/** Opens an authorization URL as a person would. */
async function browse(authorization, ...more) {
    const script = fileURLToPath(new URL('../python/browser.py', import.meta.url));
    const person = user ? ['--user', user, '--password', password, '--jar', join(jar, 'cookies')] : [];
    const { stdout } = await run(python, [script, String(authorization), ...person, ...more]);
    return JSON.parse(stdout);
}

const connect = provider => connectTo(url, revision, provider);

/** A call beside the client. */
function post(name, token) {
    const headers = {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': '2025-11-25',
        ...(token && { Authorization: `Bearer ${token}` })
    };
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify(call) });
}

const notes = async () =>
    (await (await post('list_notes')).json()).result.structuredContent.notes.map(note => note.id);

const statusWith = async token => (await post('whoami', token)).status;

async function advance(seconds) {
    const answer = await fetch(`${control}/advance`, { method: 'POST', body: String(seconds) });
    assert.equal(answer.status, 204);
}

/** Goes where the client wants to, and comes back. */
async function authorize(it, provider, pages, ...more) {
    const before = await notes();
    const asked = provider.opened.pop();
    assert.equal(provider.opened.length, 0, 'asked once');
    const { searchParams: query } = asked;
    assert.equal(asked.href.startsWith(`${origin}/authorize?`), true, asked.href);
    assert.equal(query.get('response_type'), 'code');
    assert.equal(query.get('code_challenge_method'), 'S256');
    assert.equal(query.get('resource'), url);
    const visit = await browse(asked, ...more);
    if (user) {
        assert.deepEqual(visit.pages.map(page => page.split(' ')[0]), pages);
    } else {
        assert.deepEqual(visit.statuses, [302]);
        assert.deepEqual(visit.pages, []);
    }
    const back = new URL(visit.location);
    assert.equal(back.origin + back.pathname, REDIRECT);
    assert.equal(back.searchParams.get('iss'), origin);
    assert.equal(back.searchParams.get('state'), provider.kept.state);
    assert.deepEqual(await notes(), before, 'nothing ran meanwhile');
    it.recorder.take();
    await it.transport.finishAuth(back.searchParams);
    const { seen, short } = it.recorder.take();
    assert.deepEqual(short, ['POST /token 200']);
    assert.match(seen[0].response.headers.get('cache-control'), /no-store/);
    const answer = await seen[0].response.json();
    assert.equal(answer.token_type.toLowerCase(), 'bearer');
    assert.ok(answer.refresh_token && answer.expires_in > 0, 'can be refreshed');
    return { query, answer };
}

/** From the 401 to the tool. `register` is what the client does to become known. */
async function logIn(provider, register) {
    const it = await connect(provider);
    const before = await notes();
    await assert.rejects(it.call('add_note', { title: 'a', text: 'b' }), UnauthorizedError);
    const { seen, short } = it.recorder.take();
    assert.deepEqual(short, [
        'POST /mcp 401',
        'GET /.well-known/oauth-protected-resource/mcp 200',
        'GET /.well-known/oauth-authorization-server 200',
        ...register
    ]);
    assert.equal(
        seen[0].response.headers.get('www-authenticate'),
        `Bearer scope="notes:write", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`
    );
    const resource = await seen[1].response.json();
    assert.deepEqual([resource.resource, resource.authorization_servers], [url, [origin]]);
    assert.equal((await seen[2].response.json()).issuer, origin);
    assert.deepEqual(await notes(), before, 'the tool did not run');

    const { query, answer } = await authorize(it, provider, ['Log', 'interop']);
    assert.equal(query.get('scope'), 'notes:write');
    assert.equal(answer.scope, 'notes:write');
    const added = await it.call('add_note', { title: 'with a login', text: revision });
    assert.deepEqual(it.recorder.take().short, ['POST /mcp 200']);
    assert.deepEqual(await notes(), [...before, added.structuredContent.id], 'the tool ran');
    return { ...it, id: added.structuredContent.id, clientId: query.get('client_id') };
}

async function stepUp(it, provider) {
    const before = await notes();
    await assert.rejects(it.call('delete_note', { id: it.id }), UnauthorizedError);
    const { seen, short } = it.recorder.take();
    assert.deepEqual(short, ['POST /mcp 403']);
    const challenge = seen[0].response.headers.get('www-authenticate');
    assert.match(challenge, /^Bearer error="insufficient_scope", /);
    assert.match(challenge, / scope="admin"/);
    assert.deepEqual(await notes(), before, 'the tool did not run');

    const { query, answer } = await authorize(it, provider, ['interop']);
    assert.equal(query.get('client_id'), it.clientId, 'it is the same client');
    assert.deepEqual(query.get('scope').split(' ').sort(), ['admin', 'notes:write']);
    assert.deepEqual(answer.scope.split(' ').sort(), ['admin', 'notes:write']);
    assert.equal(text(await it.call('delete_note', { id: it.id })), 'deleted `with a login`');
    assert.deepEqual(it.recorder.take().short, ['POST /mcp 200']);
    assert.deepEqual(await notes(), before.filter(id => id !== it.id), 'the tool ran');
}

async function refresh(it, provider) {
    const old = { ...provider.kept.tokens };
    assert.equal(await statusWith(old.access_token), 200);
    if (control === '-') {
        provider.kept.tokens.access_token += 'x';
    } else {
        await advance(old.expires_in - 1);
        assert.equal(await statusWith(old.access_token), 200, 'good until it expires');
        await advance(2);
        assert.equal(await statusWith(old.access_token), 401);
    }
    assert.match(text(await it.call('whoami')), /scopes: (admin notes:write|notes:write admin)$/);
    const { seen, short } = it.recorder.take();
    assert.deepEqual(short, ['POST /mcp 401', 'POST /token 200', 'POST /mcp 200']);
    assert.match(seen[0].response.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
    assert.equal(new URLSearchParams(seen[1].body).get('grant_type'), 'refresh_token');
    assert.equal(provider.opened.length, 0, 'nobody was asked');
    assert.notEqual(provider.kept.tokens.access_token, old.access_token);
    assert.notEqual(provider.kept.tokens.refresh_token, old.refresh_token);
}

async function revoke(it, provider) {
    const { access_token, refresh_token } = provider.kept.tokens;
    assert.equal(await statusWith(access_token), 200);
    const { revocation_endpoint } = provider.kept.discovery.authorizationServerMetadata;
    const body = new URLSearchParams({ token: refresh_token, token_type_hint: 'refresh_token', client_id: it.clientId });
    assert.equal((await fetch(revocation_endpoint, { method: 'POST', body })).status, 200);
    assert.equal(await statusWith(access_token), 401, 'its access tokens are gone with it');
    const before = await notes();
    await assert.rejects(it.call('add_note', { title: 'a', text: 'b' }), UnauthorizedError);
    const { seen, short } = it.recorder.take();
    assert.deepEqual(short, ['POST /mcp 401', 'POST /token 400']);
    assert.equal((await seen[1].response.json()).error, 'invalid_grant');
    assert.deepEqual(await notes(), before, 'the tool did not run');
    assert.equal(provider.opened.length, 1, 'the person is asked again');
}

/** A person who says no. */
async function denied() {
    const provider = new Provider(REDIRECT);
    const it = await connect(provider);
    await assert.rejects(it.call('add_note', { title: 'a', text: 'b' }), UnauthorizedError);
    const { location } = await browse(provider.opened.pop(), '--deny');
    it.recorder.take();
    await assert.rejects(it.transport.finishAuth(new URL(location).searchParams), error => {
        assert.equal(error.code, 'access_denied', String(error));
        return true;
    });
    assert.deepEqual(it.recorder.take().short, [], 'no token was asked for');
    await it.client.close();
}

async function lifeOfAClient(provider, register) {
    const it = await logIn(provider, register);
    await stepUp(it, provider);
    await refresh(it, provider);
    await revoke(it, provider);
    await it.client.close();
    await rm(join(jar, 'cookies'), { force: true });
}

/** Given the choice the client does not register; the document is read by nobody here. */
async function prefersItsDocument() {
    const provider = new Provider(REDIRECT, { clientMetadataUrl: 'https://app.example.com/client.json' });
    const it = await connect(provider);
    await assert.rejects(it.call('add_note', { title: 'a', text: 'b' }), UnauthorizedError);
    assert.equal(it.recorder.take().short.includes('POST /register 201'), false);
    assert.equal(provider.opened.pop().searchParams.get('client_id'), provider.clientMetadataUrl);
    await it.client.close();
}

/** The SDK takes https URLs only, and this server only what is on this machine: so its id is given as known. */
async function lifeWithADocument() {
    const server = createServer((request, response) => {
        const document = {
            ...new Provider(REDIRECT).clientMetadata,
            client_id: `http://${request.headers.host}${request.url}`
        };
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(document));
    });
    await new Promise(listening => server.listen(0, '127.0.0.1', listening));
    const provider = new Provider(REDIRECT);
    provider.kept.client = { client_id: `http://127.0.0.1:${server.address().port}/client.json` };
    await lifeOfAClient(provider, []);
    server.close();
}

try {
    await lifeOfAClient(new Provider(REDIRECT), ['POST /register 201']);
    await prefersItsDocument();
    // Others read documents from elsewhere only.
    if (control !== '-') await lifeWithADocument();
    if (user) await denied();
} finally {
    await rm(jar, { recursive: true });
}
console.log(`login, typescript ${revision}, ${user ? 'pages' : 'auto-approve'}: ok`);
