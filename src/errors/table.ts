import { CALLER_ROWS } from './caller-rows.js';
import type { ErrorRow } from './row.js';
import { SERVICE_ROWS } from './service-rows.js';

export type { ErrorCategory, ErrorRow } from './row.js';

/**
 * Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`. Codes, classes, HTTP answers, docs/errors.md and the
 * `ErrorId` type all come from here; a code that was published keeps its meaning.
 */
export const ERROR_TABLE = { ...CALLER_ROWS, ...SERVICE_ROWS } as const satisfies Record<string, ErrorRow>;

/** A key of {@link ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type ErrorId = keyof typeof ERROR_TABLE;

type CodeOf<Id> = Id extends `${infer Code}:${string}` ? Code : Id;
type SubCodeOf<Id> = Id extends `${string}:${infer SubCode}` ? SubCode : never;

/** What stands before the colon of an {@link ErrorId}. */
export type ErrorCode = CodeOf<ErrorId>;

/** What stands after the colon of an {@link ErrorId}. */
export type ErrorSubCode = SubCodeOf<ErrorId>;
