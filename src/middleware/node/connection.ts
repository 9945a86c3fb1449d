/**
 * A TCP, TLS or Unix connection of Node's own, which requests come from and responses write to. Other runtimes and tests have something
 * in its place; Deno's looks the same, and its responses go around it.
 */
export function isConnection<Socket extends object>(socket: unknown): socket is Socket {
  const { _handle } = (socket ?? {}) as { _handle?: { writeUtf8String?: unknown } };
  return typeof _handle?.writeUtf8String === 'function' && !('Deno' in globalThis);
}
