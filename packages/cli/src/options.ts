import type { ParseArgsConfig } from 'node:util';
import { parsed } from './parsed.js';
import { type Output, UsageError } from './run.js';

type Options = NonNullable<ParseArgsConfig['options']>;

export const TEXT = { type: 'string' } as const;
export const TEXTS = { type: 'string', multiple: true } as const;
export const FLAG = { type: 'boolean' } as const;

/** Options of every command that works with the folder of an identity. */
export const COMMON = {
  dir: TEXT,
  json: FLAG,
  yes: { ...FLAG, short: 'y' },
  'passphrase-file': TEXT,
} as const;

export const COMMON_HELP = `  --dir FOLDER             where identity, registry and invites are (default: the variable
                           XLINK_DIR, else .xlink)
  --passphrase-file FILE   of an encrypted key (else: the variable XLINK_PASSPHRASE)
  --json                   data as one line of JSON
  -y, --yes                asks nothing`;

export interface CommonValues {
  readonly dir?: string | undefined;
  readonly json?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly 'passphrase-file'?: string | undefined;
}

/** What an option reads as. */
type ValueOf<O> = O extends { readonly multiple: true }
  ? string[]
  : O extends { readonly type: 'boolean' }
    ? boolean
    : string;

/** What `read` returns. */
export interface Read<O> {
  readonly values: { readonly [K in keyof O]?: ValueOf<O[K]> | undefined };
  readonly words: readonly string[];
}

/** Reads the arguments, at most `max` of them without a name. Throws what is shown as a wrong call. */
export function read<const O extends Options>(args: readonly string[], options: O, max = 0): Read<O> {
  const { values, positionals } = parsed({ args: [...args], options, strict: true, allowPositionals: true });
  if (positionals.length > max) throw new UsageError(`${positionals[max]} is not expected`);
  return { values: values as Read<O>['values'], words: positionals };
}

/** Data goes to stdout: as JSON that people can read, or, with `--json`, in one line; or as `lines`, where there are any. */
export function show(
  { out }: Output,
  { json }: CommonValues,
  data: unknown,
  lines?: readonly string[],
): void {
  if (json) out(JSON.stringify(data));
  else if (lines) for (const line of lines) out(line);
  else out(JSON.stringify(data, null, 2));
}

/** Throws a `UsageError` if the option is absent. */
export function needed<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new UsageError(`--${name} is required`);
  return value;
}

/** Words of options that may come several times, or hold several. */
export const listOf = (values: readonly string[] | undefined): readonly string[] | undefined =>
  values?.flatMap((value) => value.split(',').filter(Boolean));

/** The same of scopes. Throws a `UsageError` for what can be none. */
export function scopesOf(values: readonly string[] | undefined): readonly string[] | undefined {
  const scopes = listOf(values);
  const wrong = scopes?.find((scope) => !/^(\*|[A-Za-z0-9:._/-]{1,128})$/.test(scope));
  if (wrong !== undefined)
    throw new UsageError(`${JSON.stringify(wrong)} is no scope: 1 to 128 of A-Z a-z 0-9 : . _ / -, or "*"`);
  return scopes;
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time such as 30m, 12h or 7d, in ms. */
export function durationOf(name: string, text: string): number {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * UNITS[unit as keyof typeof UNITS];
  if (!(ms > 0)) throw new UsageError(`--${name} must be such as 30m, 12h or 7d`);
  return ms;
}

/** A whole number. */
export function integerOf(name: string, text: string, min: number, max: number): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`);
}
