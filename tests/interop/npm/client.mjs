// The client of the TypeScript SDK, and what an application keeps for it.

import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

export { UnauthorizedError } from '@modelcontextprotocol/client';

/** What an application keeps for the SDK. */
export class Provider {
    kept = {};
    /** Where the person was sent. */
    opened = [];

    constructor(redirectUrl, extra = {}) {
        this.redirectUrl = redirectUrl;
        Object.assign(this, extra);
    }

    get clientMetadata() {
        return {
            client_name: 'interop of TypeScript',
            redirect_uris: [this.redirectUrl],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none'
        };
    }

    state = () => (this.kept.state = crypto.randomUUID());
    clientInformation = () => this.kept.client;
    saveClientInformation = client => (this.kept.client = client);
    tokens = () => this.kept.tokens;
    saveTokens = tokens => (this.kept.tokens = tokens);
    codeVerifier = () => this.kept.verifier;
    saveCodeVerifier = verifier => (this.kept.verifier = verifier);
    discoveryState = () => this.kept.discovery;
    saveDiscoveryState = discovery => (this.kept.discovery = discovery);
    redirectToAuthorization = authorization => void this.opened.push(authorization);
    invalidateCredentials = what => {
        assert.equal(what, 'tokens', 'only tokens are ever refused');
        delete this.kept.tokens;
    };
}

/** Every request of one client, and its answer. */
class Recorder {
    seen = [];

    fetch = async (input, init) => {
        const response = await fetch(input, init);
        const request = { method: init?.method ?? 'GET', url: new URL(input), body: init?.body };
        this.seen.push({ ...request, response: response.clone() });
        return response;
    };

    /** What happened since the last time, in short. */
    take() {
        // Before the stateless revision it also tries, in its own time, whether there is a stream.
        const seen = this.seen.splice(0).filter(({ method, url }) => method !== 'GET' || url.pathname !== '/mcp');
        return {
            seen,
            short: seen.map(({ method, url, response }) => `${method} ${url.pathname} ${response.status}`)
        };
    }
}

const negotiation = revision =>
    revision === '2026-07-28'
        ? { versionNegotiation: { mode: { pin: revision } } }
        : { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [revision] };

/** A client of one revision that has said hello, without a token. */
export async function connect(url, revision, provider) {
    const recorder = new Recorder();
    const transport = new StreamableHTTPClientTransport(new URL(url), {
        authProvider: provider,
        fetch: recorder.fetch
    });
    const client = new Client({ name: 'interop', version: '1' }, negotiation(revision));
    await client.connect(transport);
    assert.equal(client.getNegotiatedProtocolVersion(), revision);
    recorder.take();
    return { client, transport, recorder, call: (name, args = {}) => client.callTool({ name, arguments: args }) };
}

/** What a result says. */
export const text = result => result.content.map(block => block.text).join('\n');
