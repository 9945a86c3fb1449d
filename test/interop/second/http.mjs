// HTTP: docs/PROTOCOL.md, section 12. A client, and the receiving end without a server around it.
import { request as httpRequest } from 'node:http';
import { sha256 } from '@noble/hashes/sha2.js';
import { equal, fail, fromBase64url, LP, toBase64url, utf8 } from './bytes.mjs';
import { isEncrypted, parseEnvelope } from './parse.mjs';
import { bindRequest } from './peer.mjs';

/** 12.2: what `contentType` says about a Content-Type header; undefined if there is none. */
export function bindContentType(header) {
  if (header === undefined) return undefined;
  let out = '';
  for (const c of header) {
    const code = c.codePointAt(0);
    if (code >= 0x20 && code <= 0x7e && !'"%\\'.includes(c)) out += c;
    else {
      for (const b of code <= 0xff ? [code] : utf8(c)) {
        out += `%${b.toString(16).toUpperCase().padStart(2, '0')}`;
      }
    }
  }
  return out;
}

const NOT_COVERED = new Set(
  `accept-encoding authorization connection content-encoding content-length content-type expect forwarded host keep-alive
  proxy-authorization proxy-connection te trailer transfer-encoding upgrade via xlink-envelope xlink-sealed true-client-ip
  remote-user x-client-ip x-cluster-client-ip x-remote-user x-rewrite-url`.split(/\s+/),
);
const OF_PROXIES =
  /^((cf|fastly|ssl-client|x-(amzn|arr|auth-request|azure|envoy|forwarded|goog|original|real|ssl))-|(x-)?client-cert|x-ms-client-principal)/;
/** What a client leaves on the wire although it is sealed. */
const STAYS = ['accept', 'baggage', 'traceparent', 'tracestate', 'user-agent'];
const isCovered = (name) => !NOT_COVERED.has(name) && !OF_PROXIES.test(name);

/** 12.1: the headers that are sealed or signed, by name. `headers`: pairs, as the caller set them. */
export const coveredHeaders = (headers) =>
  headers
    .map(([name, value]) => [name.toLowerCase(), value])
    .filter(([name]) => isCovered(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));

const digestOf = (pairs) => sha256(LP(...pairs.flatMap((pair) => pair.map(utf8))));

/** 12.2: `fields` and `fieldsDigest`; neither without headers. */
export function coverHeaders(headers) {
  const covered = coveredHeaders(headers);
  if (covered.length === 0) return {};
  return { fields: covered.map(([name]) => name).join(' '), fieldsDigest: digestOf(covered) };
}

