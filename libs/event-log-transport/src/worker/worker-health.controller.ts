import { Controller, Get, Res } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { Worker } from './worker.js';

/** Liveness, readiness with reasons, and metrics of a consumer process. */
@Controller()
export class WorkerHealthController {
  constructor(
    private readonly worker: Worker,
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
  ) {}

  @Get('healthz')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const indicator = this.indicators.check(this.worker.name);
    try {
      const result = await this.health.check([
        async () => {
          const problems = await this.worker.problems();
          return Object.keys(problems).length === 0 ? indicator.up() : indicator.down({ ...problems });
        },
      ]);
      void reply.send(result);
    } catch (error) {
      const response: unknown =
        error instanceof Error && 'response' in error ? error.response : { status: 'error' };
      void reply.status(503).send(response);
    }
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    void reply
      .header('content-type', this.worker.metrics.contentType)
      .send(await this.worker.metrics.metrics());
  }
}
