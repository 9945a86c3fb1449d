import { isDeepStrictEqual } from 'node:util';
import {
  assertKeyRecord,
  type CryptoProvider,
  type Did,
  type KeyRecord,
  type ManagedTrustRegistry,
  type Registration,
  type Result,
  type Scope,
  type TrustRegistry,
} from '@private.me/xlink';
import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { Acquaintances, type Introduction } from './acquaintances.js';
import { bindingIn, contactIn } from './agent-contact.js';
import { type AgentBinding, agentBoundTo } from './binding.js';
import { decodeBytes } from './signed-text.js';

/** Where DIDs and their keys are looked up; without `list` an agent is found by its DID only, without `onChange` changes are not told. */
export type DirectoryRegistry = TrustRegistry & Partial<Pick<ManagedTrustRegistry, 'list' | 'onChange'>>;

/** Options of {@link AgentDirectory}. */
export interface AgentDirectoryOptions {
  /** The trust registry of the service, or of the daemon. */
  readonly registry: DirectoryRegistry | Acquaintances;
  /** Verifies signatures of DIDs, such as `identity.crypto`. */
  readonly crypto: CryptoProvider;
  /** Where bindings are kept, JSON. Default: in memory. */
  readonly path?: string;
}

/** Held at most, of each: more become known only when there is room. */
const MOST_BINDINGS = 10_000;
const MOST_AGENTS = 10_000;
/** DIDs of one agent: it can sign for any number of them. */
const MOST_DIDS = 4;

/** Who is who: DIDs of xLink and agents of x0x, joined by what both sides have signed. */
export class AgentDirectory {
  readonly #registry: DirectoryRegistry | Acquaintances;
  readonly #crypto: CryptoProvider;
  readonly #path: string | undefined;
  readonly #bindings = new Map<Did, { readonly agentId: X0xId; readonly binding: AgentBinding }>();
  readonly #listeners = new Set<() => void>();
  #writing: Promise<unknown> = Promise.resolve();
  #saved = '[]';

