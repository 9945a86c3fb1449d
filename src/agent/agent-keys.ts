import type { KeyEpochStatus } from '../identity/encryption-keys.js';
import { tell } from '../util/tell.js';
import type { AgentContext } from './context.js';
import { PublishedKeys } from './published-keys.js';
import type { SigningKeys } from './signing-keys.js';

/**
 * The published keys of each identity of an agent, one of which takes the place of the other; and who wants to hear of the
 * epochs of the one that signs now, also before there is an identity: a lazy one is made at its first use.
 */
export class AgentKeys implements SigningKeys {
  readonly #listeners = new Set<(status: KeyEpochStatus) => void>();
  readonly #keys = new Map<AgentContext, PublishedKeys>();
  #latest: PublishedKeys | undefined;
  #isStopped = false;

  /** Those of an identity. From the first call for it on they are the ones that listeners hear of; the others go on for the overlap. */
  of(context: AgentContext): PublishedKeys {
    const known = this.#keys.get(context);
    if (known) return known;
    const keys = new PublishedKeys(context);
    this.#keys.set(context, keys);
    if (this.#isStopped) keys.stop();
    this.#latest = keys;
    keys.onChange((status) => {
      if (this.#latest !== keys) return;
      for (const listener of this.#listeners) tell(listener, status);
    });
    return keys;
  }

  /** The published epoch, as far as it was seen. */
  get status(): KeyEpochStatus | undefined {
    return this.#latest?.status;
  }

  /** Returns how to stop it. */
  listen(listener: (status: KeyEpochStatus) => void): () => void {
    const own = (status: KeyEpochStatus) => listener(status);
    this.#listeners.add(own);
    if (this.status) tell(own, this.status);
    return () => this.#listeners.delete(own);
  }

  /** Nothing is rotated or erased any more but by traffic. */
  stop(): void {
    this.#isStopped = true;
    for (const keys of this.#keys.values()) keys.stop();
  }
}
