import { Injectable } from '@nestjs/common';
import { ANY_SOURCE, lockConnection, requireTenant, setGovernorLimits, sourceOf } from '@sever/directory';
import { toRecord } from '@sever/event-log';
import type { z } from 'zod';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { operatorEvent } from '../writes/operator-event.js';
import type { limitsBodySchema } from './governor-bodies.js';

/** From when on the governor holds opt-outs, as operators choose it. */
@Injectable()
export class LimitCommands {
  constructor(private readonly context: IngressContext) {}

  /** @throws DirectoryError `tenant.unknown`, `connection.unknown`, `connection.retired` */
  set(by: string, asked: z.infer<typeof limitsBodySchema>): Promise<void> {
    const { tenant, connection, window, maxOptOuts, percent, reason } = asked;
    return this.context.dataSource.transaction(async em => {
      await requireTenant(em, tenant);
      if (connection !== undefined && (await lockConnection(em, connection)).tenant !== tenant)
        throw new HttpProblem(404, 'connection.unknown', 'this tenant has no such connection');
      const source =
        connection === undefined
          ? { tenant, source: ANY_SOURCE }
          : sourceOf(tenant, { kind: 'connection', id: connection });
      const chosen = await setGovernorLimits(em, source, {
        ...(window !== undefined && { windowSeconds: window }),
        ...(maxOptOuts !== undefined && { maxOptOuts }),
        ...(percent !== undefined && { percent }),
        ...{ reason, by },
      });
      // The reason stays in the directory: there is no person under whose key it could be kept.
      const event = operatorEvent('sever.connection.governor-changed.v1', tenant, {
        actor: { kind: 'operator', id: by },
        target:
          connection === undefined
            ? { kind: 'pipeline', id: 'governor' }
            : { kind: 'connection', id: connection },
        connection: connection ?? null,
        ...chosen,
      });
      await this.context.writer.append(em, [toRecord(event)]);
    });
  }
}
