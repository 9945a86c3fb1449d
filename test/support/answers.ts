import type { Agent, AgentMessage, Envelope } from '@private.me/xlink';
import { answerSealer, inEnvelope } from '../../src/adapters/sealed-answer.js';
import type { Received, ReceiveRules } from '../../src/agent/receive.js';
import type { Header } from '../../src/envelope/plaintext.js';
import type { Result } from '../../src/errors/result.js';
import { encodeFrames, FRAME, type Frame } from '../../src/http/answer-frames.js';

// Sealed answers as they travel, made and read without a connection.

/** An answer before it is sealed. 200 without headers and without a body, unless said otherwise. */
export interface PlainAnswer {
  readonly status?: number;
  readonly headers?: readonly Header[];
  readonly body?: Uint8Array | string;
}

/** All frames of the sealed answer to a request. */
export async function sealedAnswer(
  agent: Agent,
  message: AgentMessage,
  { status = 200, headers = [], body = '' }: PlainAnswer = {},
): Promise<Uint8Array> {
  const sealer = answerSealer(inEnvelope(await agent.prepareAnswer(message)));
  return Buffer.concat((await sealer.begin({ status, headers }, Buffer.from(body), true)).parts);
}

/** The frames in bytes that are whole. */
export function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const view = Buffer.from(bytes);
  for (let at = 0; at < view.length; ) {
    const end = at + 5 + view.readUInt32BE(at + 1);
    frames.push({ type: view[at]!, bytes: view.subarray(at + 5, end) });
    at = end;
  }
  return frames;
}

export const joined = (frames: readonly Frame[]): Uint8Array => Buffer.concat(encodeFrames(frames));

/** The envelope that a sealed answer begins with. */
export const headOf = (answer: Uint8Array): Envelope =>
  JSON.parse(Buffer.from(framesOf(answer)[0]!.bytes).toString());

/** The answer with another envelope in front. */
export const withHead = (answer: Uint8Array, head: object): Uint8Array =>
  joined([{ type: FRAME.head, bytes: Buffer.from(JSON.stringify(head)) }, ...framesOf(answer).slice(1)]);

/** What a caller says of the beginning of an answer. */
export function receivedAnswer(
  caller: Agent,
  answer: Uint8Array,
  rules: ReceiveRules = {},
): Promise<Result<Received>> {
  const [head, first] = framesOf(answer) as [Frame, Frame];
  const isFinal = first.type === FRAME.finalChunk;
  return caller.receiveContent(head.bytes, { ...rules, first: { payload: first.bytes, isFinal } });
}

/** The whole answer, as its caller reads it. Throws what is wrong with it. */
export async function openedAnswer(caller: Agent, answer: Uint8Array, rules: ReceiveRules = {}) {
  const received = await receivedAnswer(caller, answer, rules);
  if (!received.ok) throw received.error;
  const { message, answer: opened } = received.value;
  const { status, contentType, headers, bytes } = opened!.content;
  const body = [bytes];
  for (const frame of framesOf(answer).slice(2)) {
    if (frame.type === FRAME.end) await opened!.end(frame.bytes);
    else body.push(await opened!.chunk(frame.bytes, frame.type === FRAME.finalChunk));
  }
  return { message, status, contentType, headers, text: Buffer.concat(body).toString() };
}
