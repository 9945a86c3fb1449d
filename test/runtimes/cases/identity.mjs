// Identities and key records against test/vectors/identity.json, key-record.json and request-binding.json.
import { hex, toHex } from '../../vectors/replay.mjs';
import { outcome, same, unwrap } from '../rows.mjs';

export async function identityCases(check, { xlink, vectors }) {
  const { Identity, assertKeyRecord, createKeyRecord, decodeDidKey, encodeDidKey } = xlink;
  const { identity: identities, keyRecord: records, requestBinding: bindings } = vectors;

  await check('identity: seeds give the keys and DIDs of the vectors', async () => {
    for (const one of identities.identities) {
      const identity = await Identity.fromSeed(hex(one.seed), { maxVersion: 3 });
      const found = {
        did: identity.did,
        ed25519: toHex(identity.publicKey),
        x25519: toHex(identity.x25519.publicKey),
        mlKem768: toHex(identity.mlKem768.publicKey),
        mlDsa65: toHex(identity.mlDsa65.publicKey),
        pkcs8: toHex(identity.exportPKCS8()),
      };
      same(found, pick(one, Object.keys(found)), one.did);
      same((await Identity.fromPKCS8(hex(one.pkcs8))).did, one.did, 'from PKCS#8');
    }
    return `${identities.identities.length} seeds`;
  });

  await check('identity: bad DIDs and PKCS#8 files are refused', async () => {
    for (const { name, did, key, error } of identities.badDids) {
      same(await outcome(() => decodeDidKey(did)), error, name);
      if (key) same(encodeDidKey(hex(key)), did, name);
    }
    for (const { name, pkcs8, error } of identities.badPkcs8)
      same(await outcome(() => Identity.fromPKCS8(hex(pkcs8))), error, name);
    return `${identities.badDids.length} DIDs, ${identities.badPkcs8.length} files`;
  });

  await check('identity: new ones differ', async () => {
    const made = await Promise.all([1, 2].map(() => xlink.generateIdentity({ maxVersion: 3 })));
    const [a, b] = made.map(unwrap);
    if (a.did === b.did) throw new Error('the same identity twice');
  });

  await check('identity: Ed25519 signatures are judged as everywhere', async () => {
    const { crypto } = await Identity.fromSeed(new Uint8Array(32));
    for (const { name, publicKey, message, signature, valid } of identities.signatures) {
      const verifier = await crypto.ed25519.verifier(hex(publicKey));
      same(await verifier.verify(hex(message), hex(signature)), valid, name);
    }
    return `${identities.signatures.length} signatures`;
  });

  await check('key records: made again byte for byte, bad ones are refused', async () => {
    for (const { name, seed, encryptionSeed = seed, version, record } of records.good) {
      await assertKeyRecord(record);
      const of = (text) => Identity.fromSeed(hex(text), { maxVersion: version });
      const { x25519, mlKem768 } = await of(encryptionSeed);
      const { epoch, keyEpoch, notBefore, notAfter, next } = record;
      const made = await createKeyRecord(await of(seed), {
        epoch,
        encryption: { keyEpoch, notBefore, notAfter, x25519, mlKem768 },
        ...(next ? { next: fromBase64url(next) } : {}),
      });
      await assertKeyRecord(made);
      const { pqSignature } = record; // made with fresh randomness each time
      same({ ...made, pqSignature }, record, name);
    }
    for (const { name, record, error } of records.bad)
      same(await outcome(() => assertKeyRecord(record)), error, name);
    return `${records.good.length} good, ${records.bad.length} bad`;
  });

  await check('request binding: canonical texts', async () => {
    for (const { method, target, request } of bindings.canonical)
      same(xlink.requestBinding(method, target), request, target);
    return `${bindings.canonical.length} targets`;
  });
}

const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
    character.charCodeAt(0),
  );

const pick = (from, names) => Object.fromEntries(names.map((name) => [name, from[name]]));
