import { Controller, Get, Header, Res } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { IngressContext } from '../ingress-context.js';
import { openApiDocument } from '../rest/openapi.js';

/** Liveness, readiness with reasons, metrics, and the description of the REST door. */
@Controller()
export class HealthController {
  constructor(
    private readonly context: IngressContext,
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
  ) {}

  @Get('healthz')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    try {
      void reply.send(await this.health.check([() => this.database()]));
    } catch (error) {
      const response: unknown =
        error instanceof Error && 'response' in error ? error.response : { status: 'error' };
      void reply.status(503).send(response);
    }
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    void reply
      .header('content-type', this.context.metrics.contentType)
      .send(await this.context.metrics.metrics());
  }

  @Get('openapi.json')
  @Header('cache-control', 'no-cache')
  openApi(): object {
    return openApiDocument();
  }

  private async database(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('database');
    try {
      await this.context.dataSource.query('select 1');
      return indicator.up();
    } catch {
      return indicator.down('the database does not answer');
    }
  }
}
