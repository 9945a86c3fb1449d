// HTTP: docs/PROTOCOL.md, section 12. A client, and the receiving end without a server around it.
import { request as httpRequest } from 'node:http';
import { sha256 } from '@noble/hashes/sha2.js';
import { equal, fail, fromBase64url, toBase64url, utf8 } from './bytes.mjs';
import { isEncrypted, parseEnvelope } from './envelope.mjs';
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
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const type = res.headers['content-type'] ?? '';
        const json = /json/.test(type) && text !== '' ? JSON.parse(text) : undefined;
        const error =
          type.startsWith('application/problem+json') && json
            ? [json.code, json.subCode].filter(Boolean).join(':')
            : undefined;
        resolve({ status: res.statusCode, headers: res.headers, text, json, error });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** 12.1 */
export async function sendBodyForm(peer, to, method, url, scope, content, options = {}) {
  const { hostname, port, target } = splitUrl(url);
  const envelope = await peer.seal(to, {
    scope,
    content,
    request: bindRequest(method, target),
    ...options.seal,
  });
  const headers = { 'Content-Type': 'application/xlink-envelope', ...options.headers };
  return exchange(method, hostname, port, options.target ?? target, headers, envelope.text);
}

/** 12.2. `body` is bytes or a text or absent, `contentType` its Content-Type header. */
export async function sendHeaderForm(peer, to, method, url, scope, options = {}) {
  const { hostname, port, target } = splitUrl(url);
  const body = typeof options.body === 'string' ? utf8(options.body) : options.body;
  const headers = {};
  const members = { scope, signedOnly: true, request: bindRequest(method, target) };
  if (body?.length) {
    members.contentDigest = sha256(body);
    if (options.contentType !== undefined) members.contentType = bindContentType(options.contentType);
  }
  if (options.contentType !== undefined) headers['Content-Type'] = options.contentType;
  const envelope = await peer.seal(to, { ...members, ...options.seal });
  const value = toBase64url(utf8(envelope.text));
  if (options.apiKeyHeader) {
    headers.Authorization = options.apiKeyHeader;
    headers['Xlink-Envelope'] = value;
  } else headers.Authorization = `Xlink ${value}`;
  const sent = options.sentBody === undefined ? body : options.sentBody;
  return exchange(method, hostname, port, options.target ?? target, { ...headers, ...options.headers }, sent);
}

/** 12, receiving: `headers` with lower-case names, `body` raw bytes. */
export async function receiveRequest(peer, { method, target, headers, body }, options = {}) {
  const type = headers['content-type'];
  const inBody = /^application\/xlink-envelope[ \t]*(;|$)/i.test(type ?? '');
  const scheme = /^xlink +(.*)$/i.exec(headers.authorization ?? '')?.[1];
  const places = [scheme, headers['xlink-envelope']].filter((v) => v !== undefined);
  if (places.length + (inBody ? 1 : 0) > 1) fail('ENVELOPE_AMBIGUOUS');
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') fail('CONTENT_ENCODING_UNSUPPORTED');
  const request = bindRequest(method, target);
  if (inBody) {
    const e = parseEnvelope(body, peer.options.maxBytes);
    if (!isEncrypted(e) && !options.allowCleartext) fail('CLEARTEXT_NOT_ALLOWED');
    if (!e.payload) fail('PARSE_FAILED:MISSING_FIELD');
    if (e.contentDigest) fail('CONTENT_DIGEST_UNEXPECTED');
    return peer.accept(e, { request });
  }
  if (places.length === 0) return undefined;
  if (places[0].length > 32_768) fail('ENVELOPE_TOO_LARGE');
  const bytes = fromBase64url(places[0]);
  if (!bytes) fail('PARSE_FAILED:SYNTAX');
  const e = parseEnvelope(bytes, peer.options.maxBytes);
  if (isEncrypted(e) || e.payload) fail('ENVELOPE_FORM_NOT_ALLOWED');
  const message = await peer.accept(e, {
    request,
    beforeClaim: () => {
      if (!body?.length) {
        if (e.contentDigest) fail('CONTENT_DIGEST_UNEXPECTED');
      } else if (!e.contentDigest) fail('CONTENT_DIGEST_MISSING');
      else if (!equal(sha256(body), e.raw.contentDigest)) fail('CONTENT_DIGEST_MISMATCH');
      else if (bindContentType(type) !== e.contentType) fail('CONTENT_TYPE_MISMATCH');
    },
  });
  return message;
}
