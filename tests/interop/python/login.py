"""The client of the Python SDK logs in, steps up, refreshes and is shut out, on one revision of the protocol.

    python login.py URL CONTROL REVISION [NAME PASSWORD]

CONTROL moves the server's clock; with `-` only the client thinks that its token has expired. Without NAME and PASSWORD the server must log in by itself.
"""

import asyncio
import json
import logging
import re
import sys
import tempfile
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
from browser import visit
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

URL, CONTROL, REVISION = sys.argv[1:4]
USER, PASSWORD = sys.argv[4:6] or (None, None)
MODE = {"2026-07-28": "auto", "2025-11-25": "legacy"}[REVISION]
ORIGIN = URL.removesuffix("/mcp")
REDIRECT = "http://127.0.0.1:39542/callback"
METADATA = f"{ORIGIN}/.well-known/oauth-protected-resource/mcp"
DISCOVERY = [
    "GET /.well-known/oauth-protected-resource/mcp 200",
    "GET /.well-known/oauth-authorization-server 200",
]


class Asked(Exception):
    """The person was asked, and does not answer."""


class Storage:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Person:
    """Opens what the client wants opened, and brings the answer back."""

    def __init__(self, jar):
        self.jar, self.is_there = jar, True
        self.query = self.visited = self.last = None

    async def open(self, url):
        assert url.startswith(f"{ORIGIN}/authorize?"), url
        self.query = {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}
        if not self.is_there:
            raise Asked(url)
        before = await notes()
        self.visited = await asyncio.to_thread(visit, url, USER, PASSWORD, self.jar if USER else None)
        same(await notes(), before)

    async def come_back(self):
        location = self.visited["location"]
        assert location.startswith(f"{REDIRECT}?"), location
        said = {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}
        same(said["iss"], ORIGIN)
        return AuthorizationCodeResult(code=said["code"], state=said["state"], iss=said["iss"])

    def check(self, client_id, scope, pages):
        """That it was asked as it should."""
        query = self.query
        same((query["response_type"], query["code_challenge_method"]), ("code", "S256"))
        same((query["client_id"], query["resource"], query["redirect_uri"]), (client_id, URL, REDIRECT))
        same(sorted(query["scope"].split()), scope)
        if USER:
            same([page.split()[0] for page in self.visited["pages"]], pages)
        else:
            same((self.visited["statuses"], self.visited["pages"]), ([302], []))


class Connection:
    def __init__(self, client, person, storage, provider, answers):
        self.client, self.person, self.storage, self.provider = client, person, storage, provider
        self.answers = answers

    async def call(self, name, arguments=None):
        return await self.client.call_tool(name, arguments or {})

    def take(self):
        """What happened since the last time, in short; and the answers."""
        # Before the stateless revision it also tells, in its own time, that it is ready, and tries for a stream.
        answers = [a for a in self.answers if a.status_code not in (202, 405)]
        self.answers.clear()
        short = [f"{a.request.method} {a.request.url.path} {a.status_code}" for a in answers]
        return short, answers


@asynccontextmanager
async def connect(jar, client_id=None, document=None):
    answers = []

    async def record(answer):
        answers.append(answer)

    person, storage = Person(jar), Storage()
    if client_id:
        storage.client = OAuthClientInformationFull(
            client_id=client_id, redirect_uris=[REDIRECT], token_endpoint_auth_method="none"
        )
    metadata = OAuthClientMetadata(
        client_name="interop of Python", redirect_uris=[REDIRECT], token_endpoint_auth_method="none"
    )
    provider = OAuthClientProvider(
        server_url=URL,
        client_metadata=metadata,
        storage=storage,
        redirect_handler=person.open,
        callback_handler=person.come_back,
        client_metadata_url=document,
    )
    async with httpx2.AsyncClient(auth=provider, timeout=30, event_hooks={"response": [record]}) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=MODE) as client:
            same(client.protocol_version, REVISION)
            # It would do this itself at the first result.
            await client.list_tools()
            answers.clear()
            yield Connection(client, person, storage, provider, answers)


