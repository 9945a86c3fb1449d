import type { PasskeyMeta } from '../passkey/meta.js';

/** Which passkeys a device has, without any key: what each share says, too. */
export interface KnownPasskeys {
  /** All of them. */
  list(): Promise<readonly PasskeyMeta[]>;
  /** Adds one, or replaces the one of the same service and user. */
  keep(meta: PasskeyMeta): Promise<void>;
}

/** Whether both are of one service and user. */
export const isSameOwner = (a: PasskeyMeta, b: PasskeyMeta) =>
  a.service === b.service && a.userId === b.userId;

/** In memory. */
export class MemoryKnownPasskeys implements KnownPasskeys {
  #all: readonly PasskeyMeta[] = [];

  /** A copy. */
  async list(): Promise<readonly PasskeyMeta[]> {
    return this.#all;
  }

  /** Keeps it until the process ends. */
  async keep({ service, userId, did, verifier }: PasskeyMeta): Promise<void> {
    const meta = { service, userId, did, verifier };
    this.#all = [...this.#all.filter((one) => !isSameOwner(one, meta)), meta];
  }
}
