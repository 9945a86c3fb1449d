import { TableError, type TableErrorDetails } from '@private.me/xlink/errors';
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
export type MeshErrorOptions = TableErrorDetails;

/** An error of this package: `message` says what is wrong and what to do. It holds no key, token or payload. */
export class MeshError extends TableError<MeshErrorId> {
  override readonly name = 'MeshError';

  /** `id`: a key of {@link MESH_ERROR_TABLE}. */
  constructor(id: MeshErrorId, options?: MeshErrorOptions) {
    super(id, MESH_ERROR_TABLE[id], options);
  }
}

/** Whether a value is an error of this package, with this id or code if one is given. */
export const isMeshError = (value: unknown, id?: string): value is MeshError =>
  value instanceof MeshError && (id === undefined || value.id === id || value.code === id);
