// Chromium, with a profile of its own that is gone afterwards, and a network that is this machine.

import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { scratch } from './processes.mjs';

/** What the page shows; runs in the page. */
function read() {
    const words = element => (element?.textContent ?? '').replace(/\s+/g, ' ').trim();
    return {
        url: location.href,
        heading: words(document.querySelector('h1')),
        text: (document.body?.innerText ?? '').replace(/\s+/g, ' ').trim(),
        forms: [...document.forms].map((form, index) => ({
            index,
            fields: [...form.querySelectorAll('input')].map(({ name, type, value, checked }) => ({
                name,
                type,
                value,
                checked
            })),
            buttons: [...form.querySelectorAll('button')].map(({ name, value }, index) => ({
                index,
                name,
                value,
                text: words(form.querySelectorAll('button')[index])
            }))
        }))
    };
}

export class Chromium {
    /** Starts it. `home` holds what it finds in its home folder, such as certificates to trust. */
    static async start({ home, hosts = [] } = {}) {
        const folder = scratch('chromium');
        const browser = await puppeteer.launch({
            executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
            headless: true,
            userDataDir: join(folder, 'profile'),
            env: { ...process.env, HOME: home ?? folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
            args: [
                // Tests may be run by root, who has no sandbox; all pages are ours or the test's.
                '--no-sandbox',
                '--disable-dev-shm-usage',
                '--disable-gpu',
                '--no-proxy-server',
                `--host-resolver-rules=${[...hosts, 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1', 'EXCLUDE localhost'].join(', ')}`
            ]
        });
        const chromium = new Chromium();
        return Object.assign(chromium, { browser }).fresh();
    }

    /** Told of every address before the page goes there. */
    before = async () => {};

    /** What pages broke of their own rules, with their addresses. */
    violations = [];

    /** As if it had never been anywhere. */
    async fresh() {
        await this.context?.close();
        this.context = await this.browser.createBrowserContext();
        this.page = await this.context.newPage();
        this.page.on('console', message => {
            const said = `${message.location().url}: ${message.text()}`;
            if (/Content Security Policy/i.test(said)) this.violations.push(said);
        });
        this.page.on('pageerror', error => this.violations.push(`${this.page.url()}: ${error}`));
        await this.page.setRequestInterception(true);
        this.page.on('request', async request => {
            if (request.isNavigationRequest()) await this.before(request.url());
            await request.continue();
        });
        return this;
    }

    async look(response) {
        const shown = await this.page.evaluate(read);
        return { ...shown, status: response?.status(), headers: response?.headers() };
    }

    async open(url) {
        return this.look(await this.page.goto(url));
    }

    /** Types and clicks, as a person does. */
    async send(form, entries, button) {
        const forms = await this.page.$$('form');
        const here = forms[form.index];
        for (const [name, text] of Object.entries(entries)) {
            const field = await here.$(`input[name="${name}"]`);
            await field.click({ count: 3 });
            await field.type(text);
        }
        const buttons = await here.$$('button');
        const [response] = await Promise.all([this.page.waitForNavigation(), buttons[button.index].click()]);
        return this.look(response);
    }

    /** Pages of this origin that broke their own rules. */
    violationsAt = origin => this.violations.filter(said => said.startsWith(origin));

    async close() {
        await this.browser.close();
    }
}
