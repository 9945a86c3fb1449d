import { XfuseError } from '../errors.js';
import { checkNames, invalidOption } from '../util/options.js';

/** Cost of argon2id (RFC 9106); kept in the record of each password. */
export interface Argon2Cost {
  /** Memory in KiB, 19 456 (19 MiB) to 1 048 576. Default 65 536 (64 MiB). */
  readonly memoryKiB: number;
  /** Passes, 2 to 16. Default 3. */
  readonly passes: number;
  /** Lanes, 1 to 4. Default 1. */
  readonly parallelism: number;
}

/** What a new password is stretched with, unless chosen otherwise. */
export const DEFAULT_ARGON2: Argon2Cost = { memoryKiB: 65_536, passes: 3, parallelism: 1 };

const isWithin = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

/** Whether a cost is at least the floor, 19 MiB and 2 passes, and at most what one sign-in may cost. */
export const isFairCost = ({ memoryKiB, passes, parallelism }: Argon2Cost): boolean =>
  isWithin(memoryKiB, 19_456, 2 ** 20) && isWithin(passes, 2, 16) && isWithin(parallelism, 1, 4);

/** The cost with its defaults. Throws `INVALID_OPTION` below the floor. */
export function argon2Cost(owner: string, given: Partial<Argon2Cost> = {}): Argon2Cost {
  checkNames(owner, given, ['memoryKiB', 'passes', 'parallelism']);
  const cost = { ...DEFAULT_ARGON2, ...given };
  if (!isFairCost(cost))
    throw invalidOption('argon2', `${owner}: 19456 to 1048576 KiB, 2 to 16 passes, 1 to 4 lanes.`);
  return cost;
}

/** 32 bytes by argon2id. */
export type Argon2id = (password: Uint8Array, salt: Uint8Array, cost: Argon2Cost) => Promise<Uint8Array>;

type NodeArgon2 = (
  algorithm: 'argon2id',
  parameters: object,
  done: (error: Error | null, key: Uint8Array) => void,
) => void;

/** `crypto.argon2` of Node 24.7 and later. */
export function nodeArgon2(): Argon2id | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const builtin = process?.getBuiltinModule?.('node:crypto') as { argon2?: NodeArgon2 } | undefined;
  const { argon2 } = builtin ?? {};
  if (typeof argon2 !== 'function') return undefined;
  return (message, nonce, { memoryKiB: memory, passes, parallelism }) =>
    new Promise((resolve, reject) => {
      const parameters = { message, nonce, memory, passes, parallelism, tagLength: 32 };
      argon2('argon2id', parameters, (error, key) => (error ? reject(error) : resolve(new Uint8Array(key))));
    });
}

/** The optional peer `hash-wasm`. */
export async function wasmArgon2(): Promise<Argon2id | undefined> {
  try {
    const { argon2id } = await import('hash-wasm');
    return (password, salt, { memoryKiB: memorySize, passes: iterations, parallelism }) =>
      argon2id({ password, salt, memorySize, iterations, parallelism, hashLength: 32, outputType: 'binary' });
  } catch {
    return undefined;
  }
}

/** @noble/hashes: everywhere, and the slowest. */
export async function nobleArgon2(): Promise<Argon2id> {
  const { argon2idAsync } = await import('@noble/hashes/argon2.js');
  return async (password, salt, { memoryKiB: m, passes: t, parallelism: p }) =>
    argon2idAsync(password, salt, { m, t, p, dkLen: 32 });
}

/** The fastest that is there. */
export async function platformArgon2(): Promise<Argon2id> {
  try {
    return nodeArgon2() ?? (await wasmArgon2()) ?? (await nobleArgon2());
  } catch (cause) {
    throw new XfuseError('ARGON2_MISSING', { cause });
  }
}
