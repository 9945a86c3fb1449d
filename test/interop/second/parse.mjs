// Suites, members and their form: docs/PROTOCOL.md, sections 4 and 5.
import { fail, fromBase64url, utf8 } from './bytes.mjs';
import { isDidShape } from './identity.mjs';

export const ENCRYPTED = {
  1: 'X25519+A256GCM+Ed25519',
  2: 'X25519+MLKEM768+A256GCM+Ed25519',
  3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65',
};
export const SIGNED = { 1: 'Ed25519', 2: 'Ed25519', 3: 'Ed25519+MLDSA65' };

export const SHARES = {
  1: 'X25519+A256GCM+Ed25519+Shares',
  2: 'X25519+MLKEM768+A256GCM+Ed25519+Shares',
  3: 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65+Shares',
};
export const XCHANGE = 'Xchange+A256GCM+Ed25519';

// 4.2: kinds that each form may have.
const KINDS = {
  encrypted: ['message', 'request', 'answer'],
  signed: ['message', 'request', 'receipt', 'refusal'],
  shares: ['message'],
};

export const isEncrypted = (e) => e.suite !== SIGNED[e.version];
export const isXchange = (e) => e.version === 2 && e.suite === XCHANGE;
export const isShares = (e) => e.suite === SHARES[e.version] || isXchange(e);
export const isAgreed = (e) => isEncrypted(e) && !isXchange(e);
const kindsOf = (e) => KINDS[isShares(e) ? 'shares' : isEncrypted(e) ? 'encrypted' : 'signed'];
export const labelOf = (e) => utf8(`xlink/1 ${e.kind} v${e.version} ${e.suite}`);

// 5.1: name -> length in bytes of a base64url member, or a test of a text.
const PRINTABLE = '!#-\\[\\]-~';
export const NAME = "[!#-'*+\\-.0-9^-z|~]";
export const all = (pattern) => (t) => new RegExp(`^(?:${pattern})$`).test(t);
const TEXT = {
  from: isDidShape,
  to: isDidShape,
  scope: all('[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}|\\*'),
  request: all(`[A-Z][A-Z-]{0,31} [${PRINTABLE}]{1,8192}`),
  fields: (t) => t.length <= 4096 && all(`${NAME}+(?: ${NAME}+)*`)(t),
  contentType: all(`[ ${PRINTABLE}]{1,256}`),
};
const BYTES = {
  nonce: 16,
  fieldsDigest: 32,
  contentDigest: 32,
  inReplyTo: 16,
  ephemeralPub: 32,
  kemCiphertext: 1088,
  payload: 0,
  signature: 64,
  pqSignature: 3309,
};
export const ORDER = [
  'version',
  'suite',
  'kind',
  'from',
  'to',
  'timestamp',
  'nonce',
  'keyEpoch',
  'scope',
  'request',
  'fields',
  'fieldsDigest',
  'contentDigest',
  'contentType',
  'inReplyTo',
  'ephemeralPub',
  'kemCiphertext',
  'payload',
  'signature',
  'pqSignature',
];

/** 'must', 'may' or 'never'. */
function presence(name, e) {
  const { kind, version } = e;
  const encrypted = isEncrypted(e);
  switch (name) {
    case 'request':
      return { message: 'may', request: 'must', answer: 'may', receipt: 'never', refusal: 'must' }[kind];
    case 'inReplyTo':
      return { message: 'may', request: 'never' }[kind] ?? 'must';
    case 'fields':
    case 'fieldsDigest':
      return kind === 'request' && !encrypted ? 'may' : 'never';
    case 'contentDigest':
    case 'contentType':
      return (kind === 'message' || kind === 'request') && !encrypted ? 'may' : 'never';
    case 'keyEpoch':
    case 'ephemeralPub':
      return isAgreed(e) ? 'must' : 'never';
    case 'kemCiphertext':
      return isAgreed(e) && version >= 2 ? 'must' : 'never';
    case 'payload':
      return kind === 'answer' ? 'never' : encrypted ? 'must' : 'may';
    case 'pqSignature':
      return version === 3 ? 'must' : 'never';
    default:
      return 'must';
  }
}

