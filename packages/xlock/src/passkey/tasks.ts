import { encodeDidKey, splitForChannel } from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { wipe } from '../util/bytes.js';
import { keyOfSeed, randomBytes } from '../util/primitives.js';
import type { PasskeyMeta } from './meta.js';
import { choicesOf, SEED_BYTES, togetherOf } from './open-shares.js';
import { encodeShares } from './share-format.js';

/** How a passkey is split. */
export interface Splitting {
  readonly totalShares: number;
  readonly threshold: number;
  /** In ms since 1970. */
  readonly generation: number;
}

type Owner = Pick<PasskeyMeta, 'service' | 'userId'>;

/** What the thread is told to do. */
export type Task =
  | { readonly kind: 'generate'; readonly meta: Omit<PasskeyMeta, 'did'>; readonly splitting: Splitting }
  | {
      readonly kind: 'use';
      readonly owner: Owner;
      /** Of the passkey, where it is known: it decides between shares that disagree. */
      readonly did?: string | undefined;
      readonly shares: readonly Uint8Array[];
      /** Signed with the passkey. */
      readonly message: Uint8Array;
      /** Split anew besides. */
      readonly splitting?: Splitting;
    };

/** What it answers. */
export interface TaskAnswer {
  readonly meta: PasskeyMeta;
  /** New shares, in the order of the stores; none if nothing was split. */
  readonly shares: readonly Uint8Array<ArrayBuffer>[];
  /** Ed25519, 64 bytes; empty if nothing was signed. */
  readonly signature: Uint8Array;
  /** Places of shares that were passed over. */
  readonly bad: readonly number[];
  readonly stale: readonly number[];
  /** Whether all buffers of the task that were secret held zeros at its end, as the thread looked. */
  readonly isWiped: boolean;
  /** How long putting together and signing took, in µs. */
  readonly micros: { readonly reconstruct: number; readonly sign: number; readonly purge: number };
}

/** Does a task; `step` is told as each of its steps begins. All secrets that pass through it are overwritten at the end. */
export function work(task: Task, step: (at: number) => void): Promise<TaskAnswer> {
  return task.kind === 'generate' ? generate(task, step) : use(task, step);
}

async function generate(
  { meta, splitting }: Task & { kind: 'generate' },
  step: (at: number) => void,
): Promise<TaskAnswer> {
  const seed = new Uint8Array(SEED_BYTES);
  try {
    seed.set(randomBytes(SEED_BYTES));
    const did = encodeDidKey(keyOfSeed(seed).publicKey);
    step(1);
    const whole = { ...meta, did };
    return {
      meta: whole,
      shares: await split(seed, whole, splitting),
      signature: new Uint8Array(0),
      bad: [],
      stale: [],
      isWiped: false,
      micros: { reconstruct: 0, sign: 0, purge: 0 },
    };
  } catch (cause) {
    throw new XlockError('PASSKEY_GENERATION_FAILED', { cause });
  } finally {
    wipe(seed);
  }
}

async function use(
  { owner, did, shares, message, splitting }: Task & { kind: 'use' },
  step: (at: number) => void,
): Promise<TaskAnswer> {
  let seed: Uint8Array | undefined;
  const secrets: Uint8Array[] = [...shares];
  const begun = performance.now();
  try {
    const choices = choicesOf(shares, owner, did);
    for (const { good } of choices)
      for (const { share, key, body } of good) secrets.push(key, body, ...share.pieces);
    step(1);
    const { chosen, key, seed: whole } = await togetherOf(choices);
    seed = whole;
    const { good, bad, stale } = chosen;
    const { meta } = good[0]!;
    const together = performance.now();
    step(2);
    const signature = key.sign(message);
    const signed = performance.now();
    const again = splitting ? await split(seed, meta, splitting) : [];
    step(3);
    const wiping = performance.now();
    wipe(seed, ...secrets);
    const micros = {
      reconstruct: (together - begun) * 1000,
      sign: (signed - together) * 1000,
      purge: (performance.now() - wiping) * 1000,
    };
    const isWiped = [seed, ...secrets].every((bytes) => bytes.every((byte) => byte === 0));
    return { meta, shares: again, signature, bad, stale, isWiped, micros };
  } finally {
    wipe(seed, ...secrets);
  }
}

async function split(
  seed: Uint8Array,
  meta: PasskeyMeta,
  { totalShares, threshold, generation }: Splitting,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const shares = await splitForChannel(seed, { totalShares, threshold });
  try {
    return encodeShares(meta, generation, shares);
  } finally {
    wipe(...shares.flatMap(({ pieces }) => pieces));
  }
}
