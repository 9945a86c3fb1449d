import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of deploy/ as text. */
export const deployFile = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url)), 'utf8');

export interface Ports {
  readonly port: number;
  readonly internalPort: number;
}

export interface NginxPlace {
  /** Where it may write. */
  readonly folder: string;
  readonly port: number;
  readonly operatorPort: number;
  readonly instances: readonly Ports[];
}

/**
 * nginx.conf with names and places of this machine in the place of those of the containers, and nothing else changed:
 * throws if anything that is to be replaced is not there.
 */
export function nginxFor({ folder, port, operatorPort, instances }: NginxPlace): string {
  const replacements: [RegExp, string][] = [
    [/ \/tmp\//g, ` ${folder}/`],
    [/ \/dev\/stdout /g, ` ${folder}/access.log `],
    [/listen 8080;/g, `listen 127.0.0.1:${port};`],
    [/listen 8081;/g, `listen 127.0.0.1:${operatorPort};`],
    ...instances.flatMap((instance, at): [RegExp, string][] => [
      // Older versions do not know `resolve`; there is nothing to resolve here.
      [new RegExp(`app-${at + 1}:3000 resolve`, 'g'), `127.0.0.1:${instance.port}`],
      [new RegExp(`app-${at + 1}:9464 resolve`, 'g'), `127.0.0.1:${instance.internalPort}`],
    ]),
  ];
  const file = replaced(deployFile('nginx/nginx.conf'), replacements);
  return file.replace(/^ *server app-\d:.*\n/gm, ''); // of instances that are not there
}

/** redis.conf without port, folder and addresses, which the test chooses, and with the password from a place of its own. */
export const redisFor = (authFile: string): string =>
  replaced(deployFile('redis/redis.conf'), [
    [/^port .*\n/gm, ''],
    [/^dir .*\n/gm, ''],
    [/^bind .*\n/gm, ''],
    [/\/run\/secrets\/redis-auth\.conf/g, authFile],
  ]);

function replaced(text: string, replacements: readonly [RegExp, string][]): string {
  return replacements.reduce((all, [pattern, replacement]) => {
    if (all.search(pattern) < 0) throw new Error(`${pattern} is not there any more`);
    return all.replace(pattern, replacement);
  }, text);
}
