// The client of the TypeScript SDK against the quickstart, on one revision of the protocol.
//
//   node sdk.mjs URL REVISION READER WRITER ADMIN
//
// READER, WRITER and ADMIN are tokens without scopes, with `notes:write`, and with `notes:write admin`. Nobody may
// have called `delete_note` for ADMIN's subject in the last minute.

import assert from 'node:assert/strict';
import {
    Client,
    InsufficientScopeError,
    ProtocolError,
    SdkHttpError,
    StreamableHTTPClientTransport
} from '@modelcontextprotocol/client';

const [url, revision, reader, writer, admin] = process.argv.slice(2);
assert.ok(admin, 'usage: node sdk.mjs URL REVISION READER WRITER ADMIN');
const stateless = revision === '2026-07-28';

// Where clients find the authorization server.
const metadata = `resource_metadata="${new URL(url).origin}/.well-known/oauth-protected-resource/mcp"`;

/** Every HTTP answer of one client, beside what the SDK makes of it. */
class Recorder {
    answers = [];

    fetch = async (...args) => {
        const response = await fetch(...args);
        this.answers.push(response.clone());
        return response;
    };

    get last() {
        return this.answers.at(-1);
    }
}

async function connect(token, options = {}) {
    const recorder = new Recorder();
    const requestInit = token ? { headers: { Authorization: `Bearer ${token}` } } : {};
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit, fetch: recorder.fetch, ...options });
    const negotiation = stateless
        ? { versionNegotiation: { mode: { pin: revision } } }
        : { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [revision] };
    const client = new Client({ name: 'interop', version: '1' }, negotiation);
    await client.connect(transport);
    assert.equal(client.getNegotiatedProtocolVersion(), revision);
    return { client, recorder };
}

const text = result => result.content.map(block => block.text).join('\n');

