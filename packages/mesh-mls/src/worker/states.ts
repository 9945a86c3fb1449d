import {
  type CiphersuiteImpl,
  type ClientConfig,
  type ClientState,
  type Credential,
  decodeGroupState,
  defaultKeyPackageEqualityConfig,
  encodeGroupState,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  zeroOutUint8Array,
} from 'ts-mls';
import { isBound, readIdentity } from '../credential.js';
import { GroupError } from '../errors.js';
import { MLS_SUITES, type MlsSuite, suiteOf } from '../suites.js';
import { viewOf } from './members.js';
import type { Standing, StateInput, StateOutput } from './protocol.js';

/** Asks the registry, in the main thread. Rejects with `REGISTRY_UNAVAILABLE`. */
export type Ask = (did: string) => Promise<Standing>;

/**
 * `strict`: every DID must be active. `follow`: one that is revoked by now passes, for members must follow what the others did before; the
 * client removes it then, and sends nothing before it is gone.
 */
export type Strictness = 'strict' | 'follow';

/** How many past epochs can be read: one. The log has one order, so nothing of an older one comes later. */
const RETAINED_EPOCHS = 1;

/** What the library asks and keeps. Its own authentication service accepts everybody. */
export const configOf = (ask: Ask, strictness: Strictness): ClientConfig => ({
  authService: {
    async validateCredential(credential: Credential, signatureKey: Uint8Array) {
      const read = credential.credentialType === 'basic' && readIdentity(credential.identity);
      if (!read || !isBound(read, signatureKey)) throw new GroupError('CREDENTIAL_INVALID');
      const standing = await ask(read.did);
      if (standing === 'unknown') throw new GroupError('MEMBER_UNKNOWN');
      if (standing === 'revoked' && strictness === 'strict') throw new GroupError('MEMBER_REVOKED');
      return true;
    },
  },
  keyRetentionConfig: {
    retainKeysForEpochs: RETAINED_EPOCHS,
    retainKeysForGenerations: 64,
    maximumForwardRatchetSteps: 1000,
  },
  lifetimeConfig: { maximumTotalLifetime: 32n * 86_400n, validateLifetimeOnReceive: false },
  keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
  paddingConfig: { kind: 'padUntilLength', padUntilLength: 256 },
});

const impls = new Map<MlsSuite, Promise<CiphersuiteImpl>>();

/** The algorithms of a suite. */
export function implOf(suite: MlsSuite): Promise<CiphersuiteImpl> {
  let impl = impls.get(suite);
  if (!impl) impls.set(suite, (impl = getCiphersuiteImpl(getCiphersuiteFromName(MLS_SUITES[suite]))));
  return impl;
}

/** The algorithms of a group. */
export const implOfState = ({ groupContext }: ClientState): Promise<CiphersuiteImpl> =>
  implOf(suiteOf(groupContext.cipherSuite));

/** Decoded states that are kept, the one used longest ago dropped first. */
const CAPACITY = 48;

/** A next state. */
interface Held {
  readonly state: ClientState;
  readonly spent: readonly Uint8Array[];
  readonly from: string | undefined;
}

/** Decoded states, by the names that the main thread gives to stored ones. */
export class States {
  readonly #kept = new Map<string, ClientState>();
  /** What follows from states, until the main thread has stored it. */
  readonly #next = new Map<number, Held>();
  #last = 0;

  /** Throws `STATE_UNREADABLE`. */
  read({ key, bytes }: StateInput, config: ClientConfig): ClientState {
    const state = this.#kept.get(key) ?? decoded(bytes);
    this.#keep(key, state);
    return { ...state, clientConfig: config };
  }

  /**
   * Holds a next state until `settle`. `spent`: secrets that are not needed any more then. `from`: the name of the state that it takes the
   * place of, if it does.
   */
  hold(state: ClientState, spent: readonly Uint8Array[] = [], from?: string): StateOutput {
    const held = ++this.#last;
    this.#next.set(held, { state, spent, from });
    if (this.#next.size > CAPACITY) this.#next.delete(this.#next.keys().next().value!); // nobody has settled it
    return { held, bytes: encodeGroupState(state), view: viewOf(state) };
  }

  /**
   * What was held was stored as `key`, or not at all. Zeroes what it leaves behind, unless it is only `proposed`: then what it follows
   * from is needed still.
   */
  settle(held: number, key: string | undefined, proposed = false): void {
    const next = this.#next.get(held);
    this.#next.delete(held);
    if (!next) return;
    const before = next.from === undefined ? undefined : this.#kept.get(next.from);
    if (next.from !== undefined) this.forget(next.from);
    if (key === undefined) return;
    if (!proposed) {
      for (const secret of next.spent) zeroOutUint8Array(secret);
      if (before) zeroEpochs(before, next.state);
    }
    this.#keep(key, next.state);
  }

  /** Drops a decoded state. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  #keep(key: string, state: ClientState): void {
    this.#kept.delete(key);
    this.#kept.set(key, state);
    if (this.#kept.size > CAPACITY) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

function decoded(bytes: Uint8Array): ClientState {
  try {
    const [state] = decodeGroupState(bytes, 0)!;
    return state as ClientState; // without its configuration, which `read` adds
  } catch (cause) {
    throw new GroupError('STATE_UNREADABLE', { cause });
  }
}

/** The library drops epochs without zeroing their secrets. */
function zeroEpochs(before: ClientState, after: ClientState): void {
  for (const [epoch, { secretTree, senderDataSecret, resumptionPsk }] of before.historicalReceiverData) {
    if (after.historicalReceiverData.has(epoch)) continue;
    for (const { application, handshake } of secretTree)
      for (const { secret, unusedGenerations } of [application, handshake])
        for (const each of [secret, ...Object.values(unusedGenerations)]) zeroOutUint8Array(each);
    for (const each of [senderDataSecret, resumptionPsk]) zeroOutUint8Array(each);
  }
}
