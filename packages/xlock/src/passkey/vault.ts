import { isXlockError, XlockError } from '../errors.js';
import { type ProgressCallback, stepsOf } from '../progress.js';
import { checkBackends, type XStoreBackend } from '../stores/backend.js';
import { problemOf, type StoreProblem } from '../stores/problem.js';
import { checkNames, checkValue, integerIn, invalidOption, isFunction } from '../util/options.js';
import { randomBytes } from '../util/primitives.js';
import { isSignedBy } from '../util/signed-by.js';
import { type AuditReport, auditOf } from './audit.js';
import { type Collected, collect } from './collect.js';
import { type Distributed, distribute } from './distribute.js';
import { type PasskeyMeta, type PasskeyOwner, passkeyName } from './meta.js';
import { goodShares } from './open-shares.js';
import type { TaskAnswer } from './tasks.js';
import { PasskeyThreads } from './threads.js';

/** Options of {@link PasskeyVault}. */
export interface PasskeyVaultOptions {
  /** One for each share: 2 to 9. Default of N: as many as there are. */
  readonly stores: readonly XStoreBackend[];
  /** How many shares it takes, K: 2 to N. Default 2. */
  readonly threshold?: number;
  /** Threads that are started ahead of the next signature, some 10 MB each; 0 to 16. Default 1. */
  readonly spareThreads?: number;
  /** How long a store may take to answer, in ms. Default 10 000. One that needs a human has all the time. */
  readonly timeoutMs?: number;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

/** A passkey as everybody may know it. */
export interface Passkey extends PasskeyMeta {
  /** Shares that there are, and that it takes. */
  readonly totalShares: number;
  readonly threshold: number;
  /** Ids of the stores that have a share. */
  readonly stored: readonly string[];
  /** Ids of stores that did not take theirs: `rotate` once they are back. */
  readonly missing: readonly string[];
  /** Why, for each of these. */
  readonly problems: readonly StoreProblem[];
}

/** What {@link PasskeyVault.signChallenge} made. */
export interface PasskeySignature {
  /** Ed25519 (RFC 8032), 64 bytes. */
  readonly signature: Uint8Array;
  /** Whose passkey signed. */
  readonly meta: PasskeyMeta;
  /** Ids of stores whose share was bad, older than the others, or did not come. Worth a look: see `audit`. */
  readonly faulty: readonly string[];
  /** Whether the thread found zeros where the key and its shares were in its buffers. Copies that the engine made are not among them. */
  readonly isWiped: boolean;
  /** What the thread took, in µs: putting together, signing, overwriting. */
  readonly micros: TaskAnswer['micros'];
}

/** An owner, and who is told the steps. */
export interface PasskeyRequest extends PasskeyOwner {
  /** Told each step as it begins. Default: not called. */
  readonly onProgress?: ProgressCallback;
}

/**
 * Passkeys that are whole nowhere but, for one signature, in the memory of a thread that ends with it. One for each service and user,
 * Ed25519, split K-of-N by XorIDA over stores.
 */
export class PasskeyVault {
  readonly #stores: readonly XStoreBackend[];
  readonly #threshold: number;
  readonly #timeoutMs: number;
  readonly #clock: () => number;
  readonly #threads: PasskeyThreads;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PasskeyVaultOptions) {
    const OWNER = 'PasskeyVault';
    checkNames(OWNER, options, ['stores', 'threshold', 'spareThreads', 'timeoutMs', 'clock']);
    const { stores, threshold = 2, spareThreads = 1, timeoutMs = 10_000, clock = Date.now } = options;
    checkBackends(OWNER, stores);
    checkValue(
      OWNER,
      'threshold',
      threshold,
      integerIn(2, stores.length),
      `a whole number from 2 to ${stores.length}`,
    );
    checkValue(OWNER, 'spareThreads', spareThreads, integerIn(0, 16), 'a whole number from 0 to 16');
    checkValue(OWNER, 'timeoutMs', timeoutMs, integerIn(1, 600_000), 'a whole number of ms up to 600000');
    checkValue(OWNER, 'clock', clock, isFunction, 'a function');
    this.#stores = [...stores];
    this.#threshold = threshold;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#threads = new PasskeyThreads(spareThreads);
  }

  /** Resolves once the next signature need not wait for a thread. */
  warm(): Promise<void> {
    return this.#threads.warm();
  }

  /** Ends the threads that wait. */
  close(): void {
    this.#threads.close();
  }

