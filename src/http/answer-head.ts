import type { Memory } from '../crypto/provider.js';
import type { Header } from '../envelope/plaintext.js';
import type { AnswerStart } from '../envelope/seal-answer.js';
import type { Awaitable } from '../util/awaitable.js';
import type { Frame } from './answer-frames.js';
import { ANSWER_TYPE } from './media-type.js';

/** Status and headers of an answer. Names are in any case; a name may come several times. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly Header[];
}

/** What an answer travels as: its head, and the first bytes behind it. */
export interface BegunAnswer {
  readonly head: AnswerHead;
  readonly parts: readonly Uint8Array[];
}

/** The beginning of a sealed answer, and what seals the rest of it. */
export interface SealedStart {
  /** The frame in front of the chunks. */
  readonly head: Frame;
  /** The commitment and the first chunk. */
  readonly payload: Uint8Array;
  /** Seals the next chunk. `memory`: where it may go. */
  chunk(bytes: Uint8Array, isFinal: boolean, memory?: Memory): Awaitable<Uint8Array>;
  /** What follows the last of several chunks; absent: nothing does. */
  end?(): Awaitable<Uint8Array>;
}

/** Seals the beginning of an answer. `isFinal`: it is all of it. */
export type SealStart = (start: AnswerStart, isFinal: boolean) => Awaitable<SealedStart>;

/** Seals or signs one answer, piece by piece, to bytes that follow each other. The pieces come one after the other; each begins when the one before it is done. */
export interface AnswerSealer {
  /**
   * How long the first `size` bytes are to be held while they are not all, in ms; 0: they go at once. Absent: no answer waits, and what
   * it travels under can be told from its head alone.
   */
  holdMs?(head: AnswerHead, size: number): number;
  /**
   * What is sent of the head and the first bytes. `isFinal`: they are all. `canTrail`: fields may follow the body on this connection.
   * Throws `ANSWER_NOT_SEALED`, or rejects with it.
   */
  begin(head: AnswerHead, bytes: Uint8Array, isFinal: boolean, canTrail?: boolean): Awaitable<BegunAnswer>;
  /** What is sent of further bytes, and behind the last of them what says that they were all. */
  more(bytes: Uint8Array, isFinal: boolean): Awaitable<readonly Uint8Array[]>;
  /** The fields that follow the body, where they can. Asked once, behind the last bytes; none if absent or `undefined`. */
  trailers?(): Awaitable<readonly Header[] | undefined>;
  /** Takes back what `begin` or `more` returned, to use its memory again. Only when nobody reads it any more. */
  reuse(parts: readonly Uint8Array[]): void;
}

/** They belong to the connection, so they are said in front of the sealed answer, and not in it. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Browsers and proxies act on these before anybody can open the answer. What the caller gets is in it all the same. */
const READ_ON_THE_WAY =
  /^(connection|keep-alive|date|server|alt-svc|strict-transport-security|timing-allow-origin|access-control-.*|cross-origin-.*)$/;

/** What is sealed of the headers of an answer: names in lower case, each with the values that it came with. */
export function sealedHead({ status, headers }: AnswerHead) {
  const sealed: Header[] = [];
  let contentType: string | undefined;
  for (const [anyCase, value] of headers) {
    const name = anyCase.toLowerCase();
    if (name === 'content-type') contentType ??= value;
    else if (!OF_THE_CONNECTION.has(name)) sealed.push([name, value]);
  }
  return { status, contentType: contentType ?? '', headers: sealed };
}

/** Statuses with which a browser, a platform or a proxy does something else than hand the body on. */
const actedOn = (status: number): boolean =>
  status === 204 || status === 205 || status === 206 || (status >= 300 && status < 400) || status === 407;

/**
 * What the sealed answer travels under. No cache may keep it: it is for one caller, and for one request. Nothing on the way may
 * hold it back or change it.
 */
export function outerHead({ status, headers }: AnswerHead): AnswerHead {
  let vary = '';
  const kept: Header[] = [];
  for (const header of headers) {
    const name = header[0].toLowerCase();
    if (name === 'vary') vary += `${header[1]}, `;
    else if (READ_ON_THE_WAY.test(name)) kept.push(header);
  }
  return {
    status: actedOn(status) ? 200 : status,
    headers: [
      ['Content-Type', ANSWER_TYPE],
      ['Cache-Control', 'no-store, no-transform'],
      ['Vary', `${vary}Accept, Authorization, Xlink-Envelope`],
      ['X-Accel-Buffering', 'no'],
      ...kept,
    ],
  };
}
