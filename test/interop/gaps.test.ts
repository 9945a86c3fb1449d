// Where implementers of the first edition had to guess: what the page says now, and the vectors that hold an implementation to it.
// Both implementations play all vectors, in test/{envelope,split-channel,checks,identity} and in identities.test.ts.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, Identity } from '@private.me/xlink';
import { unwrap } from '../support/results.js';
import { World } from '../support/world.js';
import { load } from '../vectors/load.js';

const page = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');

interface Case {
  readonly name: string;
  readonly of?: string;
  readonly at?: number;
  readonly senderSeed?: string;
  readonly error?: string;
}
interface VectorFile {
  readonly good: readonly Case[];
  readonly bad: readonly Case[];
  readonly canonical?: readonly { readonly target: string; readonly request: string }[];
}

const GAPS: readonly {
  readonly gap: string;
  readonly says: readonly string[];
  readonly file: string;
  readonly has: (file: VectorFile) => number;
  readonly atLeast: number;
}[] = [
  {
    gap: 'vectors without senderSeed',
    says: ['A case without them is there to be received only'],
    file: 'v1.json',
    has: ({ good }) => good.filter(({ senderSeed }) => senderSeed === undefined).length,
    atLeast: 5,
  },
  {
    gap: 'of without at',
    says: ['Without `at` it is that of the good case unchanged'],
    file: 'v1.json',
    has: ({ bad }) => bad.filter(({ of, at }) => of !== undefined && at === undefined).length,
    atLeast: 5,
  },
  {
    gap: 'coordinate 0, or two equal coordinates, in one bundle or several',
    says: ['by polynomials, if their coordinates differ and none is 0', 'is taken like any other'],
    file: 'shares.json',
    has: ({ bad }) => bad.filter(({ name }) => /at (coordinate 0|one coordinate)/.test(name)).length,
    atLeast: 4,
  },
  {
    gap: 'two shares with different copies of one piece, both tags good',
    says: ['Shares fit together if those that hold the same piece hold the same copy of it'],
    file: 'shares.json',
    has: ({ good, bad }) =>
      [...good, ...bad].filter(({ name }) => /different copies of one piece/.test(name)).length,
    atLeast: 3,
  },
  {
    gap: 'data of Xchange that is not 32 bytes',
    says: ['Xchange: `data` has 32 bytes, the ciphertext opens (16.5)'],
    file: 'shares.json',
    has: ({ bad }) => bad.filter(({ name }) => /Xchange: a content key of 3[13] bytes/.test(name)).length,
    atLeast: 2,
  },
  {
    gap: 'a DID with a weak key beside another fault',
    says: [
      'a key that 2.3 refuses is noticed after the time, the use of the nonce, an unknown DID and a revoked one',
    ],
    file: 'v1.json',
    has: ({ bad }) => bad.filter(({ name }) => name.includes('weak key: order')).length,
    atLeast: 3,
  },
  {
    gap: 'a record of a DID with a weak key beside another fault',
    says: ['one whose key 2.3 refuses is `INVALID_DID:WEAK_KEY`, whatever else is wrong'],
    file: 'key-record.json',
    has: ({ bad }) =>
      bad.filter(({ error, name }) => error === 'INVALID_DID:WEAK_KEY' && name.includes(' and ')).length,
    atLeast: 1,
  },
  {
    gap: 'half a surrogate pair in a target',
    says: ['half a surrogate pair is U+FFFD'],
    file: 'request-binding.json',
    has: ({ canonical }) => canonical!.filter(({ target }) => /\p{Surrogate}/u.test(target)).length,
    atLeast: 2,
  },
];

describe('[H] what implementers had to guess', () => {
  test.each(GAPS)('$gap', ({ says, file, has, atLeast }) => {
    for (const sentence of says) expect(page).toContain(sentence);
    expect(has(load<VectorFile>(file))).toBeGreaterThanOrEqual(atLeast);
  });

  test('the version of a sealed answer: that of the caller’s record, whatever the request had', async () => {
    expect(page).toContain('the version of the request plays no part');
    const highest = { maxVersion: 3, postQuantumSig: true } as const;
    const { api, caller } = await World.withCaller({ ...highest, versionFloor: 'shown' }, highest);
    const request = 'GET /orders';
    for (const version of [1, 2, 3] as const) {
      const asked = await caller.createRequest({ to: api.did, payload: 1, request, version });
      const { message } = unwrap(await api.receiveContent(asked, { kind: 'request', request }));
      const seal = await api.prepareAnswer(message);
      const whole = { status: 200, contentType: '', headers: [], bytes: new Uint8Array(0) };
      expect([message.version, (await seal(whole, true)).envelope.version]).toEqual([version, 3]);
    }
  });

  test('what the record of keys that are derived from the seed says of their time', async () => {
    expect(page).toContain('has `keyEpoch` 0, `notBefore` 0 and `notAfter` 2^53 − 1');
    const { caller } = await World.withCaller();
    const expected = { keyEpoch: 0, notBefore: 0, notAfter: Number.MAX_SAFE_INTEGER };
    expect(await caller.keyRecord()).toMatchObject(expected);
    expect(await createKeyRecord(await Identity.fromSeed(new Uint8Array(32)))).toMatchObject(expected);
  });

  test('`*` in a request of one that sends certain scopes only', async () => {
    expect(page).toContain('`*` in a request names no scope, so it passes');
    const { api, caller } = await World.withCaller({}, { sendScopes: ['orders:read'] });
    const asked = await caller.createRequest({ to: api.did, payload: 1, request: 'GET /a' });
    const { message } = unwrap(await api.receiveContent(asked, { kind: 'request', request: 'GET /a' }));
    expect(message.scopes).toEqual(['orders:read']);
  });
});
