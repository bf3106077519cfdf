import { createConnection } from '@sever/directory';
import { readLoggedEvent, type SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import type { TestDatabase } from '@sever/postgres/testing';
import { DIALECT_NAMES, type DialectName } from '@sever/scim';
import { startIngress } from './running-ingress.js';

export type ScimAnswer = { status: number; headers: Headers; text: string; body: Record<string, unknown> };
export type Send = (
  dialect: DialectName,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ScimAnswer>;

/** The ingress with one connection for each dialect, which is named like it. */
export type DialectConnections = {
  db: TestDatabase;
  send: Send;
  base: (dialect: DialectName) => string;
  /** The events about a subject or a group, in order. */
  eventsOf: (subject: string) => Promise<SeverEvent[]>;
  stop: () => Promise<void>;
};

export async function connectDialects(): Promise<DialectConnections> {
  const ingress = await startIngress();
  const { db } = ingress;
  const tokens = new Map<DialectName, string>();
  for (const dialect of DIALECT_NAMES) {
    const made = await createConnection(db.owner, { id: dialect, tenant: 'acme', dialect, rateLimit: null });
    tokens.set(dialect, made.token);
  }
  const path = (dialect: DialectName): string => `/scim/v2/${dialect}`;
  return {
    db,
    send: async (dialect, method, at, body, headers) => {
      const { json, ...answer } = await ingress.ask(method, path(dialect) + at, {
        token: tokens.get(dialect) ?? '',
        body,
        headers: { ...(body !== undefined && { 'content-type': 'application/scim+json' }), ...headers },
      });
      return { ...answer, body: json };
    },
    base: dialect => ingress.baseUrl + path(dialect),
    eventsOf: async subject => {
      const logged = await rows<{ value: Buffer }>(
        db.owner,
        `select value from log_record where key = $1 order by "offset"`,
        [`acme:${subject}`],
      );
      return logged.map(({ value }) => readLoggedEvent(value));
    },
    stop: () => ingress.close(),
  };
}
