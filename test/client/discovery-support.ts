import { createKeyRecord, generateIdentity, type Identity, type KeyRecord } from '@private.me/xlink';
import { signDocument } from '../../src/discovery/signed-document.js';

/** A `fetch` that answers from a table of URLs. */
export const fetchOf =
  (answers: Record<string, unknown>, asked: string[] = []): typeof fetch =>
  async (input) => {
    asked.push(String(input));
    const answer = answers[String(input)];
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response('', { status: 404 }) : Response.json(answer);
  };

/** What a service says of itself at a host, signed with `changes`; what cannot be signed keeps the signature of the rest. */
export async function documentOf(
  identity?: Identity,
  changes: object = {},
  host = 'api.example.com',
): Promise<Record<string, unknown> & { keyRecord: KeyRecord }> {
  const owner = identity ?? (await generateIdentity()).value!;
  const issuedAt = Date.now();
  const whole = {
    did: owner.did,
    keyRecord: await createKeyRecord(owner),
    versions: [1, 2],
    mode: 'hybrid',
    acceptsEnvelopes: true,
    hosts: [host],
    endpoints: { enroll: '/.well-known/xlink/enroll' },
    publicPaths: [],
    issuedAt,
    notAfter: issuedAt + 300_000,
  } as const;
  const changed = { ...whole, ...changes };
  const signed = signDocument(changed as never, owner).catch(async () => ({
    ...(await signDocument(whole, owner)),
    ...changed,
  }));
  return (await signed) as never;
}
