import { describe, expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { defaultProvider } from '#provider';
import { signCheckpoint, verifyCheckpoint } from '../../src/audit/checkpoint.js';
import { cosign, cosignersOf } from '../../src/audit/cosignature.js';
import { MerkleTree } from '../../src/audit/merkle-tree.js';
import { keyIdOf, parseNote, SIGNATURE_TYPES, signaturesBy } from '../../src/audit/note.js';
import {
  AuditWitness,
  type WitnessedHead,
  type WitnessStore,
  witnessRequest,
} from '../../src/audit/witness.js';

const crypto = defaultProvider();
const service = await Identity.fromSeed(new Uint8Array(32).fill(1));
const witnessIdentity = await Identity.fromSeed(new Uint8Array(32).fill(2));
const origin = `${service.did}/main`;

/** Of the documentation of golang.org/x/mod/sumdb/note, which C2SP signed-note follows. */
const NOTE =
  'If you think cryptography is the answer to your problem,\nthen you don’t know what your problem is.\n'.replace(
    '’',
    "'",
  ) +
  '\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const VERIFIER_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';

describe('signed notes', () => {
  test('the note of the documentation: id and signature of its key', async () => {
    const [name, id, key] = VERIFIER_KEY.split('+') as [string, string, string];
    const [type, ...publicKey] = Buffer.from(key, 'base64');
    expect(type).toBe(SIGNATURE_TYPES.ed25519);
    const computed = keyIdOf(crypto, name, type!, Uint8Array.from(publicKey));
    expect(Buffer.from(computed).toString('hex')).toBe(id);
    const note = parseNote(NOTE)!;
    const [signature] = signaturesBy(note, name, computed);
    const verifier = await crypto.ed25519.verifier(Uint8Array.from(publicKey));
    expect(await verifier.verify(Buffer.from(note.text), signature!.bytes)).toBe(true);
  });

  test.each([
    ['no signature', 'text\n'],
    ['no newline at the end', NOTE.slice(0, -1)],
    ['a hyphen in the place of the dash', NOTE.replace('—', '-')],
    ['a tab', NOTE.replace('cryptography', 'crypto\tgraphy')],
    ['another spelling of the base64', NOTE.replace('AM=', 'AN=')],
  ])('%s: no note', (_, source) => {
    expect(parseNote(source)).toBeUndefined();
  });
});

describe('checkpoints', () => {
  const tree = treeOf('abcdef');

  test('are verified by the DID of the service and nothing else', async () => {
    const checkpoint = await signed(tree);
    expect(checkpoint).toMatch(/^did:key:z6Mk\w{44}\/main\n6\n\S{44}\n\n— did:key:z6Mk\w{44}\/main \S+\n$/);
    expect(await verifyCheckpoint(crypto, checkpoint, service.did)).toMatchObject({ origin, size: 6 });
    await expect(verifyCheckpoint(crypto, checkpoint, witnessIdentity.did)).rejects.toMatchObject({
      id: 'AUDIT_INVALID:CHECKPOINT',
    });
  });

  test('of which one bit is another one are none', async () => {
    const checkpoint = Buffer.from(await signed(tree));
    for (let at = 0; at < checkpoint.length; at++) {
      const flipped = Buffer.from(checkpoint);
      flipped[at]! ^= 1;
      await expect(verifyCheckpoint(crypto, flipped.toString(), service.did)).rejects.toThrow();
    }
  });
});

describe('a witness', () => {
  const witness = () =>
    new AuditWitness({ identity: witnessIdentity, services: [service.did], clock: () => 5_000_999 });

  test('signs what only grew, with its time', async () => {
    const one = witness();
    const first = await one.addCheckpoint(witnessRequest(0, [], await signed(treeOf('abc'))));
    expect(first.status).toBe(200);
    const tree = treeOf('abcdef');
    const checkpoint = await signed(tree);
    const second = await one.addCheckpoint(witnessRequest(3, tree.consistencyProof(3), checkpoint));
    expect(second.status).toBe(200);
    const note = parseNote(checkpoint + second.body)!;
    expect(await cosignersOf(crypto, note)).toEqual([{ witness: witnessIdentity.did, at: 5_000_000 }]);
    expect(await verifyCheckpoint(crypto, checkpoint + second.body, service.did)).toMatchObject({ size: 6 });
  });

  test('finds that the holder of the key rewrote history', async () => {
    const one = witness();
    await one.addCheckpoint(witnessRequest(0, [], await signed(treeOf('abc'))));
    const rewritten = treeOf('aXcdef');
    const request = (old: number) =>
      signed(rewritten).then((note) => witnessRequest(old, rewritten.consistencyProof(old), note));
    expect(await one.addCheckpoint(await request(3))).toEqual({ status: 422, body: '' });
    expect(await one.addCheckpoint(await request(0))).toEqual({ status: 409, body: '3\n' });
    const sameSize = await one.addCheckpoint(witnessRequest(3, [], await signed(treeOf('aXc'))));
    expect(sameSize).toEqual({ status: 409, body: '3\n' });
    expect((await one.addCheckpoint(witnessRequest(3, [], await signed(treeOf('ab'))))).status).toBe(400);
  });

  test('signs nothing for strangers, and nothing that they signed', async () => {
    const stranger = new AuditWitness({ identity: witnessIdentity, services: [] });
    const body = witnessRequest(0, [], await signed(treeOf('abc')));
    expect((await stranger.addCheckpoint(body)).status).toBe(404);
    const forged = await signCheckpoint(witnessIdentity, { origin, size: 1, root: treeOf('a').root() });
    expect((await witness().addCheckpoint(witnessRequest(0, [], forged))).status).toBe(403);
    expect((await witness().addCheckpoint('old 1x\n\n')).status).toBe(400);
  });

  test('of two requests at once one is signed', async () => {
    const one = witness();
    const [left, right] = [treeOf('abL'), treeOf('abR')];
    const answers = await Promise.all(
      [left, right].map(async (tree) => one.addCheckpoint(witnessRequest(0, [], await signed(tree)))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('two instances that share a store sign one of two forks', async () => {
    const heads = new Map<string, WitnessedHead>();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const store: WitnessStore = {
      load: async (name) => {
        const head = heads.get(name);
        await turn();
        return head;
      },
      save: async (name, head, before) => {
        await turn();
        if (heads.get(name)?.root !== before?.root) return false;
        heads.set(name, head);
        return true;
      },
    };
    const options = { identity: witnessIdentity, services: [service.did], store };
    const answers = await Promise.all(
      ['abL', 'abR'].map(async (leaves) =>
        new AuditWitness(options).addCheckpoint(witnessRequest(0, [], await signed(treeOf(leaves)))),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)!.body).toBe('3\n');
  });

  test('signs nothing for a store that does not say whether it compared', async () => {
    const store = { load: () => undefined, save: () => {} } as unknown as WitnessStore;
    const one = new AuditWitness({ identity: witnessIdentity, services: [service.did], store });
    await expect(one.addCheckpoint(witnessRequest(0, [], await signed(treeOf('a'))))).rejects.toMatchObject({
      id: 'INVALID_OPTION',
      field: 'store',
    });
  });

  test('takes no request that is none, and is not that of the service itself', async () => {
    for (const body of [null, undefined, {}, 7, 'x'.repeat(70_000)])
      expect(await witness().addCheckpoint(body as string)).toEqual({ status: 400, body: '' });
    expect(() => new AuditWitness({ identity: service, services: [service.did] })).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field: 'services' }),
    );
  });

  test('counts once, however often it signed; a signature of the service twice is none', async () => {
    const tree = treeOf('abc');
    const note = await signed(tree);
    const [first, second] = await Promise.all(
      [1000, 2000].map((at) => cosign(witnessIdentity, parseNote(note)!.text, () => at)),
    );
    const twice = parseNote(note + second + first + first)!;
    expect(await cosignersOf(crypto, twice)).toEqual([{ witness: witnessIdentity.did, at: 1000 }]);
    const line = note.split('\n').at(-2);
    await expect(verifyCheckpoint(crypto, `${note}${line}\n`, service.did)).rejects.toMatchObject({
      id: 'AUDIT_INVALID:CHECKPOINT',
    });
  });

  test('with a time that is no date is none', async () => {
    const note = await signed(treeOf('abc'));
    const line = await cosign(witnessIdentity, parseNote(note)!.text, () => 8.64e15 + 1000);
    expect(await cosignersOf(crypto, parseNote(note + line)!)).toBeUndefined();
  });

  test('a cosignature of another text, or by another key, is refused', async () => {
    const line = await cosign(witnessIdentity, 'other\n', () => 0);
    expect(await cosignersOf(crypto, parseNote((await signed(treeOf('a'))) + line)!)).toBeUndefined();
  });
});

function treeOf(leaves: string): MerkleTree {
  const tree = new MerkleTree(crypto);
  for (const leaf of leaves) tree.append(Buffer.from(leaf));
  return tree;
}

const signed = (tree: MerkleTree) => signCheckpoint(service, { origin, size: tree.size, root: tree.root() });
