export { findProgram } from '../../../test/support/needs-program.js';
export { freePort } from '../../../test/support/redis-server.js';
export { startPostgres, startRedis } from '../../../test/support/servers-of-test.js';
