import { describe, expect, test } from '@jest/globals';
import { type Agent, type AgentOptions, type Envelope, LoopbackTransport } from '@private.me/xlink';
import { DAY, MINUTE, SECOND } from '../support/clock.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const CAPABILITIES = [
  { name: 'createCharge', scopes: ['payments'] },
  { name: 'getBalance', scopes: ['payments:read'] },
];
const NAMES = ['createCharge', 'getBalance'];

describe('somebody in between, or a peer with bad intent', () => {
  type Says = (question: Envelope, bob: Agent, honest: () => Promise<Envelope>) => Promise<unknown>;

  /** Alice, whose questions to Bob are answered by what `says` returns. */
  async function answeredBy(says: Says, forAlice: AgentOptions = {}) {
    const world = new World();
    const bob = await world.agent('bob', { capabilities: CAPABILITIES });
    class Between extends LoopbackTransport {
      override async send(...[envelope, , , onReceipt]: Parameters<LoopbackTransport['send']>) {
        const honest = async () => {
          const rules = { ownScope: 'xlink:discover' };
          const { message } = unwrap(await bob.receiveContent(envelope, rules));
          return bob.answerDiscovery(message);
        };
        onReceipt?.((await says(envelope, bob, honest)) as Envelope);
        return { ok: true, value: undefined } as const;
      }
    }
    const alice = await world.agent('alice', { transport: new Between(), ...forAlice });
    return { world, alice, bob };
  }

  /** What Bob signs, if he says `payload` in the place of what is so. */
  const saying =
    (payload: (now: number) => unknown): Says =>
    async (question, bob) =>
      bob.createEnvelope({
        to: question.from,
        scope: 'xlink:discover',
        inReplyTo: question.nonce,
        payload: payload(await bob.now()),
      });
  const statement = (more: object) => (now: number) => ({
    tools: [],
    issuedAt: now,
    notAfter: now + 1000,
    ...more,
  });
  const tool = (more: object) => statement({ tools: [{ name: 'a', scopes: [], ...more }] });
  const deep = (levels: number): unknown => (levels === 0 ? {} : { a: deep(levels - 1) });

  test.each<[string, string, Says]>([
    ['nothing', 'CAPABILITIES_INVALID:OTHER_DID', async () => null],
    ['no envelope', 'CAPABILITIES_INVALID:OTHER_DID', async () => 'hello'],
    [
      'what is signed by another DID',
      'CAPABILITIES_INVALID:OTHER_DID',
      async (question) => {
        const mallory = await new World().agent('mallory');
        return { ...question, from: mallory.did, to: question.from };
      },
    ],
    [
      'what is signed by another DID in the name of this one',
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      async (_, bob, honest) => ({
        ...(await honest()),
        nonce: 'A'.repeat(22),
        from: bob.did,
      }),
    ],
    [
      'an answer to another question',
      'ANSWER_INVALID',
      async (question, bob) =>
        bob.createEnvelope({
          to: question.from,
          scope: 'xlink:discover',
          inReplyTo: 'A'.repeat(22),
          payload: {},
        }),
    ],
    [
      'a message of another scope',
      'SCOPE_NOT_ALLOWED',
      async (question, bob) =>
        bob.createEnvelope({ to: question.from, scope: 'payments', inReplyTo: question.nonce, payload: {} }),
    ],
    [
      'a statement in the clear',
      'CLEARTEXT_NOT_ALLOWED',
      async (question, bob) =>
        bob.createEnvelope({
          to: question.from,
          scope: 'xlink:discover',
          inReplyTo: question.nonce,
          payload: {},
          signedOnly: true,
        }),
    ],
    ['no object', 'CAPABILITIES_INVALID', saying(() => [])],
    ['no tools', 'CAPABILITIES_INVALID', saying(statement({ tools: undefined }))],
    ['tools that are no list', 'CAPABILITIES_INVALID', saying(statement({ tools: { length: 3 } }))],
    ['a name with a control character', 'CAPABILITIES_INVALID', saying(tool({ name: 'a\u001b[2J' }))],
    ['a name twice', 'CAPABILITIES_INVALID', saying(statement({ tools: [{ name: 'a' }, { name: 'a' }] }))],
    ['a title with hidden characters', 'CAPABILITIES_INVALID', saying(tool({ title: 'a\u{e0041}' }))],
    ['a name of its own with a line break', 'CAPABILITIES_INVALID', saying(statement({ name: 'a\nb' }))],
    ['the scope *', 'CAPABILITIES_INVALID', saying(tool({ scopes: ['*'] }))],
    [
      'a schema that refers elsewhere',
      'CAPABILITIES_INVALID',
      saying(tool({ inputSchema: { type: 'object', items: { $ref: 'http://10.0.0.1/' } } })),
    ],
    [
      'a schema 1000 levels deep',
      'CAPABILITIES_INVALID:TOO_LARGE',
      saying(tool({ inputSchema: { type: 'object', a: deep(1000) } })),
    ],
    [
      '10 000 tools',
      'CAPABILITIES_INVALID:TOO_LARGE',
      saying(statement({ tools: Array.from({ length: 10_000 }, (_, n) => ({ name: `t${n}` })) })),
    ],
    [
      'one tool too many',
      'CAPABILITIES_INVALID:TOO_LARGE',
      saying(statement({ tools: Array.from({ length: 1001 }, (_, n) => ({ name: `${n}` })) })),
    ],
    ['more than 256 KiB', 'CAPABILITIES_INVALID:TOO_LARGE', saying(statement({ more: 'a'.repeat(262_144) }))],
    [
      'what was over long ago',
      'CAPABILITIES_INVALID:EXPIRED',
      saying((now) => ({ tools: [], issuedAt: now - 2 * MINUTE, notAfter: now - MINUTE })),
    ],
    [
      'what is of the future',
      'CAPABILITIES_INVALID:EXPIRED',
      saying((now) => ({ tools: [], issuedAt: now + MINUTE, notAfter: now + DAY })),
    ],
    [
      'what is good for a year',
      'CAPABILITIES_INVALID',
      saying((now) => ({ tools: [], issuedAt: now, notAfter: now + 365 * DAY })),
    ],
    [
      'what ends before it begins',
      'CAPABILITIES_INVALID',
      saying((now) => ({ tools: [], issuedAt: now, notAfter: now - 1 })),
    ],
    ['no time', 'CAPABILITIES_INVALID', saying(() => ({ tools: [] }))],
  ])('who answers %s is refused: %s', async (_, id, says) => {
    const { alice, bob } = await answeredBy(says);
    expect(idOf(await alice.discover(bob.did))).toBe(id);
  });

  test('members that are not known are left out, and what was said last time is not kept of a refused answer', async () => {
    let says: Says = saying(tool({ more: 1, inputSchema: { type: 'object', 'x-mine': 1 } }));
    const { alice, bob } = await answeredBy((...args) => says(...args));
    const { tools } = unwrap(await alice.discover(bob.did));
    expect(tools).toEqual([{ name: 'a', scopes: [], inputSchema: { type: 'object', 'x-mine': 1 } }]);
    says = saying(() => []);
    expect(idOf(await alice.discover(bob.did, { refresh: true }))).toBe('CAPABILITIES_INVALID');
  });

  test('a transport of an application brings the answer back by onReceipt', async () => {
    const world = new World();
    const bob = await world.agent('bob', { capabilities: CAPABILITIES });
    const transport = {
      send: (...args: Parameters<LoopbackTransport['send']>) => world.transport.send(...args),
      onReceive: () => {},
      dispose: () => {},
    };
    const alice = await world.agent('alice', { transport });
    expect(unwrap(await alice.discover(bob.did)).capabilities).toEqual(NAMES);
  });

  test('limits are options', async () => {
    const many = statement({ tools: Array.from({ length: 10_000 }, (_, n) => ({ name: `t${n}` })) });
    const { alice, bob } = await answeredBy(saying(many));
    const chosen = { maxTools: 10_000, maxBytes: 1_000_000 };
    expect(unwrap(await alice.discover(bob.did, chosen)).capabilities).toHaveLength(10_000);
    const again = await alice.discover(bob.did, { refresh: true, maxBytes: 1_000_000 });
    expect(errorOf(again)).toMatchObject({ id: 'CAPABILITIES_INVALID:TOO_LARGE', field: 'tools' });
  });

  test('an answer is good once', async () => {
    let first: Envelope | undefined;
    const { alice, bob } = await answeredBy(async (_, __, honest) => (first ??= await honest()));
    expect(idOf(await alice.discover(bob.did))).toBe('ok');
    expect(idOf(await alice.discover(bob.did, { refresh: true }))).toBe('ANSWER_INVALID');
  });

  test('an older statement is not taken after a newer one, beyond what clocks may be apart', async () => {
    let backMs = 0;
    const says: Says = (...args) =>
      saying((now) => ({ tools: [], issuedAt: now - backMs, notAfter: now - backMs + DAY }))(...args);
    const { alice, bob } = await answeredBy(says);
    expect(idOf(await alice.discover(bob.did))).toBe('ok');
    backMs = 20 * SECOND;
    expect(idOf(await alice.discover(bob.did, { refresh: true }))).toBe('ok');
    backMs = MINUTE;
    expect(idOf(await alice.discover(bob.did, { refresh: true }))).toBe('CAPABILITIES_INVALID:ROLLED_BACK');
    alice.forgetPeer(bob.did);
    expect(idOf(await alice.discover(bob.did))).toBe('ok');
  });

  test('one that is revoked between question and answer is not believed', async () => {
    const says: Says = async (_, bob, honest) => {
      const answer = await honest();
      world.registry.revoke(bob.did);
      return answer;
    };
    const { world, alice, bob } = await answeredBy(says);
    expect(idOf(await alice.discover(bob.did))).toBe('VERIFICATION_FAILED:DID_REVOKED');
  });
});
