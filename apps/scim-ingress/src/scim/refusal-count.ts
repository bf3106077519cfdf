import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { countRefusals, type RefusedRequests } from '@sever/directory';
import { bodyShape, parseJson, type ScimError } from '@sever/scim';
import type { FastifyRequest } from 'fastify';
import { Counter } from 'prom-client';
import { IngressContext } from '../ingress-context.js';
import type { ScimRequest } from './scim-auth.guard.js';

/** How long counts wait for others before they are stored, in milliseconds. A process that is killed takes them along. */
const STORE_AFTER_MS = 1_000;
const RESOURCE = /^\/scim\/v2\/[^/]+\/(Users|Groups|Bulk)\b/i;

/**
 * Counts requests that were refused for what they say, and keeps their form without anything that was in them: an identity provider that
 * speaks in a way nobody knew yet is seen by operators before somebody stays who should have left. Never in the way of an answer.
 */
@Injectable()
export class RefusalCount implements OnApplicationShutdown {
  private readonly refused: Counter<'dialect' | 'code'>;
  private readonly waiting = new Map<string, RefusedRequests>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly context: IngressContext) {
    this.refused = new Counter({
      name: 'sever_scim_requests_refused_total',
      help: 'SCIM writes that were refused because of what they say, by dialect and code',
      labelNames: ['dialect', 'code'],
      registers: [context.metrics],
    });
  }

  /** Takes a write that was answered with 400. Others are not about how an identity provider speaks. */
  note(request: FastifyRequest, error: ScimError): void {
    const { connection } = request as Partial<ScimRequest>;
    const resource = RESOURCE.exec(request.url)?.[1];
    if (error.status !== 400 || !connection || !resource || request.method === 'GET') return;
    this.refused.inc({ dialect: connection.dialect, code: error.code });
    const of = { connection: connection.id, method: request.method, resource, code: error.code };
    const shape = shapeOf(request.body);
    const key = JSON.stringify([of, shape]);
    const known = this.waiting.get(key);
    if (known) known.requests += 1;
    else this.waiting.set(key, { ...of, shape, requests: 1 });
    this.timer ??= setTimeout(() => void this.store(), STORE_AFTER_MS).unref();
  }

  onApplicationShutdown(): Promise<void> {
    return this.store();
  }

  private async store(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const refused = [...this.waiting.values()];
    this.waiting.clear();
    if (refused.length === 0) return;
    try {
      await countRefusals(this.context.dataSource, refused);
    } catch (error) {
      this.context.logger.warn({ error, shapes: refused.length }, 'refused requests were not counted');
    }
  }
}

/** The form of a body as text, also of one that is no JSON. */
function shapeOf(body: unknown): string {
  if (typeof body !== 'string' || body === '') return JSON.stringify('no body');
  try {
    return JSON.stringify(bodyShape(parseJson(body)));
  } catch {
    return JSON.stringify('no JSON that is taken');
  }
}
