import type { Headers } from '../http/decision.js';

const EXPOSE = 'Access-Control-Expose-Headers';
/** What is a list on the wire: said twice, both count. */
const LISTS = ['Link', EXPOSE];

/** The headers, which scripts of other origins may read. */
export function exposed(headers: Headers): Headers {
  const names = Object.keys(headers);
  return names.length === 0 ? {} : { ...headers, [EXPOSE]: names.join(', ') };
}

/** The headers of all; of a name that comes twice the later one counts, and lists are put together, each member once. */
export function joinedHeaders(...all: readonly Headers[]): Headers {
  const joined: Record<string, string> = Object.assign({}, ...all);
  for (const name of LISTS) {
    const members = all.flatMap((headers) => headers[name]?.split(', ') ?? []);
    if (members.length > 0) joined[name] = [...new Set(members)].join(', ');
  }
  return joined;
}
