import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { Agent, createKeyRecord, generateIdentity, Identity } from '@private.me/xlink';
import { base64urlnopad } from '@scure/base';
import { decodePkcs8, encodePkcs8 } from '../../src/identity/pkcs8.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf, seedOf } from '../support/agents.js';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';

const [privateKeyEncoding, publicKeyEncoding] = [
  { type: 'pkcs8', format: 'pem' },
  { type: 'spki', format: 'pem' },
] as const;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('the identity of the seed 00 01 02 … 1f', () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
  // Computed once with noble alone. A change here changes every identity there is.
  const KNOWN = {
    did: 'did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd',
    x25519: 'eIhbxtwUcZVr1FagNytp1np_rsYy64qgj49BcaP_80M',
    mlKem768: 'b7355a142c85533ede257987fbcbe50e38dbf287ef2485cb4ea5078a3fbb0428',
    mlDsa65: '543475459373b162d3b00a2610319d73aae0f010b382d2b605f7c9dac2146f0a',
    epoch: 1735732800,
    signatures: {
      1: 'IDrTfxkZTPvahTtIjyKSfr8fzdERUzZNTW3hqqmuNRaHt13BHnTKgHGzEG6fPdZOps5Ad976LKxy9tFQKmdFCQ',
      2: 'Ac-ha-4zHxaCk_DNW5wJpTGxWtFQQMB5R06I5yRlabAe5WwVrtolnKpVcjTVOx6RMJiHL1GSZebqDAEOXNW7CQ',
      3: 'M_3MTLUCjyY7U8vK4_VNhL7zN6-lk1g579Jie-HjsdUav1IxowvrTSxeC9LQgXcmXiox8Ij6v-4fDZvwVoOWAA',
    },
  };

  test('has the known DID, keys and key records', async () => {
    for (const version of [1, 2, 3] as const) {
      const identity = await Identity.fromSeed(seed, { maxVersion: version });
      const { pqSignature, ...record } = await createKeyRecord(identity, { epoch: KNOWN.epoch });
      expect(pqSignature !== undefined).toBe(version === 3); // with fresh randomness each time
      const digest = (key: string | undefined) => key && hex(sha256(base64urlnopad.decode(key)));
      expect({ ...record, mlKem768: digest(record.mlKem768), mlDsa65: digest(record.mlDsa65) }).toEqual({
        did: KNOWN.did,
        epoch: KNOWN.epoch,
        keyEpoch: 0,
        notBefore: 0,
        notAfter: Number.MAX_SAFE_INTEGER,
        x25519: KNOWN.x25519,
        mlKem768: version >= 2 ? KNOWN.mlKem768 : undefined,
        mlDsa65: version >= 3 ? KNOWN.mlDsa65 : undefined,
        signature: KNOWN.signatures[version],
      });
    }
  });

  test('has the keys that noble derives from the seed', async () => {
    const identity = await Identity.fromSeed(seed, { maxVersion: 3 });
    const derive = (name: string, length: number) =>
      hkdf(sha256, seed, new Uint8Array(0), encodeUtf8(`xlink/1 identity ${name}`), length);
    expect(hex(identity.publicKey)).toBe(hex(ed25519.getPublicKey(seed)));
    expect(hex(identity.ed25519.publicKey)).toBe(hex(ed25519.getPublicKey(seed)));
    expect(hex(identity.x25519.publicKey)).toBe(hex(x25519.getPublicKey(derive('x25519', 32))));
    expect(hex(identity.mlKem768!.publicKey)).toBe(hex(ml_kem768.keygen(derive('ml-kem-768', 64)).publicKey));
    expect(hex(identity.mlDsa65!.publicKey)).toBe(hex(ml_dsa65.keygen(derive('ml-dsa-65', 32)).publicKey));
  });

  test('does not follow what happens to the seed afterwards', async () => {
    const mine = seed.slice();
    const identity = await Identity.fromSeed(mine, { maxVersion: 1 });
    mine.fill(0);
    identity.privateKey.fill(0);
    expect(hex(identity.privateKey)).toBe(hex(seed));
  });
});

