import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { BODY, JSON_TYPE } from '../xlink-caller.mjs';

/** The token endpoint in a process of its own, and what one does with it. */
export async function startTokens() {
  const child = fork(new URL('token-server.mjs', import.meta.url));
  const [{ port }] = await once(child, 'message');
  const url = `http://127.0.0.1:${port}`;
  const ask = (client) =>
    fetch(`${url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client,
        client_secret: 'secret',
      }),
    });
  return {
    async limit(perSecond) {
      child.send({ perSecond });
      await once(child, 'message');
    },
    async token(client) {
      return (await (await ask(client)).json()).access_token;
    },
    async order(token) {
      const headers = { ...JSON_TYPE, Authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/orders`, { method: 'POST', headers, body: BODY });
      if (answer.status !== 201) throw new Error(`A token was refused (${answer.status})`);
      await answer.arrayBuffer();
    },
    /** Asks until there is a token, as the endpoint says to; resolves to how often it asked. */
    async tokenInTheEnd(client) {
      for (let tries = 1; ; tries++) {
        const answer = await ask(client);
        await answer.arrayBuffer();
        if (answer.status === 200) return tries;
        await wait(1000 * Number(answer.headers.get('retry-after')));
      }
    },
    stop: () => child.disconnect(),
  };
}
