import { componentLine, pathAndQuery, signatureBase } from '../signature/signature-base.js';
import { membersOf, signatureMembers } from '../signature/signature-input.js';
import { type InnerList, type Item, serializeInnerList } from '../signature/structured-fields.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { BotRequestParts } from './bot-request.js';

const AGENT = 'signature-agent';
/** In characters. */
const MAX_AGENT_LENGTH = 1024;
const MAX_COMPONENTS = 32;
const TAG = 'web-bot-auth';

/** A signature by Web Bot Auth, in form. Nothing is verified yet. */
export interface BotSignature {
  /** What `Signature-Agent` says: the origin of the key directory. A claim. */
  readonly origin: string;
  /** The thumbprint of the key. */
  readonly keyid: string;
  /** In s since 1970. */
  readonly created: number;
  readonly expires: number;
  /** Identifiers of what is covered, in order. */
  readonly components: readonly string[];
  readonly base: Uint8Array;
  readonly signature: Uint8Array;
}

/** Thrown for what is not in form, or not of the draft. */
export class BotSignatureError extends Error {}
const refuse = (what: string) => new BotSignatureError(what);

/** The signature of a request with the tag `web-bot-auth`; `undefined` if there is none. Throws {@link BotSignatureError}. */
export function readBotSignature(request: BotRequestParts): BotSignature | undefined {
  const input = request.header('signature-input');
  if (input === undefined || !input.includes(TAG)) return undefined;
  const inputs = [...signatureMembers(input, 'signature-input')].filter(
    ([, [, parameters]]) => parameters.get('tag') === TAG,
  );
  const [first, another] = inputs;
  if (!first) return undefined;
  if (another) throw refuse('several signatures');
  const [label, list] = first as [string, InnerList];
  const [bytes] = signatureMembers(request.header('signature') ?? '', 'signature').get(label) ?? [];
  if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== 64 || !Array.isArray(list[0]))
    throw refuse('signature');
  const parameters = parametersOf(list);
  const components = list[0].map(([name, more]) => identifierOf(name, more));
  if (components.length > MAX_COMPONENTS || new Set(components).size !== components.length)
    throw refuse('components');
  if (!components.some((each) => each === '"@authority"' || each === '"@target-uri"'))
    throw refuse('@authority');
  const agent = agentOf(request, label, components);
  let lines = '';
  for (const [at, [name]] of list[0].entries())
    lines += componentLine(
      components[at]!,
      name === AGENT ? agent.value : componentValue(request, name as string),
    );
  return {
    ...parameters,
    origin: agent.origin,
    components,
    base: encodeUtf8(signatureBase(lines, serializeInnerList(list))),
    signature: new Uint8Array(bytes),
  };
}

function parametersOf([, parameters]: InnerList) {
  const [created, expires, keyid, alg = 'ed25519'] = ['created', 'expires', 'keyid', 'alg'].map((name) =>
    parameters.get(name),
  );
  if (!Number.isInteger(created) || !Number.isInteger(expires)) throw refuse('created and expires');
  if (alg !== 'ed25519') throw refuse('alg');
  if (typeof keyid !== 'string' || !/^[\w-]{43}$/.test(keyid)) throw refuse('keyid');
  return { created: created as number, expires: expires as number, keyid };
}

/** `key` of `signature-agent` is the one parameter of a component that is understood. */
function identifierOf(name: unknown, parameters: Item[1]): string {
  if (typeof name !== 'string' || !/^@?[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw refuse('components');
  if (parameters.size === 0) return `"${name}"`;
  const key = parameters.get('key');
  if (name !== AGENT || parameters.size > 1 || typeof key !== 'string' || !/^[a-z*][\w.*-]*$/.test(key))
    throw refuse('components');
  return `"${name}";key="${key}"`;
}

/** The member of `Signature-Agent` that is covered, or the whole of an older signer's, which is a string. */
function agentOf(request: BotRequestParts, label: string, components: readonly string[]) {
  const text = request.header(AGENT) ?? '';
  const covered = components.filter((each) => each.startsWith(`"${AGENT}"`));
  const identifier = covered.length === 1 ? covered[0] : `"${AGENT}";key="${label}"`;
  if (!covered.includes(identifier!)) throw refuse(AGENT);
  const key = /;key="(.*)"$/.exec(identifier!)?.[1];
  const legacy = /^"([^"\\]*)"$/.exec(text)?.[1];
  if (key === undefined) {
    if (legacy === undefined || text.length > MAX_AGENT_LENGTH) throw refuse(AGENT);
    return { value: text, origin: originIn(legacy) };
  }
  const member = membersOf(text, AGENT, MAX_AGENT_LENGTH).get(key) as Item | undefined;
  const [url, parameters] = member ?? [];
  if (typeof url !== 'string') throw refuse(AGENT);
  const type = parameters!.get('type');
  if (type !== undefined && String(type) !== 'directory') throw refuse('type of Signature-Agent');
  return { value: serializeInnerList([[member!], new Map()]).slice(1, -1), origin: originIn(url) };
}

/** Keys are looked for at the well-known place of an origin, and nowhere else. */
function originIn(text: string): string {
  const origin = text.endsWith('/') ? text.slice(0, -1) : text;
  if (!isHttpsOrigin(origin)) throw refuse('Signature-Agent is no origin of https');
  return origin;
}

/** Whether it is an origin as it is serialized (RFC 6454 section 6.2), of https. */
export function isHttpsOrigin(text: unknown): text is string {
  try {
    return typeof text === 'string' && text.startsWith('https://') && new URL(text).origin === text;
  } catch {
    return false;
  }
}

const PRINTABLE = /^[\x20-\x7e]*$/;

function componentValue(request: BotRequestParts, name: string): string {
  const { method, target, authority } = request;
  const { path, query } = pathAndQuery(target);
  const derived: Readonly<Record<string, string>> = {
    '@method': method,
    '@authority': authority,
    '@scheme': 'https',
    '@target-uri': `https://${authority}${target}`,
    '@path': path,
    '@query': query,
  };
  const value = name.startsWith('@') ? derived[name] : request.header(name)?.trim();
  if (value === undefined || !PRINTABLE.test(value)) throw refuse(name);
  return value;
}
