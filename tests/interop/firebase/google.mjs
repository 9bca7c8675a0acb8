// What a Firebase project has at Google, on loopback: keys, web configuration, a stub of the web SDK, and who signs in.

import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';

export const PROJECT = 'example-project';
const PASSWORD = 'correct horse battery';
const FILES = ['/sdk/1.2.3/firebase-app.js', '/sdk/1.2.3/firebase-auth.js'];

const encoded = value => Buffer.from(JSON.stringify(value)).toString('base64url');

export class Google {
    /** Requests, as method and path. */
    seen = [];
    key = generateKeyPairSync('rsa', { modulusLength: 2048 });

    static async start() {
        const google = new Google();
        google.server = createServer((request, response) => google.#answer(request, response));
        await new Promise(resolve => google.server.listen(0, '127.0.0.1', resolve));
        google.url = `http://127.0.0.1:${google.server.address().port}`;
        return google;
    }

    stop() {
        this.server.closeAllConnections();
        return new Promise(resolve => this.server.close(resolve));
    }

    /** An ID token as they are published. */
    token(email, changes = {}) {
        const now = Math.floor(Date.now() / 1000);
        const [sub] = email.split('@');
        const claims = {
            iss: `https://securetoken.google.com/${PROJECT}`,
            aud: PROJECT,
            auth_time: now,
            user_id: sub,
            sub,
            iat: now,
            exp: now + 3600,
            email,
            email_verified: true,
            firebase: { identities: { email: [email] }, sign_in_provider: 'password' },
            ...changes
        };
        const signed = `${encoded({ alg: 'RS256', kid: 'test', typ: 'JWT' })}.${encoded(claims)}`;
        return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.key.privateKey, 'base64url')}`;
    }

    async #answer(request, response) {
        const { pathname } = new URL(request.url, this.url);
        this.seen.push(`${request.method} ${pathname}`);
        response.setHeader('Access-Control-Allow-Origin', '*');
        if (FILES.includes(pathname)) {
            response.setHeader('Content-Type', 'text/javascript');
            return response.end(await readFile(new URL('stub-sdk.js', import.meta.url)));
        }
        const json = value => {
            response.setHeader('Content-Type', 'application/json');
            response.end(JSON.stringify(value));
        };
        if (pathname === '/jwk') {
            const jwk = this.key.publicKey.export({ format: 'jwk' });
            return json({ keys: [{ ...jwk, kid: 'test', alg: 'RS256', use: 'sig' }] });
        }
        if (pathname === '/init.json') {
            const apiKey = 'AIzaOnlyForTests';
            return json({ projectId: PROJECT, apiKey, authDomain: `${PROJECT}.firebaseapp.com` });
        }
        if (pathname === '/stub/sign-in' && request.method === 'POST') {
            const said = JSON.parse(Buffer.concat(await request.toArray()));
            return json(this.#signIn(said));
        }
        response.statusCode = 404;
        response.end();
    }

    #signIn({ method, email = 'carol@example.com', password }) {
        if (method === 'password' && password !== PASSWORD) return { code: 'auth/invalid-login-credentials' };
        const firebase = { identities: { email: [email] }, sign_in_provider: method };
        return { idToken: this.token(email, { firebase, ...this.changes }) };
    }
}
