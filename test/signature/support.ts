import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Agent } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { type Answer, methodOf, pathOf, type Sent } from '../support/http.js';

// The profile once more, made with nothing but node:crypto: what our own code verifies, and what verifies our answers.

/** What a test signs otherwise than a good caller does. */
export interface SignatureDraft {
  readonly scope?: string;
  readonly to?: string;
  /** Seconds since 1970. */
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  /** Names of the components; those of the profile unless said otherwise. */
  readonly components?: readonly string[];
  /** Headers that are covered besides. */
  readonly covers?: readonly string[];
  /** Replaces parameters; `undefined` leaves one out. */
  readonly params?: Readonly<Record<string, string | number | undefined>>;
  /** Adds the ML-DSA-65 signature of the caller's identity. */
  readonly pq?: boolean;
}

export interface SignedSent extends Sent {
  readonly headers: Record<string, string>;
}

interface Pair {
  readonly api: { readonly did: string };
  readonly caller: Agent;
  readonly clock: () => number;
}

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
export const digestOf = (body: string | Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

export const paramsText = (params: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(params)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `;${name}=${typeof value === 'number' ? value : JSON.stringify(value)}`)
    .join('');

/** The request with its signature. */
export async function signedSent(
  { api, caller, clock }: Pair,
  sent: Sent = {},
  draft: SignatureDraft = {},
): Promise<SignedSent> {
  const { scope = '*', to = api.did, created = Math.floor(clock() / 1000), covers = [] } = draft;
  const hasBody = sent.body !== undefined;
  const headers: Record<string, string> = {
    ...(sent.headers as Record<string, string>),
    'xlink-to': to,
    'xlink-scope': scope,
    ...(hasBody ? { 'content-digest': digestOf(sent.body!) } : {}),
  };
  const path = pathOf(sent);
  const at = path.indexOf('?');
  const values: Record<string, string> = {
    ...headers,
    '@method': methodOf(sent),
    '@path': at < 0 ? path : path.slice(0, at),
    '@query': at < 0 ? '?' : path.slice(at),
  };
  const components = draft.components ?? [
    '@method',
    '@path',
    '@query',
    'xlink-to',
    'xlink-scope',
    ...(hasBody ? ['content-digest', 'content-type'] : []),
    ...covers,
  ];
  const { expires, nonce = randomBytes(16).toString('base64url') } = draft;
  const common = { created, expires, nonce, keyid: caller.did };
  const baseOf = (more: object) => {
    const params = `(${components.map((name) => `"${name}"`).join(' ')})${paramsText({ ...common, ...more, ...draft.params })}`;
    const lines = components.map((name) => `"${name}": ${values[name] ?? ''}`);
    return { params, base: Buffer.from([...lines, `"@signature-params": ${params}`].join('\n')) };
  };
  const main = baseOf({ alg: 'ed25519', tag: 'xlink' });
  const key = createPrivateKey({
    key: Buffer.from(await caller.exportPKCS8()),
    format: 'der',
    type: 'pkcs8',
  });
  const inputs = [`xlink=${main.params}`];
  const signatures = [`xlink=:${b64(sign(null, main.base, key))}:`];
  if (draft.pq) {
    const second = baseOf({ alg: 'ml-dsa-65', tag: 'xlink-pq' });
    const { mlDsa65 } = await identityOf(caller.name!, 3);
    inputs.push(`xlink-pq=${second.params}`);
    signatures.push(`xlink-pq=:${b64(await mlDsa65!.sign(second.base))}:`);
  }
  return {
    ...sent,
    headers: { ...headers, 'signature-input': inputs.join(', '), signature: signatures.join(', ') },
  };
}

export const publicKeyOf = (agent: Agent) => {
  // did:key: base58btc of 0xed01 and the key
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let value = 0n;
  for (const digit of agent.did.slice('did:key:z'.length))
    value = value * 58n + BigInt(alphabet.indexOf(digit));
  const x = Buffer.from(value.toString(16).padStart(68, '0').slice(4), 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
};

/** The answer is signed by the service, for this very request and its body. */
export function expectSigned(
  service: Agent,
  sent: SignedSent,
  answer: Answer,
  covered = ['content-type', 'location'],
): void {
  const { headers, bytes, status } = answer;
  const label = /^xlink=(\(([^)]*)\);.*?)(?:, xlink-pq=.*)?$/.exec(String(headers['signature-input']));
  if (!label) throw new Error(`not signed: ${JSON.stringify(headers)}`);
  const [, params, list] = label;
  expect(headers['content-digest']).toBe(digestOf(bytes));
  const path = pathOf(sent);
  const at = path.indexOf('?');
  const values: Record<string, string> = {
    '"@status"': String(status),
    '"@method";req': methodOf(sent),
    '"@path";req': at < 0 ? path : path.slice(0, at),
    '"@query";req': at < 0 ? '?' : path.slice(at),
    '"signature";req;key="xlink"': /xlink=(:[^:]*:)/.exec(sent.headers['signature']!)![1]!,
  };
  const identifiers = list!.split(' ');
  expect(identifiers.slice(0, 6)).toEqual([...Object.keys(values), '"content-digest"']);
  const has = (name: string) => headers[name] !== undefined;
  expect(identifiers.slice(6)).toEqual(covered.filter(has).map((name) => `"${name}"`));
  const lines = identifiers.map((id) => `${id}: ${values[id] ?? headers[id.slice(1, -1)]}`);
  const base = Buffer.from([...lines, `"@signature-params": ${params}`].join('\n'));
  const signature = Buffer.from(/xlink=:([^:]*):/.exec(String(headers['signature']))![1]!, 'base64');
  expect(verify(null, base, publicKeyOf(service), signature)).toBe(true);
  const nonce = /;nonce="([^"]+)"/.exec(sent.headers['signature-input']!)![1];
  expect(params).toContain(`;keyid="${service.did}";alg="ed25519";nonce="${nonce}";tag="xlink-answer"`);
}
