import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A registry that has these tarballs and nothing else, in a process of its own: consumers block this one. */
export async function serveRegistry(tarballs) {
  const program = fileURLToPath(new URL('registry-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, ...tarballs], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { url: String(line).trim(), stop: () => child.kill() };
}
