import { NOISE_ERRORS } from './noise-errors.js';
import { ROUTER_ERRORS } from './router-errors.js';
import type { MeshErrorRow } from './row.js';
import { SIGNAL_ERRORS } from './signal-errors.js';

/** Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`; a code that was published keeps its meaning. */
export const MESH_ERROR_TABLE = {
  ...ROUTER_ERRORS,
  ...NOISE_ERRORS,
  ...SIGNAL_ERRORS,
} as const satisfies Record<string, MeshErrorRow>;

/** A key of {@link MESH_ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type MeshErrorId = keyof typeof MESH_ERROR_TABLE;

/** What an error says beyond its row. */
export interface MeshErrorOptions {
  /** Name of the option or member at fault; never its value. */
  readonly field?: string;
  /** Replaces the hint of the table. Default: that of the table. */
  readonly hint?: string;
  /** The error underneath; never part of the message. Default none. */
  readonly cause?: unknown;
}

/** An error of this package: `message` says what is wrong and what to do. It holds no key, token or payload. */
export class MeshError extends Error {
  override readonly name = 'MeshError';
  /** `CODE` or `CODE:SUB_CODE`, a key of {@link MESH_ERROR_TABLE}. */
  readonly id: MeshErrorId;
  /** The part of `id` before the colon. */
  readonly code: string;
  /** HTTP status for an application that answers with it. */
  readonly status: number;
  /** What is wrong, as the table has it. */
  readonly title: string;
  /** Name of the option or member at fault; never its value. */
  readonly field: string | undefined;

  /** `id`: a key of {@link MESH_ERROR_TABLE}. */
  constructor(id: MeshErrorId, { field, hint, ...rest }: MeshErrorOptions = {}) {
    const { status, message, hint: usual } = MESH_ERROR_TABLE[id] as MeshErrorRow;
    const said = hint ?? usual;
    super(
      id === 'INVALID_OPTION' ? said : `${message} ${said}`,
      'cause' in rest ? { cause: rest.cause } : undefined,
    );
    this.id = id;
    this.code = id.split(':')[0]!;
    this.status = status;
    this.title = message;
    this.field = field;
  }
}

/** Whether a value is an error of this package, with this id or code if one is given. */
export const isMeshError = (value: unknown, id?: string): value is MeshError =>
  value instanceof MeshError && (id === undefined || value.id === id || value.code === id);
