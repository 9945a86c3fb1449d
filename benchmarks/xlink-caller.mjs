import { Agent, xlinkFetch } from '@private.me/xlink';
import { httpRequest } from './load.mjs';

export const BODY = Buffer.from(JSON.stringify({ text: 'x'.repeat(1024 - 11) }));
export const JSON_TYPE = { 'Content-Type': 'application/json' };

/**
 * A caller by this library's own client. What it would send is kept, and an answer made up in its place: the client is
 * `xlinkFetch` as anybody uses it, all but the last step.
 */
export async function xlinkCaller({ port, registry, register, version = 3, ...options }) {
  const agent = await Agent.quickstart({ registry, maxVersion: version });
  await register({ did: agent.did, keys: await agent.keyRecord() });
  const base = `http://127.0.0.1:${port}`;
  let kept;
  const call = xlinkFetch({
    agent,
    baseUrl: base,
    version,
    ...options,
    fetch: async (url, init) => {
      const { pathname } = new URL(url);
      if (pathname.startsWith('/.well-known/')) return fetch(url, init);
      kept = httpRequest(
        init.method,
        pathname,
        Object.fromEntries(new Headers(init.headers)),
        init.body && Buffer.from(init.body),
      );
      return new Response('{}', { status: 201, headers: JSON_TYPE });
    },
  });
  const make = async () => {
    await call(`${base}/xlink/orders`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: BODY,
      sealed: 'optional',
    });
    return kept;
  };
  await make();
  await make(); // a session begins with the second call
  return make;
}
