"""Another OpenID provider on loopback (oidc-provider-mock, on Flask and Authlib): `browser/federated.mjs` starts this
and talks to it by lines.

    python provider.py

The first line it writes is its issuer. Then each line it reads is a command, its words parted by tabs, answered with
one line of JSON:

    client ID SECRET CALLBACK   may send people here and be told who they are; there is one, with one callback more each
    groups NAME GROUP...        the claim `groups` of somebody from now on
    remove NAME                 what was given for this person is good no more
    rotate                      signs with a new key from now on, and no longer publishes the old one
    hang | slow SECONDS | go    requests are answered never, later, at once
    stop | start                does not listen, listens again at the same address
    seen                        requests since it was last asked, each as method and path

Differs from npm `oidc-provider` where providers may: nothing is required of PKCE, `offline_access` is not known but
everybody gets a refresh token, the response has no `iss`, keys have no `kid`.
"""

import json
import logging
import os
import sys
import threading
import warnings
from datetime import timedelta

# What is on loopback needs no TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
warnings.filterwarnings("ignore")

import flask
import oidc_provider_mock
from authlib import jose
from oidc_provider_mock._storage import Client, User
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
# Servers under test move their clocks.
app = oidc_provider_mock.app(require_client_registration=True, access_token_max_age=timedelta(hours=9))
app.debug = False
seen, callbacks, released = [], [], threading.Event()
delay = [0.0]

with app.test_request_context():
    app.preprocess_request()
    store = flask.g.oidc_provider_mock_storage


@app.before_request
def begin():
    seen.append(f"{flask.request.method} {flask.request.path}")
    if delay[0]:
        released.wait(delay[0])


def listen(port):
    server = make_server("127.0.0.1", port, app.wsgi_app, threaded=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    return server


server = listen(0)
PORT = server.server_port


def client(id, secret, callback):
    callbacks.append(callback)
    store.store_client(
        Client(
            id=id,
            secret=secret,
            redirect_uris=callbacks,
            allowed_scopes=Client.SCOPES_SUPPORTED,
            token_endpoint_auth_method="client_secret_basic",
        )
    )


def groups(name, *more):
    claims = {"name": name, "email": f"{name}@example.com", "email_verified": True, "groups": more}
    store.store_user(User(sub=name, claims=claims))


def remove(name):
    for token in store.refresh_tokens():
        if token.user_id == name:
            store.remove_refresh_token(token.token)
    for token in store.access_tokens():
        if token.user_id == name:
            store.remove_access_token(token.token)


def rotate():
    store.jwk = jose.RSAKey.generate_key(is_private=True)


def later(seconds):
    released.set() if not seconds else released.clear()
    delay[0] = seconds


def stop():
    server.shutdown()
    server.server_close()


def start():
    global server
    server = listen(PORT)


def take():
    taken = list(seen)
    del seen[: len(taken)]
    return taken


COMMANDS = {
    "client": client,
    "groups": groups,
    "remove": remove,
    "rotate": rotate,
    "hang": lambda: later(3600.0),
    "slow": lambda seconds: later(float(seconds)),
    "go": lambda: later(0.0),
    "stop": stop,
    "start": start,
    "seen": take,
}

print(f"http://127.0.0.1:{PORT}", flush=True)
for line in sys.stdin:
    command, *words = line.rstrip("\n").split("\t")
    try:
        answer = COMMANDS[command](*words)
        answer = {} if answer is None else answer
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
