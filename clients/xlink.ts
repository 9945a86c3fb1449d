/**
 * Calls an API behind xLink: signs each request (RFC 9421) and checks the signature of the answer. Needs WebCrypto with
 * Ed25519 (Node 20, Bun, Deno, browsers of 2025), and nothing else. Copy this file. In TypeScript projects that can
 * install packages, `xlinkFetch` of @private.me/xlink does more: it encrypts.
 *
 *     const key = await generateKey(); // it is the identity: keep it, and keep it secret
 *     await enroll('https://api.example.com', { key, service }, apiKey);
 *     const call = signedFetch({ key, service });
 *     const response = await call('https://api.example.com/orders');
 *
 * `service` is the DID of the API. An answer that is not signed as it should be throws `AnswerNotSigned`, which has what the
 * answer says of itself: the status, and the code of a refusal. An API signs no refusal before it knows who asks.
 * `unsignedOk` is for calls whose answers nobody can check: event streams and those longer than 64 KiB (they are signed in
 * trailers, which `fetch` does not show), and paths that answer anybody, such as /health.
 */

/** Who calls, and whom. */
export interface SigningOptions {
  readonly key: CryptoKeyPair;
  /** The DID of the API. */
  readonly service: string;
  /** Default `*`: all that the key was granted. */
  readonly scope?: string;
  /** Takes answers without a signature, such as event streams; what is signed is checked all the same. Default `false`. */
  readonly unsignedOk?: boolean;
  /** Names of further headers to sign, in lower case. Default: those that change what a request does. */
  readonly covers?: readonly string[];
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

/** What a problem document says (RFC 9457). */
export interface Said {
  /** Such as `VERIFICATION_FAILED:DID_REVOKED`. */
  readonly code?: string;
  readonly title?: string;
}

/**
 * The answer is not signed by the API, for this request. What it says is not verified: anybody on the way may have written it. It is for
 * people and logs; give nothing up for it, and send no key.
 */
export class AnswerNotSigned extends Error {
  override readonly name = 'AnswerNotSigned';
  constructor(
    why: string,
    readonly status: number,
    readonly said: Said = {},
  ) {
    const words = [said.code, said.title].filter(Boolean).join(' ');
    super(`The answer (${status}) is not taken: ${why}.${words && ` Not verified, it says: ${words}`}`);
  }
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const CHANGES_MEANING =
  /^(cookie|idempotency-key|if-.+|prefer|range|x-http-method|x-http-method-override|x-method-override)$/;

/** A new key. `extractable` so that it can be kept: `crypto.subtle.exportKey('pkcs8', key.privateKey)`. */
export const generateKey = async (): Promise<CryptoKeyPair> =>
  (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;

/** did:key of an Ed25519 key: z, and in base58 the bytes ed 01 and the key. */
export async function didOf(publicKey: CryptoKey): Promise<string> {
  const raw = [...new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))];
  let number = BigInt(`0xed01${raw.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  return `did:key:z${text}`;
}

/** `fetch` that signs requests and takes signed answers. It follows no redirects: their targets are others to sign for. */
export function signedFetch(options: SigningOptions): typeof fetch {
  const { fetch: platformFetch = fetch, unsignedOk = false } = options;
  return async (input, init) => {
    const request = new Request(input, init);
    const body = new Uint8Array(await request.arrayBuffer());
    const { headers, asked } = await signRequest(options, request, body);
    const response = await platformFetch(request.url, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: request.signal,
      ...(body.length > 0 ? { body } : {}),
    });
    if (unsignedOk && !response.headers.has('signature-input')) return response;
    const content = new Uint8Array(await response.clone().arrayBuffer());
    await checkAnswer(asked, response.status, response.headers, content);
    return response;
  };
}

/**
 * Puts the DID of the key in the place of an API key, or of an invitation (`xinv_…`). Resolves to what the API says: did, client,
 * scopes. Rejects with `AnswerNotSigned` where a refusal is not signed, as that of a wrong key: `said.code` is which it is,
 * such as `API_KEY_INVALID`, `XLINK_REQUIRED` or `INVITATION_REFUSED:USED`.
 */
export async function enroll(
  origin: string,
  options: SigningOptions,
  apiKey: string,
  header = apiKey.startsWith('xinv_') ? 'xlink-invitation' : 'x-api-key',
): Promise<{ did: string; client: string; scopes: string[] }> {
  const call = signedFetch({ ...options, scope: 'xlink:enroll', covers: [header] });
  const headers = { [header]: apiKey };
  const response = await call(`${origin}/.well-known/xlink/enroll`, { method: 'POST', headers });
  if (!response.ok) throw new Error(`enrollment: ${response.status} ${await response.text()}`);
  return response.json();
}

/** What an answer must be to. */
export interface Asked {
  readonly service: string;
  readonly nonce: string;
  /** Values of the components that an answer repeats, by their identifier in it. */
  readonly components: Readonly<Record<string, string>>;
}

/** The headers of the request with its signature. */
export async function signRequest(
  { key, service, scope = '*', covers = [] }: SigningOptions,
  request: Request,
  body: Uint8Array,
): Promise<{ headers: Headers; asked: Asked }> {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  const own = [...headers.keys()].filter((name) => CHANGES_MEANING.test(name) || covers.includes(name));
  headers.set('xlink-to', service);
  headers.set('xlink-scope', scope);
  headers.set('accept-encoding', 'identity'); // what is signed is what comes
  if (body.length > 0) {
    headers.set('content-digest', await digestOf(body));
    if (!headers.has('content-type')) headers.set('content-type', 'application/octet-stream');
  }
  const asked = { '@method': request.method, '@path': pathname, '@query': search || '?' };
  const names = [
    ...Object.keys(asked),
    ...['xlink-to', 'xlink-scope'],
    ...(body.length > 0 ? ['content-digest', 'content-type'] : []),
    ...own,
  ];
  const values: Record<string, string> = { ...Object.fromEntries(headers), ...asked };
  const nonce = hexOf(crypto.getRandomValues(new Uint8Array(16)));
  const list = names.map((name) => `"${name}"`).join(' ');
  const created = Math.floor(Date.now() / 1000);
  const params = `(${list});created=${created};keyid="${await didOf(key.publicKey)}";alg="ed25519";nonce="${nonce}";tag="xlink"`;
  const lines = names.map((name) => `"${name}": ${values[name]}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const signature = `:${base64Of(await crypto.subtle.sign('Ed25519', key.privateKey, utf8(base)))}:`;
  headers.set('signature-input', `xlink=${params}`);
  headers.set('signature', `xlink=${signature}`);
  const components = {
    ...Object.fromEntries(Object.entries(asked).map(([name, value]) => [`"${name}";req`, value])),
    '"signature";req;key="xlink"': signature,
  };
  return { headers, asked: { service, nonce, components } };
}

/** Throws `AnswerNotSigned` unless the API signed this answer to this request. `content`: as it came. */
export async function checkAnswer(
  { service, nonce, components }: Asked,
  status: number,
  headers: Headers,
  content: Uint8Array,
): Promise<void> {
  const refuse = (why: string, said?: Said): never => {
    throw new AnswerNotSigned(why, status, said);
  };
  const input = /^xlink=(\(([^)]*)\);[^,]*)(, |$)/.exec(headers.get('signature-input') ?? '');
  const signature = /^xlink=:([A-Za-z0-9+/=]+):/.exec(headers.get('signature') ?? '')?.[1];
  if (!input || !signature) return refuse('it is not signed', saidIn(headers, content));
  const [, params, list] = input as unknown as [string, string, string];
  const values: Record<string, string> = { '"@status"': String(status), ...components };
  const names = list.split(' ');
  const fixed = [...Object.keys(values), '"content-digest"'];
  const tail = `;keyid="${service}";alg="ed25519";nonce="${nonce}";tag="xlink-answer"`;
  if (names.slice(0, 6).join(' ') !== fixed.join(' ') || !params.endsWith(tail))
    refuse('it is not signed by the API, for this request');
  if (headers.get('content-digest') !== (await digestOf(content))) refuse('its body is another one');
  const lines = names.map((name) => `${name}: ${values[name] ?? headers.get(name.slice(1, -1))}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const bytes = Uint8Array.from(atob(signature), (character) => character.charCodeAt(0));
  if (!(await crypto.subtle.verify('Ed25519', await publicKeyOf(service), bytes, utf8(base))))
    refuse('its signature does not verify');
}

/** What a problem document says, as far as it looks like one. */
function saidIn(headers: Headers, content: Uint8Array): Said {
  if (!headers.get('content-type')?.startsWith('application/problem+json') || content.length > 65_536)
    return {};
  try {
    const { code, subCode, title } = JSON.parse(new TextDecoder().decode(content));
    const id = [code, subCode].filter(Boolean).join(':');
    const isTitle = typeof title === 'string' && /^[^\p{C}]{1,200}$/u.test(title);
    return { ...(/^[A-Z0-9_:]{1,100}$/.test(id) ? { code: id } : {}), ...(isTitle ? { title } : {}) };
  } catch {
    return {};
  }
}

async function publicKeyOf(did: string): Promise<CryptoKey> {
  let number = 0n;
  for (const digit of did.slice('did:key:z'.length)) number = number * 58n + BigInt(ALPHABET.indexOf(digit));
  const hex = number.toString(16).slice(-64);
  const raw = Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
  return crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const hexOf = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const base64Of = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const digestOf = async (bytes: Uint8Array) =>
  `sha-256=:${base64Of(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))}:`;
