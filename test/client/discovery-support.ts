import { createKeyRecord, generateIdentity, type Identity, type KeyRecord } from '@private.me/xlink';

/** A `fetch` that answers from a table of URLs. */
export const fetchOf =
  (answers: Record<string, unknown>, asked: string[] = []): typeof fetch =>
  async (input) => {
    asked.push(String(input));
    const answer = answers[String(input)];
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response('', { status: 404 }) : Response.json(answer);
  };

export async function documentOf(
  identity?: Identity,
): Promise<Record<string, unknown> & { keyRecord: KeyRecord }> {
  const owner = identity ?? (await generateIdentity()).value!;
  return {
    did: owner.did,
    keyRecord: await createKeyRecord(owner),
    versions: [1, 2],
    mode: 'hybrid',
    endpoints: { enroll: '/.well-known/xlink/enroll' },
  };
}
