import { concat, EMPTY } from '../crypto/bytes.js';
import { agreedSecret, expandMessageKey } from '../crypto/key-schedule.js';
import type { Encapsulator, Signer, X25519PublicKey } from '../crypto/provider.js';
import { type Suite, type SuiteForm, suiteFor } from '../crypto/suites.js';
import { xlinkError } from '../errors/errors.js';
import type { Identity } from '../identity/identity.js';
import type { Did, Envelope, Kind, Version } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { passingMemory } from '../util/passing-memory.js';
import type { BinaryName, FieldName } from './fields.js';
import { labelOf } from './kinds.js';
import { type Content, framePlaintext } from './plaintext.js';
import {
  groupTranscript,
  HEADER,
  headerTranscript,
  transcriptWith,
  type UnsignedEnvelope,
} from './transcript.js';

/** The recipient's public keys, imported. */
export interface RecipientKeys {
  /** Of the key record that they are from. */
  readonly keyEpoch: number;
  readonly x25519: X25519PublicKey;
  /** Needed from version 2 on. */
  readonly mlKem768?: { readonly bytes: Uint8Array; readonly encapsulator: Encapsulator } | undefined;
}

/** Everything of an envelope that is decided before encryption. Members that are `undefined` are left out. */
export interface EnvelopeDraft {
  readonly version: Version;
  readonly kind: Kind;
  readonly to: Did;
  readonly timestamp: number;
  /** 16 bytes. */
  readonly nonce: Uint8Array;
  readonly scope: string;
  readonly request?: string | undefined;
  readonly fields?: string | undefined;
  /** 32 bytes. */
  readonly fieldsDigest?: Uint8Array | undefined;
  /** 32 bytes. */
  readonly contentDigest?: Uint8Array | undefined;
  readonly contentType?: string | undefined;
  readonly inReplyTo?: string | undefined;
}

/** Encrypts `content`, a message or shares of one, for the recipient and signs. */
export async function sealEnvelope(
  identity: Identity,
  recipient: RecipientKeys,
  draft: EnvelopeDraft,
  content: Content,
  onSigning?: () => unknown,
  form: Exclude<SuiteForm, 'xchange'> = 'message',
): Promise<Envelope> {
  const { crypto } = identity;
  const { unsigned, header, secret } = await agreeOn(identity, recipient, draft, form);
  const { key, iv, commitment } = await expandMessageKey(
    crypto,
    secret,
    unsigned.label,
    identity.did,
    draft.to,
  );
  const frame = framePlaintext(draft.kind, identity.did, content);
  const sealed = await crypto.aes256gcm.seal(key, iv, header, frame, passingMemory);
  const payload = concat([commitment, sealed], passingMemory);
  if (onSigning) await onSigning();
  return signEnvelope(identity, unsigned, header, payload);
}

/** A fresh secret with the recipient, and the envelope that tells how it is agreed on; the payload is still missing. */
export async function agreeOn(
  identity: Identity,
  recipient: RecipientKeys,
  draft: EnvelopeDraft,
  form: Exclude<SuiteForm, 'xchange'> = 'message',
) {
  const suite = suiteFor(draft.version, true, form);
  const { crypto } = identity;
  const ephemeral = await crypto.x25519.keyPair();
  const x25519Secret = await ephemeral.agree(recipient.x25519);
  if (!x25519Secret) throw xlinkError('KEY_AGREEMENT_FAILED', { field: 'x25519' });
  const kem = suite.kem ? await encapsulate(recipient) : undefined;
  const ephemeralPub = ephemeral.publicKey;
  const unsigned = draftEnvelope(identity.did, suite, draft, {
    keyEpoch: recipient.keyEpoch,
    ephemeralPub,
    kemCiphertext: kem?.ciphertext,
  });
  const secret = agreedSecret(unsigned.label, {
    x25519Secret,
    ephemeralPub,
    recipientX25519: recipient.x25519.bytes,
    ...(kem ? { kem } : {}),
  });
  return { unsigned, header: headerTranscript(unsigned), secret };
}

