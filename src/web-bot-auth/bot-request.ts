/**
 * A request as an app has it: that of Node's servers and of frameworks on them (`originalUrl` counts where there is one), or one of
 * the Fetch standard.
 */
export interface BotRequest {
  /** HTTP method. Default `GET`. */
  readonly method?: string | undefined;
  /** Path and query, or the whole URL of a request of the Fetch standard. Default `/`. */
  readonly url?: string | undefined;
  /** Path and query as they were sent, where routers change `url`. */
  readonly originalUrl?: string | undefined;
  /** By lower-case names, or as the Fetch standard has them. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What a signature may cover of it. */
export interface BotRequestParts {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly target: string;
  /** The host that was asked, in lower case, without the port of https. */
  readonly authority: string;
  /** A header by its lower-case name; several lines joined by `, `. */
  header(name: string): string | undefined;
}

export function partsOf({ method = 'GET', url = '/', originalUrl, headers }: BotRequest): BotRequestParts {
  const isFetch = typeof (headers as Headers).get === 'function';
  const header = (name: string): string | undefined => {
    if (isFetch) return (headers as Headers).get(name) ?? undefined;
    if (!Object.hasOwn(headers, name)) return undefined; // `constructor` is a member of every object
    const value = (headers as Record<string, string | readonly string[] | undefined>)[name];
    return typeof value === 'string' ? value : value?.join(', ');
  };
  const target = originalUrl ?? url;
  const fromUrl = isFetch ? /^[a-z]+:\/\/([^/?#]+)/i.exec(target)?.[1] : undefined;
  const authority = (isFetch ? undefined : header(':authority')) ?? header('host') ?? fromUrl ?? '';
  return {
    method,
    target: target.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/#.*$/s, ''),
    authority: authority.toLowerCase().replace(/:443$/, ''),
    header,
  };
}
