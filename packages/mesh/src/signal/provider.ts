import { MemoryOperationsStore } from '@private.me/xlink';
import type { ChannelProvider, OpenOptions, Reach, Target } from '../channel.js';
import { isMeshError, MeshError, type MeshErrorId } from '../errors/mesh-error.js';
import type { SignalChannel } from './channel.js';
import { loadKem } from './crypto/kem.js';
import { keyPairOf } from './crypto/primitives.js';
import { endedBy } from './ended-by.js';
import { type SignalEvent, teller } from './events.js';
import { idOf } from './id-of.js';
import { IDENTITY_LABEL, SIGN_CONTEXT, STATE_LABEL } from './labels.js';
import { OpenChannels } from './open-channels.js';
import { MESSAGE_OVERHEAD, resolveOptions, type SignalProviderOptions } from './options.js';
import { PrekeyPool } from './prekeys/pool.js';
import { identityStatement, type Sign, toBytes, toText, type Verify } from './prekeys/signed.js';
import { DEFAULT_LIMITS } from './ratchet/state.js';
import type { Kind } from './session/message.js';
import { PeerIndex } from './session/peer-index.js';
import { Sessions } from './session/sessions.js';
import { Records } from './state/records.js';

/** How a session and the prekeys are, for metrics. */
export interface SignalStatus {
  /** One row for each peer with a session. */
  readonly sessions: readonly {
    readonly did: string;
    /** Since a ratchet key of the peer came last, in ms: `ratchet_state_age_seconds` is a thousandth of it. */
    readonly ratchetAgeMs: number;
    /** Whether the peer has answered in it. */
    readonly confirmed: boolean;
    /** Keys kept of messages that did not come. */
    readonly skipped: number;
  }[];
  /** One-time prekeys that wait in the directory, as it last said; `undefined` before that. */
  readonly prekeysWaiting: number | undefined;
  /** Share of them that is used, 0 to 100: `prekey_utilization_percent`. */
  readonly prekeyUtilizationPercent: number | undefined;
}

/** Errors after which a message may be taken another time. All others are for good. */
const MAY_PASS: readonly MeshErrorId[] = [
  ...([
    'SIGNAL_NO_LISTENER',
    'SIGNAL_NO_LISTENER:FULL',
    'SIGNAL_STATE_CONFLICT',
    'SIGNAL_STATE_UNAVAILABLE',
    'SIGNAL_REGISTRY_UNAVAILABLE',
  ] as const),
];
/** Errors that say that the two sides have lost each other. */
const LOST: readonly MeshErrorId[] = [
  ...([
    'SIGNAL_UNKNOWN_SESSION',
    'SIGNAL_STATE_ROLLED_BACK',
    'SIGNAL_TOO_FAR',
    'SIGNAL_PREKEY_UNKNOWN',
  ] as const),
];
/** A peer gets one handshake in this time by itself: what is replayed must not use up its prekeys. */
const REKEY_INTERVAL_MS = 60_000;
/** A carrier that takes nothing as old as an hour is none for peers that are away. */
const LATE_MS = 3_600_000;
const LATE_REMEDY =
  'Give the agent maxAgeMs (such as 7 * 86_400_000) and a nonceStore that lasts, such as FileNonceStore.';

/**
 * Channels to peers that may be away: PQXDH (X25519 and ML-KEM-768) from prekeys in a directory, then a Double Ratchet. What is sent waits
 * with the carrier. Opens channels for the router, and takes those that peers begin (`onChannel`).
 */
export class SignalProvider implements ChannelProvider {
  readonly kind = 'signal';
  readonly #options: ReturnType<typeof resolveOptions>;
  readonly #sessions: Sessions;
  readonly #pool: PrekeyPool;
  readonly #peers: PeerIndex;
  readonly #tell: (event: SignalEvent) => void;
  readonly #channels: OpenChannels;
  readonly #rekeyedAt = new Map<string, number>();
  readonly #heartbeatAt = new Map<string, number>();
  readonly #underWay = new Set<Promise<unknown>>();
  #stop: (() => void)[] = [];
  #isClosed = false;

