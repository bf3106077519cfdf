import { setting } from '@sever/config';
import { z } from 'zod';

/** Settings that every process shares. */
export const telemetrySettings = {
  logLevel: setting(
    'SEVER_LOG_LEVEL',
    'pino level',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  ),
  otlpEndpoint: setting(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTLP/HTTP traces endpoint; off when not set',
    z.url().optional(),
  ),
};
