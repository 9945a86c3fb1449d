import { idOf } from '../identity/ids.js';
import { decodeCertificateFile } from '../layouts/certificate.js';
import {
  EXTERNAL_SIGNATURE,
  externalBytes,
  signExternally,
  verifyExternally,
} from '../layouts/external-signature.js';
import type { Revocation } from '../layouts/revocation.js';
import { parseId } from '../util/hex.js';
import { base64In, flagIn, flagOf, invalid, only, optionalTextIn, type Route, textIn } from './route.js';

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const shownRevocation = ({ subject, issuerPublicKey, revokedAt, reason }: Revocation) => ({
  subject: subject.id,
  subject_kind: subject.kind,
  issuer: idOf(issuerPublicKey),
  revoked_at: revokedAt,
  reason: reason ?? null,
});

/** Who the instance is, and what it says of itself. */
export const IDENTITY_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/agent',
    run: ({ node: { identity } }) => ({
      agent_id: identity.agent.id,
      machine_id: identity.machine.id,
      user_id: identity.user?.id ?? null,
      kem_public_key_b64: '', // for group secrets of x0x: that of the DID is for xLink alone
      did: identity.xlink.did,
    }),
  },
  {
    method: 'GET',
    path: '/agent/user-id',
    run: ({ node: { identity } }) => ({ user_id: identity.user?.id ?? null }),
  },
  {
    method: 'GET',
    path: '/agent/card',
    run: async ({ node, query }) => ({
      ...(await node.card({
        displayName: query.get('display_name') ?? '',
        includeUserIdentity: flagOf(query, 'include_user_identity'),
        humanConsent: flagOf(query, 'human_consent'),
      })),
    }),
  },
  {
    method: 'POST',
    path: '/agent/card/import',
    async run({ node, body }) {
      only(body, 'card', 'trust_level', 'unsigned');
      const trust = optionalTextIn(body, 'trust_level') ?? 'known';
      const { card, contact, ignored, namesakes } = await node.importCard(textIn(body, 'card'), {
        trust,
        unsigned: flagIn(body, 'unsigned'),
      });
      return {
        agent_id: card.agent_id,
        display_name: card.display_name,
        trust_level: capitalized(contact.trustLevel),
        trust_change_ignored: ignored,
        groups: card.groups.length,
        stores: card.stores.length,
        ...(namesakes.length > 0 ? { same_name: namesakes } : {}),
      };
    },
  },
  {
    method: 'POST',
    path: '/announce',
    async run({ node, body }) {
      only(body, 'include_user_identity', 'human_consent', 'withdraw_consent');
      const includeUserIdentity = flagIn(body, 'include_user_identity');
      const humanConsent = flagIn(body, 'human_consent');
      const isWithdrawn = flagIn(body, 'withdraw_consent');
      if (isWithdrawn && (includeUserIdentity || humanConsent))
        throw invalid('withdraw_consent', 'Consent is given or withdrawn, not both.');
      const peers = isWithdrawn
        ? await node.withdrawConsent()
        : await node.announce({ includeUserIdentity, humanConsent });
      return { include_user_identity: node.hasConsent, peers };
    },
  },
  {
    method: 'POST',
    path: '/agent/sign',
    run({ node: { identity }, body }) {
      only(body, 'context', 'payload_b64');
      const context = textIn(body, 'context');
      const signature = signExternally(identity.agent, context, base64In(body, 'payload_b64'));
      return {
        agent_id: identity.agent.id,
        public_key_b64: toBase64(identity.agent.publicKey),
        signature_b64: toBase64(signature),
        algorithm: EXTERNAL_SIGNATURE,
        context,
      };
    },
  },
  {
    method: 'POST',
    path: '/agent/verify',
    run({ body }) {
      only(body, 'context', 'payload_b64', 'signature_b64', 'public_key_b64', 'algorithm', 'agent_id');
      const context = textIn(body, 'context');
      const payload = base64In(body, 'payload_b64');
      externalBytes(context, payload);
      if (body['algorithm'] !== undefined && body['algorithm'] !== EXTERNAL_SIGNATURE)
        throw invalid('algorithm', `algorithm must be ${EXTERNAL_SIGNATURE}.`);
      const signature = base64In(body, 'signature_b64', 3309);
      const publicKey = base64In(body, 'public_key_b64', 1952);
      if (body['agent_id'] !== undefined && parseId(body['agent_id']) !== idOf(publicKey))
        throw invalid('agent_id', 'public_key_b64 is the key of another agent.');
      return {
        valid: verifyExternally(publicKey, context, payload, signature),
        algorithm: EXTERNAL_SIGNATURE,
      };
    },
  },
  {
    method: 'POST',
    path: '/identity/revoke',
    async run({ node, body }) {
      only(body, 'agent_id', 'machine_id', 'reason', 'certificate');
      const certificate =
        body['certificate'] == null ? undefined : decodeCertificateFile(base64In(body, 'certificate'));
      const agentId = optionalTextIn(body, 'agent_id');
      const machineId = optionalTextIn(body, 'machine_id');
      if ((agentId === undefined) === (machineId === undefined))
        throw invalid('agent_id', 'Give agent_id or machine_id, not both.');
      const subject =
        agentId !== undefined
          ? ({ kind: 'agent', id: parseId(agentId) } as const)
          : ({ kind: 'machine', id: parseId(machineId, 'machine_id') } as const);
      return shownRevocation(await node.revoke(subject, optionalTextIn(body, 'reason'), certificate));
    },
  },
  {
    method: 'GET',
    path: '/identity/revocations',
    run: ({ node }) => ({ revocations: node.revocations.list().map(shownRevocation) }),
  },
];

const capitalized = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
