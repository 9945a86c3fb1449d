import { xlinkError } from '../errors/errors.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import type { BufferedRequest } from './buffered-request.js';
import { isSealed, openResponse } from './open-response.js';
import { SEALED_HEADER, type ServiceResponse, unsealedResponse } from './response.js';
import { type Sealing, sealRequest } from './seal-request.js';

export interface ExchangeRules {
  readonly sealedAnswers: boolean;
  readonly maxBytes: number;
  readonly stripKey: (headers: Headers) => void;
  readonly send: (url: URL, init: RequestInit) => Promise<Response>;
}

/**
 * One request under an envelope, and its answer. It is sent a second time, sealed anew, only if the service says that it
 * could not rule out a replay because it has just started: nothing was carried out then. Redirects are not followed, for
 * the envelope is bound to one path.
 */
export async function exchange(
  request: BufferedRequest,
  sealing: Sealing,
  rules: ExchangeRules,
): Promise<ServiceResponse> {
  const { method, init, url } = request;
  // The answer to HEAD has no content that could be sealed.
  const wantsSealed = rules.sealedAnswers && method !== 'HEAD';
  for (let attempt = 1; ; attempt++) {
    const headers = headersFor(request, wantsSealed, rules.stripKey);
    const sealed = await sealRequest(request, headers, sealing, request.request.headers.get('accept'));
    const { body } = sealed;
    const response = await rules.send(url, {
      ...init,
      method,
      headers: sealed.headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    if (wantsSealed && isSealed(response)) {
      const opened = await openResponse(response, sealed, { ...sealing, maxBytes: rules.maxBytes });
      return { response: opened, problem: undefined };
    }
    const answer = await unsealedResponse(response, rules.maxBytes);
    if (isColdStart(answer) && attempt === 1) continue;
    if (wantsSealed && response.status < 400) {
      void answer.response.body?.cancel().catch(() => {});
      throw xlinkError('ANSWER_INVALID:NOT_SEALED');
    }
    return answer;
  }
}

const isColdStart = ({ response, problem }: ServiceResponse): boolean =>
  response.status === 503 && problem === 'NONCE_STORE_UNAVAILABLE:COLD_START';

/** The caller's headers, without a key, and without anything that only this side may say. */
function headersFor(
  { request }: BufferedRequest,
  wantsSealed: boolean,
  stripKey: (headers: Headers) => void,
): Headers {
  const headers = new Headers(request.headers);
  for (const name of [SEALED_HEADER, 'xlink-envelope', 'content-length']) headers.delete(name);
  if (/^xlink(\s|$)/i.test(headers.get('authorization') ?? '')) headers.delete('authorization');
  stripKey(headers);
  if (wantsSealed) headers.set('Accept', `${ENVELOPE_TYPE}, ${headers.get('accept') ?? '*/*'}`);
  return headers;
}
