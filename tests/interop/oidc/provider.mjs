// An OpenID provider on loopback, and a client of it: `tests/tests/oidc.rs` starts this and talks to it by lines.
//
//   node provider.mjs RESOURCE
//
// The first line it writes is its issuer. Then each line it reads is a command, answered with one line of JSON:
//
//   service CLIENT SCOPE     a token by client credentials
//   user CLIENT SCOPE NAME   tokens by code and PKCE, after login and consent on the provider's own pages
//   elsewhere CLIENT SCOPE   as `service`, for another resource
//   rotate keep|drop         signs with a new key from now on, and still publishes the old one or not
//   revoke CLIENT TOKEN      RFC 7009
//
// Clients named `opaque-…` get opaque tokens, others signed ones. Everything goes over HTTP, as for anybody else.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

// Standard output is for answers.
console.info = console.error;

const resource = process.argv[2];
assert.ok(resource, 'usage: node provider.mjs RESOURCE');
const ELSEWHERE = 'https://elsewhere.example.com/mcp';
const SECRET = 'a-secret-that-is:only+for/tests';
const CALLBACK = 'https://client.example.com/callback';
const HOURS = 3600;

// ---- the provider

let provider;
const server = createServer((request, response) => provider.callback()(request, response));
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const client = (id, more) => ({ client_id: id, client_secret: SECRET, redirect_uris: [], response_types: [], ...more });
const service = id => client(id, { grant_types: ['client_credentials'] });
const web = id =>
    client(id, {
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [CALLBACK],
        response_types: ['code']
    });

const clients = [service('robot'), service('opaque-robot'), web('web'), web('opaque-web'), service('notes:server')];

const configuration = {
    clients,
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes: ['openid', 'offline_access'],
    pkce: { required: () => true },
    ttl: { AccessToken: 3 * HOURS, ClientCredentials: 3 * HOURS, Grant: 9 * HOURS, Session: HOURS, Interaction: HOURS },
    issueRefreshToken: async () => true,
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    features: {
        clientCredentials: { enabled: true },
        revocation: { enabled: true, allowedPolicy: async () => true },
        introspection: { enabled: true, allowedPolicy: async (_, asking) => asking.clientId === 'notes:server' },
        resourceIndicators: {
            enabled: true,
            useGrantedResource: async () => true,
            getResourceServerInfo: async (_, indicator, asking) => ({
                scope: 'notes:write admin',
                audience: indicator,
                accessTokenFormat: asking.clientId.startsWith('opaque-') ? 'opaque' : 'jwt',
                jwt: { sign: { alg: keys[0].alg } }
            })
        }
    }
};

const keys = [];
function rotate(keep) {
    const number = rotate.count++;
    if (!keep) keys.length = 0;
    keys.unshift(newKey(number % 2 ? 'ES256' : 'RS256', `key-${number}`));
    // What is stored is shared by all instances; only the keys are new. ID tokens are signed with RS256 in any case.
    provider = new Provider(issuer, { ...configuration, jwks: { keys: [...keys, idTokenKey] } });
    return { kid: keys[0].kid, alg: keys[0].alg };
}
rotate.count = 0;

function newKey(alg, kid) {
    const pair =
        alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { ...pair.privateKey.export({ format: 'jwk' }), alg, kid, use: 'sig' };
}
const idTokenKey = newKey('RS256', 'id-tokens');

// ---- a client

const basic = id => `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(SECRET)}`).toString('base64')}`;

async function post(path, id, form) {
    const headers = { Authorization: basic(id) };
    const response = await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return text && JSON.parse(text);
}

/** Follows one browser's way through the provider's pages, with its cookies, until it is sent to the client. */
async function browse(url, name) {
    const cookies = new Map();
    let request = { method: 'GET' };
    for (let step = 0; step < 20; step++) {
        if (url.startsWith(CALLBACK)) return new URL(url);
        const headers = { Cookie: [...cookies].map(pair => pair.join('=')).join('; ') };
        const response = await fetch(url, { ...request, headers, redirect: 'manual' });
        for (const cookie of response.headers.getSetCookie()) {
            const [, key, value] = /^([^=]*)=([^;]*)/.exec(cookie);
            value ? cookies.set(key, value) : cookies.delete(key);
        }
        const location = response.headers.get('location');
        if (location) {
            url = new URL(location, url).href;
            request = { method: 'GET' };
            continue;
        }
        const page = await response.text();
        const [, action] = /<form[^>]* action="([^"]*)"/.exec(page) ?? assert.fail(page);
        const [, prompt] = /name="prompt" value="([^"]*)"/.exec(page);
        url = new URL(action, url).href;
        request = { method: 'POST', body: new URLSearchParams({ prompt, login: name, password: 'any' }) };
    }
    assert.fail('the provider asks without end');
}

async function user(id, scope, name) {
    const verifier = randomBytes(32).toString('base64url');
    const code_challenge = createHash('sha256').update(verifier).digest('base64url');
    const query = new URLSearchParams({
        client_id: id,
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: `openid offline_access ${scope}`,
        prompt: 'consent',
        resource,
        code_challenge,
        code_challenge_method: 'S256'
    });
    const back = await browse(`${issuer}/auth?${query}`, name);
    const code = back.searchParams.get('code') ?? assert.fail(back.href);
    return post('/token', id, {
        grant_type: 'authorization_code',
        redirect_uri: CALLBACK,
        code,
        code_verifier: verifier,
        resource
    });
}

const commands = {
    service: (id, scope) => post('/token', id, { grant_type: 'client_credentials', scope, resource }),
    elsewhere: (id, scope) => post('/token', id, { grant_type: 'client_credentials', scope, resource: ELSEWHERE }),
    user,
    rotate: async keep => rotate(keep === 'keep'),
    revoke: async (id, token) => (await post('/token/revocation', id, { token }), {})
};

rotate(false);
console.log(issuer);
for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...rest] = line.split('\t');
    try {
        console.log(JSON.stringify(await commands[command](...rest)));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error?.stack ?? error) }));
    }
}
process.exit(0);
