import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import {
  Agent,
  type AgentMessage,
  type Did,
  type Envelope,
  Identity,
  isXlinkError,
  type ReceiveOptions,
  type RegistryEntry,
  type Result,
  type Scope,
} from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { ServerError } from './errors.js';
import { addressOf } from './invite-desk.js';
import type { Storage } from './storage.js';

/** What an agent is made of. */
export interface AgentWish {
  readonly name: string;
  /** What it may send with. */
  readonly scopes: readonly Scope[];
  /** What it accepts. */
  readonly receiveScopes: readonly Scope[];
  readonly capabilities?: readonly string[];
  /** Version 3: signs with ML-DSA-65, too. */
  readonly postQuantumSig: boolean;
}

/** An agent whose keys the server holds. */
export interface HeldAgent {
  readonly did: Did;
  readonly name: string;
  readonly createdAt: number;
  readonly postQuantumSig: boolean;
  readonly status: 'active' | 'revoked' | 'unregistered';
}

interface KeptAgent extends AgentWish {
  readonly createdAt: number;
  /** Which key the seed is sealed under. */
  readonly keyId: string;
  /** iv, ciphertext and tag of AES-256-GCM with the DID as additional data; base64url. */
  readonly sealed: string;
}

/** A message that waits for an agent; it stays until it is acknowledged. */
export interface WaitingMessage {
  readonly id: string;
  readonly message: AgentMessage;
}

/** Messages wait for as long in a relay, in ms. */
const MAX_AGE_MS = 8 * 86_400_000;
/** For how long a relay remembers a message that was fetched, in ms: longer than copies of it are fresh. */
const COPIES_MS = 361_000;
const MAX_OPEN = 1000;

/** Thrown by a handler to leave a message where it is. */
const NOT_YET = new Error('not acknowledged yet');

/**
 * Agents whose keys the server holds: who may use them signs for them. Seeds are sealed under a key that is not in the store. Keys are
 * in memory while an agent is in use.
 */
export class AgentVault {
  readonly #storage: Storage;
  readonly #documents: Documents<KeptAgent>;
  readonly #key: Uint8Array;
  readonly #keyId: string;
  readonly #publicUrl: string;
  readonly #clock: () => number;
  readonly #open = new Map<Did, Promise<Agent>>();

  /** `key`: 32 bytes. `publicUrl`: where callers reach the server. */
  constructor(storage: Storage, key: Uint8Array, publicUrl: string, clock: () => number = Date.now) {
    this.#storage = storage;
    this.#publicUrl = publicUrl;
    this.#documents = new Documents(storage.documents, 'agent');
    this.#key = key;
    this.#keyId = createHash('sha256')
      .update('xlink agent key id')
      .update(key)
      .digest('base64url')
      .slice(0, 16);
    this.#clock = clock;
  }

