import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';
import { programFile } from '../support/needs-program.js';

/** Firefox reports home unless its way is barred: everything but loopback goes to a proxy that is not there. */
const PREFERENCES: Readonly<Record<string, string | number | boolean>> = {
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': '127.0.0.1',
  'network.proxy.allow_hijacking_localhost': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.aboutwelcome.enabled': false,
};

/** 0: pages see a dark scheme; 1: a light one. */
const SCHEME = 'layout.css.prefers-color-scheme.content-override';

/** Firefox ESR without a window, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/). */
export class Firefox {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: { result?: unknown; message?: string }) => void>();
  #sent = 0;
  #context = '';

  private constructor(child: ChildProcess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.on('message', (text) => {
      const answer = JSON.parse(String(text));
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  static async start(scheme: 'light' | 'dark'): Promise<Firefox> {
    const folder = mkdtempSync(join(tmpdir(), 'xlink-firefox-'));
    const preferences = { ...PREFERENCES, [SCHEME]: scheme === 'dark' ? 0 : 1 };
    const lines = Object.entries(preferences).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(folder, 'user.js'), lines.join(''));
    const args = ['--headless', '--no-remote', '--profile', folder, '--remote-debugging-port', '0'];
    const child = spawn(programFile('firefox-esr'), args, {
      env: { ...process.env, HOME: folder, MOZ_CRASHREPORTER_DISABLE: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const address = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr!).on('line', (line) => {
        const [, found] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
        if (found) resolve(found);
      });
      child.once('exit', (code) => reject(new Error(`Firefox ended with ${code}`)));
    });
    const socket = new WebSocket(`${address}/session`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const firefox = new Firefox(child, folder, socket);
    await firefox.#send('session.new', { capabilities: {} });
    const { contexts } = (await firefox.#send('browsingContext.getTree', {})) as {
      contexts: { context: string }[];
    };
    firefox.#context = contexts[0]!.context;
    return firefox;
  }

  async open(url: string, width: number): Promise<void> {
    const context = this.#context;
    await this.#send('browsingContext.setViewport', { context, viewport: { width, height: 844 } });
    await this.#send('browsingContext.navigate', { context, url, wait: 'complete' });
  }

  /** The value of an expression that is a string, or a promise of one. */
  async evaluate(expression: string): Promise<string> {
    const answer = (await this.#send('script.evaluate', {
      expression,
      target: { context: this.#context },
      awaitPromise: true,
    })) as { type: string; result?: { value?: string }; exceptionDetails?: { text: string } };
    if (answer.type !== 'success') throw new Error(answer.exceptionDetails?.text);
    return answer.result?.value ?? '';
  }

  async stop(): Promise<void> {
    const over = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#socket.terminate();
    this.#child.kill('SIGKILL');
    await over;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #send(method: string, params: object): Promise<unknown> {
    this.#sent += 1;
    const id = this.#sent;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, message }) =>
        result === undefined ? reject(new Error(`${method}: ${message}`)) : resolve(result),
      );
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
