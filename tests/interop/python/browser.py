"""A person with a browser, as far as logging in needs one: pages, forms, cookies, redirects.

    python browser.py URL [--user NAME --password PASSWORD] [--jar FILE] [--deny] [--follow]

Opens URL, fills in and sends what it is shown, and stops where it is sent to another site: prints that as JSON, with the
headings of the pages on the way and the statuses of all answers. `--follow` also goes there. `--jar` keeps cookies
between runs. Unticks nothing.
"""

import argparse
import json
import sys
import time
from html.parser import HTMLParser
from http.cookiejar import LWPCookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

PAGES = 8


class Page(HTMLParser):
    """The heading of a page, and its forms."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.heading, self._in_heading = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._in_heading = self._in_heading or tag == "h1"
        if tag == "form":
            self.forms.append({**attributes, "fields": [], "buttons": []})
        elif tag in ("input", "button") and self.forms:
            self.forms[-1]["buttons" if tag == "button" else "fields"].append(attributes)

    def handle_endtag(self, tag):
        self._in_heading = self._in_heading and tag != "h1"

    def handle_data(self, data):
        if self._in_heading:
            self.heading += data


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, user=None, password=None, jar=None):
        self.entries = {"username": user, "password": password}
        self.jar = LWPCookieJar(jar)
        if jar:
            try:
                self.jar.load(ignore_discard=True)
            except FileNotFoundError:
                pass
        self.opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.jar), Stay())
        self.statuses, self.headings = [], []

    def open(self, url, form=None, origin=None):
        headers = {
            "Accept": "text/html",
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Site": "same-origin" if origin else "none",
            **({"Origin": origin} if form is not None else {}),
        }
        body = None if form is None else urlencode(form).encode()
        try:
            answer = self.opener.open(Request(url, body, headers), timeout=30)
        except HTTPError as error:
            answer = error
        self.statuses.append(answer.status)
        return answer

    def arrive(self, location, patience=10):
        """Opens what a client listens at, which may have told its URL before it did."""
        until = time.monotonic() + patience
        while True:
            try:
                return self.open(location)
            except URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def filled(self, form, deny):
        fields = []
        for field in form["fields"]:
            name, kind = field.get("name"), field.get("type", "text")
            if kind in ("hidden", "text", "password"):
                value = field.get("value") or self.entries.get(name)
                assert value is not None, f"nothing to enter into {name}"
                fields.append((name, value))
            elif kind == "checkbox" and "checked" in field:
                fields.append((name, field.get("value", "on")))
        wanted = "deny" if deny else "allow"
        buttons = [button for button in form["buttons"] if button.get("value") in (None, wanted)]
        assert buttons, f"no button to {wanted}"
        if "name" in buttons[0]:
            fields.append((buttons[0]["name"], buttons[0]["value"]))
        return fields

    def go(self, url, deny=False):
        """Where the last page sends us, on another site."""
        home = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        answer, origin = self.open(url), None
        for _ in range(PAGES):
            if answer.status in (302, 303):
                url = urljoin(url, answer.headers["Location"])
                if not url.startswith(f"{home}/"):
                    return url
                answer = self.open(url, origin=origin)
                continue
            text = answer.read().decode()
            assert answer.status == 200, f"{url}: {answer.status}: {text}"
            page = Page(text)
            self.headings.append(" ".join(page.heading.split()))
            assert page.forms, f"{url}: nothing to send: {text}"
            form, origin = page.forms[0], home
            url = urljoin(url, form["action"])
            answer = self.open(url, self.filled(form, deny), origin)
        raise AssertionError(f"more than {PAGES} pages: {self.headings}")


def visit(url, user=None, password=None, jar=None, deny=False, follow=False):
    browser = Browser(user, password, jar)
    location = browser.go(url, deny)
    if follow:
        answer = browser.arrive(location)
        assert answer.status == 200, f"{location}: {answer.status}: {answer.read().decode()}"
    if jar:
        browser.jar.save(ignore_discard=True)
    return {"location": location, "pages": browser.headings, "statuses": browser.statuses}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("url")
    for option in ("--user", "--password", "--jar"):
        arguments.add_argument(option)
    for option in ("--deny", "--follow"):
        arguments.add_argument(option, action="store_true")
    json.dump(visit(**vars(arguments.parse_args())), sys.stdout)


if __name__ == "__main__":
    main()