  /** The key is kept before the DID is registered: a crash in between leaves an agent that is registered at its first use. */
  async create(wish: AgentWish): Promise<HeldAgent> {
    const seed = new Uint8Array(randomBytes(32));
    const { did } = await Identity.fromSeed(seed, { maxVersion: 1 });
    const kept = { ...wish, createdAt: this.#clock(), keyId: this.#keyId, sealed: this.#seal(did, seed) };
    await this.#documents.update(did, () => kept);
    await this.agent(did);
    return this.#shown(did, kept);
  }

  /** Throws `AGENT_KEY_WRONG` if the keys of an agent were sealed under another key. */
  async assertKey(): Promise<void> {
    for (const [did, kept] of await this.#documents.all()) this.#unseal(did, kept).fill(0);
  }

  async list(): Promise<readonly HeldAgent[]> {
    const all = [...(await this.#documents.all())];
    return Promise.all(all.map(([did, kept]) => this.#shown(did, kept)));
  }

  /** Throws `AGENT_UNKNOWN`. */
  async get(did: Did): Promise<HeldAgent> {
    return this.#shown(did, await this.#kept(did));
  }

  /** Revokes the DID, and then destroys its keys. Throws `AGENT_UNKNOWN`. */
  async remove(did: Did): Promise<void> {
    await this.#kept(did);
    const entry = await this.#storage.registry.lookup(did);
    if (entry?.status === 'active')
      orThrow(await this.#storage.registry.revoke(did, { reason: 'agent_deleted' }));
    this.#open.delete(did);
    await this.#documents.removeIf(did, () => true);
  }

  /** Ready to sign. Throws `AGENT_UNKNOWN` or `AGENT_KEY_WRONG`. */
  async agent(did: Did): Promise<Agent> {
    const kept = await this.#kept(did); // also where it is open: another server may have removed it
    let open = this.#open.get(did);
    if (!open) {
      if (this.#open.size >= MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
      open = this.#start(did, kept);
      open.catch(() => this.#open.delete(did));
      this.#open.set(did, open);
    }
    return open;
  }

  /** Hands a message to the mailbox of its recipient. False where the server keeps no messages. */
  async deliver(envelope: Envelope): Promise<boolean> {
    const { relay, registry } = this.#storage;
    if (!relay) return false;
    const recipient = await registry.lookup(envelope.to);
    if (recipient?.status !== 'active') throw new ServerError('ENTRY_UNKNOWN', { field: 'to' });
    const bytes = Buffer.byteLength(JSON.stringify(envelope));
    const outcome = await relay.add({ envelope, bytes, copiesForMs: COPIES_MS });
    if (outcome === 'sender-full' || outcome === 'mailbox-full')
      throw new ServerError('RATE_LIMITED', { retryAfterMs: 60_000 });
    return true;
  }

  /** Opens one envelope, and claims its nonce. Throws what it is refused with. */
  async receive(did: Did, envelope: Envelope): Promise<AgentMessage> {
    const agent = await this.agent(did);
    return orThrow(await agent.receive(envelope, this.#rules(did, envelope)));
  }

  /** What waits in the mailbox, oldest first. It comes again until it is acknowledged; what is refused for good is dropped. */
  async waiting(did: Did, max: number): Promise<readonly WaitingMessage[]> {
    const { relay } = this.#storage;
    const agent = await this.agent(did);
    const found: WaitingMessage[] = [];
    for (const { id, envelope } of (await relay?.list(did, '', max)) ?? []) {
      let message: AgentMessage | undefined;
      const handle = (opened: AgentMessage) => {
        message = opened;
        throw NOT_YET; // its nonce is free again
      };
      const received = await agent.receive(envelope, { ...this.#rules(did, envelope), handle });
      if (message) found.push({ id, message });
      else if (!received.ok && isXlinkError(received.error) && received.error.status < 500)
        await relay!.ack(did, [id]);
    }
    return found;
  }

  /** Ends messages that were taken: their nonces are claimed, and they do not come again. */
  async acknowledge(did: Did, ids: readonly string[]): Promise<void> {
    const { relay } = this.#storage;
    const agent = await this.agent(did);
    const wanted = new Set(ids);
    for (const { id, envelope } of (await relay?.list(did, '', 1000)) ?? [])
      if (wanted.has(id)) await agent.receive(envelope, this.#rules(did, envelope));
    await relay?.ack(did, ids);
  }

  /** An envelope may be bound to the request that brought it to the address of the agent, and to no other. */
  #rules(did: Did, { request }: Envelope): ReceiveOptions {
    const bound =
      request === undefined ? {} : { request: `POST ${new URL(addressOf(this.#publicUrl, did)).pathname}` };
    return { maxAgeMs: MAX_AGE_MS, ...bound };
  }

  async #kept(did: Did): Promise<KeptAgent> {
    const kept = await this.#documents.get(did);
    if (!kept) throw new ServerError('AGENT_UNKNOWN');
    return kept;
  }

  async #shown(did: Did, { name, createdAt, postQuantumSig }: KeptAgent): Promise<HeldAgent> {
    const entry: RegistryEntry | undefined = await this.#storage.registry.lookup(did);
    return { did, name, createdAt, postQuantumSig, status: entry?.status ?? 'unregistered' };
  }

  async #start(did: Did, kept: KeptAgent): Promise<Agent> {
    const { registry, nonceStore } = this.#storage;
    const { name, scopes, receiveScopes, capabilities, postQuantumSig } = kept;
    const seed = this.#unseal(did, kept);
    const base = { registry, nonceStore, maxAgeMs: MAX_AGE_MS };
    if (!(await registry.lookup(did)))
      orThrow(
        await Agent.fromSeed({
          ...base,
          seed,
          name,
          postQuantumSig,
          sendScopes: scopes,
          receiveScopes,
          ...(capabilities ? { capabilities } : {}),
        }),
      );
    // Scopes are those of the registry from here on, where operators change them.
    return new Agent({
      ...base,
      identity: await Identity.fromSeed(seed, { maxVersion: postQuantumSig ? 3 : 2 }),
    });
  }

  #seal(did: Did, seed: Uint8Array): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(did));
    const sealed = Buffer.concat([iv, cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
    return sealed.toString('base64url');
  }

  #unseal(did: Did, { sealed, keyId }: KeptAgent): Uint8Array {
    if (keyId !== this.#keyId) throw new ServerError('AGENT_KEY_WRONG');
    const bytes = Buffer.from(sealed, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12))
        .setAAD(Buffer.from(did))
        .setAuthTag(bytes.subarray(-16));
      return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]));
    } catch (cause) {
      throw new ServerError('AGENT_KEY_WRONG', { cause });
    }
  }
}

/** The value of a result; throws its error. */
export function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