/** Signs `content` without encrypting it. Without content the envelope speaks for the request alone. */
export async function signOnlyEnvelope(
  identity: Identity,
  draft: EnvelopeDraft,
  content?: Uint8Array,
  onSigning?: () => unknown,
): Promise<Envelope> {
  const suite = suiteFor(draft.version, false);
  const unsigned = draftEnvelope(identity.did, suite, draft, { payload: content });
  if (onSigning) await onSigning();
  return signEnvelope(identity, unsigned, headerTranscript(unsigned));
}

/** Signs a payload of Xchange, which {@link sealXchange} encrypted under a key that travels in shares. */
export function signXchangeEnvelope(
  identity: Identity,
  draft: EnvelopeDraft,
  payload: Uint8Array,
): Promise<Envelope> {
  const unsigned = draftEnvelope(identity.did, XCHANGE, draft, { payload });
  return signEnvelope(identity, unsigned, headerTranscript(unsigned));
}

/** The transcript of what all envelopes of a group have in common, before they are made. */
export const draftGroupTranscript = (
  { did }: Identity,
  draft: EnvelopeDraft,
  groupId: Uint8Array,
): Uint8Array => groupTranscript(draftEnvelope(did, XCHANGE, draft, {}), groupId);

/** The label of Xchange messages. */
export const XCHANGE_LABEL = labelOf(suiteFor(2, true, 'xchange'), 'message');

const XCHANGE = suiteFor(2, true, 'xchange');

async function encapsulate({ mlKem768 }: RecipientKeys) {
  if (!mlKem768) throw xlinkError('KEY_AGREEMENT_FAILED', { field: 'mlKem768' });
  const { ciphertext, secret } = await mlKem768.encapsulator.encapsulate();
  return { ciphertext, secret, recipientKey: mlKem768.bytes };
}

/** What an envelope has beside its draft: a payload where it is there already, else how it is encrypted. */
interface Beside {
  readonly payload?: Uint8Array | undefined;
  readonly keyEpoch?: number;
  readonly ephemeralPub?: Uint8Array;
  readonly kemCiphertext?: Uint8Array | undefined;
}

/** Member by member, which is much faster than copies of objects that have some. What is undefined is left out when it is signed. */
function draftEnvelope(from: Did, suite: Suite, draft: EnvelopeDraft, beside: Beside): UnsignedEnvelope {
  const { kind, to, timestamp, nonce, scope, request, fields, fieldsDigest, contentDigest, contentType } =
    draft;
  const { keyEpoch, ephemeralPub, kemCiphertext, payload } = beside;
  const inReplyTo = draft.inReplyTo === undefined ? undefined : decodeBase64url(draft.inReplyTo);
  return {
    suite,
    label: labelOf(suite, kind),
    fields: {
      version: suite.version,
      suite: suite.name,
      kind,
      from,
      to,
      timestamp,
      keyEpoch,
      scope,
      request,
      fields,
      contentType,
    },
    bytes: { nonce, fieldsDigest, contentDigest, inReplyTo, ephemeralPub, kemCiphertext, payload },
  };
}

/** Signs what has its payload. That of an answer travels beside the envelope. */
export async function signEnvelope(
  identity: Identity,
  { suite, label, fields, bytes }: UnsignedEnvelope,
  header: Uint8Array,
  payload = bytes.payload,
): Promise<Envelope> {
  const { crypto } = identity;
  const transcript = await transcriptWith(crypto, label, header, await crypto.sha256(payload ?? EMPTY));
  const signature = await identity.ed25519.sign(transcript);
  const pqSignature = suite.pqSignature ? await pqSigner(identity).sign(transcript, label) : undefined;
  const envelope: Record<string, unknown> = {};
  const put = (name: FieldName, value: Uint8Array | undefined) => {
    const member = value ? encodeBase64url(value) : fields[name];
    if (member !== undefined) envelope[name] = member;
  };
  for (const name of HEADER) put(name, bytes[name as BinaryName]);
  if (fields.kind !== 'answer') put('payload', payload);
  put('signature', signature);
  put('pqSignature', pqSignature);
  return Object.freeze(envelope) as unknown as Envelope;
}

export function pqSigner(identity: Identity): Signer {
  if (!identity.mlDsa65) throw xlinkError('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION', { field: 'version' });
  return identity.mlDsa65;
}
