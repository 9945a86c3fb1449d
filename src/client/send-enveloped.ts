import type { RequestIdentity } from '../agent/request.js';
import type { Service } from '../discovery/discover.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import { ANSWER_TYPE } from '../http/media-type.js';
import { given } from '../util/given.js';
import { type BufferedRequest, type CallerRequest, callersHeaders, isRead } from './buffered-request.js';
import type { Gate } from './gate.js';
import { isSealed, openResponse } from './open-response.js';
import { type Exchanged, unsealedResponse } from './response.js';
import { type Sealing, sealRequest } from './seal-request.js';

export interface ExchangeRules {
  readonly sealedAnswers: boolean;
  readonly maxBytes: number | undefined;
  readonly stripKey: (headers: Headers) => void;
  readonly send: (url: URL, init: RequestInit) => Promise<Response>;
  /** What waits for its turn is sealed when that has come, so that it is not too old on arrival. */
  readonly gate: Gate;
  /** Discovers the service anew; where its keys have changed since, the request is sealed once more. */
  readonly rediscover: () => Promise<Service>;
}

/** Refusals that say that the keys of the service may have changed. Anybody can forge them, so all they cause is another look. */
const ABOUT_KEYS = /^(KEY_EPOCH_UNKNOWN|RECIPIENT_MISMATCH|DECRYPT_FAILED:)/;

/**
 * One request under an envelope, and its answer. The envelope is bound to one path: see {@link followed} for redirects.
 *
 * It is sent a second time only where that cannot carry it out twice: sealed anew for other keys under the same nonce and
 * time, which one claim covers; or as a new request if it reads only, or carries an `Idempotency-Key`.
 */
export async function exchange(
  request: BufferedRequest,
  sealing: Sealing,
  rules: ExchangeRules,
): Promise<Exchanged> {
  const first = await exchangeOnce(request, sealing, rules);
  if (!('refused' in first)) return first;
  const { refused, identity } = first;
  let { service } = sealing;
  if (ABOUT_KEYS.test(refused.id)) service = await rules.rediscover().catch(() => service);
  const isOther = service.did !== sealing.service.did;
  const isRekeyed = !isOther && service.keyRecord.keyEpoch !== sealing.service.keyRecord.keyEpoch;
  // A claim names the recipient: for another DID it would be another one.
  const isAnew = (isOther || refused.id === 'NONCE_STORE_UNAVAILABLE:COLD_START') && mayBeRepeated(request);
  if (!isRekeyed && !isAnew) throw notSealed(refused);
  const again = await exchangeOnce(request, { ...sealing, service }, rules, isRekeyed ? identity : undefined);
  if ('refused' in again) throw notSealed(again.refused);
  return again;
}

interface Refused {
  /** What an answer says that nobody signed. */
  readonly refused: XlinkError;
  readonly identity: RequestIdentity;
}

async function exchangeOnce(
  request: BufferedRequest,
  sealing: Sealing,
  rules: ExchangeRules,
  identity?: RequestIdentity,
): Promise<Exchanged | Refused> {
  const { method, init, url } = request;
  // The answer to HEAD has no content that could be sealed.
  const wantsSealed = rules.sealedAnswers && method !== 'HEAD';
  const headers = headersFor(request, wantsSealed, rules.stripKey);
  const [sealed, response] = await rules.gate.pass(async () => {
    const sealed = await sealRequest(request, headers, sealing, identity);
    const { body, headers: sent } = sealed;
    const referrer = ''; // the address of a page may hold the key
    return [sealed, await rules.send(url, { ...init, headers: sent, referrer, ...given({ body }) })] as const;
  }, request.signal);
  if (wantsSealed && isSealed(response))
    return openResponse(response, sealed, {
      ...sealing,
      maxBytes: rules.maxBytes,
      signal: request.signal,
    });
  const plain = await unsealedResponse(response);
  if (!wantsSealed || request.takesPlain || isPublic(sealing.service, url))
    return { response: plain.response, verified: false };
  void plain.response.body?.cancel().catch(() => {});
  const refused = plain.problem === undefined ? statusError(response.status) : toXlinkError(plain.problem);
  return { refused, identity: sealed.identity };
}

/** What an answer says that is not sealed is nobody's word: it may be the service's, a proxy's, or forged. */
export const notSealed = (cause: XlinkError) => xlinkError('ANSWER_INVALID:NOT_SEALED', { cause });

export const statusError = (status: number) =>
  xlinkError('ANSWER_INVALID', {
    hint: `It has HTTP status ${status}, and is neither sealed nor a refusal of an API behind xLink.`,
    cause: new Error(`HTTP status ${status}`),
  });

export const mayBeRepeated = (request: CallerRequest): boolean =>
  isRead(request) || request.request.headers.has('idempotency-key');

/** Whether the service said, signed, that it answers this path in the open. */
export const isPublic = ({ publicPaths }: Service, { pathname }: URL): boolean =>
  publicPaths.some((path) =>
    path.endsWith('/*') ? pathname.startsWith(path.slice(0, -1)) : pathname === path,
  );

/** The caller's headers, without a key, and without anything that only this side may say. */
export function headersFor(
  { request }: CallerRequest,
  wantsSealed: boolean,
  stripKey: (headers: Headers) => void,
): Headers {
  const headers = callersHeaders(request);
  if (/^xlink(-session)?(\s|$)/i.test(headers.get('authorization') ?? '')) headers.delete('authorization');
  stripKey(headers);
  if (wantsSealed) headers.set('Accept', `${ANSWER_TYPE}, ${headers.get('accept') ?? '*/*'}`);
  return headers;
}
