import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  createSuccession,
  type Did,
  type DiscoveryDocument,
  discover,
  type Identity,
  type IdentityStore,
  MemoryTrustRegistry,
  type Succession,
  xlinkFetch,
} from '@private.me/xlink';
import express from 'express';
import { signDocument } from '../../src/discovery/signed-document.js';
import { hashOfDid } from '../../src/identity/succession.js';
import { decodeBase64url } from '../../src/util/base64url.js';
import { identityOf } from '../support/agents.js';
import { listen } from '../support/listen.js';
import { thrownBy, unwrap } from '../support/results.js';
import { idOfRejection, KEY, LOCAL, serveApi } from './support.js';

const named = (name: string) => identityOf(`followed ${name}`);

/** An identity store in memory, with what was learned about services. */
function memory(): IdentityStore {
  let pkcs8: Uint8Array | undefined;
  let json: string | undefined;
  return {
    load: () => pkcs8,
    save: (bytes) => void (pkcs8 = bytes),
    services: { load: () => json, save: (text) => void (json = text) },
  };
}

/** A service whose document can be replaced, as who sits in the connection can. */
async function staged() {
  let document: unknown;
  const app = express();
  app.get('/.well-known/xlink.json', (_, res) => void res.json(document));
  const { url } = await listen(app);
  const { host } = new URL(url);
  const show = async (
    identity: Identity,
    succession: readonly unknown[] | undefined,
    { next, ...more }: { next?: Uint8Array } & Partial<DiscoveryDocument> = {},
  ) => {
    const keyRecord = await createKeyRecord(identity, next ? { next } : {});
    const issuedAt = Date.now();
    document = await signDocument(
      {
        did: identity.did,
        keyRecord,
        versions: [1, 2],
        mode: 'hybrid',
        acceptsEnvelopes: true,
        hosts: [host],
        endpoints: {},
        publicPaths: [],
        ...(succession ? { succession: succession as Succession[] } : {}),
        issuedAt,
        notAfter: issuedAt + 300_000,
        ...more,
      },
      identity,
    );
    return document as Record<string, unknown>;
  };
  const seenBy = (pinnedDid?: Did) =>
    discover(url, { ...LOCAL, ...(pinnedDid === undefined ? {} : { pinnedDid }) });
  return { url, show, seenBy, set: (value: unknown) => void (document = value) };
}

const chainOf = async (...identities: Identity[]): Promise<Succession[]> =>
  Promise.all(identities.slice(1).map((to, at) => createSuccession(identities[at]!, to)));