describe('an identity', () => {
  test.each([
    [{}, 2, true, false],
    [{ maxVersion: 1 }, 1, false, false],
    [{ maxVersion: 3 }, 3, true, true],
    [{ postQuantumSig: true }, 3, true, true],
    [{ postQuantumSig: false }, 2, true, false],
    [{ postQuantumSig: true, maxVersion: 3 }, 3, true, true],
    [{ postQuantumSig: false, maxVersion: 1 }, 1, false, false],
  ] as const)(
    'made with %j takes part up to version %i and has the keys for it',
    async (options, version, kem, dsa) => {
      const identity = await Identity.fromSeed(seedOf('a'), options);
      expect(identity.maxVersion).toBe(version);
      expect([identity.mlKem768 !== undefined, identity.mlDsa65 !== undefined]).toEqual([kem, dsa]);
    },
  );

  test.each([
    [{ postQuantumSig: true, maxVersion: 2 }, 'postQuantumSig'],
    [{ postQuantumSig: false, maxVersion: 3 }, 'postQuantumSig'],
    [{ maxVersion: 0 }, 'maxVersion'],
    [{ maxVersion: 4 }, 'maxVersion'],
    [{ postQuantumSig: 'yes' }, 'postQuantumSig'],
    [{ random: 5 }, 'random'],
    [{ crypto: null }, 'crypto'],
    [{ name: 'x' }, 'name'],
  ])('is not made with %j', async (options, field) => {
    const id = 'INVALID_OPTION';
    expect(await thrownBy(() => Identity.fromSeed(seedOf('a'), options as never))).toMatchObject({
      id,
      field,
    });
    expect(errorOf(await generateIdentity(options as never))).toMatchObject({ id, field });
  });

  test.each([
    ['31 bytes', new Uint8Array(31)],
    ['33 bytes', new Uint8Array(33)],
    ['no bytes', new Uint8Array(0)],
    ['text of 32 characters', 'x'.repeat(32)],
    ['an array', Array(32).fill(1)],
    ['nothing', undefined],
  ])('is not made of a seed that is %s', async (_, seed) => {
    expect((await thrownBy(() => Identity.fromSeed(seed as Uint8Array))).id).toBe('INVALID_SEED');
  });

  test('is new every time it is generated', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => generateIdentity({ maxVersion: 1 })));
    expect(new Set(made.map((result) => unwrap(result).did)).size).toBe(20);
  });

  test('is generated from the random source that was given', async () => {
    const asked: number[] = [];
    const random = (length: number) => {
      asked.push(length);
      return seedOf('given').slice(0, length);
    };
    expect(unwrap(await generateIdentity({ random, maxVersion: 1 })).did).toBe(
      (await identityOf('given', 1)).did,
    );
    expect(asked).toEqual([32]);
  });

  test('is not generated where the random source fails, and the cause is kept', async () => {
    const cause = new Error('no entropy');
    const failed = await generateIdentity({
      random() {
        throw cause;
      },
    });
    expect(errorOf(failed)).toMatchObject({ id: 'IDENTITY_FAILED', cause });
    expect(idOf(await generateIdentity({ random: () => new Uint8Array(16) }))).toBe('INVALID_SEED');
  });
});

describe('printing an identity', () => {
  test('shows its DID and nothing else', async () => {
    const identity = await identityOf('alice', 3);
    const { did } = identity;
    expect(JSON.stringify(identity)).toBe(JSON.stringify({ did }));
    expect(JSON.stringify({ nested: [identity] })).toBe(JSON.stringify({ nested: [{ did }] }));
    for (const options of [{}, { showHidden: true, depth: 20, getters: true }]) {
      expect(inspect(identity, options)).toBe(`Identity(${did})`);
    }
    expect(inspect({ identity })).toContain(did);
  });

  test('shows no key either where every rule is switched off', async () => {
    const identity = await identityOf('alice', 3);
    const seed = seedOf('alice');
    const options = {
      showHidden: true,
      depth: 20,
      getters: true,
      customInspect: false,
      maxArrayLength: null,
    };
    const forms = [hex(seed), seed.join(', '), inspect(seed, options), Buffer.from(seed).toString('base64')];
    for (const text of [inspect(identity, options), String(identity), JSON.stringify({ ...identity })]) {
      expect(forms.filter((form) => text.includes(form))).toEqual([]);
    }
  });

  test('copying one leaves its keys behind', async () => {
    const identity = await identityOf('alice', 3);
    expect(Object.keys({ ...identity }).sort()).toEqual(['did', 'maxVersion', 'publicKey']);
    expect(Object.keys(structuredClone({ ...identity })).sort()).toEqual(['did', 'maxVersion', 'publicKey']);
  });
});

