import { ANSWER_TYPE } from '@private.me/xlink';
import { type SealedRequest, sealRequest, signRequest } from '../../src/client/seal-request.js';
import { FRAME } from '../../src/http/answer-frames.js';
import { framesOf, receivedAnswer } from '../support/answers.js';
import { KEY } from '../support/keys.js';
import type { WorldWithCaller } from '../support/world.js';
import type { Received, Sent } from './exchange.js';
import type { Ask, Way } from './row.js';

/** A request on its way, and what opens its answer. */
export interface Asking {
  readonly sent: Sent;
  open(received: Received): Promise<Opened>;
}

/** An answer as its caller gets it. */
export type Opened = Received & { readonly sealed: boolean };

const open = async (received: Received): Promise<Opened> => ({ ...received, sealed: false });

/** The request in one of the ways, made by the client's own means. `undefined`: it cannot be made that way. */
export async function askIn(way: Way, known: WorldWithCaller, ask: Ask): Promise<Asking | undefined> {
  const { method = ask.body === undefined ? 'GET' : 'POST', path = '/orders', body } = ask;
  const sent = { ...ask, method, path };
  if (way === 'plain' || way === 'key')
    return { sent: { ...sent, headers: { ...ask.headers, 'x-api-key': KEY } }, open };
  if (way === 'body form' && body === undefined) return undefined;
  const made = await envelope(way, known, sent);
  return {
    sent: {
      ...sent,
      headers: Object.fromEntries(made.headers),
      ...(made.body === undefined ? {} : { body: made.body as string }),
    },
    open: (received) => opened(known, made, received),
  };
}

function envelope(
  way: Way,
  { api, caller }: WorldWithCaller,
  { method, path, headers: asked = {}, body }: Sent,
) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(asked)) headers.append(name, String(value));
  const url = new URL(path, 'http://service.test');
  const init = { method, headers: new Headers(headers) };
  const buffered = {
    request: new Request(url, init),
    url,
    method,
    body: body === undefined ? undefined : new Uint8Array(Buffer.from(body)),
    signal: undefined,
    init: {},
    carrier: undefined,
    takesPlain: false,
  };
  const accept = headers.get('accept');
  // The answer to HEAD has no content that could be sealed, so the client does not ask for it.
  if (method !== 'HEAD') headers.set('accept', accept === null ? ANSWER_TYPE : `${ANSWER_TYPE}, ${accept}`);
  const sealing = { agent: caller, service: { did: api.did }, scope: '*', version: undefined } as never;
  return way === 'body form'
    ? sealRequest(buffered, headers, sealing)
    : signRequest(buffered, headers, sealing);
}

/** What is in a sealed answer, as far as it goes. */
async function opened(
  { caller }: WorldWithCaller,
  { nonce, binding }: SealedRequest,
  received: Received,
): Promise<Opened> {
  const type = received.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  if (type !== ANSWER_TYPE) return { ...received, sealed: false };
  const whole = wholeFrames(received.bytes);
  const [head, , ...rest] = framesOf(whole);
  const nothing = { ...received, status: 0, headers: [], bytes: Buffer.alloc(0), sealed: true };
  if (!head || framesOf(whole).length < 2) return nothing;
  const rules = { inReplyTo: nonce, request: binding, requireRequestBinding: true };
  const answer = await receivedAnswer(caller, whole, rules);
  if (!answer.ok) throw answer.error;
  const opening = answer.value.answer!;
  const { content } = opening;
  const chunks = [content.bytes];
  let isWhole = framesOf(whole)[1]!.type === FRAME.finalChunk;
  for (const frame of rest)
    if (frame.type !== FRAME.end)
      chunks.push(await opening.chunk(frame.bytes, frame.type === FRAME.finalChunk));
    else {
      await opening.end(frame.bytes);
      isWhole = true;
    }
  const typed: [string, string][] = content.contentType === '' ? [] : [['content-type', content.contentType]];
  return {
    ...received,
    status: content.status!,
    headers: [...typed, ...(content.headers as [string, string][])],
    bytes: Buffer.concat(chunks),
    broken: received.broken || !isWhole,
    sealed: true,
  };
}

function wholeFrames(bytes: Buffer): Buffer {
  let at = 0;
  while (at + 5 <= bytes.length && at + 5 + bytes.readUInt32BE(at + 1) <= bytes.length)
    at += 5 + bytes.readUInt32BE(at + 1);
  return bytes.subarray(0, at);
}
