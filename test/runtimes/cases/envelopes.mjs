// Every envelope version, sealed and signed only: received from the fixed vectors, and in both directions with a peer in
// Node. Shares of a message.
import { player, toHex } from '../../vectors/replay.mjs';
import { outcome, same, unwrap } from '../rows.mjs';

const FILES = ['v1', 'v2', 'v3', 'signedOnly'];
/** Survives only where text is UTF-8 and numbers are JSON's. */
const PAYLOAD = { text: 'grüße 👋 \u2028', number: 1e-7, deep: [{ null: null }], empty: '' };

export async function envelopeCases(check, { xlink, vectors, peer }) {
  for (const name of FILES) {
    const file = vectors[name];
    const play = player(xlink, file);

    await check(`vectors ${name}: good envelopes are opened`, async () => {
      for (const one of file.good) same(unwrap(await play(one)), one.message, one.name);
      return `${file.good.length} envelopes`;
    });
    await check(`vectors ${name}: bad envelopes are refused, each with its error`, async () => {
      for (const one of file.bad)
        same(await outcome(async () => unwrap(await play(one))), one.error, one.name);
      return `${file.bad.length} envelopes`;
    });
  }
  for (const version of [1, 2, 3])
    for (const signedOnly of [false, true]) await bothWays(check, xlink, peer, version, signedOnly);

  await check(
    'a large envelope is read from its bytes, and refused where one of them is another',
    async () => {
      const registry = new xlink.MemoryTrustRegistry();
      const nonceStore = new xlink.MemoryNonceStore({ coldStart: 'accept' });
      const [alice, bob] = [
        await xlink.Agent.quickstart({ maxVersion: 1, registry, nonceStore }),
        await xlink.Agent.quickstart({ maxVersion: 1, registry, nonceStore }),
      ];
      const payload = 'x'.repeat(100_001);
      const text = JSON.stringify(await alice.createEnvelope({ to: bob.did, scope: 'a:b', payload }));
      const receive = (one) => bob.receive(new TextEncoder().encode(one));
      const foreign = text.replace(/("payload":"[^"]{9000})./, '$1+');
      same(await outcome(async () => unwrap(await receive(foreign))), 'PARSE_FAILED', 'foreign');
      same(unwrap(await receive(text)).payload === payload, true, 'payload');
    },
  );

  await check('shares: any two of three give the payload', async () => {
    const payload = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    const shares = await xlink.splitForChannel(payload);
    for (const left of [0, 1, 2]) {
      const two = shares.filter(({ index }) => index !== left);
      same(toHex(unwrap(await xlink.reconstruct(two))) === toHex(payload), true, `without ${left}`);
    }
  });
}

async function bothWays(check, xlink, peer, version, signedOnly) {
  const form = `version ${version} ${signedOnly ? 'signed only' : 'sealed'}`;
  const options = { scope: 'runtimes', version, signedOnly };
  const { keyRecord } = await peer.describe();
  const registry = new xlink.MemoryTrustRegistry();
  const nonceStore = new xlink.MemoryNonceStore({ coldStart: 'accept' });
  const agent = await xlink.Agent.quickstart({ maxVersion: version, registry, nonceStore });
  const rights = { sendScopes: ['runtimes'], receiveScopes: ['runtimes'] };
  unwrap(await registry.register({ did: keyRecord.did, keys: keyRecord, ...rights }));
  const receive = async (text) => unwrap(await agent.receive(text, { allowCleartext: signedOnly }));

  await check(`${form}: sent from here, received in Node`, async () => {
    const envelope = await agent.createEnvelope({ ...options, to: keyRecord.did, payload: PAYLOAD });
    const received = await peer.receive({ keyRecord: await agent.keyRecord(), envelope, signedOnly });
    same(received, { sender: agent.did, payload: PAYLOAD, version, encrypted: !signedOnly }, 'in Node');
  });

  await check(`${form}: sent from Node, received here once and unchanged only`, async () => {
    const text = await peer.send({ ...options, keyRecord: await agent.keyRecord(), payload: PAYLOAD });
    const forged = text.replace(
      /"signature":"(.)/,
      (_, first) => `"signature":"${first === 'A' ? 'B' : 'A'}`,
    );
    same(await outcome(() => receive(forged)), 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', 'forged');
    const { sender, payload } = await receive(text);
    same({ sender, payload }, { sender: keyRecord.did, payload: PAYLOAD }, 'here');
    same(await outcome(() => receive(text)), 'REPLAY_DETECTED', 'again');
  });
}
