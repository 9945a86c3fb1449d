import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { Failure } from '../failures.js';

const KIND = 'xlink-key/1';
/** scrypt as OWASP has it: 128 MiB of memory. */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const;
const MEMORY = 256 * 2 ** 20;
const stretch = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** A private key as PKCS#8 in PEM, as openssl, Python and Go read it. */
export const pemOf = (pkcs8: Uint8Array): string =>
  `-----BEGIN PRIVATE KEY-----\n${Buffer.from(pkcs8).toString('base64')}\n-----END PRIVATE KEY-----\n`;

/** A private key under a passphrase: scrypt, AES-256-GCM. A text of JSON. */
export async function sealKey(pkcs8: Uint8Array, passphrase: string): Promise<string> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const key = await stretch(passphrase.normalize('NFKC'), salt, 32, { ...COST, maxmem: MEMORY });
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(KIND));
  const sealed = Buffer.concat([cipher.update(pkcs8), cipher.final(), cipher.getAuthTag()]);
  const texts = { salt, nonce, sealed };
  const encoded = Object.fromEntries(
    Object.entries(texts).map(([name, bytes]) => [name, bytes.toString('base64url')]),
  );
  return `${JSON.stringify({ kind: KIND, kdf: 'scrypt', ...COST, ...encoded })}\n`;
}

/** Whether a file holds a key under a passphrase. */
export const isSealedKey = (content: Uint8Array): boolean =>
  content[0] === 0x7b && Buffer.from(content).includes(`"${KIND}"`);

/** Throws `PASSPHRASE_WRONG`. */
export async function openKey(content: Uint8Array, passphrase: string): Promise<Uint8Array> {
  try {
    const { kind, N, r, p, salt, nonce, sealed } = JSON.parse(Buffer.from(content).toString());
    if (kind !== KIND || N !== COST.N || r !== COST.r || p !== COST.p) throw new Error('unknown form');
    const cost = { ...COST, maxmem: MEMORY };
    const key = await stretch(passphrase.normalize('NFKC'), Buffer.from(salt, 'base64url'), 32, cost);
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
      authTagLength: 16,
    });
    decipher.setAAD(Buffer.from(KIND)).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
  } catch {
    throw new Failure('PASSPHRASE_WRONG');
  }
}
