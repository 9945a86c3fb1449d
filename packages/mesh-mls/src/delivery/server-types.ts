import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LimitStore, OperationsStore, TrustRegistry } from '@private.me/xlink';
import type { Schema } from '@private.me/xlink/http-api';

// The parts of the module interface of @private.me/xlink-cli that the routes use. This package does not need it to be installed.

/** What the identity server hands to a route. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly body: unknown;
  readonly caller: { readonly did?: string; readonly id: string };
  readonly server: {
    readonly storage: {
      readonly documents: OperationsStore;
      readonly registry: Pick<TrustRegistry, 'lookup'>;
      readonly limits: LimitStore;
    };
    readonly publicUrl: string;
    readonly clock: () => number;
    readonly isStopping: () => boolean;
  };
}

/** A row of the route table of the server. */
export interface ServerRoute {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: 'member';
  readonly params?: Readonly<Record<string, Schema>>;
  readonly query?: Readonly<Record<string, Schema>>;
  readonly body?: Schema;
  readonly maxBodyBytes?: number;
  readonly answer: { readonly status: number; readonly description: string; readonly schema?: Schema };
  readonly raw: (req: IncomingMessage, res: ServerResponse, asked: never) => unknown;
}
