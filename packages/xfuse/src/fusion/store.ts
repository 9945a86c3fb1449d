import { XfuseError } from '../errors.js';
import type { FusionRecord } from './record.js';

/** Where records are kept. What it throws is `RECORD_UNAVAILABLE`. */
export interface FusionStore {
  /** The record of an account, as it was saved. */
  load(account: string): FusionRecord | undefined | Promise<FusionRecord | undefined>;
  /**
   * Saves it only if the record that is there has this generation (`undefined`: there is none), atomically. Returns whether it did.
   */
  save(record: FusionRecord, ifGeneration: number | undefined): boolean | Promise<boolean>;
}

/** Keeps records in memory, as text. */
export class MemoryFusionStore implements FusionStore {
  readonly #records = new Map<string, string>();

  /** The record of an account. */
  load(account: string): FusionRecord | undefined {
    const text = this.#records.get(account);
    return text === undefined ? undefined : (JSON.parse(text) as FusionRecord);
  }

  /** Saves it if nobody was faster. */
  save(record: FusionRecord, ifGeneration: number | undefined): boolean {
    if (this.load(record.account)?.generation !== ifGeneration) return false;
    this.#records.set(record.account, JSON.stringify(record));
    return true;
  }
}

/** What a store says, or `RECORD_UNAVAILABLE`. */
export async function fromStore<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new XfuseError('RECORD_UNAVAILABLE', { cause });
  }
}
