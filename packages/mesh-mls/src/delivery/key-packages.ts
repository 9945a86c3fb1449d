import { randomBytes } from 'node:crypto';
import type { LimitStore, OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { GroupError } from '../errors.js';
import type { MlsSuite } from '../suites.js';
import { toText } from '../util/bytes.js';
import { LIMITS } from './wire.js';

interface Pool {
  /** Names of documents, the oldest first. */
  readonly waiting: readonly string[];
  /** Given when there is no other, as often as needed. */
  readonly lastResort?: string;
}

const HOUR_MS = 3_600_000;

/**
 * Key packages of DIDs that may be away when they are added. Each is given out once, also by several servers and over a crash: its name
 * is taken off the list first, so that one may be lost, and never is given twice.
 */
export class KeyPackageDirectory {
  readonly #pools: Documents<Pool>;
  readonly #packages: Documents<string>;
  readonly #limits: LimitStore;

  constructor(store: OperationsStore, limits: LimitStore) {
    this.#pools = new Documents(store, 'mls-key-packages');
    this.#packages = new Documents(store, 'mls-key-package');
    this.#limits = limits;
  }

  /** Adds key packages; with `replace` in the place of those that wait. Resolves to how many wait. Throws `KEY_PACKAGE_INVALID:FULL`. */
  async publish(
    did: string,
    suite: MlsSuite,
    {
      packages,
      lastResort,
      replace = false,
    }: { packages: readonly string[]; lastResort?: string; replace?: boolean },
  ): Promise<number> {
    const names = packages.map(() => `${did}/${suite}/${toText(randomBytes(12))}`);
    const isFull = (waiting: number) => waiting + names.length > LIMITS.keyPackages;
    if (isFull(replace ? 0 : await this.count(did, suite))) throw new GroupError('KEY_PACKAGE_INVALID:FULL');
    for (const [at, name] of names.entries()) await this.#packages.update(name, () => packages[at]!);
    let old: readonly string[] = [];
    const update = this.#pools.update(`${did}/${suite}`, (before) => {
      old = replace ? (before?.waiting ?? []) : [];
      const waiting = [...(replace ? [] : (before?.waiting ?? [])), ...names];
      if (waiting.length > LIMITS.keyPackages) throw new GroupError('KEY_PACKAGE_INVALID:FULL');
      const last = lastResort ?? before?.lastResort;
      return { waiting, ...(last === undefined ? {} : { lastResort: last }) };
    });
    const pool = await update.catch(async (error: unknown) => {
      for (const name of names) await this.#packages.removeIf(name, () => true); // they would stay there for good
      throw error;
    });
    for (const name of old) await this.#packages.removeIf(name, () => true);
    return pool.waiting.length;
  }

  /** How many wait. */
  async count(did: string, suite: MlsSuite): Promise<number> {
    return (await this.#pools.get(`${did}/${suite}`))?.waiting.length ?? 0;
  }

  /** One that nobody else gets; the last resort where there is none, or the caller has had its share. Throws `KEY_PACKAGE_ABSENT`. */
  async take(
    did: string,
    suite: MlsSuite,
    caller: string,
  ): Promise<{ keyPackage: string; lastResort: boolean }> {
    const { count } = await this.#limits.take(`mls ${caller} ${did}`, HOUR_MS);
    let name: string | undefined;
    let last: string | undefined;
    await this.#pools.update(`${did}/${suite}`, (before) => {
      if (!before) throw new GroupError('KEY_PACKAGE_ABSENT');
      last = before.lastResort;
      name = count <= LIMITS.takesPerHour ? before.waiting[0] : undefined;
      return name === undefined ? before : { ...before, waiting: before.waiting.slice(1) };
    });
    const found = name === undefined ? undefined : await this.#packages.get(name);
    if (name !== undefined) await this.#packages.removeIf(name, () => true);
    const keyPackage = found ?? last;
    if (keyPackage === undefined) throw new GroupError('KEY_PACKAGE_ABSENT');
    return { keyPackage, lastResort: found === undefined };
  }
}
