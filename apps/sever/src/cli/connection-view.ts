import Table from 'cli-table3';
import { colors } from './colors.js';

export type MadeClient = { clientId: string; clientSecret: string | null; tokenEndpoint: string };
export type Made = {
  id: string;
  tenant: string;
  dialect: string;
  baseUrl: string;
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
export type Connection = {
  id: string;
  tenant: string;
  dialect: string;
  rateLimit: number | null;
  rebind: string;
  createdAt: string;
  retiredAt: string | null;
  peopleAfter: string | null;
  tokens: { id: string; expiresAt: string | null; lastUsedAt: string | null }[];
  clients: { clientId: string; method: string; lastUsedAt: string | null }[];
  issuers: { issuer: string }[];
};

export type Refusal = {
  method: string;
  resource: string;
  code: string;
  shape: unknown;
  requests: number;
  firstSeen: string;
  lastSeen: string;
};

export const connectionText = (c: Made): string =>
  [
    `connection ${c.id} of ${c.tenant} (${c.dialect})`,
    `  address  ${c.baseUrl}`,
    ...(c.token === null
      ? []
      : [
          `  token    ${c.token}   (shown once${c.expiresAt === null ? '' : `, valid until ${c.expiresAt}`})`,
        ]),
    ...(c.oauth ? [clientText(c.oauth)] : []),
  ].join('\n');

export const clientText = (c: MadeClient): string =>
  [
    `  token endpoint  ${c.tokenEndpoint}`,
    `  client id       ${c.clientId}`,
    c.clientSecret === null
      ? '  it proves itself with its own key (private_key_jwt)'
      : `  client secret   ${c.clientSecret}   (shown once)`,
  ].join('\n');

export const rotatedText = (r: Rotated): string =>
  [
    `new token of ${r.id}   (shown once${r.expiresAt === null ? '' : `, valid until ${r.expiresAt}`})`,
    `  ${r.token}`,
    r.formerTokensUntil === null
      ? '  no former token is valid'
      : `  former tokens are valid until ${r.formerTokensUntil}`,
  ].join('\n');

export function connectionTable(connections: readonly Connection[]): string {
  if (connections.length === 0) return 'no connections; make one with sever connection create';
  const table = new Table({
    head: ['connection', 'tenant', 'dialect', 'state', 'opened by', 'last used'],
    style: { head: [], border: [] },
  });
  for (const c of connections)
    table.push([c.id, c.tenant, c.dialect, stateOf(c), openedBy(c), lastUse(c) ?? 'never']);
  return table.toString();
}

const stateOf = (c: Connection): string =>
  c.retiredAt === null ? colors.green('in use') : `retired ${c.retiredAt.slice(0, 10)} (${c.peopleAfter})`;

function openedBy(c: Connection): string {
  if (c.retiredAt !== null) return 'nothing';
  const ways = [
    ...c.tokens.map(t => `token${t.expiresAt === null ? '' : ` until ${t.expiresAt.slice(0, 16)}Z`}`),
    ...c.clients.map(o => `client ${o.clientId} (${o.method})`),
    ...c.issuers.map(i => `issuer ${i.issuer}`),
  ];
  return ways.join('\n') || colors.yellow('nothing: sever connection rotate');
}

const lastUse = (c: Connection): string | undefined =>
  [...c.tokens, ...c.clients]
    .map(t => t.lastUsedAt)
    .filter(at => at !== null)
    .sort()
    .at(-1);

export function refusalTable(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return 'nothing was refused';
  const table = new Table({
    head: ['request', 'why', 'times', 'last', 'form'],
    style: { head: [], border: [] },
    colWidths: [16, 22, 8, 26, 64],
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const r of refusals)
    table.push([`${r.method} ${r.resource}`, r.code, r.requests, r.lastSeen, JSON.stringify(r.shape)]);
  return table.toString();
}
