"""The command line of the MCP Inspector logs in, steps up, refreshes and is shut out.

    python inspector.py URL CONTROL NODE [NAME PASSWORD]

CONTROL moves the server's clock, and tells what requests there were. Without NAME and PASSWORD the server must log in by
itself.

It is made for terminals: what it asks is answered as it comes. It steps up only for servers that its configuration says
something about, so there is one with scopes. Its `--relogin` revokes nothing here, as it does not find again where: that
is done for it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from browser import visit

URL, CONTROL, NODE = sys.argv[1:4]
USER, PASSWORD = sys.argv[4:6] or (None, None)
ORIGIN = URL.removesuffix("/mcp")
METADATA = f"{ORIGIN}/.well-known/oauth-protected-resource/mcp"
INSPECTOR = Path(__file__).parent.parent / "npm22/node_modules/@modelcontextprotocol/inspector"
PROMPT = "Please navigate to: "
CONNECTED = ["POST /mcp 200", "POST /mcp 200"]
CHALLENGED = [
    "POST /mcp 401",
    "GET /.well-known/oauth-protected-resource/mcp 200",
    "GET /.well-known/oauth-authorization-server 200",
]
LOGIN = ["GET /authorize 303", "GET /login 200", "POST /login 303"] if USER else []
CONSENT = ["GET /authorize 200", "POST /consent 303"] if USER else ["GET /authorize 302"]
http = build_opener(ProxyHandler({}))


def same(got, expected):
    assert got == expected, f"{got!r} instead of {expected!r}"


def advance(seconds):
    http.open(Request(f"{CONTROL}/advance", str(seconds).encode()), timeout=30).close()


def seen():
    """The requests since the last time, in short, and the challenges among their answers."""
    answers = json.load(http.open(f"{CONTROL}/seen", timeout=30))
    # It also tells, in its own time, that it is ready, and tries for a stream.
    answers = [answer for answer in answers if answer["status"] not in (202, 405)]
    short = [f"{a['method']} {urlsplit(a['target']).path} {a['status']}" for a in answers]
    return short, [a["challenge"] for a in answers if a["challenge"]]


def status_with(token):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    try:
        return http.open(Request(URL, json.dumps(call).encode(), headers), timeout=30).status
    except HTTPError as error:
        return error.code


class Inspector:
    def __init__(self, home):
        self.home = Path(home)
        self.jar = str(self.home / "cookies") if USER else None
        self.asked = None
        server = {"type": "streamable-http", "url": URL, "oauth": {"scopes": "notes:write"}}
        (self.home / "config.json").write_text(json.dumps({"mcpServers": {"notebook": server}}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.callback = f"http://127.0.0.1:{free.getsockname()[1]}/oauth/callback"

    def call(self, tool, arguments, *options, ends=0, answer="", opens=0):
        """One call; `opens` is how often the person has to go to the browser."""
        command = [NODE, INSPECTOR / "clients/launcher/build/index.js", "--cli", "--format", "json"]
        command += ["--config", self.home / "config.json", "--server", "notebook", "--callback-url", self.callback]
        command += ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments), *options]
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "MCP_STORAGE_DIR": str(self.home / "storage"),
            "MCP_INSPECTOR_SECRET_STORE": "file",
            # So that it asks without a terminal. The browser that it starts does nothing.
            "MCP_AUTO_OPEN_ENABLED": "true",
            "BROWSER": "true",
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        said, opened = [], 0
        process = subprocess.Popen(command, env=environment, **pipes)
        try:
            process.stdin.write(answer)
            process.stdin.close()
            for line in process.stderr:
                said.append(line)
                if PROMPT in line:
                    opened += 1
                    self.open(line.split(PROMPT)[1].strip())
            out = process.stdout.read()
            same((process.wait(30), opened), (ends, opens))
        except BaseException:
            print("".join(said), file=sys.stderr)
            raise
        finally:
            process.kill()
        return json.loads(out)["result"] if ends == 0 else "".join(said)

    def open(self, url):
        assert url.startswith(f"{ORIGIN}/authorize?"), url
        self.asked = {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}
        same((self.asked["code_challenge_method"], self.asked["resource"]), ("S256", URL))
        visit(url, USER, PASSWORD, self.jar, follow=True)

    def tokens(self):
        secrets = json.loads((self.home / "storage/secrets.json").read_text())["secrets"]
        [tokens] = [json.loads(value) for name, value in secrets.items() if ":tokens:" in name]
        return tokens


def notes(inspector):
    listed = inspector.call("list_notes", {}, "--stored-auth-only")["structuredContent"]["notes"]
    seen()
    return [note["id"] for note in listed]


def logs_in(inspector):
    added = inspector.call("add_note", {"title": "with a login", "text": "Inspector"}, opens=1)
    short, challenges = seen()
    came = [*CHALLENGED, "POST /register 201", *LOGIN, *CONSENT, "POST /token 200"]
    same(short, [*CONNECTED, *came, *CONNECTED, "POST /mcp 200"])
    same(challenges, [f'Bearer scope="notes:write", resource_metadata="{METADATA}"'])
    same((inspector.asked["scope"], inspector.tokens()["scope"]), ("notes:write", "notes:write"))
    note = added["structuredContent"]["id"]
    assert note in notes(inspector), note
    return note


def steps_up(inspector, note):
    client_id = inspector.asked["client_id"]
    deleted = inspector.call("delete_note", {"id": note}, answer="y\n", opens=1)
    same(deleted["content"][0]["text"], "deleted `with a login`")
    short, challenges = seen()
    same(short, [*CONNECTED, "POST /mcp 403", *CONSENT, "POST /token 200", *CONNECTED, "POST /mcp 200"])
    same(challenges, [f'Bearer error="insufficient_scope", scope="admin", resource_metadata="{METADATA}"'])
    same((inspector.asked["client_id"], inspector.asked["scope"]), (client_id, "notes:write admin"))
    same(sorted(inspector.tokens()["scope"].split()), ["admin", "notes:write"])
    assert note not in notes(inspector), note


def refreshes(inspector):
    old = inspector.tokens()
    advance(old["expires_in"] - 1)
    same(status_with(old["access_token"]), 200)
    advance(2)
    same(status_with(old["access_token"]), 401)
    seen()
    who = inspector.call("whoami", {}, "--stored-auth-only")["content"][0]["text"]
    assert re.search("scopes: (admin notes:write|notes:write admin)$", who), who
    same(seen()[0], ["POST /mcp 401", "POST /token 200", *CONNECTED, "POST /mcp 200"])
    new = inspector.tokens()
    assert new["access_token"] != old["access_token"] and new["refresh_token"] != old["refresh_token"]


def is_shut_out(inspector):
    tokens = inspector.tokens()
    same(status_with(tokens["access_token"]), 200)
    form = {"token": tokens["refresh_token"], "client_id": inspector.asked["client_id"]}
    same(http.open(Request(f"{ORIGIN}/revoke", urlencode(form).encode()), timeout=30).status, 200)
    same(status_with(tokens["access_token"]), 401)
    seen()
    said = inspector.call("whoami", {}, "--stored-auth-only", ends=3)
    assert '"code":"auth_required"' in said, said
    short, _ = seen()
    same(short[:2], ["POST /mcp 401", "POST /token 400"])
    assert "POST /mcp 200" not in short, short


with tempfile.TemporaryDirectory() as home:
    inspector = Inspector(home)
    seen()
    note = logs_in(inspector)
    steps_up(inspector, note)
    refreshes(inspector)
    is_shut_out(inspector)
print(f"login, inspector, {'pages' if USER else 'auto-approve'}: ok")
