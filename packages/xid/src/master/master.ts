import { randomBytes } from 'node:crypto';
import { type RandomBytes, splitForChannel } from '@private.me/xlink';
import { isXidError, XidError } from '../errors.js';
import { wipe } from '../util/bytes.js';
import { MASTER_BYTES } from './recombine.js';
import type { ShareBackend } from './share-backends.js';
import { encodeShare } from './share-format.js';
import { derivationThread } from './thread.js';
import type { WorkerTask } from './worker.js';

/** How a master seed is shared. */
export interface SplitConfig {
  /** Shares that there are, 2 to 16: as many as backends. Default 3. */
  readonly totalShares?: number;
  /** Shares that it takes, 2 to `totalShares`. Default 2. */
  readonly threshold?: number;
}

export interface MasterParts {
  readonly backends: readonly ShareBackend[];
  readonly threshold: number;
  /** Told the name of a backend whose share was changed, or that did not answer. */
  readonly onBadShare: (backend: string) => void;
  readonly random: RandomBytes | undefined;
  /** Only for a seed that comes from elsewhere. */
  readonly masterSeed: Uint8Array | undefined;
}

/** A seed that exists in shares only. */
export class Master {
  readonly #parts: MasterParts;

  private constructor(parts: MasterParts) {
    this.#parts = parts;
  }

  /** Makes the seed and its shares where no backend has one. Throws `SHARES_TOO_FEW`, `SHARE_…`. */
  static async open(parts: MasterParts): Promise<Master> {
    const master = new Master(parts);
    const found = await master.#load();
    const isNew = found.every(({ share }) => share === undefined);
    const isUnknown = found.some(({ failed }) => failed !== undefined);
    if (isNew && !isUnknown) await master.#make();
    else wipe(...bytesIn(master.#enough(found)));
    return master;
  }

  /** The seeds of identities, in the order of `infos`, from a thread of its own. Each call puts the seed together anew. */
  async derive(infos: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    const shares = this.#enough(await this.#load());
    const answer = await derivationThread.run({ shares, infos });
    for (const bad of answer.bad) this.#parts.onBadShare(this.#parts.backends[bad]!.name);
    return answer.seeds;
  }

  async #make(): Promise<void> {
    const { backends, threshold, random = randomBytes, masterSeed } = this.#parts;
    const seed = Uint8Array.from(masterSeed ?? random(MASTER_BYTES));
    const shares = await splitForChannel(seed, { totalShares: backends.length, threshold });
    try {
      for (const [at, backend] of backends.entries()) await saved(backend, encodeShare(shares[at]!));
    } finally {
      wipe(seed, ...shares.flatMap(({ pieces }) => pieces));
    }
  }

  async #load(): Promise<readonly Found[]> {
    return Promise.all(
      this.#parts.backends.map(async (backend, index): Promise<Found> => {
        try {
          const { file } = backend;
          if (file === undefined || !backend.isThere) return { index, share: await copyOf(backend) };
          return { index, share: (await backend.isThere()) ? file : undefined };
        } catch (failed) {
          return { index, share: undefined, failed };
        }
      }),
    );
  }

  /** The shares that are there. What did not answer is told, and does not stand in the way of enough others. */
  #enough(found: readonly Found[]): Shown[] {
    const shares = found.flatMap(({ index: at, share }) => (share === undefined ? [] : [{ at, share }]));
    const broken = found.filter(({ failed }) => failed !== undefined);
    if (shares.length < this.#parts.threshold) {
      wipe(...bytesIn(shares));
      const [first] = broken;
      if (!first) throw new XidError('SHARES_TOO_FEW');
      const { failed } = first;
      throw isXidError(failed) ? failed : new XidError('SHARE_UNAVAILABLE', { cause: failed });
    }
    for (const { index } of broken) this.#parts.onBadShare(this.#parts.backends[index]!.name);
    return shares;
  }
}

interface Found {
  /** Of its backend. */
  readonly index: number;
  /** Bytes of its own, or the file that has them. */
  readonly share: Uint8Array | string | undefined;
  readonly failed?: unknown;
}

type Shown = WorkerTask['shares'][number];

const bytesIn = (shares: readonly Shown[]): Uint8Array[] =>
  shares.flatMap(({ share }) => (typeof share === 'string' ? [] : [share]));

async function copyOf(backend: ShareBackend): Promise<Uint8Array | undefined> {
  const share = await backend.load();
  return share && Uint8Array.from(share);
}

async function saved(backend: ShareBackend, share: Uint8Array): Promise<void> {
  try {
    await backend.save(share);
  } catch (cause) {
    throw isXidError(cause) ? cause : new XidError('SHARE_UNAVAILABLE', { cause });
  } finally {
    wipe(share);
  }
}
