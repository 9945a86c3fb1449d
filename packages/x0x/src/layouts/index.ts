export {
  type AnnouncementContent,
  assertAnnouncement,
  decodeAnnouncement,
  encodeAnnouncement,
  type IdentityAnnouncement,
  MAX_ANNOUNCEMENT_BYTES,
  signAnnouncement,
  signedBytesOf,
} from './announcement.js';
export {
  type AgentCard,
  assertCardSignature,
  type DmCapabilities,
  signCard,
  signedBytesOfCard,
} from './card.js';
export { decodeCardLink, encodeCardLink, MAX_CARD_LINK } from './card-link.js';
export {
  type AgentCertificate,
  assertCertificate,
  type CertificateTerms,
  decodeCertificateFile,
  encodeCertificateFile,
  issueCertificate,
} from './certificate.js';
export {
  EXTERNAL_SIGNATURE,
  externalBytes,
  MAX_EXTERNAL_PAYLOAD,
  signExternally,
  verifyExternally,
} from './external-signature.js';
export { decodeKeyFile, encodeKeyFile, type KeyFile } from './key-file.js';
export {
  assertRevocation,
  hashOfRevocation,
  type Revocation,
  type RevokedSubject,
  signedBytesOfRevocation,
  signRevocation,
} from './revocation.js';
export {
  decodeRevocationFile,
  decodeRevocations,
  encodeRevocationFile,
  encodeRevocations,
  type KeptRevocation,
} from './revocation-file.js';
