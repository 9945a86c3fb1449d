// For pages: nothing here needs Node.
import { PRF_INPUT } from './prf.js';

/** Hands a request of the page to a `SoftAuthenticator`, with the origin that the receiver knows by itself; resolves to its answer. */
export type AskAuthenticator = (
  kind: 'create' | 'get',
  /** `publicKey` of the request as JSON: bytes are base64url. */
  publicKey: Record<string, unknown>,
) => Promise<unknown>;

const toText = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

const toBytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** The same with base64url in the place of bytes. */
function toJson(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return toText(new Uint8Array(value));
  if (ArrayBuffer.isView(value))
    return toText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]));
}

interface AnswerJson {
  readonly id: string;
  readonly response: Readonly<Record<string, unknown>>;
  readonly authenticatorAttachment?: string;
}

const BYTES = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];

/** As browsers give it: the prototypes are theirs, so that `instanceof` holds. */
function credentialOf(json: AnswerJson, kind: 'create' | 'get'): Credential {
  const bytes = BYTES.filter((name) => name in json.response);
  const members = Object.fromEntries(
    bytes.map((name) => [name, toBytes(String(json.response[name])).buffer] as const),
  );
  const { transports, publicKeyAlgorithm } = json.response;
  const extra =
    kind === 'create'
      ? {
          getTransports: () => transports,
          getAuthenticatorData: () => members['authenticatorData'],
          getPublicKeyAlgorithm: () => publicKeyAlgorithm,
          getPublicKey: () => null,
        }
      : {};
  const prototype = kind === 'create' ? AuthenticatorAttestationResponse : AuthenticatorAssertionResponse;
  const made = <T extends object>(base: object, all: object): T =>
    Object.create(
      base,
      Object.fromEntries(Object.entries(all).map(([name, value]) => [name, { value, enumerable: true }])),
    ) as T;
  return made<Credential>(PublicKeyCredential.prototype, {
    id: json.id,
    rawId: toBytes(json.id).buffer,
    type: 'public-key',
    authenticatorAttachment: json.authenticatorAttachment ?? 'platform',
    response: made(prototype.prototype, { ...members, ...extra }),
    getClientExtensionResults: () => ({}),
    toJSON: () => json,
  });
}

/**
 * Has `navigator.credentials` of this page answered by xLock where it is asked for a passkey; other requests stay with the browser, as do
 * those for which `ask` resolves to nothing. What `ask` rejects with is a `NotAllowedError` to the page. Returns what undoes it.
 */
export function answerCredentials(ask: AskAuthenticator): () => void {
  const { credentials } = navigator;
  const own = { create: credentials.create, get: credentials.get };
  for (const kind of ['create', 'get'] as const) {
    const answer = async (options?: CredentialCreationOptions & CredentialRequestOptions) => {
      const publicKey = options?.publicKey;
      if (!publicKey) return own[kind].call(credentials, options);
      let json: unknown;
      try {
        json = await ask(kind, toJson(publicKey) as Record<string, unknown>);
      } catch (cause) {
        throw Object.assign(new DOMException('xLock refused the request.', 'NotAllowedError'), { cause });
      }
      return json ? credentialOf(json as AnswerJson, kind) : own[kind].call(credentials, options);
    };
    Object.defineProperty(credentials, kind, { value: answer, configurable: true, writable: true });
  }
  return () => {
    for (const kind of ['create', 'get'] as const) Reflect.deleteProperty(credentials, kind);
  };
}

/** Options of {@link prfOf}. */
export interface PrfRequest {
  /** Domain that the passkey is for. Default: the host of the page. */
  readonly rpId?: string;
  /** Id of the passkey, base64url. Default: the user picks one. */
  readonly credentialId?: string;
}

/**
 * The 32 bytes by which a passkey of this browser seals the local share (WebAuthn level 3, extension `prf`), after its user was verified.
 * Rejects with `NotSupportedError` where authenticator or browser have no PRF, and with what the browser rejects with.
 */
export async function prfOf({ rpId, credentialId }: PrfRequest = {}): Promise<Uint8Array<ArrayBuffer>> {
  const allowed =
    credentialId === undefined ? [] : [{ type: 'public-key' as const, id: toBytes(credentialId) }];
  const credential = (await navigator.credentials.get({
    publicKey: {
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      ...(rpId === undefined ? {} : { rpId }),
      allowCredentials: allowed,
      userVerification: 'required',
      extensions: { prf: { eval: { first: PRF_INPUT } } },
    },
  })) as PublicKeyCredential | null;
  const first = credential?.getClientExtensionResults().prf?.results?.first as ArrayBuffer | undefined;
  if (!first) throw new DOMException('The passkey has no PRF.', 'NotSupportedError');
  return new Uint8Array(first);
}
