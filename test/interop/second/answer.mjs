// Sealed answers and signed refusals: docs/PROTOCOL.md, sections 12.4 and 12.5. Both ends, without a network.
import { concat, fail, ProtocolError, u32 } from './bytes.mjs';
import { parseEnvelope } from './parse.mjs';

const [HEAD, CHUNK, FINAL, END] = [1, 2, 3, 4];
const LONGEST = { [HEAD]: 32_768, [CHUNK]: 131_120, [FINAL]: 131_120, [END]: 3373 };
const frame = (type, bytes) => concat(Uint8Array.of(type), u32(bytes.length), bytes);

const invalid = () => fail('ANSWER_INVALID');
const NO_BODY = [204, 205, 304];

/** Reads frames of an async iterable of bytes. */
class Frames {
  #held = new Uint8Array(0);
  #source;

  constructor(source) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `n` bytes; fewer only at the end of the body. */
  async #take(n) {
    while (this.#held.length < n) {
      let read;
      try {
        read = await this.#source.next();
      } catch {
        fail('ANSWER_INVALID:BROKEN_OFF');
      }
      if (read.done) break;
      this.#held = concat(this.#held, read.value);
    }
    const taken = this.#held.slice(0, n);
    this.#held = this.#held.slice(n);
    return taken;
  }

  async next(...types) {
    const prefix = await this.#take(5);
    if (prefix.length < 5) fail('ANSWER_INVALID:BROKEN_OFF');
    const type = prefix[0];
    const length = new DataView(prefix.buffer).getUint32(1);
    if (!types.includes(type) || length > LONGEST[type]) invalid();
    const bytes = await this.#take(length);
    if (bytes.length < length) fail('ANSWER_INVALID:BROKEN_OFF');
    return { type, bytes };
  }

  async end() {
    if ((await this.#take(1)).length > 0) invalid();
  }
}

/** All refusals of an answer are ANSWER_INVALID; `cause` is the check behind it. */
async function asInvalid(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.id.startsWith('ANSWER_INVALID')) throw error;
    const wrapped = new ProtocolError('ANSWER_INVALID');
    wrapped.cause = error;
    throw wrapped;
  }
}

const typeOf = (header) => (header ?? '').split(';')[0].trim().toLowerCase();

/**
 * 12.5, client: { status, contentType, headers, body } of a sealed answer, `body` an async iterable; or { refusal } of one that was
 * signed. `answer` is { status, headers, body }, its body bytes or an async iterable of them.
 */
export async function openAnswer(peer, service, sent, answer, { maxBytes = Infinity } = {}) {
  const type = typeOf(answer.headers['content-type']);
  const rules = { request: sent.request, inReplyTo: sent.nonce };
  if (type === 'application/xlink-envelope') return readRefusal(peer, service, rules, answer);
  if (type !== 'application/xlink-answer') fail('ANSWER_INVALID:NOT_SEALED');
  const frames = new Frames(piecesOf(answer.body));
  const head = await frames.next(HEAD);
  const first = await frames.next(CHUNK, FINAL);
  const isFinal = first.type === FINAL;
  const opened = await asInvalid(
    (async () => {
      const e = parseEnvelope(head.bytes, undefined, first.bytes);
      return peer.accept(e, { ...rules, kind: 'answer', allowCleartext: false, isFinal });
    })(),
  );
  if (opened.from !== service) invalid();
  if (isFinal) await frames.end();
  let left = maxBytes;
  const counted = (bytes) => {
    left -= bytes.length;
    return left < 0 ? fail('ANSWER_INVALID:TOO_LARGE') : bytes;
  };
  counted(opened.bytes);
  const { status, contentType, headers } = opened;
  const hasBody = !NO_BODY.includes(status);
  const coding = headers.find(([name]) => name === 'content-encoding')?.[1];
  const isEmpty = isFinal && opened.bytes.length === 0;
  if (hasBody && !isEmpty && coding !== undefined && coding !== 'identity') invalid(); // this client undoes none
  async function* body() {
    if (!hasBody) return;
    if (opened.bytes.length > 0) yield opened.bytes;
    for (let isLast = isFinal; !isLast; ) {
      const next = await frames.next(CHUNK, FINAL);
      isLast = next.type === FINAL;
      const content = counted(await asInvalid((async () => opened.chunk(next.bytes, isLast))()));
      if (isLast) {
        const { bytes } = await frames.next(END);
        await asInvalid((async () => opened.checkEnd(bytes))());
        await frames.end();
      }
      if (content.length > 0) yield content;
    }
  }
  return { status, contentType, headers, body: body() };
}

async function* piecesOf(body) {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

async function readRefusal(peer, service, rules, answer) {
  const parts = [];
  for await (const part of piecesOf(answer.body)) parts.push(part);
  const message = await asInvalid(peer.receive(concat(...parts), { ...rules, kind: 'refusal' }));
  const { content } = message;
  if (message.from !== service) invalid();
  if (typeof content?.code !== 'string' || content.status !== answer.status) invalid();
  return { refusal: content };
}

/** All of a body. */
export async function readBody(body) {
  const parts = [];
  for await (const part of body) parts.push(part);
  return concat(...parts);
}

const CONNECTION = 'connection keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(' ');

/**
 * 12.5, service: the frames that answer a received request, piece by piece. `answer` is { status, headers, body }, its headers
 * pairs, its body an async iterable or a list of bytes. `random` replaces that of the peer.
 */
export async function* sealAnswer(peer, message, { status, headers = [], body = [] }, random) {
  const own = headers.map(([name, value]) => [name.toLowerCase(), value]);
  if (own.some(([name]) => name === 'trailer')) fail('ANSWER_NOT_SEALED');
  const about = {
    status,
    contentType: own.find(([name]) => name === 'content-type')?.[1] ?? '',
    headers: own.filter(([name]) => name !== 'content-type' && !CONNECTION.includes(name)),
  };
  let begun;
  async function* send(bytes, isFinal) {
    if (begun) {
      yield frame(isFinal ? FINAL : CHUNK, begun.chunk(bytes, isFinal));
      if (isFinal) yield frame(END, begun.end());
    } else {
      begun = await peer.beginAnswer(message, { ...about, bytes }, isFinal, random);
      yield frame(HEAD, new TextEncoder().encode(begun.text));
      yield frame(isFinal ? FINAL : CHUNK, begun.payload);
    }
  }
  let held;
  for await (const piece of body)
    for (let at = 0; at === 0 || at < piece.length; at += 65_536) {
      if (held) yield* send(held, false);
      held = piece.slice(at, at + 65_536);
    }
  yield* send(held ?? new Uint8Array(0), true);
}

const ACTED_ON = (status) => [204, 205, 206, 407].includes(status) || (status >= 300 && status < 400);

/** 12.5: status and headers outside. Of the application's own it has none but `vary`. */
export const outside = ({ status, headers = [] }) => ({
  status: ACTED_ON(status) ? 200 : status,
  headers: {
    'Content-Type': 'application/xlink-answer',
    'Cache-Control': 'no-store, no-transform',
    Vary: [
      ...headers.filter(([name]) => name.toLowerCase() === 'vary').map(([, value]) => value),
      'Accept, Authorization, Xlink-Envelope',
    ].join(', '),
    'X-Accel-Buffering': 'no',
  },
});