describe('a service that rotated its identity', () => {
  test('is followed by a pinned client, also over several steps that it missed', async () => {
    const registry = new MemoryTrustRegistry();
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map(named));
    unwrap(await registry.register({ did: ids[0]!.did, keys: await createKeyRecord(ids[0]!) }));
    for (const at of [0, 1, 2])
      unwrap(await new Agent({ identity: ids[at]!, registry }).succeedBy(ids[at + 1]!));
    const api = await serveApi({ agent: new Agent({ identity: ids[3]!, registry }) });
    for (const pinned of ids) {
      const found = await discover(api.url, { ...LOCAL, pinnedDid: pinned.did });
      expect([found.did, found.succession?.length]).toEqual([ids[3]!.did, 3]);
      const fetch = xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY, pinnedDid: pinned.did });
      const answer = await fetch('/orders');
      expect([answer.status, (await answer.json()).client]).toEqual([200, 'acme']);
    }
  });

  test('is followed by what was learned before a restart, and never back', async () => {
    const registry = new MemoryTrustRegistry();
    const [a, b] = [await named('a'), await named('b')];
    unwrap(await registry.register({ did: a.did, keys: await createKeyRecord(a) }));
    const agent = new Agent({ identity: a, registry });
    const api = await serveApi({ agent });
    const identity = memory();
    let skipMs = 0;
    const start = () =>
      xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY, identity, clock: () => Date.now() + skipMs });
    expect((await start()('/orders')).status).toBe(200);
    const old = await (await fetch(`${api.url}/.well-known/xlink.json`)).json();
    unwrap(await agent.succeedBy(b));
    const second = start();
    expect((await second('/orders')).status).toBe(200);
    const services = JSON.parse((await identity.services!.load())!).services;
    expect(services[api.url]).toMatchObject({ did: b.did, proven: true });
    // Whoever replays the old document, still within its time, to a client that has followed.
    const replaying: typeof fetch = (input, init) =>
      String(input).endsWith('xlink.json') ? Promise.resolve(Response.json(old)) : fetch(input, init);
    skipMs = 1000;
    const third = xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY, identity, fetch: replaying });
    expect(await idOfRejection(third('/orders'))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });

  test('a client enrolls no second time', async () => {
    const registry = new MemoryTrustRegistry();
    const [a, b] = [await named('a'), await named('b')];
    unwrap(await registry.register({ did: a.did, keys: await createKeyRecord(a) }));
    const agent = new Agent({ identity: a, registry });
    const api = await serveApi({ agent });
    let skipMs = 0;
    const fetch = xlinkFetch({
      agent: await Agent.quickstart(),
      ...LOCAL,
      baseUrl: api.url,
      apiKey: KEY,
      clock: () => Date.now() + skipMs,
    });
    expect((await fetch('/orders')).status).toBe(200);
    unwrap(await agent.succeedBy(b));
    skipMs = 170_000;
    expect((await fetch('/orders')).status).toBe(200);
    expect([api.count('/.well-known/xlink/enroll'), api.count('/.well-known/xlink.json')]).toEqual([1, 2]);
  });

  test('a chain that does not begin at the pinned DID, or does not lead to the one shown, is refused', async () => {
    const { show, seenBy } = await staged();
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map(named));
    await show(c!, await chainOf(b!, c!));
    expect((await seenBy(b!.did)).did).toBe(c!.did);
    expect((await seenBy()).did).toBe(c!.did);
    const other = 'DISCOVERY_FAILED:OTHER_IDENTITY';
    expect(await idOfRejection(seenBy(a!.did))).toBe(other);
    await show(c!, undefined);
    expect(await idOfRejection(seenBy(b!.did))).toBe(other);
    const [ab, bc] = await chainOf(a!, b!, c!);
    await show(d!, [ab, bc]);
    expect(await idOfRejection(seenBy(a!.did))).toBe('DISCOVERY_FAILED:INVALID');
    await show(c!, [ab]);
    expect(await idOfRejection(seenBy(a!.did))).toBe('DISCOVERY_FAILED:INVALID');
    await show(c!, [bc, ab]);
    expect(await idOfRejection(seenBy(a!.did))).toBe('DISCOVERY_FAILED:INVALID');
  });

  test('a chain in a loop, one of 17, and one that is no chain are refused', async () => {
    const { show, seenBy, set } = await staged();
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(named));
    const bad: (readonly unknown[])[] = [
      [...(await chainOf(a!, b!, a!, c!))],
      await chainOf(...(await Promise.all(Array.from({ length: 17 }, (_, at) => named(`long ${at}`)))), c!),
      [],
      [null],
      ['x'],
      [{ from: a!.did, to: c!.did }],
    ];
    for (const chain of bad) {
      // What is out of form cannot be signed either, so the form is looked at before the signature.
      const document = await show(c!, undefined);
      set({ ...document, succession: chain });
      const pinned = (chain[0] as { from?: Did } | null)?.from;
      expect([chain.length, await idOfRejection(seenBy(pinned))]).toEqual([
        chain.length,
        'DISCOVERY_FAILED:INVALID',
      ]);
    }
    const longest = await Promise.all(Array.from({ length: 16 }, (_, at) => named(`long ${at}`)));
    await show(c!, await chainOf(...longest, c!));
    expect((await seenBy(longest[0]!.did)).did).toBe(c!.did);
  });

  test('a chain that was added, or taken out, after signing is refused', async () => {
    const { show, seenBy, set } = await staged();
    const [a, b] = [await named('a'), await named('b')];
    const chain = await chainOf(a, b);
    set({ ...(await show(b, undefined)), succession: chain });
    expect(await idOfRejection(seenBy())).toBe('DISCOVERY_FAILED:INVALID');
    const { succession: _, ...without } = await show(b, chain);
    set(without);
    expect(await idOfRejection(seenBy())).toBe('DISCOVERY_FAILED:INVALID');
  });

  test('a statement that one of them did not sign moves no pin', async () => {
    const { show, seenBy } = await staged();
    const [a, b, thief] = [await named('a'), await named('b'), await named('thief')];
    const [good] = await chainOf(a, b);
    const [own] = await chainOf(thief, b);
    for (const forged of [
      { ...good!, fromSignature: own!.fromSignature },
      { ...good!, toSignature: good!.fromSignature },
      { ...good!, issuedAt: good!.issuedAt + 1 },
    ]) {
      await show(b, [forged]);
      const error = await thrownBy(() => seenBy(a.did));
      expect([error.id, (error.cause as { id?: string }).id]).toEqual([
        'DISCOVERY_FAILED:OTHER_IDENTITY',
        'SUCCESSION_INVALID',
      ]);
    }
  });

  test('a thief of the old seed leads nobody away who has seen what it commits to', async () => {
    const { url, show } = await staged();
    const [a, b, thief] = [await named('a'), await named('b'), await named('thief')];
    const next = decodeBase64url(await hashOfDid(b.did))!;
    const identity = memory();
    let skipMs = 0;
    const start = () => {
      const call = xlinkFetch({ ...LOCAL, baseUrl: url, identity, clock: () => Date.now() + skipMs });
      return async () => {
        skipMs += 1; // documents of the same millisecond are of one order
        const error = await thrownBy(() => call('/orders'));
        return [error.id, (error.cause as { id?: string } | undefined)?.id];
      };
    };
    const seen = ['ANSWER_INVALID:NOT_SEALED', 'ANSWER_INVALID']; // it was discovered, and has no such route
    await show(a, undefined, { next });
    const call = start();
    expect(await call()).toEqual(seen);
    skipMs += 170_000;
    await show(thief, await chainOf(a, thief));
    expect(await call()).toEqual(['DISCOVERY_FAILED:OTHER_IDENTITY', 'SUCCESSION_INVALID:NOT_NEXT']);
    await show(a, undefined); // a record of the thief, which commits to nothing
    expect((await call())[0]).toBe('KEY_RECORD_INVALID');
    await show(thief, await chainOf(a, thief));
    expect(await call()).toEqual(['DISCOVERY_FAILED:OTHER_IDENTITY', 'SUCCESSION_INVALID:NOT_NEXT']);
    await show(b, await chainOf(a, b));
    expect(await call()).toEqual(seen);
  });
});
