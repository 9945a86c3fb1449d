import { xlinkError } from '../errors/service-errors.js';
import { ERROR_TABLE, type ErrorCode, type ErrorId } from '../errors/table.js';
import { problemId } from '../http/problem.js';

/** An answer of supertest, of `inject`, or of anything else that has a status and a body that was read. */
export interface AnswerLike {
  /** As supertest and `fetch` have it. */
  readonly status?: number;
  /** As `inject` has it. */
  readonly statusCode?: number;
  /** JSON, as an object or as text. */
  readonly body?: unknown;
  /** The body as text. */
  readonly text?: unknown;
}

/** What an answer says when the adapter refused the request. */
export interface SeenRefusal {
  /** That of the answer. */
  readonly status: number;
  /** `CODE`, or `CODE:SUB_CODE`. */
  readonly id: string;
  /** `CODE` alone. */
  readonly code: string;
}

/** The refusal that an answer is; `undefined` if it is none of xLink's. */
export function refusalOf(answer: AnswerLike): SeenRefusal | undefined {
  const status = answer.status ?? answer.statusCode;
  const problem = jsonOf(answer.body) ?? jsonOf(answer.text);
  const id = problem && problemId(problem);
  const code = problem?.['code'];
  if (
    status === undefined ||
    status < 400 ||
    id === undefined ||
    typeof code !== 'string' ||
    !CODES.has(code)
  )
    return undefined;
  return { status, id, code };
}

const IDS = Object.keys(ERROR_TABLE);
const CODES = new Set(IDS.map((id) => id.split(':')[0]!));

function jsonOf(body: unknown): Record<string, unknown> | undefined {
  try {
    const value = typeof body === 'string' ? JSON.parse(body) : body;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What `expect.extend()` of Jest and Vitest takes. */
interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
}

/** The types of {@link xlinkMatchers}, for `declare module` in a project (docs/testing.md). */
export interface XlinkMatchers<R = unknown> {
  /**
   * The adapter refused the request: with this code (`CODE`, or `CODE:SUB_CODE` to be exact) and this status, where they are given.
   * Throws `INVALID_OPTION` for a code that does not exist.
   */
  toBeRefused(code?: ErrorCode | ErrorId, status?: number): R;
}

/** For `expect.extend(xlinkMatchers)` of Jest and Vitest. */
export const xlinkMatchers = {
  toBeRefused(received: AnswerLike, code?: string, status?: number): Verdict {
    if (code !== undefined && !CODES.has(code) && !IDS.includes(code))
      throw xlinkError('INVALID_OPTION', {
        field: 'code',
        hint: `toBeRefused: there is no error ${code}; see docs/errors.md.`,
      });
    const seen = refusalOf(Object(received));
    const pass =
      seen !== undefined &&
      (code === undefined || seen.id === code || seen.code === code) &&
      (status === undefined || seen.status === status);
    const wanted = [code ?? 'any code', ...(status === undefined ? [] : [`status ${status}`])].join(', ');
    return {
      pass,
      message: () =>
        pass
          ? `The request was refused with ${seen!.id}, status ${seen!.status}, and should not be.`
          : `The request should be refused with ${wanted}; the answer is ${described(received, seen)}.`,
    };
  },
};

const described = (answer: AnswerLike, seen: SeenRefusal | undefined): string =>
  seen
    ? `refused with ${seen.id}, status ${seen.status}`
    : `${answer?.status ?? answer?.statusCode ?? 'no answer'}, and no refusal of xLink`;
