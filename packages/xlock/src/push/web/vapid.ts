import { createECDH, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { fromBase64url, toBase64url, utf8 } from '../../util/bytes.js';
import { invalidOption } from '../../util/options.js';

/** Who pushes, for the push services of browsers (RFC 8292). */
export interface VapidOptions {
  /** P-256, 65 bytes uncompressed, base64url: browsers subscribe with it, and take pushes of no other. */
  readonly publicKey: string;
  /** 32 bytes, base64url. Secret. */
  readonly privateKey: string;
  /** Where the operator of a push service writes to if something is wrong: `mailto:` or `https:`. */
  readonly subject: string;
}

/** A new pair for {@link VapidOptions}: make it once and keep it. With another one all subscriptions are lost. */
export function vapidKeys(): Pick<VapidOptions, 'publicKey' | 'privateKey'> {
  const ecdh = createECDH('prime256v1');
  const publicKey = toBase64url(ecdh.generateKeys());
  const secret = ecdh.getPrivateKey();
  const privateKey = toBase64url(Buffer.concat([Buffer.alloc(32 - secret.length), secret]));
  return { publicKey, privateKey };
}

/** How long a token is good, in ms: RFC 8292 allows a day. */
const TOKEN_MS = 12 * 3_600_000;
const MOST_TOKENS = 100;

/** Makes the `Authorization` of pushes; one token for each push service, for half a day. */
export class Vapid {
  readonly #options: VapidOptions;
  readonly #key: KeyObject;
  readonly #tokens = new Map<string, { readonly token: string; readonly until: number }>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: VapidOptions) {
    const { publicKey, privateKey, subject } = Object(options) as VapidOptions;
    if (typeof subject !== 'string' || !/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(subject))
      throw invalidOption('vapid', 'WebPush: vapid.subject must begin with mailto: or https:.');
    this.#key = keyOf(publicKey, privateKey);
    this.#options = { publicKey, privateKey, subject };
  }

  /** The header for a push service, by its origin. `now`: in ms since 1970. */
  authorization(audience: string, now: number): string {
    const known = this.#tokens.get(audience);
    const token = known && known.until - now > TOKEN_MS / 2 ? known.token : this.#made(audience, now);
    return `vapid t=${token}, k=${this.#options.publicKey}`;
  }

  #made(audience: string, now: number): string {
    const until = now + TOKEN_MS;
    const part = (value: object) => toBase64url(utf8(JSON.stringify(value)));
    const claims = { aud: audience, exp: Math.floor(until / 1000), sub: this.#options.subject };
    const text = `${part({ typ: 'JWT', alg: 'ES256' })}.${part(claims)}`;
    const signature = sign('sha256', utf8(text), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    const token = `${text}.${toBase64url(signature)}`;
    if (this.#tokens.size >= MOST_TOKENS) this.#tokens.clear();
    this.#tokens.set(audience, { token, until });
    return token;
  }
}

function keyOf(publicKey: unknown, privateKey: unknown): KeyObject {
  const [point, secret] = [fromBase64url(publicKey, 65), fromBase64url(privateKey, 32)];
  const wrong = () =>
    invalidOption('vapid', 'WebPush: vapid must be { publicKey, privateKey } of vapidKeys(), and subject.');
  if (!point || !secret) throw wrong();
  try {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(secret);
    if (!ecdh.getPublicKey().equals(point)) throw wrong();
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(toBase64url) as [string, string];
    return createPrivateKey({
      key: { kty: 'EC', crv: 'P-256', d: privateKey as string, x, y },
      format: 'jwk',
    });
  } catch {
    throw wrong();
  }
}
