import type { Header } from '../envelope/plaintext.js';
import type { AnswerHead } from '../http/answer-head.js';
import type { Identity } from '../identity/identity.js';
import { encodeUtf8 } from '../util/utf8.js';
import { byteSequence, contentDigest } from './content-digest.js';
import { ANSWER_TAG, ED25519, ML_DSA_65 } from './profile.js';
import { componentLine, signatureBase } from './signature-base.js';
import type { SignedRequest } from './signed-request.js';

/** Of an answer, these are covered where it has them. */
const COVERED_IF_PRESENT = ['content-type', 'location'];
/** The fields that hold a signature, in the head of an answer or behind its body. */
export const SIGNATURE_FIELDS = ['Content-Digest', 'Signature-Input', 'Signature'] as const;

/** Makes `Content-Digest` and the signatures that the request had, of an answer with a body of this SHA-256. */
export type SignAnswer = (
  head: AnswerHead,
  sha256: Uint8Array,
  place: 'head' | 'trailers',
) => Promise<readonly Header[]>;

/** Signs an answer (RFC 9421 section 2.4): bound to its request, and to the signature of that. `now`: ms since 1970. */
export async function signAnswer(
  identity: Identity,
  request: SignedRequest,
  now: number,
  ...[{ status, headers }, sha256, place]: Parameters<SignAnswer>
): Promise<readonly Header[]> {
  const digest = contentDigest(sha256);
  const components: [identifier: string, value: string][] = [
    ['"@status"', String(status)],
    ['"@method";req', request.method],
    ['"@path";req', request.path],
    ['"@query";req', request.query],
    ['"signature";req;key="xlink"', byteSequence(request.ed25519.signature)],
    [place === 'head' ? '"content-digest"' : '"content-digest";tr', digest],
  ];
  for (const name of COVERED_IF_PRESENT) {
    const values = headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value.trim());
    if (values.length > 0) components.push([`"${name}"`, values.join(', ')]);
  }
  const lines = components.map(([identifier, value]) => componentLine(identifier, value)).join('');
  const covered = components.map(([identifier]) => identifier).join(' ');
  const sign = async ({ label, alg }: typeof ED25519, signer: Identity['ed25519'], tag: string) => {
    const created = Math.floor(now / 1000);
    const params = `(${covered});created=${created};keyid="${identity.did}";alg="${alg}";nonce="${request.nonce}";tag="${tag}"`;
    const signature = await signer.sign(encodeUtf8(signatureBase(lines, params)));
    return [
      ['Signature-Input', `${label}=${params}`],
      ['Signature', `${label}=${byteSequence(signature)}`],
    ] as const;
  };
  const signatures = [...(await sign(ED25519, identity.ed25519, ANSWER_TAG))];
  if (request.mlDsa65 && identity.mlDsa65)
    signatures.push(...(await sign(ML_DSA_65, identity.mlDsa65, `${ANSWER_TAG}-pq`)));
  return [['Content-Digest', digest], ...signatures];
}
