/** Headers that browsers set and pages cannot. */
export interface OriginHeaders {
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
  readonly host: string | undefined;
}

/**
 * Whether a request comes from a page of the same origin. Browsers say so in `Sec-Fetch-Site` where the page was loaded over
 * https or from this machine, whatever a proxy made of `Host`; elsewhere `Origin` must name the host that is asked. Who
 * sends neither is no browser, and has the methods of the adapter.
 */
export function isSameOrigin({ origin, secFetchSite, host }: OriginHeaders): boolean {
  if (origin === undefined || origin === 'null') return false;
  if (secFetchSite !== undefined) return secFetchSite === 'same-origin';
  return host !== undefined && hostIn(origin) === host.toLowerCase();
}

function hostIn(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
