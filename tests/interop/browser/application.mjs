// An application: the npm client, and where it listens for the browser.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, Provider, text, UnauthorizedError } from '../npm/client.mjs';
import { walk } from './screen.mjs';

// The client says whenever it gives tokens up.
console.warn = () => {};

export class Application {
    /** What came back, in order. */
    arrived = [];

    /** One that has said hello, without a token. */
    static async start(url, revision = '2026-07-28') {
        const app = new Application();
        app.listener = createServer((request, response) => {
            const at = new URL(request.url, app.redirect);
            if (at.pathname === '/callback') app.arrived.push(at);
            response.writeHead(at.pathname === '/callback' ? 200 : 404, {
                'Content-Type': 'text/html',
                Connection: 'close'
            });
            response.end('<!doctype html><title>app</title><h1>You can close this page</h1>');
        });
        await new Promise(resolve => app.listener.listen(0, '127.0.0.1', resolve));
        app.redirect = `http://127.0.0.1:${app.listener.address().port}/callback`;
        app.provider = new Provider(app.redirect);
        Object.assign(app, { url, origin: new URL(url).origin }, await connect(url, revision, app.provider));
        return app;
    }

    get tokens() {
        return this.provider.kept.tokens;
    }

    async whoami() {
        return text(await this.call('whoami'));
    }

    /** Calls a tool that needs a login: where the person is sent. */
    async ask(tool = 'add_note', args = { title: 'a', text: 'b' }) {
        await assert.rejects(this.call(tool, args), UnauthorizedError);
        assert.equal(this.provider.opened.length, 1, 'asked once');
        return this.provider.opened.pop();
    }

    /** Takes the code that the browser brought to where this listens. */
    async finish(screen) {
        assert.equal(screen.heading, 'You can close this page', `${screen.status} ${screen.url}: ${screen.text}`);
        assert.equal(this.arrived.length, 1, 'came back once');
        const back = this.arrived.pop().searchParams;
        assert.equal(back.get('iss'), this.origin);
        assert.equal(back.get('state'), this.provider.kept.state);
        await this.transport.finishAuth(back);
        assert.ok(this.tokens.refresh_token);
    }

    /** From the 401 to the tool. The pages on the way. */
    async logIn(browser, person) {
        const { screen, pages } = await walk(browser, await this.ask(), person);
        await this.finish(screen);
        const added = await this.call('add_note', { title: 'with a login', text: 'b' });
        assert.ok(added.structuredContent.id);
        return pages;
    }

    async close() {
        await this.client.close();
        await new Promise(resolve => this.listener.close(resolve));
    }
}
