import type { DeployServer } from './servers.js';

/** A file that `xlink deploy` writes. */
export interface DeployFile {
  /** Below the folder. */
  readonly path: string;
  readonly text: string;
  /** Holds a secret: mode 0600. */
  readonly isSecret?: true;
}

/** What the files are about. */
export interface DeployFacts {
  /** What runs. */
  readonly server: DeployServer;
  /** Host name that callers use. */
  readonly host: string;
  /** Name of the image. */
  readonly image: string;
  /** Version of the packages. */
  readonly version: string;
  /** For the certificate authority; empty: none. */
  readonly email: string;
  /** Fresh, for passwords between the parts: 64 hex digits. */
  readonly secret: string;
}

/** The files of one way to run the server, and what is left to do. */
export interface DeployPlan {
  readonly files: readonly DeployFile[];
  readonly next: readonly string[];
}
