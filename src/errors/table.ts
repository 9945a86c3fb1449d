/** The areas of the system an error can come from; each has its own error class. */
export type ErrorCategory =
  | 'identity'
  | 'envelope'
  | 'transport'
  | 'registry'
  | 'key-agreement'
  | 'split-channel'
  | 'agent'
  | 'adapter'
  | 'client';

/** One error of the table. */
export interface ErrorRow {
  /** HTTP status an adapter answers with when this error refuses a request. */
  readonly status: number;
  /** Area of the system the error comes from; decides its class. */
  readonly category: ErrorCategory;
  /** What is wrong, in one sentence, the same every time: it holds no value that came from a request. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint: string;
  /** Other names of the same failure. */
  readonly aliases?: readonly string[];
  /** For a part that is not built yet; nothing raises it. */
  readonly reserved?: true;
}

type Row = Omit<ErrorRow, 'category'>;

const row = (
  status: number,
  message: string,
  hint: string,
  more: { aliases?: readonly string[]; reserved?: true } = {},
): Row => ({ status, message, hint, ...more });

/** The rows of one category, so that each front is told its name once. */
const rows = <Group extends Record<string, Row>>(category: ErrorCategory, group: Group) => {
  for (const each of Object.values(group)) Object.assign(each, { category });
  return group as unknown as { [Id in keyof Group]: ErrorRow };
};

/**
 * Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`. Codes, classes, HTTP answers, docs/errors.md and the
 * `ErrorId` type all come from here; a code that was published keeps its meaning.
 */
