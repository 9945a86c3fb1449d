import {
  assertKeyRecord,
  type CryptoProvider,
  type Did,
  type KeyRecord,
  type ManagedTrustRegistry,
  type Scope,
  type TrustRegistry,
} from '@private.me/xlink';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import { bytesIn, replaceFile } from '../util/private-file.js';
import { type AgentBinding, agentBoundTo } from './binding.js';
import { decodeBytes } from './signed-text.js';

/** What joins a DID to an agent, for others. */
export interface AgentContact {
  /** Of the DID, signed by its keys: if it has the ML-DSA-65 key of the agent, nothing else is needed. */
  readonly record: KeyRecord;
  /** For an agent whose key came from elsewhere. */
  readonly binding?: AgentBinding | undefined;
}

/** Where DIDs and their keys are looked up; without `list` an agent is found by its DID only, without `onChange` changes are not told. */
export type DirectoryRegistry = TrustRegistry & Partial<Pick<ManagedTrustRegistry, 'list' | 'onChange'>>;

/** Options of {@link AgentDirectory}. */
export interface AgentDirectoryOptions {
  /** The trust registry of the service, or of the daemon. */
  readonly registry: DirectoryRegistry;
  /** Verifies signatures of DIDs, such as `identity.crypto`. */
  readonly crypto: CryptoProvider;
  /** Where bindings are kept, JSON. Default: in memory. */
  readonly path?: string;
}

/** Held at most, of each: more become known only when there is room. */
const MOST_BINDINGS = 10_000;
const MOST_AGENTS = 10_000;

/** Who is who: DIDs of xLink and agents of x0x, joined by what both sides have signed. */
export class AgentDirectory {
  readonly #registry: DirectoryRegistry;
  readonly #crypto: CryptoProvider;
  readonly #path: string | undefined;
  readonly #bindings = new Map<Did, { readonly agentId: X0xId; readonly binding: AgentBinding }>();
  readonly #listeners = new Set<() => void>();
  #writing: Promise<unknown> = Promise.resolve();

  /** Reads nothing; see {@link AgentDirectory.open} for bindings in a file. */
  constructor({ registry, crypto, path }: AgentDirectoryOptions) {
    this.#registry = registry;
    this.#crypto = crypto;
    this.#path = path;
  }

  /** With the bindings in the file; those that are not signed well are passed over. */
  static async open(options: AgentDirectoryOptions): Promise<AgentDirectory> {
    const directory = new AgentDirectory(options);
    const file = options.path === undefined ? undefined : await bytesIn(options.path);
    for (const binding of file ? bindingsIn(file) : []) await directory.#bind(binding).catch(() => {});
    return directory;
  }

  /** The agent of a DID; `undefined` if it has none. Rejects if the registry is down. */
  async agentOf(did: Did): Promise<X0xId | undefined> {
    const bound = this.#bindings.get(did);
    if (bound) return bound.agentId;
    const entry = await this.#registry.lookup(did);
    return entry?.status === 'active' && entry.keys ? agentIn(entry.keys) : undefined;
  }

  /** The DIDs of an agent that the registry knows. Needs a registry with `list`; otherwise those with a binding. */
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
      if (status === 'active' && keys && !this.#bindings.has(did)) add(agentIn(keys), did);
    for (const [did, { agentId }] of this.#bindings) add(agentId, did);
    return dids;
  }

  /**
   * Takes what joins a DID to this very agent, and brings the DID into the registry with these scopes, both ways, if it is not there. Throws
   * `BINDING_INVALID`, or what the registry refuses it with. Returns the DID.
   */
  async learn(agentId: X0xId, contact: unknown, scopes: readonly Scope[]): Promise<Did> {
    const { record, binding } = contactIn(contact);
    await assertKeyRecord(record, this.#crypto);
    const { did } = record;
    if (binding !== undefined) await this.#keep(did, agentId, binding);
    else if (this.#bindings.get(did)?.agentId !== agentId && agentIn(record) !== agentId)
      throw new X0xError('BINDING_INVALID');
    const known = await this.#registry.lookup(did);
    if (!known && ((await this.#registry.list?.()) ?? []).length >= MOST_AGENTS) throw full();
    const entry = { did, keys: record, sendScopes: scopes, receiveScopes: scopes };
    const changed = known ? await this.#registry.updateKeys(record) : await this.#registry.register(entry);
    if (!known && !changed.ok) throw changed.error; // an older record of one that is known changes nothing
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

  async #keep(did: Did, agentId: X0xId, binding: AgentBinding): Promise<void> {
    const known = this.#bindings.get(did);
    if (known?.agentId === agentId) return;
    if (known || (await agentBoundTo(did, binding, this.#crypto)) !== agentId)
      throw new X0xError('BINDING_INVALID');
    if (this.#bindings.size >= MOST_BINDINGS) throw full();
    this.#bindings.set(did, { agentId, binding });
    if (this.#path !== undefined) await this.#save(this.#path);
    this.#tell();
  }

  async #bind(binding: AgentBinding): Promise<void> {
    this.#bindings.set(binding.did, {
      agentId: await agentBoundTo(binding.did, binding, this.#crypto),
      binding,
    });
  }

  async #save(path: string): Promise<void> {
    const write = () =>
      replaceFile(path, JSON.stringify([...this.#bindings.values()].map(({ binding }) => binding)));
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

const full = () => new X0xError('DIRECTORY_FULL');

function contactIn(value: unknown): AgentContact {
  const { record, binding } = Object(value) as AgentContact;
  if (typeof record !== 'object' || record === null) throw new X0xError('BINDING_INVALID');
  return { record, binding };
}

function bindingsIn(file: Uint8Array): readonly AgentBinding[] {
  try {
    const list = JSON.parse(new TextDecoder().decode(file));
    return Array.isArray(list) ? list : [];
  } catch {
    return []; // each one comes again with the next announcement
  }
}
