import { stat } from 'node:fs/promises';
import type { Did } from '@private.me/xlink';
import { isDidKey } from './did-option.js';
import { textOf } from './read-file.js';
import { UsageError } from './run.js';

/** How often the file is looked at while it is asked for, in ms. */
const LOOK_AFTER_MS = 1000;

/** Who may use a relay: one DID a line, `#` for comments. A file that is changed counts within a second. */
export class AllowList {
  readonly #path: string;
  readonly #tell: (line: string) => void;
  #dids: ReadonlySet<Did>;
  #state: string;
  #lookedAt = performance.now();
  #looking: Promise<void> | undefined;

  private constructor(path: string, tell: (line: string) => void, dids: ReadonlySet<Did>, state: string) {
    this.#path = path;
    this.#tell = tell;
    this.#dids = dids;
    this.#state = state;
  }

  /** `tell`: what becomes of changes. Throws a `UsageError` for a file that is absent or holds anything but DIDs. */
  static async open(path: string, tell: (line: string) => void): Promise<AllowList> {
    const state = await stateOf(path); // before it is read: what is written meanwhile is read again
    return new AllowList(path, tell, await didsIn(path), state);
  }

  get size(): number {
    return this.#dids.size;
  }

  /** Whether the DID is on the list. One that cannot be read any more counts as it was. */
  async has(did: Did): Promise<boolean> {
    if (performance.now() - this.#lookedAt >= LOOK_AFTER_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return this.#dids.has(did);
  }

  async #look(): Promise<void> {
    this.#lookedAt = performance.now();
    const state = await stateOf(this.#path);
    if (state === this.#state) return;
    this.#state = state;
    try {
      this.#dids = await didsIn(this.#path);
      this.#tell(`serves ${this.size} DIDs`);
    } catch (error) {
      this.#tell(`${(error as Error).message}; the list stays as it was`);
    }
  }
}

/** Another text for each version of a file. */
async function stateOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}

async function didsIn(path: string): Promise<ReadonlySet<Did>> {
  const text = await textOf('allow', path);
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const wrong = lines.findIndex((line) => line !== '' && !isDidKey(line));
  if (wrong !== -1) throw new UsageError(`line ${wrong + 1} of ${path} is not a did:key`);
  return new Set(lines.filter((line) => line !== ''));
}
