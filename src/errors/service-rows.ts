import { row, rows } from './row.js';

/** The errors that only services, relays and stores raise: callers do not load their texts. */
// biome-ignore format: a table reads best with one row per line
export const SERVICE_ROWS = {
  ...rows('identity', {
    KEY_STORE_UNAVAILABLE: row(503, 'The store of encryption keys could not be read or written.', 'See `cause`; instances go on with the keys they hold.'),
    KEY_STORE_DAMAGED: row(500, 'Stored encryption keys do not open.', 'They were changed, or their wrapping key is gone; rotateKeys() makes new ones.'),
  }),

  ...rows('transport', {
    'SEND_FAILED:BELOW_THRESHOLD': row(502, 'Fewer shares were delivered than the message needs.', 'See `cause`; sending again makes fresh shares.'),
    'SEND_FAILED:UNKNOWN_OUTCOME': row(504, 'No answer came, so the envelope may have been received or not.', 'Sending again may deliver it twice; tell messages apart by an id.'),
    'SEND_FAILED:QUOTA': row(429, 'The relay takes no more from this sender for now.', 'Wait until recipients have fetched what was sent.'),
    'SEND_FAILED:MAILBOX_FULL': row(429, 'The relay holds as much for this recipient as it may.', 'Wait until the recipient has fetched it.'),
    RELAY_UNAVAILABLE: row(503, 'The relay cannot keep messages now, or serves as many receivers as it can.', 'Try again later.'),
    'RELAY_UNAVAILABLE:ADDRESS_QUOTA': row(429, 'The relay takes no more from this address for now.', 'Try again later; see requestsPerAddress and addressOf.'),
    RELAY_NOT_ALLOWED: row(403, 'The relay does not serve this DID.', 'Ask the operator of the relay.'),
  }),

  ...rows('registry', {
    'REGISTRATION_FAILED:KEYS_UNSIGNED': row(400, 'The encryption keys are not signed by their DID.', 'Register the key record of the identity.'),
    'REGISTRATION_FAILED:UNAUTHORIZED': row(401, 'The registry requires its admin token for this.', 'Give HttpTrustRegistry the token as authToken.'),
    'REGISTRATION_FAILED:CHANGED_MEANWHILE': row(409, 'The entry was changed meanwhile.', 'Look it up again before you change it.'),
    SUCCESSION_CONFLICT: row(409, 'Another DID took the place of this one already.', 'If it is not yours, revoke with { successors: true }.'),
    'SUCCESSION_INVALID:EXPIRED': row(400, 'The succession was not made just now.', 'Make a new one.'),
    'SUCCESSION_INVALID:IN_USE': row(409, 'The new DID is in the registry already.', 'Generate a new identity.'),
    'SUCCESSION_INVALID:CHAIN_TOO_LONG': row(409, 'The DID ends a chain of 16 successions.', 'Enroll a new identity.'),
  }),

  ...rows('key-agreement', {
    'INVALID_KEY_LENGTH:EXPECTED_32': row(400, 'An X25519 key is not 32 bytes.', 'Pass the raw key.', { aliases: ['INVALID_KEY_LENGTH'], reserved: true }),
  }),

  ...rows('split-channel', {
    HMAC_VERIFICATION_FAILED: row(400, 'A share failed its integrity check.', 'Ask for the share again.'),
    'INSUFFICIENT_SHARES:NO_ROOM': row(503, 'The receiver has no room for shares of unfinished messages.', 'Send again later, or raise shareLimits.'),
    'XCHANGE_REFUSED:FEWER_CHANNELS': row(500, 'Xchange needs a transport for every share: nothing else keeps the key secret.', 'Give the agent more transports, or pass unsafeXchangeOverFewerChannels.'),
    INSUFFICIENT_SHARES: row(400, 'Fewer shares are present than the threshold.', 'Wait for more shares.'),
    INCONSISTENT_SHARES: row(400, 'The shares belong to different groups or parameters.', 'Do not mix shares of two messages.'),
  }),

  ...rows('agent', {
    'REPLAY_DETECTED:GROUP_COMPLETE': row(409, 'The message that this share belongs to was put together before.', 'Nothing to do.'),
    'NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA': row(429, 'The client has used up its share of the nonces.', 'See Retry-After, or raise maxNoncesPerClient.'),
    NONCE_STORE_NOT_SHARED: row(500, 'Several processes have nonces of their own: an envelope is good once in each.', 'Give the agent a shared one, such as RedisNonceStore, or set instances: 1.'),
  }),

  ...rows('adapter', {
    FRAMEWORK_MISMATCH: row(500, 'This middleware is for another framework.', 'See docs/frameworks.md for the line of yours.'),
    CREDENTIALS_AMBIGUOUS: row(400, 'The request carries more than one Authorization header.', 'Send one.'),
    ENVELOPE_AMBIGUOUS: row(400, 'The request carries more than one envelope.', 'Send one.'),
    ENVELOPE_FORM_NOT_ALLOWED: row(400, 'This form of envelope may not travel in a header.', 'A sealed payload goes into the body.'),
    SIGNATURE_NOT_ALLOWED: row(400, 'The service takes no signatures in the place of envelopes.', 'Set the option `signatures`, or send an envelope.'),
    ENCRYPTION_REQUIRED: row(400, 'The route takes only what is encrypted: a sealed body, and a sealed answer.', 'Use xlinkFetch, or seal the body and accept application/xlink-answer; see routeEncryption.'),
    SIGNATURE_MALFORMED: row(400, 'A header of the signature is missing, comes twice, or is not in form.', '`field` names it; see docs/signatures.md.'),
    'SIGNATURE_MALFORMED:COMPONENTS': row(400, 'The signature does not cover what it must, in the order of the profile.', '`field` names the first component that is missing or not allowed; see docs/signatures.md.'),
    'SIGNATURE_MALFORMED:PARAMETERS': row(400, 'A parameter of the signature is missing, wrong or unknown.', '`field` names it; see docs/signatures.md.'),
    SIGNATURE_EXPIRED: row(401, 'The time that the signature itself sets for its use is over.', 'Sign again; `expires` may be left out.'),
    SIGNATURE_PQ_REQUIRED: row(401, 'The request lacks the ML-DSA-65 signature.', 'Your key record or the minVersion of the service wants one: sign with the label xlink-pq as well.'),
    CONTENT_DIGEST_MISSING: row(400, 'The request has a body that is not covered by what was signed.', 'Sign contentDigest or Content-Digest, the SHA-256 of the body.'),
    DISCOVERY_BUSY: row(503, 'Too many hosts were asked for.', 'Set the option `hosts`.'),
    FIELDS_MISMATCH: row(401, 'A request header differs from the one that was signed.', 'A proxy may have changed it.'),
    FIELD_NOT_ALLOWED: row(400, 'A request header that was sealed or signed is not for callers to set.', 'Leave it out; see proxyHeaders.'),
    CONTENT_DIGEST_UNEXPECTED: row(400, 'What was signed covers a body that the request does not have.', 'Send the body, or leave its digest out.'),
    CONTENT_DIGEST_MISMATCH: row(401, 'The body is not the one that was signed.', 'The body was changed on the way.'),
    CONTENT_TYPE_MISMATCH: row(401, 'The Content-Type is not the one that was signed.', 'Sign contentType exactly as it is sent.'),
    CONTENT_ENCODING_UNSUPPORTED: row(415, 'An enveloped request may not be content-encoded.', 'Send it without Content-Encoding.'),
    BODY_TOO_LARGE: row(413, 'The body is larger than the adapter reads.', 'Send less, or raise bodyLimits for the route, or maxBodyBytes (default 1 MiB).'),
    INTAKE_FULL: row(503, 'No room for unverified bodies.', 'Try again; see maxUnauthenticatedBytes.'),
    'INTAKE_FULL:ADDRESS': row(429, 'The address has its share of that room.', 'See addressOf.'),
    BODY_CONSUMED: row(500, 'The body was read before the adapter could.', 'Put adapter.middleware() in front of the body parsers, or let them leave a Buffer (express.raw).'),
    BODY_TOO_SLOW: row(408, 'The body did not arrive in time.', 'A body may take 5 minutes after its head.'),
    BODY_ABORTED: row(400, 'The client went away while sending the body.', 'Try again.'),
    KEY_VALIDATOR_FAILED: row(503, 'The API key could not be checked.', 'See `cause` at the server.'),
    'KEY_VALIDATOR_FAILED:TIMEOUT': row(503, 'The API key could not be checked in time.', 'See validatorTimeoutMs.'),
    'KEY_VALIDATOR_FAILED:INVALID_RESULT': row(500, 'legacyKeyValidator gave neither an object that says who the caller is nor null.', 'It resolves to such an object, or to null for a bad key.'),
    CLIENT_REVOKED: row(403, 'The client has been revoked.', 'Ask the operator of the service.'),
    CLIENT_UNKNOWN: row(404, 'Nothing is known about a client by this id.', 'adapter.clientRecords() lists those that are.'),
    REVOCATION_INCOMPLETE: row(503, 'Not all DIDs of the client could be revoked.', 'Call revokeClient() again; see `cause`.'),
    KEY_SWITCH_REFUSED: row(403, 'The grace time is over; the key stays off.', 'Ask the operator.'),
    ANSWER_NOT_SEALED: row(500, 'The answer to the request cannot be sealed.', 'The registry needs a key record of the caller; trailers and headers of more than 64 KiB cannot be sealed. See `cause`.'),
    CLIENT_STORE_UNAVAILABLE: row(503, 'What is known about the client could not be read.', 'See `cause`.'),
    MODE_STORE_UNAVAILABLE: row(503, 'The shared mode could not be read or written.', 'See `cause`; the mode stays as it is here.'),
    ENROLLMENT_REFUSED: row(400, 'The enrollment request is not in the right form.', 'The payload is { keyRecord, keyProof }, signed by the new DID.'),
    'ENROLLMENT_REFUSED:KEY_PROOF': row(401, 'The enrollment was not made for this API key.', 'Use enrollmentProof() of the key it is sent with; a signature covers the header that the key is in.'),
    'ENROLLMENT_REFUSED:OTHER_DID': row(403, 'The enrollment envelope brings the keys of another DID than its own.', 'A DID enrolls itself.'),
    'ENROLLMENT_REFUSED:TAKEN': row(409, 'The DID belongs to another client already.', 'Generate an identity of your own.'),
    'ENROLLMENT_REFUSED:TOO_MANY': row(409, 'The client has as many DIDs as it may.', 'Use one identity for all instances, or raise maxDidsPerClient.'),
    'ENROLLMENT_REFUSED:NO_CLIENT': row(500, 'The API key is good, but the adapter cannot tell whose it is.', 'Let legacyKeyValidator return clientId.'),
    'ENROLLMENT_REFUSED:NOT_ENROLLED': row(404, 'The DID is not linked to a client.', 'Enroll it first.'),
  }),
} as const;
