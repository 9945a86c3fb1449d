import { join } from 'node:path';
import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';
import {
  type AgentCertificate,
  assertCertificate,
  decodeCertificateFile,
  encodeCertificateFile,
  issueCertificate,
} from '../layouts/certificate.js';
import type { X0xIdentity } from './identity.js';

const pathOf = ({ identityDir }: Pick<X0xIdentity, 'identityDir'>): string => join(identityDir, 'agent.cert');

/**
 * The certificate in `agent.cert`, if it joins this user and this agent now; otherwise a new one, in its place. `now` in seconds since
 * 1970. Throws `USER_KEY_MISSING` where there is no user to sign it.
 */
export async function currentCertificate(identity: X0xIdentity, now: number): Promise<AgentCertificate> {
  const { user, agent } = identity;
  if (!user) throw new X0xError('USER_KEY_MISSING');
  const kept = await keptCertificate(identity);
  if (kept && isGood(kept, { now, agentId: agent.id, userId: user.id })) return kept;
  const issued = issueCertificate(user, agent.publicKey, now);
  await replacePrivateFile(pathOf(identity), encodeCertificateFile(issued));
  return issued;
}

/** What cannot be read is as good as none: the user key is here, and a new one takes its place. */
async function keptCertificate(identity: X0xIdentity): Promise<AgentCertificate | undefined> {
  const file = await bytesOfFile(pathOf(identity));
  try {
    return file && decodeCertificateFile(file);
  } catch {
    return undefined;
  }
}

function isGood(certificate: AgentCertificate, terms: Parameters<typeof assertCertificate>[1]): boolean {
  try {
    assertCertificate(certificate, terms);
    return true;
  } catch {
    return false;
  }
}
