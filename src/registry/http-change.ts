import { withDeadline } from '../http/abort.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Did, RegistryEntry } from '../types/protocol.js';
import { pause } from '../util/backoff.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import type { Members } from '../util/members.js';
import { refusalIdOf, refusalOf } from './http-errors.js';
import { ask, type ExchangeOptions, type OwnAnswer } from './http-exchange.js';
import { entryFrom } from './parse-entry.js';

/** What a registry shows of a DID. */
export interface Shown {
  readonly entry?: RegistryEntry;
  /** How many changes made it what it is. `undefined` if the registry does not say. */
  readonly revision: number | undefined;
}

/** Rejects, with any error, if the answer is neither an entry of the DID nor that there is none. */
export async function resolve(did: Did, exchange: ExchangeOptions): Promise<Shown> {
  const answer = await ask({ method: 'GET', path: `/registry/resolve/${did}` }, exchange);
  const { status, body } = answer;
  if (status === 200) {
    const entry = entryFrom(body, did);
    return { entry, revision: entry.revision };
  }
  const isUnknown = refusalIdOf(answer) === 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY';
  if (status === 404 && isUnknown && body['did'] === did) return { revision: revisionIn(body) };
  throw new Error(`the registry answered with status ${status}`);
}

/** The pause after a refusal is so much longer than the one before, in ms: who is refused again and again does not storm. */
const PAUSE_MS = 4;

/**
 * Makes changes at a registry, each on the condition that the entry is at the revision it was seen at. So a request that
 * is carried out late does nothing if another change was made meanwhile. As often as one was, it is tried again with the
 * new revision, all within the time of one call. A condition of the caller's own is sent as it is, once. Changes of one
 * DID wait for each other, so that only others compete.
 */
export class HttpChanges {
  readonly #exchange: ExchangeOptions;
  readonly #token: string | undefined;
  readonly #mutex = new KeyedMutex<unknown>();

  constructor(exchange: ExchangeOptions, token: string | undefined) {
    this.#exchange = exchange;
    this.#token = token;
  }

  /** The answer to a change by its route, such as `revoke`, and the JSON for it. Rejects if there is none. */
  async make(route: string, members: Members): Promise<OwnAnswer> {
    const { did } = members;
    const { timeoutMs } = this.#exchange;
    // A registration needs no condition: it is refused where there is an entry, and entries stay.
    const isAsItIs = route === 'register' || 'ifRevision' in members || !looksLikeDidKey(did);
    let refused: Error | undefined;

    const attempts = async (signal: AbortSignal) => {
      const exchange = { ...this.#exchange, signal };
      for (let attempt = 1, revision: number | undefined; ; attempt++) {
        if (!isAsItIs) revision ??= (await resolve(did as Did, exchange)).revision;
        refused = undefined;
        const body = JSON.stringify({ ifRevision: revision, ...members });
        const question = { method: 'POST', path: `/registry/${route}`, token: this.#token, body } as const;
        const answer = await ask(question, exchange);
        if (revision === undefined || refusalIdOf(answer) !== 'REGISTRATION_FAILED:CHANGED_MEANWHILE')
          return answer;
        refused = refusalOf(answer);
        await pause(attempt * PAUSE_MS, signal);
        revision = revisionIn(answer.body); // newer than what a cache of the registry may hold
      }
    };

    const expired = () => refused ?? new Error(`the registry did not answer within ${timeoutMs} ms`);
    return withDeadline(timeoutMs, expired, (signal) => this.#mutex.run(did, () => attempts(signal)));
  }
}

const revisionIn = ({ revision }: Members): number | undefined =>
  Number.isSafeInteger(revision) ? (revision as number) : undefined;