/** The request target that will be on the wire: everything behind the authority, an empty query included. */
function splitUrl(url) {
  const { href, origin, hostname, port } = new URL(url);
  return { hostname, port, target: href.slice(origin.length).replace(/#.*$/, '') };
}

function exchange(method, hostname, port, target, fields, body) {
  // Node frames the body of GET and DELETE only if it is told the length
  const length = body?.length ? { 'Content-Length': Buffer.byteLength(body) } : {};
  const headers = { ...length, ...fields };
  return new Promise((resolve, reject) => {
    const req = httpRequest({ method, hostname, port, path: target, headers, agent: false }, (res) => {
      const chunks = [];
      res.on('data', (c) => chunks.push(c));
      res.on('error', reject);
      res.on('end', () => {
        const body = new Uint8Array(Buffer.concat(chunks));
        const text = Buffer.from(body).toString('utf8');
        const type = res.headers['content-type'] ?? '';
        const json = /json/.test(type) && text !== '' ? JSON.parse(text) : undefined;
        const error =
          type.startsWith('application/problem+json') && json
            ? [json.code, json.subCode].filter(Boolean).join(':')
            : undefined;
        resolve({ status: res.statusCode, headers: res.headers, body, text, json, error });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** 12.1. `headers` are those that the caller set, `wire` what is changed on the way. */
export async function sendBodyForm(peer, to, method, url, scope, content, options = {}) {
  const { hostname, port, target } = splitUrl(url);
  const { headers = {}, wire = {} } = options;
  const covered = coveredHeaders(Object.entries(headers));
  const envelope = await peer.seal(to, {
    ...{ kind: 'request', scope, content, headers: covered, request: bindRequest(method, target) },
    ...options.seal,
  });
  const stays = Object.entries(headers).filter(
    ([name]) => !isCovered(name.toLowerCase()) || STAYS.includes(name.toLowerCase()),
  );
  const sent = { 'Content-Type': 'application/xlink-envelope', ...Object.fromEntries(stays), ...wire };
  const answer = await exchange(method, hostname, port, options.target ?? target, sent, envelope.text);
  return { ...answer, sent: { nonce: envelope.nonce, request: bindRequest(method, target) } };
}

/** 12.2. `body` is bytes or a text or absent, `contentType` its Content-Type header. */
export async function sendHeaderForm(peer, to, method, url, scope, options = {}) {
  const { hostname, port, target } = splitUrl(url);
  const { headers = {}, wire = {} } = options;
  const body = typeof options.body === 'string' ? utf8(options.body) : options.body;
  const own = {};
  const members = {
    ...{ kind: 'request', scope, signedOnly: true, request: bindRequest(method, target) },
    ...coverHeaders(Object.entries(headers)),
  };
  if (body?.length) {
    members.contentDigest = sha256(body);
    if (options.contentType !== undefined) members.contentType = bindContentType(options.contentType);
  }
  if (options.contentType !== undefined) own['Content-Type'] = options.contentType;
  const envelope = await peer.seal(to, { ...members, ...options.seal });
  const value = toBase64url(utf8(envelope.text));
  if (options.apiKeyHeader) {
    own.Authorization = options.apiKeyHeader;
    own['Xlink-Envelope'] = value;
  } else own.Authorization = `Xlink ${value}`;
  const sent = options.sentBody === undefined ? body : options.sentBody;
  const fields = { ...headers, ...own, ...wire };
  const answer = await exchange(method, hostname, port, options.target ?? target, fields, sent);
  return { ...answer, sent: { nonce: envelope.nonce, request: bindRequest(method, target) } };
}

const isDangerous = (name) =>
  name.startsWith('if-') ||
  ['cookie', 'idempotency-key', 'prefer', 'range', 'x-http-method', 'x-http-method-override'].includes(
    name,
  ) ||
  name === 'x-method-override';

/** 12.1: what the application sees of the headers, and which of them are covered. */
function seenHeaders(headers, message) {
  const covered =
    message.headers ?? (message.fields?.split(' ') ?? []).map((name) => [name, headers[name] ?? '']);
  const names = covered.map(([name]) => name);
  const rest = Object.entries(headers).filter(([name]) => !names.includes(name) && !isDangerous(name));
  return { seen: Object.fromEntries([...rest, ...covered]), covered: names };
}

/**
 * 12, receiving: `headers` with lower-case names, `body` raw bytes. Returns the message, with the headers that the application
 * sees in `seen` and the names of those that the envelope covers in `covered`.
 */
export async function receiveRequest(peer, { method, target, headers, body }, options = {}) {
  const type = headers['content-type'];
  const inBody = /^application\/xlink-envelope[ \t]*(;|$)/i.test(type ?? '');
  const scheme = /^xlink(?: +(.*))?$/i.exec(headers.authorization ?? '');
  const places = [scheme && (scheme[1] ?? ''), headers['xlink-envelope']].filter(
    (v) => typeof v === 'string',
  );
  if (places.length + (inBody ? 1 : 0) > 1) fail('ENVELOPE_AMBIGUOUS');
  const encoding = (headers['content-encoding'] ?? '').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') fail('CONTENT_ENCODING_UNSUPPORTED');
  const rules = { kind: 'request', request: bindRequest(method, target) };
  const withHeaders = (message) => ({ ...message, ...seenHeaders(headers, message) });
  if (inBody) {
    const e = parseEnvelope(body, peer.options.maxBytes);
    if (!isEncrypted(e) && !options.allowCleartext) fail('CLEARTEXT_NOT_ALLOWED');
    if (!e.payload) fail('PARSE_FAILED:MISSING_FIELD');
    if (e.contentDigest) fail('CONTENT_DIGEST_UNEXPECTED');
    return withHeaders(await peer.accept(e, rules));
  }
  if (places.length === 0) return undefined;
  if (places[0].length > 32_768) fail('ENVELOPE_TOO_LARGE');
  const bytes = fromBase64url(places[0]);
  if (!bytes?.length) fail('PARSE_FAILED:SYNTAX');
  const e = parseEnvelope(bytes, peer.options.maxBytes);
  if (isEncrypted(e) || e.payload) fail('ENVELOPE_FORM_NOT_ALLOWED');
  const message = await peer.accept(e, {
    ...rules,
    beforeClaim: () => {
      if (e.fields !== undefined) {
        const actual = e.fields.split(' ').map((name) => [name, headers[name] ?? '']);
        if (!equal(digestOf(actual), e.raw.fieldsDigest)) fail('FIELDS_MISMATCH');
      }
      if (!body?.length) {
        if (e.contentDigest) fail('CONTENT_DIGEST_UNEXPECTED');
      } else if (!e.contentDigest) fail('CONTENT_DIGEST_MISSING');
      else if (!equal(sha256(body), e.raw.contentDigest)) fail('CONTENT_DIGEST_MISMATCH');
      else if ((bindContentType(type) ?? '') !== (e.contentType ?? '')) fail('CONTENT_TYPE_MISMATCH');
    },
  });
  return withHeaders(message);
}