async def post(name, token=None):
    """A call beside the client."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {}}}
    async with httpx2.AsyncClient(timeout=30) as http:
        return await http.post(URL, json=call, headers=headers)


async def notes():
    listed = (await post("list_notes")).json()["result"]["structuredContent"]["notes"]
    return [note["id"] for note in listed]


async def status_with(token):
    return (await post("whoami", token)).status_code


async def advance(seconds):
    async with httpx2.AsyncClient(timeout=30) as http:
        same((await http.post(f"{CONTROL}/advance", content=str(seconds))).status_code, 204)


def text(result):
    return "\n".join(block.text for block in result.content)


def same(got, expected):
    assert got == expected, f"{got!r} instead of {expected!r}"


async def logs_in(it, client_id=None):
    """From the 401 to the tool, in one call."""
    before = await notes()
    added = await it.call("add_note", {"title": "with a login", "text": REVISION})
    same(added.is_error, False)
    short, answers = it.take()
    registered = [] if client_id else ["POST /register 201"]
    same(short, ["POST /mcp 401", *DISCOVERY, *registered, "POST /token 200", "POST /mcp 200"])
    same(answers[0].headers["www-authenticate"], f'Bearer scope="notes:write", resource_metadata="{METADATA}"')
    resource, server = answers[1].json(), answers[2].json()
    same((resource["resource"], resource["authorization_servers"], server["issuer"]), (URL, [ORIGIN], ORIGIN))
    same(server["client_id_metadata_document_supported"], True)
    assert "no-store" in answers[-2].headers["cache-control"], answers[-2].headers
    tokens = it.storage.tokens
    same((tokens.scope, bool(tokens.refresh_token)), ("notes:write", True))
    it.person.check(client_id or it.storage.client.client_id, ["notes:write"], ["Log", "interop"])
    same(await notes(), [*before, added.structured_content["id"]])
    return added.structured_content["id"]


async def steps_up(it, note):
    before, client_id = await notes(), it.storage.client.client_id
    deleted = await it.call("delete_note", {"id": note})
    same(text(deleted), "deleted `with a login`")
    short, answers = it.take()
    same(short, ["POST /mcp 403", "POST /token 200", "POST /mcp 200"])
    challenge = f'Bearer error="insufficient_scope", scope="admin", resource_metadata="{METADATA}"'
    same(answers[0].headers["www-authenticate"], challenge)
    it.person.check(client_id, ["admin", "notes:write"], ["interop"])
    same(sorted(it.storage.tokens.scope.split()), ["admin", "notes:write"])
    same(await notes(), [id for id in before if id != note])


async def refreshes(it):
    old, it.person.is_there = it.storage.tokens, False
    same(await status_with(old.access_token), 200)
    if CONTROL != "-":
        await advance(old.expires_in - 1)
        same(await status_with(old.access_token), 200)
        await advance(2)
        same(await status_with(old.access_token), 401)
    # The client goes by its own clock.
    it.provider.context.token_expiry_time -= old.expires_in + 1
    who = text(await it.call("whoami"))
    assert re.search("scopes: (admin notes:write|notes:write admin)$", who), who
    short, answers = it.take()
    same(short, ["POST /token 200", "POST /mcp 200"])
    same(parse_qs(answers[0].request.content.decode())["grant_type"], ["refresh_token"])
    new = it.storage.tokens
    assert new.access_token != old.access_token and new.refresh_token != old.refresh_token


@asynccontextmanager
async def is_shut_out(it):
    tokens, client_id = it.storage.tokens, it.storage.client.client_id
    same(await status_with(tokens.access_token), 200)
    endpoint = str(it.provider.context.oauth_metadata.revocation_endpoint)
    async with httpx2.AsyncClient(timeout=30) as http:
        answer = await http.post(endpoint, data={"token": tokens.refresh_token, "client_id": client_id})
    same(answer.status_code, 200)
    same(await status_with(tokens.access_token), 401)
    before = await notes()
    yield
    same(it.person.query["client_id"], client_id)
    same(it.take()[0], ["POST /mcp 401", *DISCOVERY])
    same(await notes(), before)


@asynccontextmanager
async def asking_in_vain():
    """When nobody answers, the client ends with its transport."""
    asked = False
    try:
        yield
    except* Asked:
        asked = True
    assert asked, "nobody was asked"


async def life_of_a_client(jar, client_id=None):
    async with AsyncExitStack() as after, asking_in_vain(), connect(jar, client_id) as it:
        note = await logs_in(it, client_id)
        await steps_up(it, note)
        await refreshes(it)
        await after.enter_async_context(is_shut_out(it))
        it.person.query = None
        await it.call("add_note", {"title": "a", "text": "b"})


@asynccontextmanager
async def published():
    """A document about the client, at the URL that is its id."""

    class Document(BaseHTTPRequestHandler):
        def do_GET(self):
            host = self.headers["Host"]
            document = {
                "client_id": f"http://{host}{self.path}",
                "client_name": "interop of Python",
                "redirect_uris": [REDIRECT],
                "token_endpoint_auth_method": "none",
            }
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Document)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/client.json"
    finally:
        server.shutdown()


async def prefers_its_document():
    """Given the choice the client does not register; the document is read by nobody here."""
    document = "https://app.example.com/client.json"
    async with asking_in_vain(), connect(None, document=document) as it:
        it.person.is_there = False
        await it.call("add_note", {"title": "a", "text": "b"})
    same(it.person.query["client_id"], document)
    same(it.take()[0], ["POST /mcp 401", *DISCOVERY])


async def main():
    with tempfile.TemporaryDirectory() as directory:
        jars = (str(Path(directory) / name) for name in ("registered", "document"))
        await life_of_a_client(next(jars))
        await prefers_its_document()
        # The SDK takes https URLs only, and a server under test only what is on this machine: so its id is given as known.
        if CONTROL != "-":
            async with published() as document:
                await life_of_a_client(next(jars), document)
    print(f"login, python {REVISION}, {'pages' if USER else 'auto-approve'}: ok")


# It writes a backtrace whenever a person does not answer.
logging.getLogger("mcp.client.auth.oauth2").setLevel(logging.CRITICAL)
asyncio.run(asyncio.wait_for(main(), 120))
