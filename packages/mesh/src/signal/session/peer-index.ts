import type { Records } from '../state/records.js';

/** The peers that there is a session with, so that all can be found again after a restart. */
export class PeerIndex {
  readonly #records: Records<{ readonly peers: readonly string[] }>;
  readonly #id: string;

  constructor(records: Records<{ readonly peers: readonly string[] }>, did: string) {
    this.#records = records;
    this.#id = `signal/${did}/peers`;
  }

  /** As the store has them: other processes have peers, too. */
  async all(): Promise<readonly string[]> {
    this.#records.forget(this.#id);
    return this.#known();
  }

  async #known(): Promise<readonly string[]> {
    const loaded = await this.#records.load(this.#id);
    return 'held' in loaded ? loaded.held.value.peers : [];
  }

  /** Written once for each peer. */
  async add(did: string): Promise<void> {
    if ((await this.#known()).includes(did)) return;
    await this.#records.change(this.#id, async (before) => {
      const peers = before?.peers ?? [];
      return peers.includes(did)
        ? { result: undefined }
        : { value: { peers: [...peers, did] }, result: undefined };
    });
  }
}
