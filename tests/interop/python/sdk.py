"""The client of the Python SDK against the quickstart, on one revision of the protocol.

    python sdk.py URL REVISION READER WRITER ADMIN

READER, WRITER and ADMIN are tokens without scopes, with `notes:write`, and with `notes:write admin`. Nobody may have
called `delete_note` for ADMIN's subject in the last minute.
"""

import asyncio
import json
import re
import sys
from contextlib import asynccontextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

URL, REVISION, READER, WRITER, ADMIN = sys.argv[1:6]
# `auto` must find the stateless revision by itself; `legacy` is the handshake.
MODE = {"2026-07-28": "auto", "2025-11-25": "legacy"}[REVISION]


# Where clients find the authorization server.
METADATA = f'resource_metadata="{URL.removesuffix("/mcp")}/.well-known/oauth-protected-resource/mcp"'


class Connection:
    """A client, and every HTTP answer it got."""

    def __init__(self, client, answers):
        self.client = client
        self.answers = answers

    async def call(self, name, arguments=None):
        return await self.client.call_tool(name, arguments)

    async def refused(self, name, arguments=None):
        """A call that must fail: the error that the client raised, and the HTTP answer that said so.

        What is decided before the body is read has no `id`, and for that the client puts an error of its own in
        place of the server's; so checks look into the answer.
        """
        try:
            result = await self.call(name, arguments)
        except MCPError as error:
            return error, self.answers[-1]
        raise AssertionError(f"{name} was not refused: {result}")


@asynccontextmanager
async def connect(token=None, answers=None):
    answers = [] if answers is None else answers

    async def record(response):
        answers.append(response)

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(headers=headers, timeout=30, event_hooks={"response": [record]}) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=MODE) as client:
            yield Connection(client, answers)


def text(result):
    return "\n".join(block.text for block in result.content)


def same(got, expected):
    assert got == expected, f"{got!r} instead of {expected!r}"


def matches(pattern, value):
    assert re.search(pattern, value), f"{value!r} does not match {pattern!r}"


async def lists_the_tools_with_their_schemas():
    async with connect(READER) as it:
        same(it.client.protocol_version, REVISION)
        same(it.client.server_info.name, "quickstart")
        tools = {tool.name: tool for tool in (await it.client.list_tools()).tools}
        same(sorted(tools), ["add_note", "delete_note", "list_notes", "whoami"])
        add = tools["add_note"]
        same(sorted(add.input_schema["required"]), ["text", "title"])
        same(add.input_schema["properties"]["text"]["description"], "The note itself.")
        same(add.output_schema["type"], "object")
        same(add.annotations.destructive_hint, False)
        same(tools["whoami"].annotations.read_only_hint, True)


async def calls_a_public_tool_without_a_token():
    async with connect() as it:
        same(it.client.protocol_version, REVISION)
        result = await it.call("list_notes", {})
        assert isinstance(result.structured_content["notes"], list), result


async def calls_protected_tools_and_reads_structured_content():
    async with connect(WRITER) as it:
        note = {"title": f"from the Python SDK, {REVISION}", "text": "naïve “quotes”, \U0001f4dd"}
        added = await it.call("add_note", note)
        same(added.is_error, False)
        matches("^[0-9]+$", added.structured_content["id"])
        same(added.structured_content, {**note, "id": added.structured_content["id"]})
        same(json.loads(text(added)), added.structured_content)
        listed = await it.call("list_notes")
        assert added.structured_content in listed.structured_content["notes"], listed
        matches(r"^\S{43} \(issuer http://127\.0\.0\.1:\d+\), scopes: notes:write$", text(await it.call("whoami", {})))


async def gets_an_argument_error_as_a_result_that_a_model_can_read():
    async with connect(WRITER) as it:
        wrong = [
            ({"title": "no text"}, "text"),
            ({"title": 1, "text": "x"}, "title"),
            ({"title": "a", "text": "b", "more": 1}, "more"),
        ]
        for arguments, word in wrong:
            result = await it.call("add_note", arguments)
            same(result.is_error, True)
            matches(word, text(result))


async def gets_a_protocol_error_for_an_unknown_tool():
    async with connect(WRITER) as it:
        for name in ("no_such_tool", "Add_Note"):
            error, answer = await it.refused(name, {})
            same((error.code, answer.status_code), (-32602, 200))


async def is_told_to_log_in_and_for_what():
    async with connect() as it:
        _, answer = await it.refused("add_note", {"title": "a", "text": "b"})
        same(answer.status_code, 401)
        same(answer.headers["www-authenticate"], f'Bearer scope="notes:write", {METADATA}')
        error = answer.json()["error"]
        same((error["code"], error["data"]["reason"]), (401, "unauthenticated"))
        same(error["data"]["required"], ["notes:write"])


async def is_told_the_scope_that_it_lacks():
    async with connect(READER) as it:
        _, answer = await it.refused("add_note", {"title": "a", "text": "b"})
        same(answer.status_code, 403)
        same(answer.headers["www-authenticate"], f'Bearer error="insufficient_scope", scope="notes:write", {METADATA}')
        error = answer.json()["error"]
        same((error["code"], error["data"]["reason"]), (403, "insufficient_scope"))
        same(error["data"]["required"], ["notes:write"])
        # The client is as good as before.
        matches("scopes: $", text(await it.call("whoami", {})))


async def is_stopped_at_the_sixth_delete_in_a_minute():
    async with connect(ADMIN) as it:
        for number in range(5):
            note = await it.call("add_note", {"title": f"n{number}", "text": "to delete"})
            gone = await it.call("delete_note", {"id": note.structured_content["id"]})
            same((gone.is_error, text(gone)), (False, f"deleted `n{number}`"))
        _, answer = await it.refused("delete_note", {"id": "1"})
        same(answer.status_code, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 64, answer.headers
        error = answer.json()["error"]
        same((error["code"], error["data"]["reason"]), (429, "rate_limited"))
        assert 0 < error["data"]["retryAfterMs"] <= 64_000, error
        # Other tools are as good as before.
        matches("scopes: (admin notes:write|notes:write admin)$", text(await it.call("whoami", {})))


async def a_bad_token_is_refused_at_the_door():
    answers = []
    try:
        async with connect(f"{READER}x", answers):
            pass
    except (MCPError, BaseExceptionGroup):
        assert answers and all(answer.status_code == 401 for answer in answers), answers
        for answer in answers:
            matches('^Bearer error="invalid_token"', answer.headers["www-authenticate"])
    else:
        raise AssertionError(f"a bad token was accepted: {answers}")


CHECKS = [
    lists_the_tools_with_their_schemas,
    calls_a_public_tool_without_a_token,
    calls_protected_tools_and_reads_structured_content,
    gets_an_argument_error_as_a_result_that_a_model_can_read,
    gets_a_protocol_error_for_an_unknown_tool,
    is_told_to_log_in_and_for_what,
    is_told_the_scope_that_it_lacks,
    is_stopped_at_the_sixth_delete_in_a_minute,
    a_bad_token_is_refused_at_the_door,
]


async def main():
    for check in CHECKS:
        try:
            await asyncio.wait_for(check(), 60)
        except BaseException:
            print(f"not ok: python {REVISION}: {check.__name__.replace('_', ' ')}", file=sys.stderr)
            raise
    print(f"python {REVISION}: {len(CHECKS)} checks")


asyncio.run(main())
