// Somebody logs in to the quickstart with name and password, in Chromium.
//
//   node quickstart.mjs URL NAME PASSWORD

import assert from 'node:assert/strict';
import { Application } from './application.mjs';
import { Chromium } from './chromium.mjs';
import { walk } from './screen.mjs';

const [url, name, password] = process.argv.slice(2);
assert.ok(password, 'usage: node quickstart.mjs URL NAME PASSWORD');

const browser = await Chromium.start();
try {
    const app = await Application.start(url);
    const wrong = await walk(browser, await app.ask(), { name, password: 'wrong' }, 'consent');
    assert.deepEqual([wrong.screen.status, wrong.pages], [403, ['password']]);
    assert.match(wrong.screen.text, /The user name or the password is wrong/);
    assert.deepEqual(await app.logIn(browser, { name, password }), ['password', 'consent']);
    assert.match(await app.whoami(), /scopes: notes:write$/);

    // The session is known now; this person says no.
    const other = await Application.start(url);
    const denied = await walk(browser, await other.ask(), { answer: 'Deny' });
    assert.deepEqual(denied.pages, ['consent']);
    assert.equal(other.arrived.pop().searchParams.get('error'), 'access_denied');
    await other.close();
    await app.close();
} finally {
    await browser.close();
}
console.log('quickstart, Chromium: ok');