  /**
   * Makes a passkey; its DID is what the service gets. Throws `PASSKEY_GENERATION_FAILED:EXISTS` where there is one, and
   * `PASSKEY_STORAGE_FAILED` if fewer than K stores took their share. `verifier`: the DID of the service, which is kept with it.
   */
  async generatePasskey(
    request: PasskeyRequest & { readonly verifier?: string; readonly replace?: boolean },
  ): Promise<Passkey> {
    checkNames('generatePasskey', request, ['service', 'userId', 'onProgress', 'verifier', 'replace']);
    const owner = ownerOf('generatePasskey', request);
    const step = stepsOf('generatePasskey', request.onProgress);
    step(0);
    const name = passkeyName(owner);
    const before = await collect(this.#automatic(), name, this.#timeoutMs, () => true);
    if (!request.replace && before.some(({ bytes }) => bytes))
      throw new XlockError('PASSKEY_GENERATION_FAILED:EXISTS');
    const { verifier = '' } = request;
    const task = {
      kind: 'generate',
      meta: { ...owner, verifier },
      splitting: this.#splitting(),
    } as const;
    const { meta, shares } = await this.#threads.run(task, step);
    step(2);
    return this.#kept(meta, await this.#distribute(name, shares, before, () => step(3)));
  }

  /**
   * Signs bytes. `did`, if it is known, decides between shares that disagree. Throws `PASSKEY_NOT_FOUND`, `PASSKEY_HMAC_MISMATCH` or
   * `PASSKEY_RECONSTRUCTION_FAILED`; `details`: `bad` and `doubted` are ids of stores, `problems` says why others gave none.
   */
  async signChallenge(
    request: PasskeyRequest & { readonly message: Uint8Array; readonly did?: string },
  ): Promise<PasskeySignature> {
    checkNames('signChallenge', request, ['service', 'userId', 'onProgress', 'message', 'did']);
    const owner = ownerOf('signChallenge', request);
    const step = stepsOf('signChallenge', request.onProgress);
    step(0);
    const found = await this.#collect(this.#stores, owner);
    const used = await this.#use(found, owner, request.did, request.message, false, step);
    const { signature, meta, faulty, isWiped, micros } = used;
    return { signature, meta, faulty, isWiped, micros };
  }

  /**
   * Splits the passkey anew, with new random shares, into all stores; the DID stays. `did`: which key it must be, where shares disagree. Shares from before are of no use with the new ones.
   * Throws as {@link PasskeyVault.signChallenge} does, or `PASSKEY_STORAGE_FAILED`, and the old shares are put back then.
   */
  async rotate(request: PasskeyOwner & { readonly did?: string }): Promise<Passkey> {
    checkNames('rotate', request, ['service', 'userId', 'did']);
    const owner = ownerOf('rotate', request);
    const found = await this.#collect(this.#stores, owner);
    return this.#again(found, owner, request.did);
  }

  /**
   * On a new device: takes K shares from wherever they are (`from`, default: the stores of this vault), proves by a signature that they are
   * the registered key (`did`, default: what the shares say), and splits it anew into the stores of this vault. Throws
   * `RECOVERY_BACKEND_UNAVAILABLE`, `RECOVERY_SHARES_INSUFFICIENT` or `RECOVERY_VERIFICATION_FAILED`. Revoke the lost device at the
   * service, and destroy shares in stores that are not used any more: K of the old ones still make the key.
   */
  async recover(
    request: PasskeyOwner & { readonly from?: readonly XStoreBackend[]; readonly did?: string },
  ): Promise<Passkey> {
    checkNames('recover', request, ['service', 'userId', 'from', 'did']);
    const owner = ownerOf('recover', request);
    const { from = this.#stores, did } = request;
    checkBackends('recover', from);
    const found = await collect(from, passkeyName(owner), this.#timeoutMs, hasEnough(owner));
    if (found.every(({ failed }) => failed !== undefined))
      throw new XlockError('RECOVERY_BACKEND_UNAVAILABLE', {
        cause: found[0]?.failed,
        details: { problems: problemsIn(found) },
      });
    try {
      return await this.#again(found, owner, did);
    } catch (error) {
      if (isXlockError(error, 'PASSKEY_STORAGE_FAILED') || !isXlockError(error)) throw error;
      if (error.category === 'Passkey Operations')
        throw new XlockError('RECOVERY_SHARES_INSUFFICIENT', { cause: error, details: error.details });
      throw error;
    }
  }

  /** Looks at every share: its HMAC, its age, whether it is there. Nothing is put together. Asks stores that need a human only with `all`. */
  async audit(request: PasskeyOwner & { readonly all?: boolean }): Promise<AuditReport> {
    checkNames('audit', request, ['service', 'userId', 'all']);
    const owner = ownerOf('audit', request);
    const stores = request.all ? this.#stores : this.#automatic();
    const found = await collect(stores, passkeyName(owner), this.#timeoutMs, () => false);
    return auditOf(owner, this.#stores, found);
  }

  /**
   * What K good shares say of the passkey: their HMACs are checked, and nothing is put together. Asks no store that needs a human. Throws
   * as {@link PasskeyVault.signChallenge} does.
   */
  async describe(request: PasskeyOwner): Promise<PasskeyMeta> {
    checkNames('describe', request, ['service', 'userId']);
    const owner = ownerOf('describe', request);
    const found = await this.#collect(this.#automatic(), owner);
    const shares = found.flatMap(({ bytes }) => (bytes ? [bytes] : []));
    try {
      return goodShares(shares, owner).good[0]!.meta;
    } catch (error) {
      throw isXlockError(error)
        ? new XlockError(error.id, { details: { problems: problemsIn(found) } })
        : error;
    }
  }

  /** Removes the shares from all stores; ids of those that could not be asked. What is on paper stays. */
  async remove(request: PasskeyOwner): Promise<readonly string[]> {
    checkNames('remove', request, ['service', 'userId']);
    const name = passkeyName(ownerOf('remove', request));
    const failed: string[] = [];
    for (const store of this.#stores) {
      try {
        await store.delete(name);
      } catch {
        failed.push(store.id);
      }
    }
    return failed;
  }

  #automatic(): readonly XStoreBackend[] {
    return this.#stores.filter(({ manual }) => !manual);
  }

  #splitting() {
    return {
      totalShares: this.#stores.length,
      threshold: this.#threshold,
      generation: this.#clock(),
    };
  }

  async #collect(stores: readonly XStoreBackend[], owner: Required<PasskeyOwner>) {
    const found = await collect(stores, passkeyName(owner), this.#timeoutMs, hasEnough(owner));
    if (found.some(({ bytes }) => bytes)) return found;
    const failed = found.find((one) => one.failed !== undefined);
    if (failed)
      throw new XlockError('PASSKEY_RECONSTRUCTION_FAILED', {
        cause: failed.failed,
        details: { problems: problemsIn(found) },
      });
    throw new XlockError('PASSKEY_NOT_FOUND', { details: { problems: problemsIn(found) } });
  }

  async #use(
    found: readonly Collected[],
    owner: Required<PasskeyOwner>,
    did: string | undefined,
    message: Uint8Array,
    splits: boolean,
    step?: (at: number) => void,
  ) {
    const given = found.filter(({ bytes }) => bytes);
    const shares = given.map(({ bytes }) => Uint8Array.from(bytes!)); // moved to the thread
    const splitting = splits ? { splitting: this.#splitting() } : {};
    const idAt = (at: number) => given[at]!.store.id;
    try {
      const answer = await this.#threads.run(
        { kind: 'use', owner, did, shares, message, ...splitting },
        step,
      );
      const down = found.filter(({ failed }) => failed !== undefined).map(({ store }) => store.id);
      return { ...answer, faulty: [...[...answer.bad, ...answer.stale].map(idAt), ...down] };
    } catch (error) {
      if (!isXlockError(error)) throw error;
      const { bad = [], doubted = [] } = Object(error.details) as { bad?: number[]; doubted?: number[] };
      const details = { bad: bad.map(idAt), doubted: doubted.map(idAt), problems: problemsIn(found) };
      const cause = found.find((one) => one.failed !== undefined)?.failed;
      throw new XlockError(error.id, { details, ...(cause === undefined ? {} : { cause }) });
    }
  }

  async #again(found: readonly Collected[], owner: Required<PasskeyOwner>, did?: string): Promise<Passkey> {
    const proof = randomBytes(32);
    const { signature, meta, shares } = await this.#use(found, owner, did, proof, true);
    if ((did !== undefined && did !== meta.did) || !isSignedBy(meta.did, proof, signature))
      throw new XlockError('RECOVERY_VERIFICATION_FAILED');
    const before = found.filter(({ store }) => this.#stores.includes(store));
    return this.#kept(meta, await this.#distribute(passkeyName(owner), shares, before, () => {}));
  }

  #distribute(
    name: string,
    shares: readonly Uint8Array[],
    before: readonly Collected[],
    onVerify: () => void,
  ): Promise<Distributed> {
    return distribute(this.#stores, name, shares, this.#threshold, before, onVerify);
  }

  #kept(meta: PasskeyMeta, distributed: Distributed): Passkey {
    return { ...meta, totalShares: this.#stores.length, threshold: this.#threshold, ...distributed };
  }
}

/** Of stores that gave no share. */
const problemsIn = (found: readonly Collected[]): StoreProblem[] =>
  found
    .filter(({ bytes }) => !bytes)
    .map(({ store, failed }) => problemOf(store, failed ?? new Error('It has no share of this passkey.')));

/** Whether K good shares of one splitting came: a human is asked for more only otherwise. */
const hasEnough =
  (owner: Required<PasskeyOwner>) =>
  (found: readonly Collected[]): boolean => {
    try {
      const shares = found.flatMap(({ bytes }) => (bytes ? [bytes] : []));
      return goodShares(shares, owner).good.length > 0;
    } catch {
      return false;
    }
  };

function ownerOf(owner: string, { service, userId = '' }: PasskeyOwner): Required<PasskeyOwner> {
  if (typeof service !== 'string' || service === '' || service.length > 256)
    throw invalidOption('service', `${owner}: service must be a text of 1 to 256 characters.`);
  if (typeof userId !== 'string' || userId.length > 256)
    throw invalidOption('userId', `${owner}: userId must be a text of up to 256 characters.`);
  return { service, userId };
}