const checks = {
    async 'lists the tools with their schemas'() {
        const { client } = await connect(reader);
        const { tools } = await client.listTools();
        const names = tools.map(tool => tool.name).sort();
        assert.deepEqual(names, ['add_note', 'delete_note', 'list_notes', 'whoami']);
        const add = tools.find(tool => tool.name === 'add_note');
        assert.deepEqual(add.inputSchema.required.sort(), ['text', 'title']);
        assert.equal(add.inputSchema.properties.title.description, 'One line that says what it is about.');
        assert.equal(add.annotations.destructiveHint, false);
        assert.equal(add.outputSchema.type, 'object');
        assert.equal(tools.find(tool => tool.name === 'list_notes').annotations.readOnlyHint, true);
        assert.equal(client.getServerVersion().name, 'quickstart');
        await client.close();
    },

    async 'calls a public tool without a token'() {
        const { client } = await connect(undefined);
        const result = await client.callTool({ name: 'list_notes', arguments: {} });
        assert.ok(Array.isArray(result.structuredContent.notes));
        await client.close();
    },

    async 'calls protected tools and reads structured content'() {
        const { client } = await connect(writer);
        await client.listTools(); // so that the SDK validates structured content against the output schema
        const note = { title: `from the TypeScript SDK, ${revision}`, text: 'naïve “quotes”, \u{1F4DD}' };
        const added = await client.callTool({ name: 'add_note', arguments: note });
        assert.ok(!added.isError);
        const { id, ...rest } = added.structuredContent;
        assert.match(id, /^[0-9]+$/);
        assert.deepEqual(rest, note);
        assert.deepEqual(JSON.parse(text(added)), added.structuredContent, 'the text says the same');
        const { notes } = (await client.callTool({ name: 'list_notes' })).structuredContent;
        assert.deepEqual(notes.find(found => found.id === id), added.structuredContent);
        const who = await client.callTool({ name: 'whoami', arguments: {} });
        assert.match(text(who), /^\S{43} \(issuer http:\/\/127\.0\.0\.1:\d+\), scopes: notes:write$/);
        await client.close();
    },

    async 'gets an argument error as a result that a model can read'() {
        const { client } = await connect(writer);
        for (const [args, word] of [[{ title: 'no text' }, /text/], [{ title: 1, text: 'x' }, /title/], [{ title: 'a', text: 'b', more: 1 }, /more/]]) {
            const result = await client.callTool({ name: 'add_note', arguments: args });
            assert.equal(result.isError, true, JSON.stringify(args));
            assert.match(text(result), word);
        }
        await client.close();
    },

    async 'gets a protocol error for an unknown tool'() {
        const { client } = await connect(writer);
        for (const name of ['no_such_tool', 'Add_Note']) {
            await assert.rejects(client.callTool({ name, arguments: {} }), error => {
                assert.ok(error instanceof ProtocolError, String(error));
                assert.equal(error.code, -32602);
                return true;
            });
        }
        await client.close();
    },

    async 'is told to log in, and for what'() {
        const { client, recorder } = await connect(undefined);
        await assert.rejects(client.callTool({ name: 'add_note', arguments: { title: 'a', text: 'b' } }), error => {
            assert.ok(error instanceof SdkHttpError, String(error));
            assert.equal(error.status, 401);
            return true;
        });
        assert.equal(recorder.last.headers.get('www-authenticate'), `Bearer scope="notes:write", ${metadata}`);
        await client.close();
    },

    async 'is told the scope that it lacks'() {
        const { client, recorder } = await connect(reader);
        await assert.rejects(client.callTool({ name: 'add_note', arguments: { title: 'a', text: 'b' } }), error => {
            assert.ok(error instanceof InsufficientScopeError, String(error));
            assert.equal(error.requiredScope, 'notes:write');
            return true;
        });
        assert.equal(recorder.last.status, 403);
        // The client is as good as before.
        assert.match(text(await client.callTool({ name: 'whoami', arguments: {} })), /scopes: $/);
        await client.close();
    },

    async 'is stopped at the sixth delete in a minute'() {
        const { client, recorder } = await connect(admin);
        for (let i = 0; i < 5; i++) {
            const note = await client.callTool({ name: 'add_note', arguments: { title: `n${i}`, text: 'to delete' } });
            const gone = await client.callTool({ name: 'delete_note', arguments: { id: note.structuredContent.id } });
            assert.ok(!gone.isError, text(gone));
            assert.equal(text(gone), `deleted \`n${i}\``);
        }
        await assert.rejects(client.callTool({ name: 'delete_note', arguments: { id: '1' } }), error => {
            assert.ok(error instanceof SdkHttpError, String(error));
            assert.equal(error.status, 429);
            const { error: rpc } = JSON.parse(error.data.text);
            assert.equal(rpc.code, 429);
            assert.equal(rpc.data.reason, 'rate_limited');
            assert.ok(rpc.data.retryAfterMs > 0 && rpc.data.retryAfterMs <= 64_000, JSON.stringify(rpc.data));
            return true;
        });
        const wait = Number(recorder.last.headers.get('retry-after'));
        assert.ok(Number.isInteger(wait) && wait >= 1 && wait <= 64, `Retry-After: ${wait}`);
        // Other tools are as good as before.
        assert.match(text(await client.callTool({ name: 'whoami', arguments: {} })), /scopes: (admin notes:write|notes:write admin)$/);
        await client.close();
    },

    async 'a bad token is refused at the door'() {
        await assert.rejects(connect(`${reader}x`), error => {
            assert.match(String(error.stack) + String(error.cause?.stack), /401|[Uu]nauthorized/);
            return true;
        });
    },

    async 'finds the newest revision by itself'() {
        const transport = new StreamableHTTPClientTransport(new URL(url));
        const client = new Client({ name: 'interop', version: '1' }, { versionNegotiation: { mode: 'auto' } });
        await client.connect(transport);
        assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28');
        await client.close();
    }
};

let passed = 0;
for (const [name, check] of Object.entries(checks)) {
    try {
        await check();
    } catch (error) {
        console.error(`not ok: typescript ${revision}: ${name}`);
        throw error;
    }
    passed += 1;
}
console.log(`typescript ${revision}: ${passed} checks`);
