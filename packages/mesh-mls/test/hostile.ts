import type { Agent } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import type { DidFetch } from '../src/index.js';

/** One log entry as it travels. */
export interface Entry {
  seq: number;
  kind: string;
  epoch: number;
  by: string;
  at: number;
  data: string;
}

/** Changes what a server answers; `undefined`: as it is. `body`: of the request. */
export type Meddle = (
  method: string,
  path: string,
  body: Record<string, unknown> | undefined,
) => object | undefined | Promise<object | undefined>;

/** The `fetch` of an agent whose server is hostile: what it answers may be made up, or changed on its way. */
export function hostile(agent: Agent, url: string) {
  const real = xlinkFetch({ agent, baseUrl: url }) as unknown as DidFetch;
  const rules: {
    answer: Meddle;
    change: ((path: string, answer: { entries?: Entry[] } & Record<string, unknown>) => object) | undefined;
  } = { answer: () => undefined, change: undefined };
  const fetch: DidFetch = async (target, init) => {
    const path = target.slice(`${url}/v1/groups`.length);
    const body = init.body === undefined ? undefined : JSON.parse(String(init.body));
    const made = await rules.answer(init.method ?? 'GET', path, body);
    if (made) return Response.json(made);
    const response = await real(target, init);
    if (!response.ok || !rules.change) return response;
    return Response.json(rules.change(path, (await response.json()) as never));
  };
  return { fetch, rules };
}