describe('PKCS#8', () => {
  test('goes there and back', async () => {
    const identity = await identityOf('alice');
    const pkcs8 = identity.exportPKCS8();
    expect(pkcs8).toHaveLength(48);
    expect(hex(decodePkcs8(pkcs8))).toBe(hex(seedOf('alice')));
    expect((await Identity.fromSeed(decodePkcs8(pkcs8))).did).toBe(identity.did);
  });

  test('node:crypto reads it, writes the same bytes, and signs alike', async () => {
    const identity = await identityOf('alice');
    const key = createPrivateKey({ key: Buffer.from(identity.exportPKCS8()), format: 'der', type: 'pkcs8' });
    expect(key.asymmetricKeyType).toBe('ed25519');
    expect(hex(key.export({ format: 'der', type: 'pkcs8' }))).toBe(hex(identity.exportPKCS8()));
    const message = encodeUtf8('message');
    const signature = await identity.ed25519.sign(message);
    expect(nodeVerify(null, message, createPublicKey(key), signature)).toBe(true);
    expect(hex(nodeSign(null, message, key))).toBe(hex(signature));
  });

  test('may be PEM, as text or bytes, with line ends of any kind and with notes around it', async () => {
    const identity = await identityOf('alice');
    const key = createPrivateKey({ key: Buffer.from(identity.exportPKCS8()), format: 'der', type: 'pkcs8' });
    const pem = String(key.export({ format: 'pem', type: 'pkcs8' }));
    for (const text of [
      pem,
      pem.trim(),
      pem.replaceAll('\n', '\r\n'),
      `our next key\n${pem}\nkeep it safe\n`,
    ])
      for (const one of [text, encodeUtf8(text)])
        expect((await Identity.fromPKCS8(one)).did).toBe(identity.did);
    const agent = unwrap(await Agent.importIdentity({ pkcs8: pem }));
    expect(agent.did).toBe(identity.did);
  });

  test('as PEM of another kind, with a passphrase or broken is refused', async () => {
    const { privateKey: key } = generateKeyPairSync('ed25519', { privateKeyEncoding, publicKeyEncoding });
    const locked = createPrivateKey(key).export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    const other = generateKeyPairSync('x25519', { privateKeyEncoding, publicKeyEncoding });
    const bad = [locked, other.privateKey, other.publicKey, key.replace('MC4', 'MC*'), key.slice(0, 60), 'x'];
    for (const one of bad)
      for (const pkcs8 of [String(one), encodeUtf8(String(one)), Uint8Array.of(0xff)]) {
        const { id, message } = await thrownBy(() => Identity.fromPKCS8(pkcs8));
        expect([id, message]).toEqual(['INVALID_PKCS8', expect.stringContaining('unencrypted PEM')]);
      }
  });

  test('in any byte of its frame changed, longer or shorter is refused', async () => {
    const good = encodePkcs8(seedOf('alice'));
    const bad: unknown[] = [
      good.subarray(1),
      good.subarray(0, 47),
      Uint8Array.of(...good, 0),
      new Uint8Array(0),
    ];
    for (let i = 0; i < 16; i++) {
      const changed = good.slice();
      changed[i]! ^= 1;
      bad.push(changed);
    }
    bad.push(hex(good), undefined, null, [...good], good.buffer);
    for (const one of bad) {
      expect((await thrownBy(() => decodePkcs8(one as Uint8Array))).id).toBe('INVALID_PKCS8');
    }
    expect(bad).toHaveLength(25);
  });

  test('not in an object is refused with how to pass it', async () => {
    const der = Buffer.from((await identityOf('alice', 1)).exportPKCS8());
    const pem = String(
      createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }),
    );
    for (const bare of [pem, der])
      expect((await Agent.importIdentity(bare as never)).error).toMatchObject({
        id: 'INVALID_PKCS8',
        hint: expect.stringContaining('{ pkcs8 }'),
      });
  });

  test('of another kind of key is refused', async () => {
    const x = new Uint8Array(encodePkcs8(seedOf('alice')));
    x[11] = 0x6e;
    expect((await thrownBy(() => decodePkcs8(x))).id).toBe('INVALID_PKCS8');
  });
});

describe('a key of another protocol', () => {
  const label = 'xlink/1 identity noise x25519';

  test('is HKDF of the seed with the label, from identity and agent', async () => {
    const identity = await identityOf('alice', 1);
    const expected = hkdf(sha256, seedOf('alice'), undefined, encodeUtf8(label), 32);
    expect(await identity.deriveSubkey(label)).toEqual(expected);
    const agent = unwrap(await Agent.importIdentity({ pkcs8: identity.exportPKCS8() }));
    expect(await agent.deriveSubkey(label)).toEqual(expected);
    const others = ['xlink/1 identity signal x25519', 'xlink/1 identity noise x448'];
    const keys = await Promise.all([label, ...others].map((one) => identity.deriveSubkey(one)));
    expect(new Set(keys.map(hex)).size).toBe(3);
    agent.dispose();
  });

  test('has no label that gives a key of the identity itself, or is none', async () => {
    const identity = await identityOf('alice', 3);
    const own = ['x25519', 'ml-kem-768', 'ml-dsa-65'].map((name) => `xlink/1 identity ${name}`);
    for (const bad of [
      ...own,
      '',
      'noise x25519',
      `${label} `,
      `${label} 2`,
      label.toUpperCase(),
      undefined,
      7,
    ])
      expect(await thrownBy(() => identity.deriveSubkey(bad as string))).toMatchObject({
        id: 'INVALID_OPTION',
        field: 'label',
      });
  });
});
