import { enroll } from '../adapters/clients/enrollment.js';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { type XlinkFetch, xlinkFetch } from '../client/xlink-fetch.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { generateIdentity, type Identity } from '../identity/identity.js';
import { Agent } from '../middleware/agent.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import type { ClientId, Clock, Did, Scope, Version } from '../types/protocol.js';
import { checkOptions, integerIn, isPromptFunction, type OptionCheck } from '../util/options.js';

/** Options of {@link enrolledClient}. */
export interface EnrolledClientOptions {
  /** What it may do; `['*']` is everything. Default none, as for a key whose validator returns no scopes. */
  readonly scopes?: readonly Scope[];
  /** Highest envelope version it speaks: 3 adds ML-DSA-65. Default 2. */
  readonly version?: Version;
  /** Default: the option `clock` of the adapter, else `Date.now`. */
  readonly clock?: Clock;
}

/** A client of an API, enrolled as if it had brought a key. */
export interface EnrolledClient {
  /** The client's id, as the key validator would return it. */
  readonly client: ClientId;
  /** Its identity. */
  readonly did: Did;
  /** Makes envelopes: `agent.createRequest({ to, request, … })`. Knows the API. */
  readonly agent: Agent;
  /**
   * The real client of this identity, for an API that listens: discovery, sealing, and answers that are sealed and checked. Takes
   * plain HTTP on this machine, as tests have it. `baseUrl`: such as `http://127.0.0.1:3000`.
   */
  fetch(baseUrl: string): XlinkFetch;
}

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every(isScopeOrAll) ? undefined : 'an array of scopes';

/** One check per option. */
export const ENROLLED_CLIENT_OPTIONS = {
  scopes: isScopes,
  version: integerIn(1, 3),
  clock: isPromptFunction,
};

/**
 * Makes an identity and enrolls it for a client, without a key: in the registry of the adapter's agent, and in `clients` if the
 * adapter has it. Each call makes another identity. Rejects with `INVALID_OPTION` or `REGISTRATION_FAILED…`.
 */
export async function enrolledClient(
  adapter: BaseDualModeAdapter,
  client: ClientId,
  options: EnrolledClientOptions = {},
): Promise<EnrolledClient> {
  checkOptions('enrolledClient', options, ENROLLED_CLIENT_OPTIONS);
  const made = await newClient(adapter, client, options);
  await enrollClient(adapter, made, options.scopes);
  const { identity: _, ...enrolled } = made;
  return enrolled;
}

/** With what signs in its name. */
export interface NewClient extends EnrolledClient {
  readonly identity: Identity;
}

/** A client that the API does not know yet. */
export async function newClient(
  adapter: BaseDualModeAdapter,
  client: ClientId,
  { version = 2, clock = adapter.parts.clock ?? Date.now }: EnrolledClientOptions,
): Promise<NewClient> {
  const made = await generateIdentity({ maxVersion: version });
  if (!made.ok) throw made.error;
  const identity = made.value;
  const nonceStore = new MemoryNonceStore({ clock, coldStart: 'accept' });
  const agent = new Agent({ name: client, identity, clock, nonceStore, maxVersion: version });
  await agent.adoptService(await adapter.parts.agent.keyRecord());
  const local = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
  return {
    client,
    did: identity.did,
    agent,
    identity,
    fetch: (baseUrl) => xlinkFetch({ agent, baseUrl, clock, ...local }),
  };
}

/** As the operator would: in the registry, and for the client if the adapter knows clients. */
export async function enrollClient(
  { parts: { agent, clients } }: BaseDualModeAdapter,
  { client, did, agent: caller }: NewClient,
  scopes: readonly Scope[] = [],
): Promise<void> {
  const keys = await caller.keyRecord();
  if (clients) {
    const limits = { maxDids: Number.MAX_SAFE_INTEGER, validUntil: undefined };
    await enroll(agent, clients, { did, keys, client, scopes, ...limits });
    return;
  }
  const registered = await agent.registry.register({ did, name: client, keys, sendScopes: scopes });
  if (!registered.ok) throw registered.error;
}
