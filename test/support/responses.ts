import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { expect } from '@jest/globals';
import { ERROR_TABLE, type ErrorId } from '@private.me/xlink';

// Responses, and what is true of every refusal.

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Uint8Array;
}

export async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const bytes = await restOf(response);
  return { status: response.statusCode!, headers: response.headers, text: bytes.toString(), bytes };
}

/** The part of a message that is still to be read. */
export async function restOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (!message.readableEnded) for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const problemOf = ({ text }: Answer): Record<string, unknown> => JSON.parse(text);

/** The id of the error that an answer tells of. */
export const problemIdOf = (answer: Answer): string => {
  const { code, subCode } = problemOf(answer);
  return subCode === undefined ? String(code) : `${code}:${subCode}`;
};

/** `status id`, such as `401 API_KEY_INVALID`. */
export type RefusalText = `${number} ${ErrorId}`;

/** The answer is this refusal, whole. With `head` it has no body; with `details` the problem says more. */
export function expectRefusal(
  answer: Answer,
  refusal: RefusalText,
  { head = false, details = false } = {},
): void {
  const [status, id] = refusal.split(' ') as [string, ErrorId];
  expect(`${answer.status} ${head ? id : problemIdOf(answer)}`).toBe(refusal);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
  const isScopeMissing = id === 'SCOPE_DENIED';
  expect(answer.headers['www-authenticate'] !== undefined).toBe(status === '401' || isScopeMissing);
  if (head) {
    expect(answer.text).toBe('');
    return;
  }
  const [code, subCode] = id.split(':');
  const { authMethod: _, scope, ...problem } = problemOf(answer);
  if (isScopeMissing) expectMissingScope(answer, scope);
  else expect(scope).toBeUndefined();
  const expected = {
    type: `https://xail.io/docs/packages/xlink/errors#${id}`,
    title: ERROR_TABLE[id].message,
    status: Number(status),
    code,
    ...(subCode === undefined ? {} : { subCode }),
  };
  if (details) expect(problem).toMatchObject(expected);
  else expect(problem).toEqual(expected);
}

/** The refusal names the missing scope, in its body and in its header. */
function expectMissingScope({ headers }: Answer, scope: unknown): void {
  expect(scope).toMatch(/^[\w.:/-]{1,128}$/);
  expect(headers['www-authenticate']).toMatch(/^Xlink realm="[^"]+", error="SCOPE_DENIED", scope="[^"]+"$/);
  expect(headers['www-authenticate']).toContain(`scope="${scope}"`);
}
