// A push service (RFC 8030) that keeps what it is sent, and a browser's side that opens it: RFC 8291 once more, on WebCrypto.
import { createPublicKey, verify, webcrypto } from 'node:crypto';
import { bytesOf, listen } from './support.js';

const base64url = (bytes: ArrayBuffer | Uint8Array) => Buffer.from(bytes as Uint8Array).toString('base64url');
const { subtle } = webcrypto;

/** What a browser makes when it subscribes. */
export async function browserKeys() {
  const pair = (await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, [
    'deriveBits',
  ])) as webcrypto.CryptoKeyPair;
  const secret = webcrypto.getRandomValues(new Uint8Array(16));
  const p256dh = base64url(await subtle.exportKey('raw', pair.publicKey));
  return { privateKey: pair.privateKey, p256dh, auth: base64url(secret) };
}

export type BrowserKeys = Pick<Awaited<ReturnType<typeof browserKeys>>, 'p256dh' | 'auth'> & {
  readonly privateKey: webcrypto.CryptoKey;
};

/** The text of a body in `aes128gcm`; rejects for what is not for this browser. */
export async function opened(body: Uint8Array, keys: BrowserKeys): Promise<string> {
  const salt = body.subarray(0, 16);
  const length = body[20]!;
  const sender = body.subarray(21, 21 + length);
  const sealed = body.subarray(21 + length);
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  const peer = await subtle.importKey('raw', sender, curve, false, []);
  const shared = await subtle.deriveBits({ name: 'ECDH', public: peer }, keys.privateKey, 256);
  const hkdf = async (secret: ArrayBuffer, salt: Uint8Array, info: Uint8Array, bytes: number) => {
    const key = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
    return subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, bytes * 8);
  };
  const own = Buffer.from(keys.p256dh, 'base64url');
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), own, sender]);
  const secret = await hkdf(shared, Buffer.from(keys.auth, 'base64url'), info, 32);
  const raw = await hkdf(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const iv = await hkdf(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const key = await subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt']);
  const plain = Buffer.from(await subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed));
  const end = plain.lastIndexOf(2);
  if (end === -1 || plain.subarray(end + 1).some((byte) => byte !== 0)) throw new Error('no delimiter');
  return plain.subarray(0, end).toString('utf8');
}

/** What arrived at the push service. */
export interface Arrived {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Answers with `status`, and checks the token of whoever pushes as RFC 8292 says. */
export async function fakePushService() {
  const arrived: Arrived[] = [];
  const service = { arrived, status: 201, url: '', onPush: (_: Arrived): void => {} };
  const { url } = await listen(async (request, response) => {
    const one = { path: request.url!, headers: request.headers, body: await bytesOf(request) };
    const isGood = isVapid(String(request.headers.authorization), service.url);
    if (isGood && service.status === 201) {
      arrived.push(one);
      service.onPush(one);
    }
    response.writeHead(isGood ? service.status : 403).end();
  });
  service.url = url;
  return service;
}

function isVapid(authorization: string, audience: string): boolean {
  const [, header, claims, signature, point] =
    /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)$/.exec(authorization) ?? [];
  if (!header || !claims || !signature || !point) return false;
  const raw = Buffer.from(point, 'base64url');
  const [x, y] = [raw.subarray(1, 33), raw.subarray(33)].map(base64url) as [string, string];
  const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const text = Buffer.from(`${header}.${claims}`);
  const isSigned = verify(
    'sha256',
    text,
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
    string,
    unknown
  >;
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  const seconds = Number(exp) - Date.now() / 1000;
  return (
    isSigned &&
    alg === 'ES256' &&
    aud === audience &&
    seconds > 0 &&
    seconds <= 86_400 &&
    String(sub).startsWith('mailto:')
  );
}