/** 5.2: the grammar, over bytes. Returns a Map of the members. */
function scan(bytes) {
  const syntax = () => fail('PARSE_FAILED:SYNTAX');
  let at = 0;
  const ws = () => {
    while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  };
  const take = (byte) => (bytes[at] === byte ? at++ : syntax());
  const quoted = (lowest) => {
    take(0x22);
    const start = at;
    while (bytes[at] >= lowest && bytes[at] <= 0x7e && bytes[at] !== 0x22 && bytes[at] !== 0x5c) at++;
    const text = latin(bytes.subarray(start, at));
    take(0x22);
    return text;
  };
  const integer = () => {
    const start = at;
    while (bytes[at] >= 0x30 && bytes[at] <= 0x39) at++;
    const text = latin(bytes.subarray(start, at));
    if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) syntax();
    return Number(text);
  };
  const members = new Map();
  ws();
  take(0x7b);
  for (;;) {
    ws();
    const name = quoted(0x21);
    if (name.length < 1 || name.length > 64) syntax();
    ws();
    take(0x3a);
    ws();
    const value = bytes[at] === 0x22 ? quoted(0x20) : integer();
    ws();
    const isLast = bytes[at] !== 0x2c;
    if (isLast) take(0x7d);
    else at++;
    if (members.has(name)) fail('PARSE_FAILED:DUPLICATE_FIELD');
    members.set(name, value);
    if (isLast) break;
  }
  ws();
  if (at !== bytes.length) syntax();
  return members;
}

export const latin = (bytes) => new TextDecoder('latin1').decode(bytes);

/**
 * 5.2 and 5.3. Returns the members as texts and numbers, with the binary ones decoded in `raw`. `beside`: the payload of an
 * answer.
 */
export function parseEnvelope(input, maxBytes = 1_572_864, beside = undefined) {
  const bytes = typeof input === 'string' ? utf8(input) : input;
  if (bytes.length > maxBytes) fail('ENVELOPE_TOO_LARGE');
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    fail('PARSE_FAILED:SYNTAX');
  }
  const members = scan(bytes);
  for (const name of members.keys()) if (!ORDER.includes(name)) fail('PARSE_FAILED:UNKNOWN_FIELD');
  const e = { raw: {} };
  for (const name of ['version', 'suite', 'kind']) {
    const value = members.get(name);
    if (value === undefined) fail('PARSE_FAILED:MISSING_FIELD');
    if (typeof value !== (name === 'version' ? 'number' : 'string')) fail('PARSE_FAILED');
    e[name] = value;
    if (name === 'version' && ![1, 2, 3].includes(value)) fail('PARSE_FAILED:UNKNOWN_VERSION');
    const isSuite = value === ENCRYPTED[e.version] || value === SIGNED[e.version] || isShares(e);
    if (name === 'suite' && !isSuite) fail('PARSE_FAILED:UNKNOWN_VERSION');
    if (name === 'kind' && !kindsOf(e).includes(value)) fail('PARSE_FAILED');
  }
  for (const name of ORDER.slice(3)) {
    const value = members.get(name);
    const rule = presence(name, e);
    if (value === undefined) {
      if (rule === 'must')
        fail(name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD');
      continue;
    }
    if (rule === 'never') fail('PARSE_FAILED:UNKNOWN_FIELD');
    if (name === 'timestamp' || name === 'keyEpoch') {
      if (!Number.isSafeInteger(value) || value < (name === 'timestamp' ? 1 : 0)) fail('PARSE_FAILED');
    } else if (typeof value !== 'string') {
      fail('PARSE_FAILED');
    } else if (name in TEXT) {
      if (!TEXT[name](value)) fail('PARSE_FAILED');
    } else {
      const decoded = fromBase64url(value);
      if (!decoded || decoded.length === 0 || (BYTES[name] && decoded.length !== BYTES[name])) {
        fail('PARSE_FAILED');
      }
      e.raw[name] = decoded;
    }
    e[name] = value;
  }
  if (e.contentType !== undefined && e.contentDigest === undefined) fail('PARSE_FAILED:MISSING_FIELD');
  if ((e.fields === undefined) !== (e.fieldsDigest === undefined)) fail('PARSE_FAILED:MISSING_FIELD');
  if (e.scope === '*' && (e.kind === 'message' || e.kind === 'receipt')) fail('PARSE_FAILED');
  if (e.kind === 'answer') e.raw.payload = beside ?? fail('PARSE_FAILED:MISSING_FIELD');
  return e;
}
