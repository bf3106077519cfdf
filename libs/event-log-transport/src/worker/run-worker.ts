import 'reflect-metadata';
import {
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TerminusModule } from '@nestjs/terminus';
import { endWithParent, port, setting } from '@sever/config';
import { telemetrySettings, type Logger } from '@sever/telemetry';
import { z } from 'zod';
import { WorkerHealthController } from './worker-health.controller.js';
import { Worker } from './worker.js';

/** Settings of every consumer process. */
export const workerSettings = {
  ...telemetrySettings,
  host: setting('SEVER_HTTP_HOST', 'address of the health endpoints', z.string().default('127.0.0.1')),
  port: setting('SEVER_HTTP_PORT', 'port of the health endpoints', port),
};

/** Drains before the HTTP server closes, releases connections after everything else. */
class WorkerLifecycle implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(private readonly worker: Worker) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker.release();
  }
}

@Module({})
class WorkerModule {
  static of(worker: Worker): DynamicModule {
    return {
      module: WorkerModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [WorkerHealthController],
      providers: [
        { provide: Worker, useValue: worker },
        { provide: WorkerLifecycle, useFactory: () => new WorkerLifecycle(worker) },
      ],
    };
  }
}

/** Runs a consumer process: health endpoints first, then intake; ends in order on SIGINT, SIGTERM or the parent's death. */
export async function runWorker(
  worker: Worker,
  o: { host: string; port: number; logger: Logger },
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    WorkerModule.of(worker),
    new FastifyAdapter(),
    { logger: false },
  );
  app.enableShutdownHooks();
  endWithParent();
  await app.listen(o.port, o.host);
  await worker.start();
  o.logger.info({ port: o.port }, `${worker.name} is ready`);
  return app;
}

/** Ends the process at once with a failing status: whoever supervises it starts it again from its last commit. */
export function crash(logger: Logger, error: Error): void {
  logger.fatal({ err: error }, 'the process cannot go on');
  setTimeout(() => process.exit(70), 100);
}
