import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { SUITES } from '../../src/crypto/suites.js';
import { FIELD_NAMES } from '../../src/envelope/fields.js';
import { KINDS, labelOf, suiteHasKind } from '../../src/envelope/kinds.js';
import { ERROR_TABLE, type ErrorId } from '../../src/errors/table.js';
import { load } from '../vectors/load.js';
import type { Hex } from '../vectors/replay.mjs';

const page = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const idsAndCodes = new Set(Object.keys(ERROR_TABLE).flatMap((id) => [id, id.split(':')[0]!]));

/** The hex digits at the beginning of each line of the fence behind a text. */
function hexBehind(text: string): Hex {
  const [, fence] = /```text\n([0-9a-f]{8} [\s\S]*?)```/.exec(page.slice(page.indexOf(text)))!;
  return fence!.replaceAll(/ {2,}.*$/gm, '').replaceAll(/\s/g, '');
}

describe('docs/PROTOCOL.md', () => {
  test('quotes the transcripts of the first vector, and their lengths', () => {
    const { good } = load<{ good: { envelope: string; steps: Record<string, Hex> }[] }>('v1.json');
    const { headerTranscript, signatureTranscript, label } = good[0]!.steps as Record<string, Hex>;
    expect(hexBehind('### 6.1')).toBe(headerTranscript);
    expect(hexBehind('### 6.2')).toBe(signatureTranscript);
    const text = Buffer.from(label!, 'hex').toString();
    expect(page).toContain(`for instance \`${text}\` (${text.length} bytes)`);
    expect(page).toContain(`first case of \`test/vectors/v1.json\` (${headerTranscript!.length / 2} bytes)`);
  });

  test('names the longest signature transcript', () => {
    const lengths = KINDS.flatMap((kind) =>
      SUITES.filter((suite) => suiteHasKind(suite, kind)).map((suite) => labelOf(suite, kind).length),
    );
    const longest = Math.max(...lengths);
    expect(page).toContain(`76 bytes plus the label, ${76 + longest} bytes at most`);
  });

  test('names every member, kind and suite there is, and no error that is not', () => {
    for (const name of FIELD_NAMES) expect(page).toContain(`| \`${name}\` |`);
    for (const kind of KINDS) expect(page).toContain(`| \`${kind}\` |`);
    for (const { version, name } of SUITES) expect(page).toContain(`| ${version} | \`${name}\` |`);
    const ids = [...page.matchAll(/`([A-Z]+_[A-Z_]+(?::[A-Z_]+)?)`/g)].map(([, id]) => id!);
    expect(new Set(ids).size).toBeGreaterThan(40);
    for (const id of ids) expect([id, idsAndCodes.has(id)]).toEqual([id, true]);
  });

  test('gives each check on receipt the status of its error', () => {
    const rows = page.slice(page.indexOf('### 10.1'), page.indexOf('### 10.2')).split('\n');
    const seen = rows.flatMap((row) => {
      const status = Number(/\| (\d{3}) \|$/.exec(row)?.[1]);
      const ids = [...row.matchAll(/`([A-Z]+_[A-Z_]+(?::[A-Z_]+)?)`/g)].map(([, id]) => id as ErrorId);
      return status ? ids.map((id) => [id, status] as const) : [];
    });
    expect(seen.length).toBeGreaterThan(20);
    for (const [id, status] of seen) expect([id, ERROR_TABLE[id].status]).toEqual([id, status]);
  });
});
