// What a browser shows, read by a program, and a person who answers it. The browsers beside this file are used alike:
//
//   await browser.open(url)                    a screen
//   await browser.send(form, entries, button)  what comes after this button of the form was clicked
//
// A screen is `{ url, status, heading, text, forms }`, a form `{ fields, buttons }` with names, types, values and texts.

import assert from 'node:assert/strict';

const has = (form, name) => form.fields.some(field => field.name === name);
const value = (form, name) => form.fields.find(field => field.name === name)?.value;
const button = (form, text) => form.buttons.find(button => button.text.includes(text));

/** What can be on the way, by what it looks like: the page, the form to send, what to enter, the button to click. */
const PAGES = [
    ['choice', (form, { provider }) => provider !== undefined && button(form, `Continue with ${provider}`)],
    [
        'password',
        (form, { name, password }) => has(form, 'password') && has(form, 'username') && { username: name, password }
    ],
    ['consent', (form, { answer }) => button(form, answer ?? 'Allow')],
    // The pages of npm `oidc-provider`, and of PyPI `oidc-provider-mock`.
    ['upstream login', (form, { name }) => has(form, 'login') && { login: name, password: 'any' }],
    ['upstream consent', form => value(form, 'prompt') === 'consent' && {}],
    ['upstream login', (form, { name }) => has(form, 'sub') && { sub: name }]
];

/** What this person does on this screen, or nothing. */
function decide(screen, person) {
    for (const [page, match] of PAGES) {
        for (const form of screen.forms) {
            const matched = match(form, person);
            if (!matched) continue;
            const clicked = form.buttons.includes(matched);
            return { page, form, entries: clicked ? {} : matched, button: clicked ? matched : form.buttons[0] };
        }
    }
}

/**
 * Goes through pages, from an address or a screen, until there is one that nothing is to be done on: that screen, and
 * the pages before it. `stopAt` names a page to stop on instead.
 */
export async function walk(browser, from, person, stopAt) {
    const pages = [];
    let screen = from.forms ? from : await browser.open(String(from));
    while (pages.length < 10) {
        const what = screen.status === 200 && decide(screen, person);
        if (!what || what.page === stopAt) return { screen, pages };
        pages.push(what.page);
        screen = await browser.send(what.form, what.entries, what.button);
    }
    assert.fail(`asked without end: ${pages}`);
}
