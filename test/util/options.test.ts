import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import type { AgentOptions } from '../../src/agent/options.js';
import { MemoryTrustRegistry } from '../../src/registry/memory.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isString,
  oneOf,
  requireOption,
} from '../../src/util/options.js';
import { seedOf } from '../support/agents.js';
import { errorOf, idOf, thrownBy } from '../support/results.js';
import { pair } from '../support/world.js';

interface Sample {
  readonly timeout?: number;
  readonly verbose?: boolean;
  readonly mode?: string;
}
const CHECKS = { timeout: integerIn(1, 10), verbose: isBoolean, mode: oneOf('fast', 'safe') };
const complaint = async (options: unknown) => {
  const { id, field, hint } = await thrownBy(() => checkOptions('Sample', options as Sample, CHECKS));
  expect(id).toBe('INVALID_OPTION');
  return `${field}: ${hint}`;
};

describe('options', () => {
  test.each([{}, { timeout: 1 }, { timeout: 10, verbose: false, mode: 'safe' }, { timeout: undefined }])(
    '%j are taken, and what is undefined counts as absent',
    (options) => {
      expect(checkOptions('Sample', options as Sample, CHECKS)).toBeUndefined();
    },
  );

  test.each([
    [{ timeOut: 5 }, 'timeOut: Sample: there is no option timeOut; did you mean timeout?'],
    [{ verbos: true }, 'verbos: Sample: there is no option verbos; did you mean verbose?'],
    [{ modes: 'safe' }, 'modes: Sample: there is no option modes; did you mean mode?'],
    [{ quux: 1 }, 'quux: Sample: there is no option quux; known are timeout, verbose, mode.'],
    [{ quux: undefined }, 'quux: Sample: there is no option quux; known are timeout, verbose, mode.'],
    [
      { constructor: 1 },
      'constructor: Sample: there is no option constructor; known are timeout, verbose, mode.',
    ],
    [
      JSON.parse('{"__proto__": 1}'),
      '__proto__: Sample: there is no option __proto__; known are timeout, verbose, mode.',
    ],
  ])('%j name a key that does not exist, and the nearest one that does', async (options, expected) => {
    expect(await complaint(options)).toBe(expected);
  });

  test.each([
    [{ timeout: 0 }, 'timeout: Sample: timeout must be a whole number from 1 to 10.'],
    [{ timeout: 11 }, 'timeout: Sample: timeout must be a whole number from 1 to 10.'],
    [{ timeout: 1.5 }, 'timeout: Sample: timeout must be a whole number from 1 to 10.'],
    [{ timeout: '5' }, 'timeout: Sample: timeout must be a whole number from 1 to 10.'],
    [{ timeout: null }, 'timeout: Sample: timeout must be a whole number from 1 to 10.'],
    [{ verbose: 1 }, 'verbose: Sample: verbose must be true or false.'],
    [{ mode: 'quick' }, 'mode: Sample: mode must be one of fast, safe.'],
    [null, 'options: Sample: takes an object of options: timeout, verbose, mode.'],
    ['fast', 'options: Sample: takes an object of options: timeout, verbose, mode.'],
  ])('%j say what the value must be', async (options, expected) => {
    expect(await complaint(options)).toBe(expected);
  });

  test('that are required are missed by name', async () => {
    const error = await thrownBy(() => requireOption('Sample', { mode: undefined }, 'mode'));
    expect(error).toMatchObject({ id: 'INVALID_OPTION', field: 'mode', hint: 'Sample: mode is required.' });
  });

  test('a value is never repeated in the complaint', async () => {
    expect(await complaint({ mode: 'sk_live_CANARY' })).not.toContain('CANARY');
  });

  test('an object with methods may have them from its class', () => {
    const isRegistry = hasMethods('lookup', 'register');
    expect(isRegistry(new MemoryTrustRegistry())).toBeUndefined();
    expect(isRegistry({ lookup: () => 1 })).toBe('an object with lookup(), register()');
    expect(isRegistry(() => 1)).toBe('an object with lookup(), register()');
    expect(isString('')).toBe('a non-empty string');
  });
});

