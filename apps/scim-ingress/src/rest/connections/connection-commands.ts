import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  addConnection,
  bindInstance,
  countActivePeople,
  decideRebind,
  retireConnection,
  setRebindPolicy,
  type RebindCase,
  type RebindPolicy,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import type { EntityManager } from 'typeorm';
import type { z } from 'zod';
import { IngressContext } from '../../ingress-context.js';
import { ConnectionEvents } from '../../writes/connection-events.js';
import { changingConnection } from './changing-connection.js';
import type {
  changeBodySchema,
  connectionBodySchema,
  rebindBodySchema,
  retireBodySchema,
} from './connection-bodies.js';
import { CredentialCommands, type MadeClient } from './credential-commands.js';

export type MadeConnection = {
  id: string;
  tenant: string;
  dialect: string;
  baseUrl: string;
  /** Null when the connection gets its tokens at the token endpoint. */
  token: string | null;
  expiresAt: string | null;
  oauth?: MadeClient;
};
export type Retired = {
  id: string;
  tenant: string;
  retiredAt: string;
  people: string;
  reason: string;
  activePeople: number;
};

/** Stored for connections without a limit of their own choosing: more than any client can send. */
const UNLIMITED = 1_000_000;

/** The life of a connection, from its making to its retirement. */
@Injectable()
export class ConnectionCommands {
  constructor(
    private readonly context: IngressContext,
    private readonly credentials: CredentialCommands,
  ) {}

  create(by: string, wanted: z.infer<typeof connectionBodySchema>): Promise<MadeConnection> {
    const id = wanted.id ?? `${wanted.dialect}-${randomBytes(4).toString('hex')}`;
    const rateLimit = wanted.rateLimit === 'off' ? UNLIMITED : (wanted.rateLimit ?? null);
    return this.context.dataSource.transaction(async em => {
      const made = await addConnection(em, { id, tenant: wanted.tenant, dialect: wanted.dialect, rateLimit });
      for (const instance of wanted.bind ?? [])
        await bindInstance(em, { tenant: wanted.tenant, instance, match: { by: 'userName' } });
      const events = new ConnectionEvents(made, by);
      const { tenant, dialect } = made;
      const created = events.make('sever.connection.created.v1', { dialect, instances: wanted.bind ?? [] });
      const policy = wanted.rebind && (await choosePolicy(em, id, wanted.rebind, events));
      const proof = await this.credentials.first(em, id, wanted);
      await this.log(em, [
        created,
        ...(policy ? [policy] : []),
        events.make('sever.connection.credential-added.v1', proof.told),
      ]);
      return { id, tenant, dialect, baseUrl: this.context.scimBase(id), ...proof.shown };
    });
  }

  change(id: string, by: string, wanted: z.infer<typeof changeBodySchema>): Promise<void> {
    return changingConnection(this.context, id, by, async (em, events) => ({
      result: undefined,
      event: await choosePolicy(em, id, wanted.rebind, events),
    }));
  }

  decideRebind(
    id: string,
    by: string,
    question: string,
    wanted: z.infer<typeof rebindBodySchema>,
  ): Promise<RebindCase> {
    return changingConnection(this.context, id, by, async (em, events) => {
      const result = await decideRebind(em, id, question, { ...wanted, by });
      const told = { resource: result.resource, decision: wanted.decision };
      return { result, event: events.make('sever.connection.rebind-decided.v1', told) };
    });
  }

  /** Ends the connection; the opt-outs of its people are requests of their own, one per person. */
  retire(id: string, by: string, wanted: z.infer<typeof retireBodySchema>): Promise<Retired> {
    return this.context.dataSource.transaction(async em => {
      const done = await retireConnection(em, id, {
        by,
        reason: wanted.reason,
        ...(wanted.people && { people: wanted.people }),
      });
      const activePeople = await countActivePeople(em, id);
      const told = { people: done.peopleAfter, activePeople };
      const events = new ConnectionEvents({ id, tenant: done.tenant }, by);
      if (!done.isRepeated) await this.log(em, [events.make('sever.connection.retired.v1', told)]);
      return {
        id,
        tenant: done.tenant,
        retiredAt: done.retiredAt.toISOString(),
        people: done.peopleAfter,
        reason: done.reason,
        activePeople,
      };
    });
  }

  private async log(em: EntityManager, events: readonly SeverEvent[]): Promise<void> {
    await this.context.writer.append(em, events.map(toRecord));
  }
}

/** @returns the event that tells it */
async function choosePolicy(
  em: EntityManager,
  id: string,
  rebind: RebindPolicy,
  events: ConnectionEvents,
): Promise<SeverEvent> {
  await setRebindPolicy(em, id, rebind);
  return events.make('sever.connection.changed.v1', { rebind });
}
