import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { XlockError } from '../errors.js';
import { checkNames, checkValue, integerIn, invalidOption, isText } from '../util/options.js';
import type { Pkcs11Token } from './backend.js';

/** Options of {@link Pkcs11Tool}. */
export interface Pkcs11ToolOptions {
  /** File of the module of the vendor, such as `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Its user PIN. The program gets it by its environment, which root and this user can read while it runs; never by its arguments. */
  readonly pin: string;
  /** The program. Default `pkcs11-tool`, of OpenSC 0.23 or later. */
  readonly program?: string;
  /** How long it may take, in ms. Default 10 000. */
  readonly timeoutMs?: number;
}

/** Reads and writes data objects of a token by `pkcs11-tool` of OpenSC: no binding to build. Not for Windows. A call takes some 20 ms. */
export class Pkcs11Tool implements Pkcs11Token {
  readonly #options: Pkcs11ToolOptions;
  #isPinWrong = false;

  /** Throws `INVALID_OPTION`. */
  constructor(options: Pkcs11ToolOptions) {
    const OWNER = 'Pkcs11Tool';
    checkNames(OWNER, options, ['module', 'token', 'pin', 'program', 'timeoutMs']);
    for (const name of ['module', 'token', 'pin'] as const)
      if (!isText(options[name])) throw invalidOption(name, `${OWNER}: ${name} must be a text.`);
    checkValue(OWNER, 'program', options.program, isText, 'a program');
    checkValue(OWNER, 'timeoutMs', options.timeoutMs, integerIn(1, 600_000), 'a whole number of ms');
    this.#options = { ...options };
  }

  /** Of all data objects that the PIN opens. */
  async labels(): Promise<readonly string[]> {
    const { out } = await this.#run(['--list-objects', '--type', 'data']);
    return [...out.toString().matchAll(/^\s+label:\s+'(.*)'$/gm)].map(([, label]) => label!);
  }

  /** `undefined` for what is not there. */
  async read(label: string): Promise<Uint8Array | undefined> {
    const { out, isThere } = await this.#run(['--read-object', '--type', 'data', '--label', label]);
    return isThere ? new Uint8Array(out) : undefined;
  }

  /** Makes an object; the bytes go by a pipe, not by a file. */
  async write(label: string, bytes: Uint8Array): Promise<void> {
    const args = ['--write-object', '/dev/stdin', '--type', 'data', '--private', '--label', label];
    await this.#run(args, bytes);
  }

  /** Nothing happens to what is not there. */
  async remove(label: string): Promise<void> {
    await this.#run(['--delete-object', '--type', 'data', '--label', label]);
  }

  async #run(args: readonly string[], input?: Uint8Array): Promise<{ out: Buffer; isThere: boolean }> {
    // A token locks itself after some wrong PINs: one is enough.
    if (this.#isPinWrong) throw wrongPin();
    const { module, token, pin, program = 'pkcs11-tool', timeoutMs = 10_000 } = this.#options;
    const all = ['--module', module, '--token-label', token, '--login', '--pin', 'env:XLOCK_PIN', ...args];
    // The program opens /dev/stdin by its name, which it can do with a pipe of a shell, but not with the sockets of Node.
    const child = spawn('sh', ['-c', 'cat | exec "$@"', 'sh', program, ...all], {
      env: { ...process.env, XLOCK_PIN: pin },
      detached: true, // a group of its own, which ends as a whole
    });
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeoutMs);
    const out: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [code] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null];
    if (code === 0) return { out: Buffer.concat(out), isThere: true };
    if (/object not found/.test(said)) return { out: Buffer.alloc(0), isThere: false };
    this.#isPinWrong = /CKR_PIN_/.test(said);
    if (this.#isPinWrong) throw wrongPin();
    const reason = /CKR_\w+/.exec(said)?.[0] ?? `exit ${code}`;
    throw new Error(`The token did not do it: ${reason}.`);
  }
}

const wrongPin = () =>
  new XlockError('SHARE_UNREADABLE', {
    resolution:
      'The PIN of the token is wrong; it is not tried again, since tokens lock themselves. Start anew with the right one.',
  });
