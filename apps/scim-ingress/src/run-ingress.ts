import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { endWithParent, loadConfig, type ConfigOf } from '@sever/config';
import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { openDatabase } from '@sever/postgres';
import { createSubjectKeys, openKeyFolder } from '@sever/subject-keys';
import { createLogger, createMetrics, startTracing } from '@sever/telemetry';
import { GOVERNOR_DEFAULTS } from '@sever/opt-out';
import type { HoldPolicy } from '@sever/event-contracts';
import { sendError } from './error-answer.js';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { IngressContext } from './ingress-context.js';
import { problemOf } from './problem-of.js';
import { takeForms } from './oauth/form-body.js';
import { takeJson } from './json-body.js';
import { ingressSettings } from './ingress-settings.js';
import { IngressModule } from './ingress.module.js';
import { noteOtherWrites } from './other-writes.js';
import { traceRequests } from './request-span.js';
import { answerUnreadable } from './unreadable-requests.js';

type IngressConfig = ConfigOf<typeof ingressSettings>;

const BODY_BYTES_MAX = 1024 * 1024;
/** Room for an address with the longest filter in a script whose characters take nine bytes each there. */
const HEADER_BYTES_MAX = 48 * 1024;

/** Starts the ingress from its environment; ends in order on SIGINT, SIGTERM or the parent's death. */
export async function runIngress(): Promise<void> {
  const config = loadConfig(ingressSettings);
  const stopTracing = startTracing({ process: 'scim-ingress', otlpEndpoint: config.otlpEndpoint });
  const context = await createContext(config);
  const app = await createIngress(context, async () => {
    await context.dataSource.destroy();
    await stopTracing();
  });
  app.enableShutdownHooks();
  endWithParent();
  await app.listen(config.port, config.host);
  context.logger.info({ port: config.port }, 'the ingress is ready');
}

async function createContext(config: IngressConfig): Promise<IngressContext> {
  const dataSource = await openDatabase({
    url: config.databaseUrl,
    applicationName: 'scim-ingress',
    poolMax: config.poolMax,
  });
  const logger = createLogger('scim-ingress', config.logLevel);
  const policy = {
    hold: holdPolicy(config.hold, config.holdIgnoresResidual),
    cutDeadlineSeconds: Math.max(1, Math.round(config.cutDeadline)),
    rateLimit: config.rateLimit,
    publicUrl: config.publicUrl,
    governor: config.governor ? GOVERNOR_DEFAULTS : null,
  };
  const keyEncryption = openKeyFolder(config.keysDir);
  return new IngressContext(
    dataSource,
    createPostgresEventLogWriter(dataSource),
    { keys: createSubjectKeys(keyEncryption), keyEncryption },
    policy,
    createMetrics('scim-ingress'),
    logger,
  );
}

function holdPolicy(hold: IngressConfig['hold'], ignoreResidualAccess: boolean): HoldPolicy {
  if (hold === 'none') return { kind: 'none', seconds: 0, ignoreResidualAccess: true };
  if (hold === 'never') return { kind: 'never', seconds: 0, ignoreResidualAccess };
  return { kind: 'after', seconds: Math.round(hold), ignoreResidualAccess };
}

/**
 * The application without a port: bodies stay text, both doors parse their own.
 * @param release runs after the last request was answered
 */
export async function createIngress(
  context: IngressContext,
  release: () => Promise<void>,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_BYTES_MAX,
    http: { maxHeaderSize: HEADER_BYTES_MAX },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // An address that the router cannot read reaches nobody else.
      sendError(reply, request.url, error, problemOf(error, context.logger));
    },
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, maxParamLength: 1_024 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(IngressModule.of(context, release), adapter, {
    bodyParser: false,
    logger: false,
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  takeJson(fastify, BODY_BYTES_MAX);
  takeForms(fastify);
  traceRequests(fastify);
  noteOtherWrites(fastify, context.otherWrites);
  context.routedMethods.learn(fastify);
  return app;
}
