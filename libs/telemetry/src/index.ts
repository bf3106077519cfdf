export { createLogger, serializeError, type Logger } from './logger.js';
export { createMetrics } from './metrics.js';
export { telemetrySettings } from './telemetry-settings.js';
export {
  contextOf,
  currentTraceparent,
  inSpan,
  startTracing,
  tracer,
  type SpanOptions,
  type TracingOptions,
} from './tracing.js';
