export { findProgram } from '../../../test/support/needs-program.js';
export { startPostgres, startRedis } from '../../../test/support/servers-of-test.js';
