// Proves that the suite notices a wrong byte, and that a wrong table is noticed.
import { deepStrictEqual, equal, ok } from 'node:assert';
import * as xlink from '@private.me/xlink';
import { envelopeCases } from './cases/envelopes.mjs';
import { identityCases } from './cases/identity.mjs';
import { createRows } from './rows.mjs';
import { BEGIN, cellsOf, differences, END, writeTable } from './table.mjs';
import { readVectors } from './vectors.mjs';

/** Each changes one thing that one case has to notice. */
const CHANGES = {
  'identity: seeds give': ({ identity }) => (identity.identities[0].mlDsa65 = identity.identities[1].mlDsa65),
  'identity: bad DIDs': ({ identity }) => (identity.badDids[0].did = identity.identities[0].did),
  'identity: Ed25519': ({ identity }) => (identity.signatures[0].valid = !identity.signatures[0].valid),
  'key records': ({ keyRecord }) => (keyRecord.good[0].record.epoch += 1),
  'vectors v1: good': ({ v1 }) => (v1.good[0].message.scope = 'other'),
  'vectors v2: bad': ({ v2 }) => (v2.bad[0].error = 'INTERNAL'),
  'vectors v3: good': ({ v3 }) => (v3.now += 60_000),
  'vectors signedOnly: bad': ({ signedOnly }) => (signedOnly.bad.at(-1).error = 'INTERNAL'),
};

export async function selfTest() {
  const vectors = readVectors();
  for (const change of Object.values(CHANGES)) change(vectors);
  const { rows, check } = createRows();
  const peer = { describe: () => Promise.reject(new Error('no peer')) };
  await identityCases(check, { xlink, vectors });
  await envelopeCases(check, { xlink, vectors, peer }).catch(() => {}); // ends where it needs the peer
  for (const name of Object.keys(CHANGES))
    equal(rows.find((row) => row.name.startsWith(name)).ok, false, `not noticed: ${name}`);
  tableTest();
}

function tableTest() {
  const runtime = { name: 'A', limits: 'none' };
  const row = (name, good) => ({ name, ok: good });
  const good = cellsOf(runtime, '1.0', { rows: [row('identity', true), row('client', true)] });
  const bad = cellsOf(runtime, '1.1', { rows: [row('identity', true), row('client', false)] });
  const page = writeTable(`before\n${BEGIN}\n${END}\nafter`, ['A'], [good]);
  ok(page.startsWith('before\n') && page.endsWith('\nafter'));
  deepStrictEqual(differences(page, [good], new Set()), []);
  equal(differences(page, [bad], new Set()).length, 2); // version and client
  equal(differences(page, [bad], new Set(['A'])).length, 1); // client
  equal(differences(page, [cellsOf({ ...runtime, name: 'B' }, '1', { rows: [] })], new Set()).length, 1);
}
