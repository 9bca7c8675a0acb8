"""Calls that are denied before their body is read: raw sockets, http.client and httpx2 must all get to read why.

    python early.py URL READER ADMIN [TRIES]

READER is a token without scopes. ADMIN is one with `admin`; nobody may have called `delete_note` for its subject in
the last minute. TRIES is how often each client tries a large body on a 401.
"""

import http.client
import json
import socket
import sys
from urllib.parse import urlsplit

import httpx2

URL, READER, ADMIN = sys.argv[1:4]
TRIES = int(sys.argv[4]) if len(sys.argv) > 4 else 200
FEWER = max(1, TRIES // 4)
PLACE = urlsplit(URL)
LARGE = 1_000_000
DRAINED = 64 * 1024

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def headers(tool, token=None):
    fields = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    return {**fields, "Authorization": f"Bearer {token}"} if token else fields


def body(tool, id=1, arguments=None, size=0):
    """A whole call, padded with white space to `size`."""
    params = {"name": tool, "arguments": arguments or {}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    return json.dumps(message).encode().ljust(size)


# What is asked, and how it is denied.
DENIALS = {401: ("add_note", None), 403: ("delete_note", READER), 429: ("delete_note", ADMIN)}
METADATA = f'resource_metadata="{URL.removesuffix("/mcp")}/.well-known/oauth-protected-resource/mcp"'
CHALLENGES = {
    401: f'Bearer scope="notes:write", {METADATA}',
    403: f'Bearer error="insufficient_scope", scope="admin", {METADATA}',
    429: None,
}
REASONS = {401: "unauthenticated", 403: "insufficient_scope", 429: "rate_limited"}


def same(got, expected, what=""):
    assert got == expected, f"{what}: {got!r} instead of {expected!r}"


def judge(status, got_status, fields, content, what):
    """An answer that was read whole, and says what it must."""
    same(got_status, status, what)
    same(fields.get("www-authenticate"), CHALLENGES[status], what)
    same(json.loads(content)["error"]["data"]["reason"], REASONS[status], what)
    same(bool(fields.get("retry-after")), status == 429, f"{what}: Retry-After")


def spend():
    """Uses up ADMIN's deletes."""
    connection = http.client.HTTPConnection(PLACE.netloc, timeout=10)
    statuses = []
    for _ in range(6):
        connection.request("POST", PLACE.path, body("delete_note", arguments={"id": "0"}), headers("delete_note", ADMIN))
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    same(statuses, [200] * 5 + [429], "six deletes")


class Raw:
    """A socket, and HTTP as it is on the wire."""

    def __init__(self):
        self.socket = socket.create_connection((PLACE.hostname, PLACE.port), timeout=10)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def head(self, fields):
        lines = ["POST %s HTTP/1.1" % PLACE.path, f"Host: {PLACE.netloc}"]
        self.socket.sendall("\r\n".join(lines + [f"{n}: {v}" for n, v in fields.items()]).encode() + b"\r\n\r\n")

    def answer(self):
        line = self.input.readline()
        assert line.startswith(b"HTTP/1.1 "), f"no answer but {line!r}"
        fields = http.client.parse_headers(self.input)
        return int(line.split()[1]), fields, self.input.read(int(fields.get("content-length") or 0))

    def at_end(self):
        rest = self.input.read()
        same(rest, b"", "after the last answer")


def second_call(raw, what):
    """The connection must be as good as new: a call on it is answered, and answered as itself."""
    call = body("list_notes", id=2)
    raw.head({**headers("list_notes"), "Content-Length": len(call), "Connection": "close"})
    raw.socket.sendall(call)
    status, _, content = raw.answer()
    answer = json.loads(content)
    same((status, answer.get("id"), "result" in answer), (200, 2, True), f"{what}: second call")
    raw.at_end()


def smuggled(size):
    """A body that is a request by itself, and whose every part would be one if it were taken for more than a body."""
    call = body("list_notes", id=666)
    lines = [f"{n}: {v}" for n, v in headers("list_notes").items()]
    head = "\r\n".join([f"POST {PLACE.path} HTTP/1.1", f"Host: {PLACE.netloc}", *lines, f"Content-Length: {len(call)}"])
    request = head.encode() + b"\r\n\r\n" + call
    return (request * (size // len(request) + 1))[:size]


def answered_while_the_body_is_unsent(status):
    tool, token = DENIALS[status]
    for size in (2_000, DRAINED):
        what = f"{status}, {size} bytes unsent"
        with Raw() as raw:
            raw.head({**headers(tool, token), "Content-Length": size})
            got, fields, content = raw.answer()
            judge(status, got, fields, content, what)
            same(fields.get("connection"), None, what)
            raw.socket.sendall(smuggled(size))
            second_call(raw, what)


def a_body_of_unknown_length_keeps_the_connection_or_says_that_it_does_not(status):
    tool, token = DENIALS[status]
    for pieces in (2, 1_000):
        what = f"{status}, {pieces} chunks unsent"
        with Raw() as raw:
            raw.head({**headers(tool, token), "Transfer-Encoding": "chunked"})
            got, fields, content = raw.answer()
            judge(status, got, fields, content, what)
            if (fields.get("connection") or "").lower() == "close":
                raw.at_end()
                continue
            piece = b"3e8\r\n" + smuggled(1_000) + b"\r\n"
            raw.socket.sendall(piece * pieces + b"0\r\n\r\n")
            second_call(raw, what)


def a_large_body_unsent_closes(status):
    tool, token = DENIALS[status]
    for size in (DRAINED + 1, LARGE, 10**12):
        what = f"{status}, {size} bytes unsent"
        with Raw() as raw:
            raw.head({**headers(tool, token), "Content-Length": size})
            got, fields, content = raw.answer()
            judge(status, got, fields, content, what)
            same((fields.get("connection") or "").lower(), "close", what)
            raw.at_end()


def who_expects_a_100_gets_the_answer(status):
    tool, token = DENIALS[status]
    for size in (100, DRAINED, LARGE):
        what = f"{status}, {size} bytes after Expect"
        with Raw() as raw:
            raw.head({**headers(tool, token), "Content-Length": size, "Expect": "100-continue"})
            got, fields, content = raw.answer()
            judge(status, got, fields, content, what)
            same((fields.get("connection") or "").lower(), "close", what)
            raw.at_end()


def who_expects_a_100_and_may_call_gets_both():
    call = body("list_notes", id=5)
    with Raw() as raw:
        raw.head({**headers("list_notes"), "Content-Length": len(call), "Expect": "100-continue"})
        same(raw.answer()[0], 100, "Expect")
        raw.socket.sendall(call)
        status, _, content = raw.answer()
        same((status, json.loads(content)["id"]), (200, 5), "after 100")
        second_call(raw, "after 100")


def denied_and_next_call_in_one_packet(status):
    tool, token = DENIALS[status]
    first, second = body(tool, size=3_000), body("list_notes", id=2)
    with Raw() as raw:
        lines = []
        for fields, call in ((headers(tool, token), first), (headers("list_notes"), second)):
            head = [f"POST {PLACE.path} HTTP/1.1", f"Host: {PLACE.netloc}", f"Content-Length: {len(call)}"]
            lines.append("\r\n".join(head + [f"{n}: {v}" for n, v in fields.items()]).encode() + b"\r\n\r\n" + call)
        raw.socket.sendall(b"".join(lines))
        judge(status, *raw.answer(), f"{status}, pipelined")
        got, _, content = raw.answer()
        same((got, json.loads(content).get("id")), (200, 2), f"{status}, pipelined")


def a_body_that_never_comes_does_not_hold_the_connection():
    tool, token = DENIALS[401]
    with Raw() as raw:
        raw.head({**headers(tool, token), "Content-Length": 2_000})
        judge(401, *raw.answer(), "401, never sent")
        raw.at_end()


def http_client_reads_every_answer(status, tries):
    tool, token = DENIALS[status]
    large = body(tool, size=LARGE)

    def pieces():
        for start in range(0, LARGE, 50_000):
            yield large[start : start + 50_000]

    for number in range(tries):
        # Every fourth body has no length ahead of it.
        chunked = number % 4 == 3
        connection = http.client.HTTPConnection(PLACE.netloc, timeout=10)
        connection.request("POST", PLACE.path, pieces() if chunked else large, headers(tool, token))
        answer = connection.getresponse()
        what = f"{status}, http.client, try {number}{', chunked' if chunked else ''}"
        judge(status, answer.status, answer.headers, answer.read(), what)
        connection.close()


def httpx_reads_every_answer(status, tries):
    tool, token = DENIALS[status]
    large = body(tool, size=LARGE)
    with httpx2.Client(timeout=10, trust_env=False) as client:
        for number in range(tries):
            answer = client.post(URL, content=large, headers=headers(tool, token))
            judge(status, answer.status_code, answer.headers, answer.content, f"{status}, httpx2, try {number}")


def small_bodies_keep_the_connection(status):
    tool, token = DENIALS[status]
    connection = http.client.HTTPConnection(PLACE.netloc, timeout=10)
    connection.connect()
    connection.auto_open = 0
    used = connection.sock
    for number in range(50):
        call = body(tool, size=(1_000, 20_000, 60_000, DRAINED)[number % 4])
        connection.request("POST", PLACE.path, call, headers(tool, token))
        answer = connection.getresponse()
        judge(status, answer.status, answer.headers, answer.read(), f"{status}, kept alive, try {number}")
        assert connection.sock is used, f"{status}: the connection was not kept after {number + 1} calls"
        # A granted call between the denied ones is answered as itself.
        connection.request("POST", PLACE.path, body("list_notes", id=number), headers("list_notes"))
        answer = connection.getresponse()
        same((answer.status, json.loads(answer.read())["id"]), (200, number), "between denied calls")
    connection.close()


def main():
    done = 0

    def run(check, *args):
        nonlocal done
        name = check.__name__.replace("_", " ")
        try:
            check(*args)
        except BaseException:
            print(f"not ok: early: {name} {args or ''}", file=sys.stderr)
            raise
        done += 1

    spend()
    # The quota comes back after a minute, so its checks are first.
    for status, tries in ((429, FEWER), (403, FEWER), (401, TRIES)):
        run(answered_while_the_body_is_unsent, status)
        run(a_body_of_unknown_length_keeps_the_connection_or_says_that_it_does_not, status)
        run(a_large_body_unsent_closes, status)
        run(who_expects_a_100_gets_the_answer, status)
        run(denied_and_next_call_in_one_packet, status)
        run(small_bodies_keep_the_connection, status)
        run(http_client_reads_every_answer, status, tries)
        run(httpx_reads_every_answer, status, tries)
    run(who_expects_a_100_and_may_call_gets_both)
    run(a_body_that_never_comes_does_not_hold_the_connection)
    print(f"early, raw sockets, http.client, httpx2: {done} checks, {2 * (TRIES + 2 * FEWER)} large bodies denied, no answer lost")


main()
