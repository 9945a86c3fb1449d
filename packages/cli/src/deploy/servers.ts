/** A server that `xlink deploy` puts up. */
export interface DeployServer {
  /** Its command, and the name of its service. */
  readonly name: string;
  readonly title: string;
  /** What its image has, without the scope. */
  readonly packages: readonly string[];
  /** The program in the image. */
  readonly program: string;
  /** Default name of the image. */
  readonly image: string;
  readonly port: number;
  /** The option by which it is told where callers reach it. */
  readonly urlOption: string;
  /** The variable with the URL of its store. */
  readonly storeVariable: string;
}

const scope = 'node_modules/@private.me';

/** By the word behind `--server`. Both have `serve --host --data --behind-proxy`, `/health`, `/ready`, `/metrics`, and keep files below /data. */
export const SERVERS = {
  xlink: {
    name: 'xlink',
    title: 'identity server',
    packages: ['xlink', 'xlink-cli'],
    program: `${scope}/xlink-cli/dist/xlink.js`,
    image: 'private.me/xlink-cli',
    port: 3300,
    urlOption: '--public-url',
    storeVariable: 'XLINK_STORE',
  },
  xlock: {
    name: 'xlock',
    title: 'auth server of xLock',
    packages: ['xlink', 'xlock'],
    program: `${scope}/xlock/dist/xlock.js`,
    image: 'private.me/xlock',
    port: 4500,
    urlOption: '--origin',
    storeVariable: 'XLOCK_STORE',
  },
} as const satisfies Readonly<Record<string, DeployServer>>;