// biome-ignore format: a table reads best with one row per line
export const ERROR_TABLE = {
  ...rows('identity', {
    IDENTITY_FAILED: row(500, 'The identity could not be generated.', 'See `cause`.', { aliases: ['KEYGEN_FAILED'] }),
    KEY_STORE_UNAVAILABLE: row(503, 'The store of encryption keys could not be read or written.', 'See `cause`; instances go on with the keys they hold.'),
    KEY_STORE_DAMAGED: row(500, 'Stored encryption keys do not open.', 'They were changed, or their wrapping key is gone; rotateKeys() makes new ones.'),
    KEY_STORE_ROLLED_BACK: row(500, 'The key store is behind the key epoch that was published.', 'Restore the newest copy.'),
    IDENTITY_NOT_READY: row(500, 'A lazy agent has no identity before its first use.', 'Await agent.ready() before reading its DID.'),
    INVALID_DID: row(400, 'The DID is not a did:key of an Ed25519 key.', 'A DID begins with did:key:z6Mk.'),
    'INVALID_DID:WEAK_KEY': row(400, 'The key of the DID is not canonical, or not of prime order.', 'Generate a new identity.'),
    INVALID_SEED: row(400, 'The seed is not 32 bytes.', 'Pass 32 random bytes.'),
    INVALID_PKCS8: row(400, 'The bytes are not a PKCS#8 Ed25519 private key.', 'Pass DER or unencrypted PEM.'),
  }),

  ...rows('envelope', {
    PARSE_FAILED: row(400, 'The envelope is not in the xLink format.', '`field` names the member; see docs/PROTOCOL.md.'),
    'PARSE_FAILED:SYNTAX': row(400, 'The envelope is not a flat JSON object of strings and numbers.', 'Send JSON.stringify(envelope) and nothing else.'),
    'PARSE_FAILED:DUPLICATE_FIELD': row(400, 'The envelope names a member twice.', 'Send each member once.'),
    'PARSE_FAILED:UNKNOWN_FIELD': row(400, 'The envelope has a member that its version does not know.', 'Remove it; nothing unsigned may ride along.'),
    'PARSE_FAILED:MISSING_FIELD': row(400, 'The envelope lacks a member that its version requires.', 'See `field`.'),
    'PARSE_FAILED:PQ_SIGNATURE_MISSING': row(400, 'A version 3 envelope came without its ML-DSA-65 signature.', 'Both signatures are required.'),
    'PARSE_FAILED:UNKNOWN_VERSION': row(400, 'The envelope version or suite is unknown.', 'docs/PROTOCOL.md lists the versions and their suites.'),
    ENVELOPE_TOO_LARGE: row(413, 'The envelope is larger than the receiver accepts.', 'Send less, or raise maxEnvelopeBytes at the receiver (default 1.5 MiB).'),
    PAYLOAD_NOT_SERIALIZABLE: row(400, 'The payload cannot be written as JSON.', 'No functions, BigInt, cycles or undefined.'),
    KIND_NOT_ACCEPTED: row(400, 'The envelope is of another kind than is taken here.', 'Messages come from send(), requests from xlinkFetch() or createRequest().'),
    KEY_EPOCH_UNKNOWN: row(400, 'The receiver does not have the keys of this epoch.', 'Read the key record again and seal anew.'),
    CLEARTEXT_NOT_ALLOWED: row(400, 'The envelope is signed but not encrypted.', 'Seal it, or pass allowCleartext at the receiver.'),
    VERSION_TOO_LOW: row(401, 'The envelope version is below what the receiver accepts from this sender.', 'Your key record, or the minVersion of the receiver, is higher.'),
    'DECRYPT_FAILED:KEY_AGREEMENT': row(400, 'The shared key could not be agreed.', 'The ephemeral key is not usable with this receiver.', { aliases: ['ECDH_FAILED'] }),
    'DECRYPT_FAILED:DECRYPTION': row(400, 'The payload did not decrypt.', 'It was sealed for other keys; look the receiver up again.', { aliases: ['DECRYPT_FAILED', 'ENVELOPE_DECRYPTION_FAILED'] }),
    'DECRYPT_FAILED:SENDER_MISMATCH': row(400, 'The sender named inside the payload is not the one who signed it.', 'Seal and sign with the same identity.'),
    'DECRYPT_FAILED:PARSE': row(400, 'The decrypted bytes are not JSON.', 'The sender must seal UTF-8 JSON.'),
  }),

  ...rows('transport', {
    SEND_FAILED: row(502, 'The transport could not deliver the envelope.', 'See `cause`; sending again makes a fresh envelope.'),
    'SEND_FAILED:BELOW_THRESHOLD': row(502, 'Fewer shares were delivered than are needed to rebuild the message.', 'See `cause`; sending again makes fresh shares.'),
    'SEND_FAILED:UNKNOWN_OUTCOME': row(504, 'No answer came; the envelope may have been received or not.', 'Sending again may deliver it twice; tell messages apart by an id.'),
    'SEND_FAILED:QUOTA': row(429, 'The relay takes no more from this sender for now.', 'Wait until recipients have fetched what was sent.'),
    'SEND_FAILED:MAILBOX_FULL': row(429, 'The mailbox of the recipient is full.', 'Wait until the recipient has fetched it.'),
    RELAY_UNAVAILABLE: row(503, 'The relay cannot keep messages now, or serves as many receivers as it can.', 'Try again later.'),
    'RELAY_UNAVAILABLE:ADDRESS_QUOTA': row(429, 'The relay takes no more from this address for now.', 'Try again later; see requestsPerAddress and addressOf.'),
    RELAY_NOT_ALLOWED: row(403, 'The relay does not serve this DID.', 'Ask the operator of the relay.'),
    NETWORK_ERROR: row(502, 'The network failed, or the caller gave up waiting.', 'See `cause`; a write may have happened.'),
  }),

  ...rows('registry', {
    LOOKUP_FAILED: row(503, 'The trust registry could not be asked.', 'Nothing is accepted while it is down; see `cause`.'),
    'LOOKUP_FAILED:DID_NOT_IN_REGISTRY': row(404, 'The recipient is not in the trust registry.', 'Register the recipient, or check the DID.'),
    'LOOKUP_FAILED:DID_REVOKED': row(403, 'The recipient has been revoked.', 'Ask its operator for its new DID.'),
    'LOOKUP_FAILED:DID_SUCCEEDED': row(403, 'Another DID took the place of the recipient.', 'See succeededBy of its entry.'),
    'LOOKUP_FAILED:NAME_NOT_FOUND': row(404, 'No active entry of the trust registry has this name.', 'Check the name; see connect() for services.'),
    'LOOKUP_FAILED:NAME_AMBIGUOUS': row(409, 'Several active entries of the trust registry have this name.', 'Send to the DID instead.'),
    REGISTRATION_FAILED: row(500, 'The registry refused the registration.', 'See `cause`.'),
    'REGISTRATION_FAILED:ALREADY_REGISTERED': row(409, 'The DID is in the registry already.', 'Use updateScopes() or updateKeys().'),
    'REGISTRATION_FAILED:KEYS_UNSIGNED': row(400, 'The encryption keys are not signed by their DID.', 'Register the key record of the identity.'),
    'REGISTRATION_FAILED:UNAUTHORIZED': row(401, 'The registry requires its admin token for this.', 'Pass it as authToken.'),
    'REGISTRATION_FAILED:CHANGED_MEANWHILE': row(409, 'The entry was changed meanwhile.', 'Look it up again before you change it.'),
    KEY_RECORD_INVALID: row(401, 'The key record is malformed or not signed by its DID.', 'If it stays so, the registry is substituting keys.'),
    KEY_RECORD_EXPIRED: row(409, 'The key record of the recipient has expired.', 'The recipient must publish a new one.'),
    KEY_RECORD_ROLLED_BACK: row(401, 'The key record is older than, or contradicts, one seen before.', 'If the change is real, call forgetPeer().'),
    KEY_RECORD_DOWNGRADED: row(401, 'A newer key record lacks a post-quantum key that an older one had.', 'If the change is real, call forgetPeer().'),
    SUCCESSION_INVALID: row(400, 'The succession is malformed, or not signed by all signature keys of both DIDs.', 'See `field`.'),
    'SUCCESSION_INVALID:EXPIRED': row(400, 'The succession was not made just now.', 'Make a new one.'),
    'SUCCESSION_INVALID:NOT_NEXT': row(403, 'The key record of the old DID allows another successor only.', 'Succeed by that one.'),
    'SUCCESSION_INVALID:IN_USE': row(409, 'The new DID is in the registry already.', 'Generate a new identity.'),
    'SUCCESSION_INVALID:CHAIN_TOO_LONG': row(409, 'The DID ends a chain of 16 successions.', 'Enroll a new identity.'),
    SUCCESSION_CONFLICT: row(409, 'Another DID took the place of this one already.', 'If it is not yours, revoke with { successors: true }.'),
  }),

  ...rows('key-agreement', {
    KEY_AGREEMENT_FAILED: row(400, 'No key could be agreed with the recipient.', 'The public key of the recipient is not usable.'),
    'KEY_AGREEMENT_FAILED:NO_KEY_RECORD': row(409, 'The recipient has no key record to encrypt for.', 'Let the recipient register it, or send signed-only.'),
    'KEY_AGREEMENT_FAILED:NO_COMMON_VERSION': row(409, 'No envelope version is allowed by both sides.', 'Compare minVersion and maxVersion of both.'),
    'INVALID_KEY_LENGTH:EXPECTED_32': row(400, 'An X25519 key is not 32 bytes.', 'Pass the raw key.', { aliases: ['INVALID_KEY_LENGTH'], reserved: true }),
  }),

  ...rows('split-channel', {
    HMAC_VERIFICATION_FAILED: row(400, 'A share failed its integrity check.', 'Ask for the share again.'),
    'INSUFFICIENT_SHARES:PENDING': row(400, 'The share was kept; the message comes with one of the next.', 'Wait for more shares.'),
    'INSUFFICIENT_SHARES:NO_ROOM': row(503, 'The receiver has no room for more unfinished messages.', 'Send again later, or raise shareLimits.'),
    SHARES_NOT_ACCEPTED: row(400, 'A share came where only a whole message is taken.', 'Send with security: "standard".'),
    XCHANGE_REFUSED: row(400, 'The receiver takes no Xchange messages.', 'Make the receiver with xchange: true, or send without.'),
    'XCHANGE_REFUSED:FEWER_CHANNELS': row(500, 'Xchange needs a transport for every share: nothing else keeps the key secret.', 'Add transports, or pass unsafeXchangeOverFewerChannels.'),
    INSUFFICIENT_SHARES: row(400, 'Fewer shares are present than the threshold.', 'Wait for more shares.'),
    INCONSISTENT_SHARES: row(400, 'The shares belong to different groups or parameters.', 'Do not mix shares of two messages.'),
  }),

  ...rows('agent', {
    INVALID_OPTION: row(500, 'An option is unknown or has a wrong value.', '`field` names the option.'),
    'VERIFICATION_FAILED:SIGNATURE_MISMATCH': row(401, 'The Ed25519 signature does not match.', 'The envelope was changed on the way, or signed by another key.', { aliases: ['VERIFICATION_FAILED'] }),
    'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH': row(401, 'The ML-DSA-65 signature does not match.', 'The envelope was changed on the way, or signed by another key.'),
    'VERIFICATION_FAILED:NO_PQ_KEY': row(401, 'The sender has no ML-DSA-65 key on record.', 'Register an identity made with postQuantumSig.'),
    'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY': row(401, 'The sender is not in the trust registry.', 'Enroll it with an API key where keys are taken, or have the operator register its DID.', { aliases: ['DID_NOT_IN_REGISTRY'] }),
    'VERIFICATION_FAILED:DID_REVOKED': row(403, 'The sender has been revoked.', 'Ask the operator of the receiver.'),
    'VERIFICATION_FAILED:DID_SUCCEEDED': row(403, 'Another DID took the place of the sender.', 'Go on with the new identity.'),
    RECIPIENT_MISMATCH: row(401, 'The envelope is addressed to another DID.', 'Seal for the DID of this receiver.'),
    REPLAY_DETECTED: row(409, 'This envelope was received before.', 'Each envelope is good once; make a new one for a retry.', { aliases: ['NONCE_REPLAY_DETECTED'] }),
    'REPLAY_DETECTED:GROUP_COMPLETE': row(409, 'The message that this share belongs to was put together before.', 'Nothing to do.'),
    TIMESTAMP_EXPIRED: row(401, 'The envelope is older than the timestamp window.', 'Check the clock of the sender (NTP); seal right before sending.'),
    'TIMESTAMP_EXPIRED:FUTURE': row(401, 'The envelope is dated in the future, beyond the timestamp window.', 'Check the clocks of sender and receiver (NTP).'),
    SCOPE_DENIED: row(403, 'The sender lacks the scope, or the route wants another.', 'Send with that one, or grant it with updateScopes().'),
    SCOPE_NOT_ALLOWED: row(403, 'The receiver does not accept this scope.', 'See its receiveScopes.'),
    RECEIVER_SCOPE_DENIED: row(403, 'The registry entry of the recipient does not allow this scope.', 'See its receiveScopes.'),
    NONCE_STORE_UNAVAILABLE: row(503, 'The nonce store did not answer, so a replay could not be ruled out.', 'Nothing is accepted while it is down; see `cause`.'),
    'NONCE_STORE_UNAVAILABLE:FULL': row(503, 'The nonce store is full.', 'Raise maxEntries, or use a shared store.'),
    'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA': row(429, 'The sender has used up its share of the nonce store.', 'Slow down, or raise maxEntriesPerSender.'),
    'NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA': row(429, 'The client has used up its share of the nonces.', 'See Retry-After, or raise maxNoncesPerClient.'),
    'NONCE_STORE_UNAVAILABLE:COLD_START': row(503, 'The envelope was made before the nonce store started, so a replay could not be ruled out.', 'Seal a fresh one, or compare the clocks of caller and nonce store.'),
    NONCE_STORE_NOT_SHARED: row(500, 'Each process has nonces of its own: an envelope is good once in each.', 'Use RedisNonceStore, or set instances: 1.'),
    INTERNAL: row(500, 'An unexpected error happened.', 'See `cause`, and report it.'),
  }),

  ...rows('adapter', {
    FRAMEWORK_MISMATCH: row(500, 'This middleware is for another framework.', 'See docs/frameworks.md for the line of yours.'),
    CREDENTIALS_MISSING: row(401, 'The request carries neither an API key nor an xLink envelope.', 'WWW-Authenticate names what is accepted.'),
    CREDENTIALS_AMBIGUOUS: row(400, 'The request carries more than one Authorization header.', 'Send one.'),
    API_KEY_INVALID: row(401, 'The API key is not valid.', 'Check the key, or move to xLink.'),
    XLINK_REQUIRED: row(401, 'API keys are no longer accepted here.', 'Move to xLink; the Link header and X-Migration-Url say how.'),
    XLINK_NOT_SUPPORTED: row(415, 'xLink is not switched on here yet.', 'Use the API key for now (the adapter is in observe mode).'),
    ENVELOPE_AMBIGUOUS: row(400, 'The request carries more than one envelope.', 'Send one.'),
    ENVELOPE_FORM_NOT_ALLOWED: row(400, 'This form of envelope may not travel in a header.', 'A sealed payload goes into the body.'),
    REQUEST_BINDING_REQUIRED: row(401, 'The envelope is not bound to a request.', 'Sign `request` as "METHOD /path?query".'),
    REQUEST_BINDING_MISMATCH: row(401, 'The envelope was made for another method, path or query.', 'Behind a rewriting proxy set requestTarget.'),
    CONTENT_DIGEST_MISSING: row(400, 'The request has a body that the envelope does not cover.', 'Sign contentDigest, the SHA-256 of the body.'),
    DISCOVERY_BUSY: row(503, 'Too many hosts were asked for.', 'Set the option `hosts`.'),
    FIELDS_MISMATCH: row(401, 'A request header differs from the one that was signed.', 'A proxy may have changed it.'),
    FIELD_NOT_ALLOWED: row(400, 'A request header that was sealed or signed is not for callers to set.', 'Leave it out; see proxyHeaders.'),
    CONTENT_DIGEST_UNEXPECTED: row(400, 'The envelope covers a body that the request does not have.', 'Send the body, or leave contentDigest out.'),
    CONTENT_DIGEST_MISMATCH: row(401, 'The body is not the one the envelope covers.', 'The body was changed on the way.'),
    CONTENT_TYPE_MISMATCH: row(401, 'The Content-Type is not the one the envelope covers.', 'Sign contentType exactly as it is sent.'),
    CONTENT_ENCODING_UNSUPPORTED: row(415, 'An enveloped request may not be content-encoded.', 'Send it without Content-Encoding.'),
    BODY_TOO_LARGE: row(413, 'The body is larger than the adapter reads.', 'Send less, or raise maxBodyBytes (default 1 MiB).'),
    INTAKE_FULL: row(503, 'No room for unverified bodies.', 'Try again; see maxUnauthenticatedBytes.'),
    'INTAKE_FULL:ADDRESS': row(429, 'The address has its share of that room.', 'See addressOf.'),
    BODY_CONSUMED: row(500, 'The body was read before the adapter could.', 'Put adapter.middleware() in front of the body parsers, or use express.raw.'),
    BODY_TOO_SLOW: row(408, 'The body did not arrive in time.', 'A body may take 5 minutes after its head.'),
    BODY_ABORTED: row(400, 'The client went away while sending the body.', 'Try again.'),
    KEY_VALIDATOR_FAILED: row(503, 'The API key could not be checked.', 'See `cause` at the server.'),
    'KEY_VALIDATOR_FAILED:TIMEOUT': row(503, 'The API key could not be checked in time.', 'See validatorTimeoutMs.'),
    'KEY_VALIDATOR_FAILED:INVALID_RESULT': row(500, 'legacyKeyValidator gave neither an object that says who the caller is nor null.', 'It resolves to such an object, or to null for a bad key.'),
    API_KEY_BROWNOUT: row(401, 'API keys are refused for some announced minutes.', 'Move to xLink.'),
    API_KEY_SWITCHED_OFF: row(401, 'The client has switched its own API key off.', 'Use xLink, or switch the key on again.'),
    API_KEY_LATCHED: row(401, 'The client works on xLink, so its API key is no longer taken.', 'Use xLink; see onDowngrade.'),
    CLIENT_REVOKED: row(403, 'The client has been revoked.', 'Ask the operator of the service.'),
    REVOCATION_INCOMPLETE: row(503, 'Not all DIDs of the client could be revoked in the trust registry.', 'Call revokeClient() again; see `cause`.'),
    ENROLLMENT_EXPIRED: row(403, 'The enrollment of the DID has ended.', 'Enroll again with an API key.'),
    KEY_SWITCH_REFUSED: row(403, 'The grace time is over; the key stays off.', 'Ask the operator.'),
    ANSWER_NOT_SEALED: row(500, 'The answer to the request cannot be sealed.', 'The registry needs a key record of the caller; trailers and headers of more than 64 KiB cannot be sealed. See `cause`.'),
    CLIENT_STORE_UNAVAILABLE: row(503, 'What is known about the client could not be read.', 'See `cause`.'),
    MODE_STORE_UNAVAILABLE: row(503, 'The shared mode could not be read or written.', 'See `cause`; the mode stays as it is here.'),
    ENROLLMENT_REFUSED: row(400, 'The enrollment request is not in the right form.', 'The payload is { keyRecord, keyProof }, signed by the new DID.'),
    'ENROLLMENT_REFUSED:KEY_PROOF': row(401, 'The enrollment envelope was made for another API key.', 'Make it with enrollmentProof() of the key it is sent with.'),
    'ENROLLMENT_REFUSED:OTHER_DID': row(403, 'The enrollment envelope brings the keys of another DID than its own.', 'A DID enrolls itself.'),
    'ENROLLMENT_REFUSED:TAKEN': row(409, 'The DID belongs to another client already.', 'Generate an identity of your own.'),
    'ENROLLMENT_REFUSED:TOO_MANY': row(409, 'The client has as many DIDs as it may have.', 'Share one identity, or raise maxDidsPerClient.'),
    'ENROLLMENT_REFUSED:RATE_LIMITED': row(429, 'The client enrolls too often.', 'Wait a minute; keep the identity over restarts.'),
    'ENROLLMENT_REFUSED:NO_CLIENT': row(500, 'The adapter cannot tell whose API key it is.', 'Let legacyKeyValidator return clientId.'),
    'ENROLLMENT_REFUSED:NOT_ENROLLED': row(404, 'The DID is not linked to a client.', 'Enroll first.'),
  }),

  ...rows('client', {
    DISCOVERY_FAILED: row(502, 'The service could not be discovered.', 'Check the name; see `cause`.'),
    'DISCOVERY_FAILED:NOT_SUPPORTED': row(404, 'The service does not offer xLink.', 'Go on with the API key.'),
    'DISCOVERY_FAILED:INVALID': row(502, 'The discovery document is malformed or not signed by its DID.', 'Tell the operator of the service.'),
    'DISCOVERY_FAILED:TOO_LARGE': row(502, 'The discovery document is larger than 320 KiB.', 'Tell the operator of the service.'),
    'DISCOVERY_FAILED:TIMEOUT': row(504, 'The discovery document did not arrive in time.', 'Try again, or raise timeoutMs.'),
    'DISCOVERY_FAILED:REDIRECT': row(502, 'The discovery document redirects to another host.', 'Connect to that host by its own name.'),
    'DISCOVERY_FAILED:PRIVATE_ADDRESS': row(400, 'The service is at a private address.', 'Pass unsafeAllowPrivateAddresses if that is meant.'),
    'DISCOVERY_FAILED:INSECURE': row(400, 'The service is not reached by https.', 'Pass unsafeAllowHttp for tests on this machine.'),
    SERVICE_MEMORY_FAILED: row(500, 'What is known about services could not be read or kept.', 'See `cause`; nothing is sent meanwhile.'),
    'SERVICE_MEMORY_FAILED:FULL': row(500, 'No room for another service: all that are known have proven themselves.', 'Call forget(origin), or raise maxServices.'),
    'DISCOVERY_FAILED:OTHER_HOST': row(502, 'The discovery document speaks for other hosts.', 'Set the option `hosts` of the service.'),
    'DISCOVERY_FAILED:EXPIRED': row(502, 'The discovery document is not of now.', 'Compare the clocks; something on the way may be keeping it.'),
    'DISCOVERY_FAILED:ROLLED_BACK': row(502, 'The discovery document is older than one seen before.', 'Something on the way may be replaying it.'),
    'DISCOVERY_FAILED:WITHHELD': row(502, 'A service that has proven itself before shows no discovery document.', 'Something on the way may be withholding it; if not, call forget(origin).'),
    'DISCOVERY_FAILED:OTHER_IDENTITY': row(502, 'The service shows another DID, and no succession to it.', 'If that is true, pin the new DID.'),
    REQUEST_BODY_UNSUPPORTED: row(400, 'The body of the request cannot be signed.', 'Pass a string, bytes, a form or a Blob.'),
    API_KEY_IN_URL: row(400, 'The URL holds the API key, which does not travel beside an envelope.', 'Call a URL without the key.'),
    ENROLLMENT_FAILED: row(502, 'The service did not enroll the identity.', 'See `cause`.'),
    CALL_FAILED: row(502, 'The service answered the call with an error of its own.', 'See `status` and `body` of `cause`.'),
    ANSWER_INVALID: row(502, 'The answer is not the answer of the service to this request.', 'It was replayed, swapped or cut on the way; a write may have happened.'),
    'ANSWER_INVALID:TOO_LARGE': row(502, 'The answer is larger than the caller reads.', 'Raise maxAnswerBytes; a write may have happened.'),
    'ANSWER_INVALID:BROKEN_OFF': row(502, 'The answer broke off before its end.', 'The service or the connection failed; what came is not all of it. A write may have happened.'),
    'ANSWER_INVALID:NOT_SEALED': row(502, 'The answer is not sealed although a sealed one was asked for.', 'Nobody signed what `cause` says; a write may have happened. For open paths: publicPaths of the service, or sealed: \'optional\'.'),
  }),
} as const satisfies Record<string, ErrorRow>;

/** A key of {@link ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type ErrorId = keyof typeof ERROR_TABLE;

type CodeOf<Id> = Id extends `${infer Code}:${string}` ? Code : Id;
type SubCodeOf<Id> = Id extends `${string}:${infer SubCode}` ? SubCode : never;

/** What stands before the colon of an {@link ErrorId}. */
export type ErrorCode = CodeOf<ErrorId>;

/** What stands after the colon of an {@link ErrorId}. */
export type ErrorSubCode = SubCodeOf<ErrorId>;
