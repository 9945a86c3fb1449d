export type {
  ChannelKind,
  ChannelPeer,
  ChannelProvider,
  CloseInfo,
  MessageListener,
  OpenOptions,
  Reach,
  SecureChannel,
  Target,
} from './channel.js';
export {
  isMeshError,
  MESH_ERROR_TABLE,
  MeshError,
  type MeshErrorId,
  type MeshErrorOptions,
} from './errors/mesh-error.js';
export type { MeshErrorCategory, MeshErrorRow } from './errors/row.js';
