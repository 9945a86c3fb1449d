import { existsSync, readFileSync } from 'node:fs';
import { test } from '@jest/globals';

const FOLDER = new URL('../../../shared/vectors/wycheproof/', import.meta.url);

export interface Vector {
  readonly tcId: number;
  readonly comment?: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags: readonly string[];
}

interface File<Group, Case> {
  readonly testGroups: readonly (Group & { readonly tests: readonly (Case & Vector)[] })[];
}

/** Defines tests on the cases of a Wycheproof file; where there is none, one that is skipped or, under CI, fails. */
export function withVectors<Group, Case>(
  name: string,
  define: (cases: readonly (Group & Case & Vector)[]) => void,
): void {
  const file = new URL(`${name}.json`, FOLDER);
  if (existsSync(file)) {
    const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as File<Group, Case>;
    define(testGroups.flatMap(({ tests, ...group }) =>
      tests.map((one) => ({ ...(group as Group), ...one })),
    ));
  } else if (process.env['CI'] === 'true') {
    test(`${name}: vectors are there`, () => {
      throw new Error(`${file.pathname} is missing`);
    });
  } else {
    test.skip(`${name}: SKIPPED, there is no ${file.pathname}`, () => {});
  }
}

export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
export const toHex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString('hex');

/** What a call comes to: its result, or that it threw. */
export async function outcome<T>(call: () => T | Promise<T>): Promise<T | 'thrown'> {
  try {
    return await call();
  } catch {
    return 'thrown';
  }
}

/** The cases that did not come out as they should: an assertion on the list names them all at once. */
export async function failures<C extends Vector>(cases: readonly C[], passes: (one: C) => Promise<boolean>) {
  const failed: string[] = [];
  for (const one of cases) {
    if (!(await passes(one))) failed.push(`${one.tcId} ${one.result} ${one.comment ?? ''} [${one.flags}]`);
  }
  return failed;
}
