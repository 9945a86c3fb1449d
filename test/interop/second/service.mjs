// Sealed answers and signed refusals: docs/PROTOCOL.md, sections 12.4 and 12.5. Both ends, without a network.
import { EMPTY, fail, fromBase64url, toBase64url } from './bytes.mjs';

const typeOf = (header) => (header ?? '').split(';')[0].trim().toLowerCase();
const NO_BODY = [204, 205, 304];

/** 12.5, client: { status, contentType, body } of a sealed answer, or { refusal } of one that was signed. */
export async function openAnswer(peer, service, sent, answer) {
  const check = (condition, id = 'ANSWER_INVALID') => condition || fail(id);
  check(typeOf(answer.headers['content-type']) === 'application/xlink-envelope', 'ANSWER_INVALID:NOT_SEALED');
  const options = { request: sent.request, inReplyTo: sent.nonce };
  let message;
  try {
    message = await peer.receive(answer.text, { ...options, kind: 'answer', allowCleartext: false });
  } catch (error) {
    check(error.id === 'KIND_NOT_ACCEPTED');
    message = await peer.receive(answer.text, { ...options, kind: 'refusal' }).catch(() => check(false));
  }
  check(message.from === service);
  const { content } = message;
  if (message.kind === 'refusal') {
    check(typeof content?.code === 'string' && content.status === answer.status);
    return { refusal: content };
  }
  const { status, contentType, body } = content ?? {};
  check(Number.isInteger(status) && status >= 200 && status <= 599);
  check(
    contentType === undefined ||
      (typeof contentType === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(contentType)),
  );
  const bytes = body === undefined ? EMPTY : typeof body === 'string' ? fromBase64url(body) : undefined;
  check(bytes !== undefined);
  check(answer.status === (NO_BODY.includes(status) ? 200 : status));
  return { status, contentType, body: NO_BODY.includes(status) ? EMPTY : bytes };
}

/** 12.5, service: the JSON of the envelope that answers a received request. */
export async function sealAnswer(peer, message, { status, contentType, body }) {
  const content = {
    status,
    ...(contentType ? { contentType } : {}),
    ...(body?.length ? { body: toBase64url(body) } : {}),
  };
  const { scope, request, nonce, from } = message;
  const inReplyTo = fromBase64url(nonce);
  return (await peer.seal(from, { kind: 'answer', scope, request, inReplyTo, content })).text;
}
