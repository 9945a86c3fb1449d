import type { Identity } from '@private.me/xlink';

/** What is used of the client that callers without the library have: clients/xlink.ts of `@private.me/xlink`. */
interface SignatureClient {
  signedFetch(options: {
    readonly key: CryptoKeyPair;
    readonly service: string;
    readonly scope?: string;
  }): typeof fetch;
}

/** Made by the build. From its sources the command takes that of the package that was built. */
const CLIENT = import.meta.url.endsWith('.ts')
  ? '../dist/signature-client.bundle.js'
  : './signature-client.bundle.js';

/** `fetch` that signs requests by RFC 9421, seals nothing, and takes answers that the service signed. */
export async function signedCall(
  identity: Identity,
  service: string,
  scope: string | undefined,
): Promise<typeof fetch> {
  const { signedFetch } = (await import(new URL(CLIENT, import.meta.url).href)) as SignatureClient;
  const key = await keyPairOf(identity);
  return signedFetch({ key, service, ...(scope === undefined ? {} : { scope }) });
}

async function keyPairOf(identity: Identity): Promise<CryptoKeyPair> {
  const pkcs8 = new Uint8Array(identity.exportPKCS8());
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x } = await crypto.subtle.exportKey('jwk', privateKey);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: x! };
  const publicKey = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', true, ['verify']);
  return { privateKey, publicKey };
}
