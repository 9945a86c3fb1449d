import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type Did,
  err,
  MemoryTrustRegistry,
  type RegistryEntry,
  type TrustRegistry,
  xlinkError,
} from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair } from '../support/world.js';

const down = new Error('connection refused');

/** Alice and Bob, who know each other through a registry that then answers something else. */
async function withAnswer(answer: (did: Did, real: MemoryTrustRegistry) => unknown) {
  const real = new MemoryTrustRegistry();
  let broken = false;
  const registry: TrustRegistry = {
    lookup: (did) => (broken ? (answer(did, real) as RegistryEntry) : real.lookup(did)),
    register: real.register.bind(real),
    updateKeys: real.updateKeys.bind(real),
  };
  const { alice, bob } = await pair({ registry }, { registry });
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
  broken = true;
  return { alice, bob, envelope };
}

const fails = () => {
  throw down;
};
const broken: [string, (did: Did, real: MemoryTrustRegistry) => unknown][] = [
  ['throws', fails],
  ['rejects', () => Promise.reject(down)],
  ['answers the entry of another DID', (did, real) => real.list().find((entry) => entry.did !== did)],
  ['answers an entry without a DID', () => ({ status: 'active' })],
  ['answers text', (did) => did],
  ['answers true', () => true],
  ['answers an array', () => []],
  [
    'answers scopes as text',
    (did, real) => ({ ...real.lookup(did), sendScopes: 'default', receiveScopes: 'default' }),
  ],
  ['answers scopes as null', (did, real) => ({ ...real.lookup(did), sendScopes: null, receiveScopes: null })],
];

describe('a registry that', () => {
  test.each(broken)('%s gets nothing sent and nothing accepted', async (_, answer) => {
    const { alice, bob, envelope } = await withAnswer(answer);
    expect(errorOf(await alice.send({ to: bob.did, payload: 1 }))).toMatchObject({
      id: 'LOOKUP_FAILED',
      status: 503,
    });
    expect(errorOf(await bob.receive(envelope))).toMatchObject({ id: 'LOOKUP_FAILED', status: 503 });
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
  ])('answers %s does not know the DID', async (_, nothing) => {
    const { alice, bob, envelope } = await withAnswer(() => nothing);
    expect(idOf(await alice.send({ to: bob.did, payload: 1 }))).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
    expect(idOf(await bob.receive(envelope))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
  });

  test.each(['revoked', 'suspended', undefined])(
    'answers the status %s has the DID cut off',
    async (status) => {
      const { bob, envelope } = await withAnswer((did, real) => ({ ...real.lookup(did), status }));
      expect(idOf(await bob.receive(envelope))).toBe('VERIFICATION_FAILED:DID_REVOKED');
    },
  );

  test('keeps its error as the cause', async () => {
    const { bob, envelope } = await withAnswer(fails);
    expect(errorOf(await bob.receive(envelope)).cause).toBe(down);
  });

  test('answers later is waited for', async () => {
    const { bob, envelope } = await withAnswer(async (did, real) => real.lookup(did));
    expect(idOf(await bob.receive(envelope))).toBe('ok');
  });
});

describe('registering an agent', () => {
  const registryWith = (part: Partial<TrustRegistry>): TrustRegistry => {
    const real = new MemoryTrustRegistry();
    return {
      lookup: real.lookup.bind(real),
      register: real.register.bind(real),
      updateKeys: real.updateKeys.bind(real),
      ...part,
    };
  };
  const create = (registry: TrustRegistry) => Agent.fromSeed({ seed: seedOf('alice'), registry });

  test('fails with LOOKUP_FAILED where the registry cannot be asked', async () => {
    const error = errorOf(await create(registryWith({ lookup: fails })));
    expect(error).toMatchObject({ id: 'LOOKUP_FAILED', cause: down });
  });

  test('fails with REGISTRATION_FAILED where it throws, rejects or refuses for reasons of its own', async () => {
    const refusal = xlinkError('INTERNAL');
    const ways: TrustRegistry['register'][] = [fails, () => Promise.reject(down), () => err(refusal)];
    for (const register of ways) {
      expect(idOf(await create(registryWith({ register })))).toBe('REGISTRATION_FAILED');
    }
    expect(errorOf(await create(registryWith({ register: () => err(refusal) }))).cause).toBe(refusal);
  });

  test('hands on a refusal that a registry gives by name', async () => {
    const register = () => err(xlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED'));
    expect(idOf(await create(registryWith({ register })))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
  });

  test('is not done twice for keys that are there', async () => {
    let changes = 0;
    const real = new MemoryTrustRegistry();
    const registry = registryWith({
      lookup: real.lookup.bind(real),
      register: (entry) => {
        changes++;
        return real.register(entry);
      },
      updateKeys: (keys) => {
        changes++;
        return real.updateKeys(keys);
      },
    });
    unwrap(await create(registry));
    unwrap(await create(registry));
    expect(changes).toBe(1);
  });
});
