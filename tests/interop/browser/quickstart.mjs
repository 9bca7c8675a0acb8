// Somebody logs in to the quickstart with name and password, in Chromium.
//
//   node quickstart.mjs QUICKSTART

import assert from 'node:assert/strict';
import { Application } from './application.mjs';
import { Chromium } from './chromium.mjs';
import { Program, scratch } from './processes.mjs';
import { walk } from './screen.mjs';

const [quickstart] = process.argv.slice(2);
assert.ok(quickstart, 'usage: node quickstart.mjs QUICKSTART');
const person = { name: 'alice', password: 'correct horse battery' };

const folder = scratch('quickstart');
const user = ['user', 'add', person.name, '--scopes', 'notes:write admin', '--password-stdin', '--data', folder];
const adding = new Program(quickstart, user);
adding.child.stdin.end(`${person.password}\n`);
assert.equal(await adding.ended, 0, adding.log);

const server = new Program(quickstart, ['--addr', '127.0.0.1:0', '--data', folder]);
const browser = await Chromium.start();
try {
    const { url } = await server.said({ url: 'Listening on ' }, 'Stop with');
    const app = await Application.start(url);
    const wrong = await walk(browser, await app.ask(), { ...person, password: 'wrong' }, 'consent');
    assert.deepEqual([wrong.screen.status, wrong.pages], [403, ['password']]);
    assert.match(wrong.screen.text, /The user name or the password is wrong/);
    assert.deepEqual(await app.logIn(browser, person), ['password', 'consent']);
    assert.match(await app.whoami(), /scopes: notes:write$/);

    // The session is known now; this person says no.
    const other = await Application.start(url);
    const denied = await walk(browser, await other.ask(), { answer: 'Deny' });
    assert.deepEqual(denied.pages, ['consent']);
    assert.equal(other.arrived.pop().searchParams.get('error'), 'access_denied');
    assert.deepEqual(browser.violationsAt(new URL(url).origin), []);
    await other.close();
    await app.close();
} finally {
    await browser.close();
    await server.stop();
}
console.log('quickstart, Chromium: ok');
