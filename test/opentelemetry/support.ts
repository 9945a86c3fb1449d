import { afterEach } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type express from 'express';
import type { RequestHandler } from 'express';

/** A real SDK, registered for the rest of the test. */
export function sdk(sampler?: Sampler) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler ? { sampler } : {}),
  });
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.trace.setGlobalTracerProvider(provider);
  return {
    /** Spans by name, in the order they ended. */
    spans: (name = 'xlink.authenticate'): ReadableSpan[] =>
      exporter.getFinishedSpans().filter((span) => span.name === name),
  };
}

afterEach(() => {
  api.trace.disable();
  api.context.disable();
});

/** Opens a server span around each request, as HTTP instrumentation does; `x-parent` is kept as its attribute. */
export const serverSpans: RequestHandler = (req, res, next) => {
  const tracer = api.trace.getTracer('test');
  const attributes = { parent: String(req.headers['x-parent'] ?? '') };
  tracer.startActiveSpan('server', { kind: api.SpanKind.SERVER, attributes }, (span) => {
    res.once('close', () => span.end());
    next();
  });
};

/** Puts server spans in front of the adapter, and notes the span that the handler runs in. */
export const mountTraced =
  (inHandler: (api.SpanContext | undefined)[] = []) =>
  ({ app, adapter }: { app: express.Application; adapter: { middleware(): unknown } }): void => {
    app.use(serverSpans);
    app.use(adapter.middleware() as RequestHandler);
    app.use((_req, res) => {
      inHandler.push(api.trace.getActiveSpan()?.spanContext());
      res.json({ ok: true });
    });
  };
