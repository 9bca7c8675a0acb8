// Calls that are denied before their body is read, sent by Node's fetch: it must get to read every answer.
//
//   node fetch.mjs URL READER ADMIN [TRIES]
//
// READER is a token without scopes. ADMIN is one with `admin`; nobody may have called `delete_note` for its subject
// in the last minute. TRIES is how often a large body is tried on a 401.

import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';

const [url, reader, admin, tries = '200'] = process.argv.slice(2);
assert.ok(admin, 'usage: node fetch.mjs URL READER ADMIN [TRIES]');
const TRIES = Number(tries);
const FEWER = Math.max(1, Math.floor(TRIES / 4));
const LARGE = 1_000_000;

const META = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {}
};

// Where clients find the authorization server.
const metadata = `resource_metadata="${new URL(url).origin}/.well-known/oauth-protected-resource/mcp"`;

const DENIALS = {
    401: { tool: 'add_note', challenge: `Bearer scope="notes:write", ${metadata}`, reason: 'unauthenticated' },
    403: {
        tool: 'delete_note',
        token: reader,
        challenge: `Bearer error="insufficient_scope", scope="admin", ${metadata}`,
        reason: 'insufficient_scope'
    },
    429: { tool: 'delete_note', token: admin, challenge: null, reason: 'rate_limited' }
};

function body(tool, id, args = {}, size = 0) {
    const params = { name: tool, arguments: args, _meta: META };
    return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }).padEnd(size);
}

/** Sends a call; `content` may be a text or a stream. */
function send(tool, token, content) {
    const headers = {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': '2026-07-28',
        'Mcp-Method': 'tools/call',
        'Mcp-Name': tool,
        ...(token && { Authorization: `Bearer ${token}` })
    };
    return fetch(url, { method: 'POST', headers, body: content, duplex: 'half', signal: AbortSignal.timeout(10_000) });
}

async function judge(status, response, what) {
    const { challenge, reason } = DENIALS[status];
    assert.equal(response.status, status, what);
    assert.equal(response.headers.get('www-authenticate'), challenge, what);
    assert.equal((await response.json()).error.data.reason, reason, what);
    assert.equal(response.headers.has('retry-after'), status === 429, what);
}

async function spend() {
    const statuses = [];
    for (let i = 0; i < 6; i++) {
        const response = await send('delete_note', admin, body('delete_note', i, { id: '0' }));
        await response.text();
        statuses.push(response.status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429], 'six deletes');
}

async function largeBodies(status, count) {
    const { tool, token } = DENIALS[status];
    const large = body(tool, 1, {}, LARGE);
    for (let number = 0; number < count; number++) {
        // Every fourth body has no length ahead of it.
        const streamed = number % 4 === 3;
        const what = `${status}, fetch, try ${number}${streamed ? ', streamed' : ''}`;
        try {
            await judge(status, await send(tool, token, streamed ? new Blob([large]).stream() : large), what);
        } catch (error) {
            throw new Error(what, { cause: error });
        }
    }
}

let connections = 0;
diagnostics.subscribe('undici:client:connected', () => (connections += 1));

async function smallBodies(status) {
    const { tool, token } = DENIALS[status];
    const before = connections;
    for (let number = 0; number < 50; number++) {
        const size = [1_000, 20_000, 60_000, 64 * 1024][number % 4];
        await judge(status, await send(tool, token, body(tool, 1, {}, size)), `${status}, ${size} bytes`);
        const granted = await send('list_notes', undefined, body('list_notes', number));
        assert.equal((await granted.json()).id, number);
    }
    // fetch opens another one when an answer is read before its connection is back in the pool; if the server closed
    // them, there would be fifty.
    const opened = connections - before;
    assert.ok(opened <= 3, `${status}: ${opened} connections were opened for a hundred calls in a row`);
}

await spend();
assert.ok(connections > 0, 'connections are counted');
// First the connections that are kept: after one that a server closes, any server, some versions of fetch open a new
// one for each call for some seconds. And first what the quota denies: it comes back after a minute.
for (const status of [429, 403, 401]) await smallBodies(status);
await largeBodies(429, FEWER);
await largeBodies(403, FEWER);
await largeBodies(401, TRIES);
console.log(`early, fetch: 6 checks, ${TRIES + 2 * FEWER} large bodies denied, no answer lost`);
