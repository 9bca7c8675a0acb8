"""The official conformance suite's `authorization` scenarios, with somebody who logs in.

    python conformance.py URL NODE [NAME PASSWORD]

The suite calls a run fine in which scenarios were skipped, so what counts are the checks that it writes down: exactly
these, each a success. Without NAME and PASSWORD the server must log in by itself.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from browser import visit

URL, NODE = sys.argv[1:3]
USER, PASSWORD = sys.argv[3:5] or (None, None)
ORIGIN = URL.removesuffix("/mcp")
SUITE = Path(__file__).parent.parent / "npm22/node_modules/@modelcontextprotocol/conformance/dist/index.js"
EXPECTED = [
    ("authorization-code-grant", "SUCCESS"),
    ("authorization-server-metadata", "SUCCESS"),
    ("authorization-server-metadata-cimd", "SUCCESS"),
]


def register(redirect):
    """A public client: the suite brings one."""
    client = {"client_name": "conformance", "redirect_uris": [redirect], "token_endpoint_auth_method": "none"}
    request = Request(f"{ORIGIN}/register", json.dumps(client).encode(), {"Content-Type": "application/json"})
    return json.load(build_opener(ProxyHandler({})).open(request, timeout=30))["client_id"]


def run(out):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    client_id = register(f"http://127.0.0.1:{port}/callback")
    command = [NODE, SUITE, "authorization", "--url", ORIGIN, "--client-id", client_id, "--resource", URL]
    suite = subprocess.Popen(
        [*command, "-p", port, "-o", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said, opened = [], 0
    try:
        for line in suite.stdout:
            said.append(line)
            for url in re.findall(rf"{re.escape(ORIGIN)}/authorize\?\S+", line):
                opened += 1
                visit(url, USER, PASSWORD, follow=True)
        assert (suite.wait(60), opened) == (0, 1), (suite.returncode, opened)
    except BaseException:
        print("".join(said), file=sys.stderr)
        raise
    finally:
        suite.kill()


with tempfile.TemporaryDirectory() as out:
    run(out)
    checks = [check for file in Path(out).glob("**/checks.json") for check in json.loads(file.read_text())]
    got = sorted((check["id"], check["status"]) for check in checks)
    assert got == EXPECTED, json.dumps(checks, indent=2)
print(f"conformance, authorization, {'pages' if USER else 'auto-approve'}: {len(EXPECTED)} checks")
