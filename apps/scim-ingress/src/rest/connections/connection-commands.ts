import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  addConnection,
  addConnectionToken,
  addOAuthClient,
  bindInstance,
  countActivePeople,
  decideRebind,
  endTokensAfter,
  lockConnection,
  putTrustedIssuer,
  removeTrustedIssuer,
  retireConnection,
  revokeOAuthClient,
  setRebindPolicy,
  type RebindCase,
  type RebindPolicy,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import type { EntityManager } from 'typeorm';
import type { z } from 'zod';
import { ConnectionEvents } from '../../writes/connection-events.js';
import { IngressContext } from '../../ingress-context.js';
import { tokenEndpointOf } from '../../oauth/oauth-metadata.js';
import type {
  changeBodySchema,
  clientBodySchema,
  connectionBodySchema,
  issuerBodySchema,
  rebindBodySchema,
  retireBodySchema,
  rotateBodySchema,
} from './connection-bodies.js';

export type MadeClient = { clientId: string; clientSecret: string | null; tokenEndpoint: string };
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
export type Rotated = {
  id: string;
  token: string;
  expiresAt: string | null;
  formerTokensUntil: string | null;
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
/** How long former tokens live on when nothing else was asked: time to change them in the identity provider. */
const OVERLAP_SECONDS = 86_400;

/** What operators may do with connections. Secrets are in the answer once and nowhere else. */
@Injectable()
export class ConnectionCommands {
  constructor(private readonly context: IngressContext) {}

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
      const policy = wanted.rebind && (await this.choosePolicy(em, id, wanted.rebind, events));
      const proof = await this.firstProof(em, id, wanted);
      await this.log(em, [
        created,
        ...(policy ? [policy] : []),
        events.make('sever.connection.credential-added.v1', proof.told),
      ]);
      return { id, tenant, dialect, baseUrl: this.context.scimBase(id), ...proof.shown };
    });
  }

  change(id: string, by: string, wanted: z.infer<typeof changeBodySchema>): Promise<void> {
    return this.changing(id, by, async (em, events) => {
      return { result: undefined, event: await this.choosePolicy(em, id, wanted.rebind, events) };
    });
  }

  decideRebind(
    id: string,
    by: string,
    question: string,
    wanted: z.infer<typeof rebindBodySchema>,
  ): Promise<RebindCase> {
    return this.changing(id, by, async (em, events) => {
      const result = await decideRebind(em, id, question, { ...wanted, by });
      const told = { resource: result.resource, decision: wanted.decision };
      return { result, event: events.make('sever.connection.rebind-decided.v1', told) };
    });
  }

  rotate(id: string, by: string, wanted: z.infer<typeof rotateBodySchema>): Promise<Rotated> {
    return this.changing(id, by, async (em, events) => {
      const until = await endTokensAfter(em, id, wanted.now ? 0 : (wanted.overlap ?? OVERLAP_SECONDS));
      const made = await addConnectionToken(em, id, { expiresInSeconds: wanted.expiresIn ?? null });
      const [expiresAt, formerUntil] = [instantOf(made.expiresAt), instantOf(until)];
      const told = { credential: 'token', id: made.id, expiresAt, formerUntil } as const;
      return {
        result: { id, token: made.token, expiresAt, formerTokensUntil: formerUntil },
        event: events.make('sever.connection.credential-added.v1', told),
      };
    });
  }

  addClient(id: string, by: string, wanted: z.infer<typeof clientBodySchema>): Promise<MadeClient> {
    const { jwks, jwksUrl } = wanted;
    const keys = jwks ? { jwks: { keys: jwks.keys } } : jwksUrl === undefined ? undefined : { jwksUrl };
    return this.changing(id, by, async (em, events) => {
      const made = await addOAuthClient(em, id, keys);
      const event = events.make('sever.connection.credential-added.v1', lasting('client', made.clientId));
      return { result: this.shown(made), event };
    });
  }

  removeClient(id: string, by: string, client: string): Promise<void> {
    return this.changing(id, by, async (em, events) => {
      await revokeOAuthClient(em, id, client);
      const event = events.make('sever.connection.credential-removed.v1', {
        credential: 'client',
        id: client,
      });
      return { result: undefined, event };
    });
  }

  putIssuer(id: string, by: string, wanted: z.infer<typeof issuerBodySchema>): Promise<void> {
    return this.changing(id, by, async (em, events) => {
      await putTrustedIssuer(em, id, {
        ...wanted,
        jwks: wanted.jwks ? { keys: wanted.jwks.keys } : null,
        jwksUrl: wanted.jwksUrl ?? null,
      });
      const event = events.make('sever.connection.credential-added.v1', lasting('issuer', wanted.issuer));
      return { result: undefined, event };
    });
  }

  removeIssuer(id: string, by: string, issuer: string): Promise<void> {
    return this.changing(id, by, async (em, events) => {
      await removeTrustedIssuer(em, id, issuer);
      const event = events.make('sever.connection.credential-removed.v1', {
        credential: 'issuer',
        id: issuer,
      });
      return { result: undefined, event };
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

  /** @returns the event that tells it */
  private async choosePolicy(
    em: EntityManager,
    id: string,
    rebind: RebindPolicy,
    events: ConnectionEvents,
  ): Promise<SeverEvent> {
    await setRebindPolicy(em, id, rebind);
    return events.make('sever.connection.changed.v1', { rebind });
  }

  /** What a new connection proves itself with first, as the answer shows it and as the log tells it. */
  private async firstProof(em: EntityManager, id: string, wanted: z.infer<typeof connectionBodySchema>) {
    if (wanted.oauth) {
      const made = await addOAuthClient(em, id);
      const shown = { token: null, expiresAt: null, oauth: this.shown(made) };
      return { shown, told: lasting('client', made.clientId) };
    }
    const made = await addConnectionToken(em, id, { expiresInSeconds: wanted.expiresIn ?? null });
    const expiresAt = instantOf(made.expiresAt);
    const told = { credential: 'token', id: made.id, expiresAt, formerUntil: null } as const;
    return { shown: { token: made.token, expiresAt }, told };
  }

  /** Changes a connection that is in use: what opens it and the event that says so, or neither. */
  private changing<T>(
    id: string,
    by: string,
    change: (em: EntityManager, events: ConnectionEvents) => Promise<{ result: T; event: SeverEvent }>,
  ): Promise<T> {
    return this.context.dataSource.transaction(async em => {
      const connection = await lockConnection(em, id);
      const { result, event } = await change(em, new ConnectionEvents(connection, by));
      await this.log(em, [event]);
      return result;
    });
  }

  private async log(em: EntityManager, events: readonly SeverEvent[]): Promise<void> {
    await this.context.writer.append(em, events.map(toRecord));
  }

  private shown(made: { clientId: string; clientSecret: string | null }): MadeClient {
    return { ...made, tokenEndpoint: tokenEndpointOf(this.context.policy.publicUrl) };
  }
}

const instantOf = (date: Date | null): string | null => date?.toISOString() ?? null;

/** A credential that ends when it is removed. */
const lasting = <K extends 'client' | 'issuer'>(credential: K, id: string) => ({
  ...{ credential, id },
  ...{ expiresAt: null, formerUntil: null },
});
