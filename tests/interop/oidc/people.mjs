// An OpenID provider on loopback where people log in on its own pages; `browser/federated.mjs` starts this and talks to it
// by lines.
//
//   node people.mjs
//
// The first line it writes is its issuer. Then each line it reads is a command, its words parted by tabs, answered with
// one line of JSON:
//
//   client ID SECRET CALLBACK   may send people here and be told who they are; there is one, with one callback more each
//   groups NAME GROUP…          the claim `groups` of somebody from now on
//   remove NAME                 nobody can log in, or be looked up, under this name any more
//   rotate                      signs with a new key from now on, and no longer publishes the old one
//   hang | slow SECONDS | go    requests are answered never, later, at once
//   stop | start                does not listen, listens again at the same address
//   seen                        requests since it was last asked, each as method and path
//
// Anybody not removed logs in with any password. PKCE is required, and refresh tokens are given for `offline_access`.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

// Standard output is for answers.
console.info = console.error;
const HOURS = 3600;

let server;
let delay = 0;
let seen = [];

/** Answers when it is told to. */
function answer(request, response) {
    seen.push(`${request.method} ${new URL(request.url, 'http://localhost').pathname}`);
    if (delay === Infinity) return;
    setTimeout(() => provider.callback()(request, response), delay * 1000);
}

function listen(port) {
    server = createServer(answer);
    return new Promise(resolve => server.listen(port, '127.0.0.1', resolve));
}

await listen(0);
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

/** What is kept, clients too, by kind and id: whatever key it was made under. Nothing expires. */
const kept = new Map();

class Kept {
    constructor(kind) {
        this.kind = kind;
    }

    #of = id => `${this.kind} ${id}`;
    find = async id => kept.get(this.#of(id));
    findByUid = async uid => [...kept.values()].find(payload => payload.kind === this.kind && payload.uid === uid);
    upsert = async (id, payload) => void kept.set(this.#of(id), payload);
    destroy = async id => void kept.delete(this.#of(id));
    consume = async id => void (kept.get(this.#of(id)).consumed = Math.floor(Date.now() / 1000));

    revokeByGrantId = async grantId => {
        for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
    };
}

const groups = new Map();
const removed = new Set();

function account(id) {
    if (removed.has(id)) return undefined;
    const claims = async () => ({
        sub: id,
        name: `${id} of the provider`,
        email: `${id}@example.com`,
        email_verified: true,
        groups: groups.get(id) ?? []
    });
    return { accountId: id, claims };
}

const configuration = {
    adapter: Kept,
    claims: { openid: ['sub', 'groups'], profile: ['name'], email: ['email', 'email_verified'] },
    // Claims are in the ID token, not only where they can be asked for.
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: ['openid', 'offline_access'],
    pkce: { required: () => true },
    // Servers under test move their clocks.
    ttl: {
        AccessToken: 9 * HOURS,
        IdToken: 9 * HOURS,
        RefreshToken: 9 * HOURS,
        Grant: 9 * HOURS,
        Session: HOURS,
        Interaction: HOURS
    },
    findAccount: async (_, id) => account(id)
};

let provider;
let keys = 0;
function rotate() {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    configuration.jwks = {
        keys: [{ ...privateKey.export({ format: 'jwk' }), kid: `key-${keys++}`, alg: 'RS256', use: 'sig' }]
    };
    provider = new Provider(issuer, configuration);
    provider.on('grant.error', (_, error) =>
        console.error(`refused at the token endpoint: ${error.error_detail ?? error}`)
    );
}

const callbacks = [];
function client(id, secret, callback) {
    callbacks.push(callback);
    new Kept('Client').upsert(id, {
        client_id: id,
        client_secret: secret,
        redirect_uris: callbacks,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code']
    });
}

const later = seconds => {
    delay = seconds;
};

const commands = {
    client,
    groups: (name, ...more) => void groups.set(name, more),
    remove: name => void removed.add(name),
    rotate,
    hang: () => later(Infinity),
    slow: seconds => later(Number(seconds)),
    go: () => later(0),
    stop: () =>
        new Promise(resolve => {
            server.close(() => resolve());
            server.closeAllConnections();
        }),
    start: () => listen(port),
    seen: () => seen.splice(0)
};

rotate();
console.log(issuer);
for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...words] = line.split('\t');
    try {
        console.log(JSON.stringify((await commands[command](...words)) ?? {}));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error?.stack ?? error) }));
    }
}
process.exit(0);
