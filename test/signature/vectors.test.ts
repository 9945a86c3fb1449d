import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, MemoryNonceStore, MemoryTrustRegistry } from '@private.me/xlink';
import type { InboundRequest } from '../../src/http/decision.js';
import { Identity } from '../../src/identity/identity.js';
import { signAnswer } from '../../src/signature/sign-answer.js';
import { componentLine, pathAndQuery, signatureBase } from '../../src/signature/signature-base.js';
import { readSignedRequest } from '../../src/signature/signed-request.js';
import type { RegistryEntry } from '../../src/types/protocol.js';
import { load, providers } from '../vectors/load.js';

type Line = readonly [name: string, value: string];
interface VectorRequest {
  readonly name: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Line[];
  readonly body?: string;
}
interface RequestFile {
  readonly now: number;
  readonly service: { readonly did: string; readonly seed: string };
  readonly registry: readonly RegistryEntry[];
  readonly good: readonly (VectorRequest & {
    readonly seed: string;
    readonly base: string;
    readonly pqBase?: string;
    readonly auth: { readonly did: string; readonly scope: string; readonly version: number };
  })[];
  readonly bad: readonly (VectorRequest & { readonly error: string })[];
}

const file = load<RequestFile>('signature/requests.json');
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const textOf = (octets: Uint8Array) => Buffer.from(octets).toString();

/** The request as a server sees it. */
function inbound({ method, target, headers, body }: VectorRequest): InboundRequest {
  const lines = (name: string) =>
    headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return {
    method,
    target,
    raw: {},
    hasBody: body !== undefined,
    header: (name) => (lines(name).length === 0 ? undefined : lines(name).join(', ')),
    lines,
    readBody: async () => Buffer.from(body ?? ''),
  };
}

async function verdict(request: VectorRequest, crypto: (typeof providers)[number][1]) {
  const clock = () => file.now;
  const registry = new MemoryTrustRegistry({ clock });
  const lookup = (did: string) => file.registry.find((entry) => entry.did === did);
  const agent = new Agent({
    identity: await Identity.fromSeed(bytes(file.service.seed), { maxVersion: 3, crypto }),
    registry: Object.assign(registry, { lookup }) as never,
    nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }),
    clock,
  });
  const adapter = new DualModeAdapter({
    agent,
    mode: 'xlink-only',
    signatures: true,
    clock,
    legacyKeyValidator: () => null,
  });
  const decision = await adapter.decide(inbound(request));
  if (decision.action === 'pass') return decision.auth;
  const { code, subCode } = JSON.parse(decision.body);
  return subCode === undefined ? code : `${code}:${subCode}`;
}

test('holds at least 18 good and 110 bad requests, with different names', () => {
  expect(file.good.length).toBeGreaterThanOrEqual(18);
  expect(file.bad.length).toBeGreaterThanOrEqual(110);
  const names = [...file.good, ...file.bad].map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

describe.each(providers)('%s', (_, crypto) => {
  test.each(file.good.map((one) => [one.name, one] as const))('takes %s', async (_name, one) => {
    const { ed25519, mlDsa65 } = readSignedRequest(inbound(one));
    expect(textOf(ed25519.base)).toBe(one.base);
    expect(mlDsa65 && textOf(mlDsa65.base)).toBe(one.pqBase);
    const key = {
      key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytes(one.seed)]),
      format: 'der',
      type: 'pkcs8',
    } as const;
    expect(sign(null, ed25519.base, createPrivateKey(key)).equals(ed25519.signature)).toBe(true);
    expect(await verdict(one, crypto)).toMatchObject({ mode: 'xlink', form: 'signature', ...one.auth });
  });

  test.each(file.bad.map((one) => [one.name, one.error, one] as const))(
    'refuses %s: %s',
    async (_name, error, one) => {
      expect(await verdict(one, crypto)).toBe(error);
    },
  );
});

test('the signature base of RFC 9421, appendix B.2.6, and its signature', () => {
  const { path } = pathAndQuery('/foo?param=Value&Pet=dog');
  const base = signatureBase(
    [
      ['"date"', 'Tue, 20 Apr 2021 02:07:55 GMT'],
      ['"@method"', 'POST'],
      ['"@path"', path],
      ['"@authority"', 'example.com'],
      ['"content-type"', 'application/json'],
      ['"content-length"', '18'],
    ]
      .map(([name, value]) => componentLine(name!, value!))
      .join(''),
    '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
  );
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs' },
    format: 'jwk',
  });
  const signature =
    'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==';
  expect(verify(null, Buffer.from(base), key, Buffer.from(signature, 'base64'))).toBe(true);
});

interface AnswerFile {
  readonly now: number;
  readonly service: { readonly seed: string };
  readonly request: VectorRequest;
  readonly good: readonly {
    readonly name: string;
    readonly request?: VectorRequest;
    readonly status: number;
    readonly headers: readonly Line[];
    readonly body: string;
    readonly base: string;
  }[];
  readonly bad: readonly { readonly name: string }[];
}

describe('answers', () => {
  const answers = load<AnswerFile>('signature/answers.json');
  const OWN = /^(content-digest|signature|signature-input)$/i;
  const withoutRandom = (headers: readonly Line[]) =>
    headers.map(([name, value]) => [name, value.replace(/(xlink-pq=:).*/, '$1')]);

  test.each(answers.good.map((one) => [one.name, one] as const))('makes %s', async (_, one) => {
    const identity = await Identity.fromSeed(bytes(answers.service.seed), { maxVersion: 3 });
    const request = readSignedRequest(inbound(one.request ?? answers.request));
    const headers = one.headers.filter(([name]) => !OWN.test(name));
    const made = await signAnswer(
      identity,
      request,
      answers.now,
      { status: one.status, headers },
      createHash('sha256').update(one.body).digest(),
      'head',
    );
    expect(withoutRandom([...headers, ...made])).toEqual(withoutRandom(one.headers));
  });
});
