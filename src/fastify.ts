export { type FastifyGuard, requireScope, requireXlink } from './middleware/fastify/guards.js';
export {
  type FastifyInstance,
  type FastifyOptions,
  type FastifyPlugin,
  type FastifyReply,
  type FastifyRequest,
  fastifyXlink,
} from './middleware/fastify/plugin.js';
