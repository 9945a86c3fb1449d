import { Agent, type DiscoveryDocument, generateIdentity, type Identity } from '@private.me/xlink';

/** A `fetch` that answers from a table of URLs. */
export const fetchOf =
  (answers: Record<string, unknown>, asked: string[] = []): typeof fetch =>
  async (input) => {
    asked.push(String(input));
    const answer = answers[String(input)];
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response('', { status: 404 }) : Response.json(answer);
  };

export interface DocumentChoice {
  readonly identity?: Identity;
  /** The host it speaks for. */
  readonly host?: string;
  /** ms since 1970. */
  readonly now?: number;
  /** What is to be signed in place of the usual. */
  readonly change?: object;
}

/** A discovery document, signed by the identity or by a new one. */
export async function documentOf({
  identity,
  host = 'api.example.com',
  now = Date.now(),
  change = {},
}: DocumentChoice = {}) {
  const owner = identity ?? (await generateIdentity()).value!;
  const agent = new Agent({ identity: owner });
  const document: DiscoveryDocument = {
    did: owner.did,
    keyRecord: await agent.keyRecord(),
    versions: [1, 2],
    mode: 'hybrid',
    acceptsEnvelopes: true,
    hosts: [host],
    endpoints: { enroll: '/.well-known/xlink/enroll' },
    publicPaths: [],
    issuedAt: now,
    notAfter: now + 300_000,
  };
  return agent.signDiscovery({ ...document, ...change });
}