describe('the options of an agent', () => {
  const wrong: { readonly [K in keyof Required<AgentOptions>]: readonly unknown[] } = {
    postQuantumSig: [1, 'true', null],
    maxVersion: [0, 4, 2.5, '2', null],
    crypto: [null, 'native', 1],
    random: [null, {}, 'random'],
    name: ['', 1, null, {}],
    registry: [null, {}, { lookup: () => undefined }, 'memory'],
    trustRegistry: [null, {}, { register: () => undefined }],
    transport: [null, {}, [], [{}], { send: () => undefined, onReceive: () => undefined }],
    nonceStore: [null, {}, { seen: () => false }, new Map()],
    sendScopes: ['chat', [''], [1], ['with space'], ['ok', null], null, new Set(['a']), ['a'.repeat(129)]],
    receiveScopes: ['chat', [''], [1], ['é'], [':leading'], null],
    capabilities: ['search', [1], [null], null, [{}], ['with space'], [{ name: 'a', scopes: ['*'] }]],
    tools: ['search', ['search'], [null], null, [{}], [{ name: 'a', inputSchema: { type: 'string' } }]],
    discoverable: ['no', 0, null],
    policy: ['deny', 7, null, []],
    minVersion: [0, 4, '1', null],
    versionFloor: ['', 'highest', 1, null],
    keyStore: [null, {}, { load: () => undefined }, 'memory'],
    keyRotationMs: [0, 59_999, 1.5, '7d', null],
    keyOverlapMs: [0, 999, 1.5, '1d', null],
    next: ['did:web:example.com', '', 1, null],
    successor: [{}, 'did', null, () => undefined],
    successorKeyStore: [null, {}, { load: () => undefined }],
    timestampWindowMs: [0, -1, 3_600_001, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '30000', null],
    maxAgeMs: [0, 1.5, 691_200_001, '30000'],
    maxEnvelopeBytes: [0, 1023, 2 ** 30 + 1, '1MB', null],
    clock: [null, 0, new Date(0)],
    unsafeAcceptWhenNonceStoreFails: [0, 'yes', null],
    security: ['low', '', 2, null],
    securityPolicy: [{}, null, 'paranoid'],
    organization: ['', 7, null],
    xchange: [0, 'yes', null],
    shareLimits: [null, 'few', 16],
    audit: [null, {}, { append: 'x' }],
    onWarning: [null, {}, 'print'],
  };
  const cases = Object.entries(wrong).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );

  test.each(cases)('%s: %p is refused by name, however the agent is made', async (field, value) => {
    const options = { [field]: value } as AgentOptions;
    const expected = { id: 'INVALID_OPTION', field };
    expect(errorOf(await Agent.create(options))).toMatchObject(expected);
    expect(errorOf(await Agent.fromSeed({ ...options, seed: seedOf('a') }))).toMatchObject(expected);
    expect(errorOf(await Agent.importIdentity({ ...options, pkcs8: new Uint8Array(48) }))).toMatchObject(
      expected,
    );
    expect(await thrownBy(() => Agent.quickstart(options))).toMatchObject(expected);
    expect(await thrownBy(() => Agent.lazy(options))).toMatchObject(expected);
  });

  test('two names for two registries contradict each other', async () => {
    const [registry, trustRegistry] = [new MemoryTrustRegistry(), new MemoryTrustRegistry()];
    expect(errorOf(await Agent.create({ registry, trustRegistry }))).toMatchObject({
      field: 'trustRegistry',
    });
    expect((await Agent.create({ registry, trustRegistry: registry })).value?.registry).toBe(registry);
    expect((await Agent.create({ trustRegistry })).value?.registry).toBe(trustRegistry);
  });

  test.each([
    ['fromSeed', 'INVALID_SEED'],
    ['importIdentity', 'INVALID_PKCS8'],
  ] as const)('%s without its bytes is refused', async (name, id) => {
    expect(idOf(await (Agent[name] as (options: object) => ReturnType<typeof Agent.create>)({}))).toBe(id);
  });

  test.each([{}, { identity: {} }, { identity: 'did:key:z6Mk' }])(
    'the constructor needs an identity, not %j',
    async (options) => {
      expect(await thrownBy(() => new Agent(options as never))).toMatchObject({
        id: 'INVALID_OPTION',
        field: 'identity',
      });
    },
  );

  test.each([
    [{ to: undefined }, 'to'],
    [{ to: '' }, 'to'],
    [{ scope: 'a b' }, 'scope'],
    [{ scope: '*' }, 'scope'],
    [{ request: 'GET' }, 'request'],
    [{ request: 'get /' }, 'request'],
    [{ inReplyTo: 'short' }, 'inReplyTo'],
    [{ version: 4 }, 'version'],
    [{ signedOnly: 'yes' }, 'signedOnly'],
    [{ onProgress: true }, 'onProgress'],
    [{ content: new Uint8Array(1) }, 'content'],
    [{ content: 'text', signedOnly: true }, 'content'],
    [{ contentType: 'a"b', signedOnly: true }, 'contentType'],
    [{ paylod: 1 }, 'paylod'],
  ])('send refuses %j', async (options, field) => {
    const { alice, bob } = await pair({ maxVersion: 1 }, { maxVersion: 1 });
    const sent = await alice.send({ to: bob.did, payload: 1, ...options } as never);
    expect(errorOf(sent)).toMatchObject({ id: 'INVALID_OPTION', field });
  });

  test.each([
    [{ allowCleartext: 1 }, 'allowCleartext'],
    [{ request: '' }, 'request'],
    [{ requireRequestBinding: 'yes' }, 'requireRequestBinding'],
    [{ requireRequestBinding: true }, 'request'],
    [{ onProgress: {} }, 'onProgress'],
    [{ allowClearText: true }, 'allowClearText'],
  ])('receive refuses %j', async (options, field) => {
    const { bob } = await pair({ maxVersion: 1 }, { maxVersion: 1 });
    expect(errorOf(await bob.receive('{}', options as never))).toMatchObject({ id: 'INVALID_OPTION', field });
  });
});
