// What Signal-style channels sign, hash and derive, part by part, read off the code of packages/mesh as in read-code.mjs.
import { hkdfSync } from 'node:crypto';
import { loadSources } from '../scripts/load-sources.mjs';
import { bytes, integer, mark, name, split } from './marks.mjs';

const code = await loadSources(
  './packages/mesh/src/signal/crypto/agreement.ts',
  './packages/mesh/src/signal/labels.ts',
  './packages/mesh/src/signal/prekeys/signed.ts',
  './packages/mesh/src/signal/ratchet/chains.ts',
  './packages/mesh/src/signal/session/handshake.ts',
);

/** Parts behind a label. */
function behind(label, list, ...names) {
  const [first, ...rest] = split(Buffer.from(list));
  if (first !== label) throw new Error(`the label is ${first}`);
  return ['label', ...name(rest, names)];
}

/** A number of 32 bits holds no mark: it is marked where it stands. */
const ID = 0x80818283;
const withId = (list) => {
  const four = Buffer.from([0x80, 0x81, 0x82, 0x83]);
  return Buffer.concat(
    split(Buffer.from(list)).flatMap((part) => {
      const text = part === four.toString('latin1') ? mark('id') : part;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return [length, Buffer.from(text, 'latin1')];
    }),
  );
};

function prekey() {
  const signed = { id: ID, notAfter: integer('notAfter') };
  const list = code.prekeyStatement('x25519', signed, bytes('identity'), bytes('key'));
  const [label, kind, ...rest] = split(withId(list));
  if (label !== code.PREKEY_LABEL || kind !== 'x25519') throw new Error('a prekey');
  return ['label', 'kind', ...name(rest, ['id', 'notAfter', 'identity', 'key'])];
}

const identity = () =>
  behind(
    code.SIGNED_IDENTITY_LABEL,
    code.identityStatement(mark('did'), bytes('identity')),
    ...['did', 'identity'],
  );

/** What is signed about a batch of one key, and the leaf: the root is its hash. */
async function batch() {
  let said;
  const keys = { id: ID, x25519: bytes('x25519'), kem: bytes('mlKem768') };
  await code.signBatch([keys], bytes('identity'), integer('notAfter'), async (content) => {
    said = split(Buffer.from(content));
    return Buffer.alloc(64);
  });
  const [label, notAfter, , key, root] = said;
  if (label !== code.BATCH_LABEL || key !== mark('identity') || !notAfter.includes(mark('notAfter')))
    throw new Error('a batch');
  if (root.length !== 32) throw new Error('the root of a batch');
  return ['label', 'notAfter', 'identity', 'root'];
}

function associated() {
  const caller = { did: mark('caller'), identity: bytes('callerIdentity') };
  const owner = { did: mark('owner'), identity: bytes('ownerIdentity') };
  const [from, to, one, other, kem] = split(
    Buffer.from(code.associatedData(caller, owner, bytes('kemPrekey'))),
  );
  const [again] = split(Buffer.from(code.associatedData(caller, owner, bytes('other')))).slice(4);
  if (kem.length !== 32 || again === kem) throw new Error('the hash of the KEM prekey');
  return [
    ...name([from, to, one, other], ['caller', 'owner', 'callerIdentity', 'ownerIdentity']),
    'hash_kemPrekey',
  ];
}

/** HKDF cannot be asked what it was given: it is given the same here. */
function secret() {
  const dh = ['identityPrekey', 'ephemeralIdentity', 'ephemeralPrekey', 'ephemeralOneTime'];
  const agreed = { dh: dh.map(bytes), kemSecret: bytes('kemSecret') };
  const made = code.sharedSecret(agreed, code.PQXDH_INFO);
  const ikm = Buffer.concat([Buffer.alloc(32, 0xff), ...agreed.dh, agreed.kemSecret]);
  same(made, hkdfSync('sha256', ikm, Buffer.alloc(32), code.PQXDH_INFO, 32));
  if (code.PQXDH_INFO === code.PQXDH_KEM_RATCHET_INFO) throw new Error('one label for two ratchets');
  return [...dh, 'kemSecret', 'label'];
}

function same(made, expected) {
  if (Buffer.compare(Buffer.from(made), Buffer.from(expected)) !== 0) throw new Error('another derivation');
}

function root() {
  const [key, dh, kem] = ['root', 'dh', 'kemSecret'].map(bytes);
  const [plain, hybrid] = [code.rootStep(key, dh), code.rootStep(key, dh, kem)];
  const derived = (ikm, info) => Buffer.from(hkdfSync('sha256', ikm, key, info, 64));
  same(Buffer.concat([plain.root, plain.chain]), derived(dh, code.ROOT_INFO));
  same(Buffer.concat([hybrid.root, hybrid.chain]), derived(Buffer.concat([dh, kem]), code.KEM_ROOT_INFO));
  return { signalRoot: ['root', 'dh', 'label'], signalKemRoot: ['root', 'dh', 'kemSecret', 'label'] };
}

/** Each list of Signal-style channels as the list of its parts. */
export const signalTranscripts = {
  signalPrekey: prekey(),
  signalIdentity: identity(),
  signalBatch: await batch(),
  signalAssociated: associated(),
  signalSecret: secret(),
  ...root(),
};
