export { type FastifyGuard, requireScope, requireXlink } from './middleware/fastify/guards.js';
export {
  type FastifyInstance,
  type FastifyOptions,
  type FastifyPlugin,
  type FastifyReply,
  type FastifyRequest,
  fastifyWellKnown,
  fastifyXlink,
} from './middleware/fastify/plugin.js';
