import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  addConnection,
  addConnectionToken,
  addOAuthClient,
  bindInstance,
  countActivePeople,
  endTokensAfter,
  lockConnection,
  putTrustedIssuer,
  removeTrustedIssuer,
  retireConnection,
  revokeOAuthClient,
} from '@sever/directory';
import type { z } from 'zod';
import { IngressContext } from '../ingress-context.js';
import { tokenEndpointOf } from '../oauth/oauth-metadata.js';
import type {
  clientBodySchema,
  connectionBodySchema,
  issuerBodySchema,
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

  create(wanted: z.infer<typeof connectionBodySchema>): Promise<MadeConnection> {
    const id = wanted.id ?? `${wanted.dialect}-${randomBytes(4).toString('hex')}`;
    const rateLimit = wanted.rateLimit === 'off' ? UNLIMITED : (wanted.rateLimit ?? null);
    return this.context.dataSource.transaction(async em => {
      const { tenant, dialect } = await addConnection(em, {
        id,
        tenant: wanted.tenant,
        dialect: wanted.dialect,
        rateLimit,
      });
      for (const instance of wanted.bind ?? [])
        await bindInstance(em, { tenant: wanted.tenant, instance, match: { by: 'userName' } });
      const made = { id, tenant, dialect, baseUrl: this.context.scimBase(id) };
      if (wanted.oauth)
        return { ...made, token: null, expiresAt: null, oauth: this.shown(await addOAuthClient(em, id)) };
      const { token, expiresAt } = await addConnectionToken(em, id, {
        expiresInSeconds: wanted.expiresIn ?? null,
      });
      return { ...made, token, expiresAt: expiresAt?.toISOString() ?? null };
    });
  }

  rotate(id: string, wanted: z.infer<typeof rotateBodySchema>): Promise<Rotated> {
    return this.context.dataSource.transaction(async em => {
      await lockConnection(em, id);
      const until = await endTokensAfter(em, id, wanted.now ? 0 : (wanted.overlap ?? OVERLAP_SECONDS));
      const { token, expiresAt } = await addConnectionToken(em, id, {
        expiresInSeconds: wanted.expiresIn ?? null,
      });
      return {
        id,
        token,
        expiresAt: expiresAt?.toISOString() ?? null,
        formerTokensUntil: until?.toISOString() ?? null,
      };
    });
  }

  addClient(id: string, wanted: z.infer<typeof clientBodySchema>): Promise<MadeClient> {
    const { jwks, jwksUrl } = wanted;
    const keys = jwks ? { jwks: { keys: jwks.keys } } : jwksUrl === undefined ? undefined : { jwksUrl };
    return this.context.dataSource.transaction(async em => {
      await lockConnection(em, id);
      return this.shown(await addOAuthClient(em, id, keys));
    });
  }

  removeClient(id: string, client: string): Promise<void> {
    return this.context.dataSource.transaction(async em => {
      await lockConnection(em, id);
      await revokeOAuthClient(em, id, client);
    });
  }

  putIssuer(id: string, wanted: z.infer<typeof issuerBodySchema>): Promise<void> {
    return this.context.dataSource.transaction(async em => {
      await lockConnection(em, id);
      await putTrustedIssuer(em, id, {
        ...wanted,
        jwks: wanted.jwks ? { keys: wanted.jwks.keys } : null,
        jwksUrl: wanted.jwksUrl ?? null,
      });
    });
  }

  removeIssuer(id: string, issuer: string): Promise<void> {
    return this.context.dataSource.transaction(async em => {
      await lockConnection(em, id);
      await removeTrustedIssuer(em, id, issuer);
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
      return {
        id,
        tenant: done.tenant,
        retiredAt: done.retiredAt.toISOString(),
        people: done.peopleAfter,
        reason: done.reason,
        activePeople: await countActivePeople(em, id),
      };
    });
  }

  private shown(made: { clientId: string; clientSecret: string | null }): MadeClient {
    return { ...made, tokenEndpoint: tokenEndpointOf(this.context.policy.publicUrl) };
  }
}
