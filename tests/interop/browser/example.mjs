// The example `federated`, configured by the environment as the README says: unmodified clients log in through it.
//
//   node example.mjs FEDERATED PROVIDER…
//
// The binary of the example, and the command that starts the provider.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { Application } from './application.mjs';
import { Chromium } from './chromium.mjs';
import { Person } from './person.mjs';
import { Program, scratch } from './processes.mjs';

const [federated, ...command] = process.argv.slice(2);
assert.ok(command.length, 'usage: node example.mjs FEDERATED PROVIDER…');
const SECRET = 'a-secret-that-is:only+for/tests';
const PERSON = { name: 'alice', provider: '' };

/** The address is part of what is registered at the provider, so it is chosen beforehand. */
async function freePort() {
    const listener = createServer();
    await new Promise(resolve => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address();
    await new Promise(resolve => listener.close(resolve));
    return port;
}

async function isListening(url) {
    for (const until = performance.now() + 30_000; performance.now() < until;) {
        const answer = await fetch(url).catch(() => undefined);
        if (answer?.ok) return;
        await new Promise(resolve => setTimeout(resolve, 50));
    }
    assert.fail(`${url} does not answer`);
}

const folder = scratch('example');
const provider = new Program(command[0], command.slice(1));
const origin = `http://127.0.0.1:${await freePort()}`;
const program = new Program(
    federated,
    [],
    {
        OIDC_ISSUER: await provider.line(),
        OIDC_CLIENT_ID: 'notebook',
        OIDC_CLIENT_SECRET: SECRET,
        MCP_BIND: new URL(origin).host
    },
    folder
);
await provider.ask('client', 'notebook', SECRET, `${origin}/callback/oidc`);
const chromium = await Chromium.start();
try {
    await isListening(`${origin}/.well-known/oauth-authorization-server`);
    for (const [browser, revision] of [
        [new Person(), '2025-11-25'],
        [chromium, '2026-07-28']
    ]) {
        const app = await Application.start(`${origin}/mcp`, revision);
        const pages = await app.logIn(browser, PERSON);
        assert.deepEqual(
            pages.filter(page => !page.startsWith('upstream')),
            ['choice', 'consent']
        );
        assert.match(await app.whoami(), /scopes: .*notes:write/);
        await app.close();
    }
    assert.ok(!program.log.includes(SECRET) && !program.out.includes(SECRET));
    assert.match(program.out + program.log, new RegExp(`${origin}/callback/oidc`), 'it says what to register');
} catch (error) {
    console.error(`not ok: the example\n${program.out}\n${program.log}`);
    throw error;
} finally {
    await chromium.close();
    await program.stop();
}
console.log('the example, by its environment: ok');
process.exit(0);
