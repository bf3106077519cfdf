import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { call, eventually, sql, urlAs, type Reply } from './clients.js';
import type { Pipeline } from './pipeline.js';

/** Someone with a user in the SCIM target and a role, an open session and a table in the PostgreSQL target. */
export type Person = {
  userName: string;
  scimId: string;
  groupId: string;
  /** The open session; it notices its own end. */
  session: { alive(): boolean; close(): Promise<void> };
  login(): Promise<boolean>;
  scimUser(): Promise<Reply>;
  isMember(): Promise<boolean>;
  roleExists(): Promise<boolean>;
  hasRole(): Promise<boolean>;
  tableOwner(): Promise<string | undefined>;
};

const PASSWORD = 'a-password-of-the-target';
export const GROUP_ROLE = 'sever_spec_readers';

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Makes the accounts with the administrator's access to the targets, as an outsider would. */
export async function makePerson(pipeline: Pipeline, label: string): Promise<Person> {
  const userName = `${label}.${randomBytes(4).toString('hex')}@acme.example`;
  const scim = await makeScimUser(pipeline, userName);
  const admin = pipeline.postgresTarget().url;
  const table = `t_${randomBytes(5).toString('hex')}`;
  await sql(
    admin,
    `do $$ begin create role ${GROUP_ROLE} nologin; exception when duplicate_object or unique_violation then null; end $$`,
  );
  await sql(admin, `create role ${quoted(userName)} login password '${PASSWORD}' in role ${GROUP_ROLE}`);
  await sql(admin, `create table public.${table} (note text)`);
  await sql(admin, `alter table public.${table} owner to ${quoted(userName)}`);
  const own = urlAs(admin, userName, PASSWORD);
  return {
    userName,
    scimId: scim.id,
    groupId: scim.group,
    session: await openSession(own),
    login: async () =>
      sql(own, 'select 1').then(
        () => true,
        () => false,
      ),
    scimUser: () => scim.get(`/Users/${scim.id}`),
    isMember: async () => {
      const { body } = await scim.get(`/Groups/${scim.group}`);
      return ((body.members ?? []) as { value: string }[]).some(m => m.value === scim.id);
    },
    roleExists: async () =>
      (await sql(admin, 'select 1 from pg_roles where rolname = $1', [userName])).length > 0,
    hasRole: async () =>
      (
        await sql(
          admin,
          `select 1 from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
            where r.rolname = $1 and g.rolname = $2`,
          [userName, GROUP_ROLE],
        )
      ).length > 0,
    tableOwner: async () =>
      (
        await sql<{ tableowner: string }>(admin, 'select tableowner from pg_tables where tablename = $1', [
          table,
        ])
      )[0]?.tableowner,
  };
}

async function makeScimUser(
  pipeline: Pipeline,
  userName: string,
): Promise<{ id: string; group: string; get(path: string): Promise<Reply> }> {
  const { baseUrl, token } = pipeline.scimTarget();
  const user = await call('POST', `${baseUrl}/Users`, token, {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName,
    active: true,
  });
  if (user.status !== 201)
    throw new Error(`the SCIM target answered ${user.status} ${JSON.stringify(user.body)}`);
  const group = await call('POST', `${baseUrl}/Groups`, token, {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName: `group of ${userName}`,
    members: [{ value: String(user.body.id) }],
  });
  if (group.status !== 201)
    throw new Error(`the SCIM target answered ${group.status} ${JSON.stringify(group.body)}`);
  return {
    id: String(user.body.id),
    group: String(group.body.id),
    get: path => call('GET', baseUrl + path, token),
  };
}

async function openSession(url: string): Promise<Person['session']> {
  const client = new Client({ connectionString: url });
  let alive = true;
  client.on('error', () => {
    alive = false;
  });
  client.on('end', () => {
    alive = false;
  });
  await client.connect();
  return { alive: () => alive, close: () => client.end().catch(() => undefined) };
}

/** Registers the person at the ingress as an identity provider would; gives the resource id. */
export async function register(pipeline: Pipeline, connection: string, userName: string): Promise<string> {
  const { baseUrl, token } = pipeline.connection(connection);
  const reply = await call('POST', `${baseUrl}/Users`, token, {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName,
    externalId: `ext-${userName}`,
    active: true,
  });
  if (reply.status !== 201)
    throw new Error(`the ingress answered ${reply.status} ${JSON.stringify(reply.body)}`);
  return String(reply.body.id);
}

export type OptOut = {
  id: string;
  state: string;
  needsAttention: boolean;
  userName: string | null;
  cutAt: string | null;
  purgeAfter: string | null;
  closedAt: string | null;
  connectors: { connector: string; state: string; steps: { step: string; state: string }[] }[];
  timeline: { type: string }[];
};

/** Opt-outs of a person as the REST door shows them. */
export async function optOutsOf(pipeline: Pipeline, userName: string): Promise<OptOut[]> {
  const { baseUrl, token } = pipeline.ready.api;
  const reply = await call(
    'GET',
    `${baseUrl}/v1/opt-outs?tenant=acme&userName=${encodeURIComponent(userName)}`,
    token,
  );
  if (reply.status !== 200)
    throw new Error(`the REST door answered ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body.items as OptOut[];
}

/** Waits until the person's newest opt-out is in one of the states. */
export const inState = (
  pipeline: Pipeline,
  userName: string,
  states: readonly string[],
  timeoutMs = 60_000,
): Promise<OptOut> =>
  eventually(
    `the opt-out of ${userName} in ${states.join('|')}`,
    async () => {
      const [newest] = await optOutsOf(pipeline, userName);
      return newest && states.includes(newest.state) ? newest : undefined;
    },
    timeoutMs,
    100,
  );
