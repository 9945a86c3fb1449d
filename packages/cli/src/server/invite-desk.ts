import { type Agent, type Did, Invites, type OperationsStore, type StoredDocument } from '@private.me/xlink';
import type { AgentVault } from './agent-vault.js';
import { ServerError } from './errors.js';

export interface InviteDeskParts {
  readonly store: OperationsStore;
  /** The server itself. */
  readonly agent: Agent;
  readonly vault: AgentVault | undefined;
  readonly publicUrl: string;
  readonly clock: () => number;
}

/** Where an agent of the server takes messages, and below it acceptances. */
export const addressOf = (publicUrl: string, did: Did): string => `${publicUrl}/agents/${did}`;

/** Invites of the server itself, and of each agent whose keys it holds. */
export class InviteDesk {
  readonly #parts: InviteDeskParts;
  readonly #open = new Map<Did | undefined, Invites>();

  constructor(parts: InviteDeskParts) {
    this.#parts = parts;
  }

  /** Of an agent; without one, of the server. Throws `AGENTS_DISABLED` or `AGENT_UNKNOWN`. */
  async of(did: Did | undefined): Promise<Invites> {
    const { vault, store, publicUrl, clock } = this.#parts;
    if (did !== undefined && !vault) throw new ServerError('AGENTS_DISABLED');
    const agent = did === undefined ? this.#parts.agent : await vault!.agent(did);
    const known = this.#open.get(did);
    if (known) return known;
    const name = did === undefined ? 'xLink identity server' : (await vault!.get(did)).name;
    const url = did === undefined ? publicUrl : addressOf(publicUrl, did);
    const invites = new Invites({
      agent,
      url,
      name,
      clock,
      store: did === undefined ? store : ofOne(store, did),
    });
    if (this.#open.size >= 1000) this.#open.clear();
    this.#open.set(did, invites);
    return invites;
  }
}

/** The part of a store that one agent has for itself: kinds get its name. */
function ofOne(store: OperationsStore, did: Did): OperationsStore {
  const inner = (id: string) => id.replace('/', `:${did}/`);
  const outer = (document: StoredDocument): StoredDocument => ({
    ...document,
    id: document.id.replace(`:${did}/`, '/'),
  });
  return {
    load: async (id) => {
      const found = await store.load(inner(id));
      return found && outer(found);
    },
    list: async (kind) => (await store.list(`${kind}:${did}`)).map(outer),
    save: (id, json, expectedVersion) => store.save(inner(id), json, expectedVersion),
    remove: (id, expectedVersion) => store.remove(inner(id), expectedVersion),
  };
}
