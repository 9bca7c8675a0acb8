// Programs that a test starts, talks to by lines, and ends; folders that are gone with it; and how long it may take.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const running = new Set();
const folders = [];
process.on('exit', () => {
    running.forEach(program => program.child.kill('SIGKILL'));
    folders.forEach(folder => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

// Whatever waits without a bound of its own.
setTimeout(() => {
    console.error('not ok: this takes longer than two minutes');
    process.exit(1);
}, 120_000).unref();

/** A new folder, until this process ends. */
export function scratch(name) {
    const folder = mkdtempSync(join(tmpdir(), `${name}-`));
    folders.push(folder);
    return folder;
}

/** Rejects when it takes longer. */
export function within(seconds, what, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} seconds`)), seconds * 1000);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Program {
    /** What it wrote to standard error. */
    log = '';

    /** Its standard output as a whole, which is also read by lines. */
    out = '';

    constructor(command, args, env = {}, cwd = undefined) {
        this.name = command.split('/').pop();
        this.child = spawn(command, args, { env: { ...process.env, ...env }, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
        this.child.stdout.setEncoding('utf8').on('data', text => (this.out += text));
        this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
        this.child.stderr.setEncoding('utf8').on('data', text => (this.log += text));
        this.ended = new Promise(resolve => this.child.on('close', resolve));
        this.child.on('error', error => (this.log += error));
        this.child.stdin.on('error', () => {});
        running.add(this);
    }

    async line() {
        const { value, done } = await within(30, `${this.name}: a line`, this.lines.next());
        assert.ok(!done, `${this.name} ended: ${this.log}`);
        return value;
    }

    /** Lines until one that begins like this: what those say that begin with a key, without it. */
    async said(keys, last) {
        const said = {};
        for (;;) {
            const line = await this.line();
            for (const [name, key] of Object.entries(keys)) {
                if (line.startsWith(key)) said[name] = line.slice(key.length);
            }
            if (line.startsWith(last)) return said;
        }
    }

    async ask(...words) {
        this.child.stdin.write(`${words.join('\t')}\n`);
        const answer = JSON.parse(await this.line());
        assert.equal(answer.error, undefined, `${words[0]}: ${answer.error}`);
        return answer;
    }

    async stop() {
        this.child.kill('SIGKILL');
        await this.ended;
        running.delete(this);
    }
}
