export { FileClientStore } from './file-client-store.js';