  private constructor(
    options: ReturnType<typeof resolveOptions>,
    parts: { sessions: Sessions; pool: PrekeyPool; peers: PeerIndex; tell: (event: SignalEvent) => void },
  ) {
    this.#options = options;
    this.#channels = new OpenChannels({
      options,
      send: (did, kind, data) => this.#send(did, kind, data),
      tell: parts.tell,
    });
    this.#sessions = parts.sessions;
    this.#pool = parts.pool;
    this.#peers = parts.peers;
    this.#tell = parts.tell;
  }

  /**
   * Derives the keys, publishes prekeys and begins to receive. Throws `INVALID_OPTION`, and `SIGNAL_STATE_…` or `SIGNAL_DIRECTORY_FAILED` where it cannot
   * begin.
   */
  static async start(given: SignalProviderOptions): Promise<SignalProvider> {
    const options = resolveOptions(given);
    const { agent, directory, clock, kemRatchet, lastResort } = options;
    const did = await agent.ready();
    const identity = keyPairOf(await agent.deriveSubkey(IDENTITY_LABEL));
    const sign: Sign = async (content) => toBytes(await agent.sign(content, { context: SIGN_CONTEXT }));
    const verify: Verify = async (other, content, signature) => {
      const signed = { did: other as never, content, signature: toText(signature), context: SIGN_CONTEXT };
      const result = await agent.verify(signed);
      if (!result.ok && result.error.status >= 500)
        throw new MeshError('SIGNAL_REGISTRY_UNAVAILABLE', { cause: result.error });
      return result.ok;
    };
    const place = {
      store: options.state ?? new MemoryOperationsStore(),
      revisions: options.revisions,
      key: await agent.deriveSubkey(STATE_LABEL),
    };
    const own = { did, identity, signature: await sign(identityStatement(did, identity.public)) };
    const kem = await loadKem();
    const tell = teller(options.observers);
    const pool = new PrekeyPool({
      ...{ did, identity: identity.public, records: new Records(place), directory, kem, sign, clock },
      poolSize: options.prekeyPoolSize,
      refreshThreshold: options.prekeyRefreshThreshold,
      rotationMs: options.prekeyRotationMs,
    });
    const peers = new PeerIndex(new Records(place), did);
    const sessions = new Sessions({
      ...{
        own,
        kem,
        records: new Records(place),
        pool,
        directory,
        verify,
        clock,
        kemRatchet,
        lastResort,
        tell,
      },
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      onPeer: (peer) => peers.add(peer),
    });
    const provider = new SignalProvider(options, { sessions, pool, peers, tell });
    await provider.#maintainPrekeys();
    provider.#begin();
    return provider;
  }

  async canReach({ did }: Target, signal?: AbortSignal): Promise<Reach> {
    signal?.throwIfAborted();
    if (did === undefined) return { state: 'unsupported', why: 'no DID' };
    try {
      const { directory } = this.#options;
      const hasSession = (await this.#sessions.active(did)) !== undefined;
      const isThere = hasSession || ((await directory.has?.(did)) ?? true);
      signal?.throwIfAborted();
      return isThere
        ? { state: 'offline', why: hasSession ? 'session' : 'prekeys', postQuantum: true }
        : { state: 'unsupported', why: 'no prekeys' };
    } catch (error) {
      signal?.throwIfAborted();
      return { state: 'unreachable', why: isMeshError(error) ? error.code : 'failed' };
    }
  }

  /**
   * A channel to a peer; makes the handshake if there is no session. Nothing is sent by that. Rejects with `SIGNAL_…`;
   * `SIGNAL_DIRECTORY_FAILED` if the time is over or the signal ends it.
   */
  async open({ did }: Target, { signal, timeoutMs }: OpenOptions = {}): Promise<SignalChannel> {
    this.#assertOpen();
    if (did === undefined)
      throw new MeshError('SIGNAL_PEER_UNKNOWN', { hint: 'A Signal channel needs a DID.' });
    const limits = [...(signal ? [signal] : []), ...(timeoutMs ? [AbortSignal.timeout(timeoutMs)] : [])];
    await endedBy(AbortSignal.any(limits), this.#sessions.ensure(did));
    this.#assertOpen();
    return this.#channels.add(did);
  }

  /** Calls the listener with each channel that a peer begins, until the returned function is called. Messages wait in it for its first listener. */
  onChannel(listener: (channel: SignalChannel) => void): () => void {
    return this.#channels.onChannel(listener);
  }

  /**
   * Takes a message that came by another way than the carrier, from a peer that is proven. Rejects with `SIGNAL_…` if it was refused;
   * nothing was handed out then.
   */
  async receive(from: string, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (bytes.length > this.#options.maxMessageBytes + MESSAGE_OVERHEAD)
      throw new MeshError('SIGNAL_MESSAGE_TOO_LARGE');
    const room = this.#channels.roomFor(from, bytes.length);
    const letGo = room.keep();
    try {
      const { kind, data } = await this.#sessions.open(from, bytes);
      if (kind === 'data') await this.#channels.deliver(from, data, room);
      if (kind === 'heartbeat') this.#background('heartbeat', () => this.#send(from, 'heartbeat-answer'));
      if (kind === 'close') this.#channels.closedByPeer(from, data);
    } finally {
      letGo();
    }
  }

  /**
   * A new session with a peer in the place of all there are, at once: for keys that somebody may have read. Messages under way in the old
   * ones are lost. Rejects with `SIGNAL_…`.
   */
  async rekey(did: string): Promise<void> {
    this.#assertOpen();
    await this.#carry(did, await this.#sessions.rekey(did));
  }

  /**
   * After a break-in: all prekeys are replaced, and every peer gets a new session. The seed of the agent is not changed: if that was read too,
   * let its identity be succeeded. Resolves to the peers that could not be told, with the error.
   */
  async emergencyRekey(): Promise<readonly { readonly did: string; readonly error: unknown }[]> {
    this.#assertOpen();
    await this.#pool.discard();
    await this.#maintainPrekeys();
    const failed: { did: string; error: unknown }[] = [];
    for (const did of await this.#peers.all()) {
      try {
        await this.rekey(did);
      } catch (error) {
        failed.push({ did, error });
      }
    }
    return failed;
  }

  /** What is due: prekeys are filled up and rotated, heartbeats sent, stale ratchets told. Runs by itself every `maintenanceMs`. */
  async maintain(): Promise<void> {
    await this.#tried('prekeys', () => this.#maintainPrekeys());
    const { clock, heartbeatMs, staleMs } = this.#options;
    for (const did of await this.#peers.all()) {
      const session = await this.#sessions.active(did);
      if (!session) continue;
      const ageMs = clock() - session.ratchet.turnedAt;
      if (staleMs > 0 && ageMs >= staleMs) this.#tell({ type: 'ratchet-stale', did, ageMs });
      const isDue = clock() - (this.#heartbeatAt.get(did) ?? 0) >= heartbeatMs;
      if (heartbeatMs === 0 || ageMs < heartbeatMs || !isDue) continue;
      this.#heartbeatAt.set(did, clock());
      await this.#tried('heartbeat', async () => {
        await this.#send(did, 'heartbeat');
        this.#tell({ type: 'heartbeat', did });
      });
    }
  }

  /** How sessions and prekeys are. */
  async status(): Promise<SignalStatus> {
    const sessions = [];
    for (const did of await this.#peers.all()) {
      const session = await this.#sessions.active(did);
      if (!session) continue;
      const { ratchet, confirmed } = session;
      const ratchetAgeMs = this.#options.clock() - ratchet.turnedAt;
      sessions.push({ did, ratchetAgeMs, confirmed, skipped: ratchet.skipped.length });
    }
    const { utilization } = this.#pool;
    return {
      sessions,
      prekeysWaiting: this.#pool.waiting,
      prekeyUtilizationPercent: utilization === undefined ? undefined : Math.round(utilization * 100),
    };
  }

  /** Stops receiving, and closes all channels without telling peers. State is written already. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stop of this.#stop.splice(0)) stop();
    this.#channels.endAll();
    await Promise.all(this.#underWay);
  }

  #begin(): void {
    const { carrier, maintenanceMs } = this.#options;
    this.#warnOfLoss(carrier.maxAgeMs);
    const refused = (error: unknown) => this.#tell({ type: 'envelope-refused', id: idOf(error), error });
    this.#stop.push(carrier.onMessage((from, bytes) => this.#take(from, bytes), refused));
    if (maintenanceMs === 0) return;
    const timer = setInterval(() => this.#background('prekeys', () => this.maintain()), maintenanceMs);
    timer.unref();
    this.#stop.push(() => clearInterval(timer));
  }

  /** Nobody would see it otherwise: the sender is told that the relay has the message. */
  #warnOfLoss(maxAgeMs: number | undefined): void {
    if (maxAgeMs === undefined || maxAgeMs >= LATE_MS) return;
    this.#tell({ type: 'late-messages-lost', maxAgeMs, remedy: LATE_REMEDY });
    if (this.#options.observers.length === 0)
      process.emitWarning(`Messages that wait for more than ${maxAgeMs} ms are lost. ${LATE_REMEDY}`, {
        code: 'MESH_LATE_MESSAGES_LOST',
      });
  }

  /** From the carrier: rejects only for what may be taken another time. */
  async #take(from: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.receive(from, bytes);
    } catch (error) {
      const id = idOf(error);
      if (!isMeshError(error) || MAY_PASS.includes(error.id)) throw error;
      this.#tell({ type: 'message-refused', did: from, id });
      if (LOST.includes(error.id)) this.#findAgain(from);
    }
  }

  #findAgain(did: string): void {
    const now = this.#options.clock();
    if (now - (this.#rekeyedAt.get(did) ?? Number.NEGATIVE_INFINITY) < REKEY_INTERVAL_MS) return;
    this.#rekeyedAt.set(did, now);
    this.#background('rekey', () => this.rekey(did));
  }

  async #send(did: string, kind: Kind, data: Uint8Array = new Uint8Array(0)): Promise<void> {
    await this.#carry(did, await this.#sessions.seal(did, kind, data));
  }

  async #carry(did: string, message: Uint8Array): Promise<void> {
    try {
      await this.#options.carrier.send(did, message);
    } catch (cause) {
      throw new MeshError('SIGNAL_SEND_FAILED', { cause });
    }
  }

  async #maintainPrekeys(): Promise<void> {
    const done = await this.#pool.maintain();
    if (!done) return;
    if (done.lost) this.#tell({ type: 'state-rolled-back' });
    this.#tell({ type: 'prekeys-published', waiting: done.waiting, replaced: done.replaced });
  }

  async #tried(what: 'prekeys' | 'heartbeat' | 'rekey', work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#tell({ type: 'maintenance-failed', what, id: isMeshError(error) ? error.id : 'INTERNAL', error });
    }
  }

  #background(what: 'prekeys' | 'heartbeat' | 'rekey', work: () => Promise<void>): void {
    const running = this.#tried(what, work).finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  #assertOpen(): void {
    if (this.#isClosed)
      throw new MeshError('CHANNEL_CLOSED', { hint: 'The provider is closed: start another one.' });
  }
}
