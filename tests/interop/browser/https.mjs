// The npm client, Chromium and a person log in over https, trusting a certificate authority that is made for this.
//
//   NODE_EXTRA_CA_CERTS=FOLDER/ca.pem node https.mjs SERVER FOLDER PROVIDER…
//
// The example `oauth` of the package `tests`; a folder with `ca.pem`, `cert.pem` and `key.pem`, the certificate naming
// `localhost`, and `home`, where Chromium finds the authority; the command that starts the provider.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Application } from './application.mjs';
import { Chromium } from './chromium.mjs';
import { Person } from './person.mjs';
import { Program, scratch } from './processes.mjs';

const [server, certificates, ...command] = process.argv.slice(2);
assert.ok(command.length, 'usage: node https.mjs SERVER FOLDER PROVIDER…');
const CLIENT = ['notebook', 'a-secret-that-is:only+for/tests'];
const LOCAL = { name: 'alice', password: 'correct horse battery' };
const FEDERATED = { name: 'bob', provider: 'Example Inc.' };

const provider = new Program(command[0], command.slice(1));
const issuer = await provider.line();

/** A server that people of the provider log in to, or those who have a password. */
async function start(...login) {
    const pair = ['--tls', join(certificates, 'cert.pem'), join(certificates, 'key.pem')];
    const program = new Program(server, ['--data', scratch('https'), ...pair, ...login]);
    const { url } = await program.said({ url: 'Listening on ' }, 'Control on ');
    assert.match(url, /^https:\/\/localhost:\d+\/mcp$/);
    return { program, url, origin: new URL(url).origin };
}

async function logsIn(at, browser, person, pages) {
    const app = await Application.start(at.url);
    assert.deepEqual(
        (await app.logIn(browser, person)).filter(page => !page.startsWith('upstream')),
        pages
    );
    assert.match(await app.whoami(), /scopes: notes:write$/);
    const { resource } = await (await fetch(`${at.origin}/.well-known/oauth-protected-resource/mcp`)).json();
    assert.equal(resource, at.url);
    await app.close();
}

/** Cookies that only https gets, and only this host. */
async function assertCookies(at) {
    const cookies = await chromium.context.cookies();
    const own = cookies.filter(cookie => cookie.name.includes('mcp-'));
    assert.ok(
        own.some(cookie => cookie.name === '__Host-mcp-session'),
        JSON.stringify(own.map(cookie => cookie.name))
    );
    for (const { name, secure, httpOnly, sameSite, path } of own) {
        assert.match(name, /^__Host-mcp-/);
        assert.deepEqual(
            { secure, httpOnly, sameSite, path },
            { secure: true, httpOnly: true, sameSite: 'Lax', path: '/' }
        );
    }
}

/** A browser that has not heard of the authority goes nowhere. */
async function isNotTrusted(at) {
    const unknowing = await Chromium.start();
    try {
        await assert.rejects(unknowing.open(`${at.origin}/login`), /ERR_CERT_AUTHORITY_INVALID/);
    } finally {
        await unknowing.close();
    }
}

const chromium = await Chromium.start({ home: join(certificates, 'home') });
try {
    const local = await start('--user', LOCAL.name, LOCAL.password, 'notes:write');
    await logsIn(local, chromium, LOCAL, ['password', 'consent']);
    await assertCookies(local);
    await logsIn(local, new Person(), LOCAL, ['password', 'consent']);
    await isNotTrusted(local);

    const federated = await start('--oidc', 'corp', issuer, ...CLIENT);
    await provider.ask('client', ...CLIENT, `${federated.origin}/callback/corp`);
    await provider.ask('groups', FEDERATED.name, 'staff');
    await logsIn(federated, await chromium.fresh(), FEDERATED, ['choice', 'consent']);
    await assertCookies(federated);
    await logsIn(federated, new Person(), FEDERATED, ['choice', 'consent']);
    for (const { program, origin } of [local, federated]) {
        assert.doesNotMatch(program.log, / ERROR |panicked/);
        assert.deepEqual(chromium.violationsAt(origin), []);
    }
} finally {
    await chromium.close();
}
console.log('https: ok');
process.exit(0);