  /** Reads nothing; see {@link AgentDirectory.open} for bindings in a file. */
  constructor({ registry, crypto, path }: AgentDirectoryOptions) {
    this.#registry = registry;
    this.#crypto = crypto;
    this.#path = path;
    if (registry instanceof Acquaintances) registry.onForget((did) => this.#bindings.delete(did));
  }

  /** With the bindings in the file; those that are not signed well are passed over. */
  static async open(options: AgentDirectoryOptions): Promise<AgentDirectory> {
    const directory = new AgentDirectory(options);
    const file = options.path === undefined ? undefined : await bytesOfFile(options.path);
    for (const binding of file ? bindingsIn(file) : []) await directory.#bind(binding).catch(() => {});
    return directory;
  }

  /** The agent of a DID; `undefined` if it has none, or the DID was revoked. Rejects if the registry is down. */
  async agentOf(did: Did): Promise<X0xId | undefined> {
    const entry = await this.#registry.lookup(did);
    if (entry?.status !== 'active') return undefined;
    return this.#bindings.get(did)?.agentId ?? (entry.keys && agentIn(entry.keys));
  }

  /** The DIDs of an agent that the registry knows and that count. Needs a registry with `list`; otherwise there are none. */
  async didsOf(agentId: X0xId): Promise<readonly Did[]> {
    return (await this.agents()).get(agentId) ?? [];
  }

  /** The DIDs of all agents that the registry knows, as {@link AgentDirectory.didsOf} has them. */
  async agents(): Promise<ReadonlyMap<X0xId, readonly Did[]>> {
    const dids = new Map<X0xId, Did[]>();
    const add = (agentId: X0xId | undefined, did: Did) => {
      if (agentId !== undefined) dids.set(agentId, [...(dids.get(agentId) ?? []), did]);
    };
    for (const { did, keys, status } of (await this.#registry.list?.()) ?? [])
      if (status === 'active') add(this.#bindings.get(did)?.agentId ?? (keys && agentIn(keys)), did);
    return dids;
  }

  /**
   * Takes what joins a DID to this very agent, and brings the DID into the registry with these scopes, both ways, if it is not there. Throws
   * `BINDING_INVALID`, `DIRECTORY_FULL`, or what the registry refuses it with. Returns the DID. `introduction`: of a stranger, which is kept
   * in memory and in bounds, where the registry does that. Default: none, and it is kept for good.
   */
  async learn(
    agentId: X0xId,
    contact: unknown,
    scopes: readonly Scope[],
    introduction?: Introduction,
  ): Promise<Did> {
    const { record, binding } = contactIn(contact);
    await assertKeyRecord(record, this.#crypto);
    const { did } = record;
    const isBound = binding !== undefined && (await this.#assertBound(did, agentId, binding));
    if (!binding && this.#bindings.get(did)?.agentId !== agentId && agentIn(record) !== agentId)
      throw new X0xError('BINDING_INVALID');
    const entry = { did, keys: record, sendScopes: scopes, receiveScopes: scopes };
    const isKeptNow = await this.#register(entry, agentId, introduction);
    if (binding && (isKeptNow || !isBound)) await this.#keep(did, agentId, binding);
    return did;
  }

  /** Whether it hears of changes of the registry. */
  get tellsChanges(): boolean {
    return this.#registry.onChange !== undefined;
  }

  /**
   * Calls the listener when DIDs of agents may have become known or been revoked, until the returned function is called. Of
   * changes of the registry only with {@link AgentDirectory.tellsChanges}.
   */
  onChange(listener: () => void): () => void {
    const unfollow = this.#registry.onChange?.(() => listener());
    this.#listeners.add(listener);
    return () => {
      unfollow?.();
      this.#listeners.delete(listener);
    };
  }

  /** Whether it was written into the registry for good by this. */
  async #register(
    entry: Registration & { keys: KeyRecord },
    agentId: X0xId,
    introduction?: Introduction,
  ): Promise<boolean> {
    const registry = this.#registry;
    const { did, keys } = entry;
    const known = await registry.lookup(did);
    const isGuest = registry instanceof Acquaintances && known && !(await registry.isKept(did));
    if (known && (introduction || !isGuest)) {
      await registry.updateKeys(keys); // an older one changes nothing
      return false;
    }
    const dids = isGuest ? [] : await this.didsOf(agentId);
    const isMany = dids.length >= MOST_DIDS;
    if (registry instanceof Acquaintances && (introduction || isMany)) {
      const guests = [];
      for (const one of dids) if (!(await registry.isKept(one))) guests.push(one);
      if (isMany && guests[0] !== undefined) registry.forget(guests[0]);
      assertOk(await registry.meet(entry, introduction ?? { via: agentId, most: 1 }));
      return false;
    }
    if (isMany || ((await registry.list?.()) ?? []).length >= MOST_AGENTS)
      throw new X0xError('DIRECTORY_FULL');
    assertOk(await registry.register(entry));
    return true;
  }

  /** Whether this DID was joined to this agent before. Throws `BINDING_INVALID` for a statement that is not good, or is about another agent. */
  async #assertBound(did: Did, agentId: X0xId, binding: AgentBinding): Promise<boolean> {
    const known = this.#bindings.get(did);
    if (known && isDeepStrictEqual(known.binding, binding)) return known.agentId === agentId || invalid();
    const bound = await agentBoundTo(did, binding, this.#crypto);
    return bound === agentId && (known?.agentId ?? agentId) === agentId ? known !== undefined : invalid();
  }

  async #keep(did: Did, agentId: X0xId, binding: AgentBinding): Promise<void> {
    if (this.#bindings.size >= MOST_BINDINGS) throw new X0xError('DIRECTORY_FULL');
    this.#bindings.set(did, { agentId, binding });
    if (this.#path !== undefined) await this.#save(this.#path);
    this.#tell();
  }

  async #bind(value: unknown): Promise<void> {
    const binding = bindingIn(value);
    const agentId = await agentBoundTo(binding.did, binding, this.#crypto);
    this.#bindings.set(binding.did, { agentId, binding });
  }

  /** Those of strangers are not written down. */
  async #save(path: string): Promise<void> {
    const registry = this.#registry;
    const write = async () => {
      const kept: AgentBinding[] = [];
      for (const [did, { binding }] of this.#bindings)
        if (!(registry instanceof Acquaintances) || (await registry.isKept(did))) kept.push(binding);
      const text = JSON.stringify(kept);
      if (text !== this.#saved) await replacePrivateFile(path, text);
      this.#saved = text;
    };
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const known = new WeakMap<KeyRecord, X0xId | undefined>();

/** The agent whose key a record holds. Entries of registries are frozen, and come again and again. */
function agentIn(record: KeyRecord): X0xId | undefined {
  if (!known.has(record)) {
    const key = decodeBytes(record.mlDsa65, 1952);
    known.set(record, key && idOf(key));
  }
  return known.get(record);
}

function invalid(): never {
  throw new X0xError('BINDING_INVALID');
}

function assertOk(result: Result<void>): void {
  if (!result.ok) throw result.error;
}

function bindingsIn(file: Uint8Array): readonly unknown[] {
  try {
    const list = JSON.parse(new TextDecoder().decode(file));
    return Array.isArray(list) ? list : [];
  } catch {
    return []; // each one comes again with the next announcement
  }
}
