import { CHANGES_MEANING } from '../http/covered-fields.js';
import { byteSequence, contentDigest } from '../signature/content-digest.js';
import { ED25519, LENGTH, OF_THE_BODY, REQUIRED, SCOPE_HEADER, TO_HEADER } from '../signature/profile.js';
import { componentLine, pathAndQuery, signatureBase } from '../signature/signature-base.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { Draft, Signing } from './signing.js';

/** The headers that sign a request by RFC 9421, as callers without this library do (docs/signatures.md). */
export async function signatureHeaders(
  { method, url, headers, content }: Draft,
  { caller: { identity }, service, scope, now }: Signing,
): Promise<[string, string][]> {
  const { crypto, did } = identity;
  const { path, query } = pathAndQuery(url);
  const added: [string, string][] = [
    [TO_HEADER, service],
    [SCOPE_HEADER, scope],
  ];
  if (content) {
    added.push(['content-digest', contentDigest(await crypto.sha256(content))]);
    if (!headers.has('content-type')) added.push(['content-type', 'application/octet-stream']);
  }
  const derived = { '@method': method, '@path': path, '@query': query };
  const values: Record<string, string> = {
    ...Object.fromEntries(headers),
    ...Object.fromEntries(added),
    ...derived,
  };
  const names = [
    ...REQUIRED,
    ...(content ? OF_THE_BODY : []),
    ...[...headers.keys()].filter((name) => CHANGES_MEANING.test(name) && name !== LENGTH),
  ];
  const nonce = Buffer.from(crypto.randomBytes(16)).toString('hex');
  const { label, alg, tag } = ED25519;
  const created = Math.floor(now() / 1000);
  const list = names.map((name) => `"${name}"`).join(' ');
  const params = `(${list});created=${created};keyid="${did}";alg="${alg}";nonce="${nonce}";tag="${tag}"`;
  const lines = names.map((name) => componentLine(`"${name}"`, values[name]!)).join('');
  const signature = await identity.ed25519.sign(encodeUtf8(signatureBase(lines, params)));
  return [
    ...added,
    ['signature-input', `${label}=${params}`],
    ['signature', `${label}=${byteSequence(signature)}`],
  ];
}
