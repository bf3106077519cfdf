import { Injectable } from '@nestjs/common';
import {
  addConnectionToken,
  addOAuthClient,
  endTokensAfter,
  putTrustedIssuer,
  removeTrustedIssuer,
  revokeOAuthClient,
} from '@sever/directory';
import type { EntityManager } from 'typeorm';
import type { z } from 'zod';
import { IngressContext } from '../../ingress-context.js';
import { tokenEndpointOf } from '../../oauth/oauth-metadata.js';
import { changingConnection } from './changing-connection.js';
import type { clientBodySchema, issuerBodySchema, rotateBodySchema } from './connection-bodies.js';

export type MadeClient = { clientId: string; clientSecret: string | null; tokenEndpoint: string };
export type Rotated = {
  id: string;
  token: string;
  expiresAt: string | null;
  formerTokensUntil: string | null;
};

/** How long former tokens live on when nothing else was asked: time to change them in the identity provider. */
const OVERLAP_SECONDS = 86_400;

/** With what a connection proves itself: tokens, OAuth clients, issuers that it trusts. Secrets are in the answer once and nowhere else. */
@Injectable()
export class CredentialCommands {
  constructor(private readonly context: IngressContext) {}

  rotate(id: string, by: string, wanted: z.infer<typeof rotateBodySchema>): Promise<Rotated> {
    return changingConnection(this.context, id, by, async (em, events) => {
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
    return changingConnection(this.context, id, by, async (em, events) => {
      const made = await addOAuthClient(em, id, keys);
      const event = events.make('sever.connection.credential-added.v1', lasting('client', made.clientId));
      return { result: this.shown(made), event };
    });
  }

  removeClient(id: string, by: string, client: string): Promise<void> {
    return changingConnection(this.context, id, by, async (em, events) => {
      await revokeOAuthClient(em, id, client);
      const told = { credential: 'client', id: client } as const;
      return { result: undefined, event: events.make('sever.connection.credential-removed.v1', told) };
    });
  }

  putIssuer(id: string, by: string, wanted: z.infer<typeof issuerBodySchema>): Promise<void> {
    return changingConnection(this.context, id, by, async (em, events) => {
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
    return changingConnection(this.context, id, by, async (em, events) => {
      await removeTrustedIssuer(em, id, issuer);
      const told = { credential: 'issuer', id: issuer } as const;
      return { result: undefined, event: events.make('sever.connection.credential-removed.v1', told) };
    });
  }

  /** What a new connection proves itself with first, as the answer shows it and as the log tells it. */
  async first(em: EntityManager, id: string, wanted: { oauth?: boolean; expiresIn?: number }) {
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
