/** A query with a time limit of its own, in ms, in place of that of the pool. */
export interface PostgresQuery {
  readonly text: string;
  readonly query_timeout: number;
}

/** The part of a client of a `pg` pool that is used here. */
export interface PostgresClient {
  // biome-ignore lint/suspicious/noExplicitAny: rows are what the query asks for
  query(query: string | PostgresQuery, values?: any[]): Promise<{ rows: any[] }>;
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  on(event: any, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  removeListener(event: any, listener: (...args: any[]) => void): unknown;
  /** `true`: the connection is not used again. */
  release(destroy?: boolean): void;
  unref?(): void;
}

/** The part of a `pg` Pool that is used here. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  on(event: any, listener: (...args: any[]) => void): unknown;
  readonly options?: { readonly max?: number };
}

/** A row of an answer: its columns as text, or null. */
export type Row = Readonly<Record<string, string | null>>;
