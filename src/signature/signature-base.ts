/** The line of a component, with its end. `identifier`: as it is written in the list of components. */
export const componentLine = (identifier: string, value: string): string => `${identifier}: ${value}\n`;

/** What is signed (RFC 9421 section 2.5). `lines`: those of all components; `params`: the inner list with its parameters, as `Signature-Input` has it. */
export const signatureBase = (lines: string, params: string): string =>
  `${lines}"@signature-params": ${params}`;

/** `@path` and `@query` of a request target (RFC 9421 sections 2.2.6 and 2.2.7), as they are on the wire. */
export function pathAndQuery(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  return { path: path === '' ? '/' : path, query: at < 0 ? '?' : target.slice(at) };
}
