import { Client } from 'pg';
import { EXIT, SeverError } from '../sever-error.js';
import { HEIR, TARGET_CONNECTOR_ROLE } from './sandbox.js';

const PEOPLE = 25;
/** How many of them hold an open session, own a table, belong to groups. */
const HOLDERS = 6;
const SCIM = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
};

export type ScimDoor = { baseUrl: string; token: string };

/** `person.01@acme.example` and so on: names that are obviously made. */
export const peopleOf = (tenant: string): string[] =>
  Array.from({ length: PEOPLE }, (_, i) => `person.${String(i + 1).padStart(2, '0')}@${tenant}.example`);

async function post(door: ScimDoor, path: string, body: object): Promise<Record<string, unknown>> {
  const reply = await fetch(door.baseUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${door.token}`, 'content-type': 'application/scim+json' },
    body: JSON.stringify(body),
  });
  const answer = (await reply.json()) as Record<string, unknown>;
  // A start that was killed half-way made some of them already.
  if (reply.status !== 201 && reply.status !== 409)
    throw new SeverError(
      'sandbox.seed',
      `${path} answered ${reply.status}: ${JSON.stringify(answer)}`,
      EXIT.no,
    );
  return answer;
}

/** Makes everybody's account in a SCIM target, with two groups. */
export async function seedScimTarget(door: ScimDoor, tenant: string): Promise<void> {
  const ids: string[] = [];
  for (const userName of peopleOf(tenant)) {
    const user = await post(door, '/Users', {
      schemas: [SCIM.user],
      userName,
      displayName: userName.split('@')[0],
      active: true,
    });
    if (typeof user.id === 'string') ids.push(user.id);
  }
  const members = ids.slice(0, HOLDERS * 2).map(value => ({ value }));
  for (const displayName of ['engineering', 'everyone'])
    await post(door, '/Groups', { schemas: [SCIM.group], displayName, members });
}

/** Brings everybody in through the public door, as an identity provider would. */
export async function seedIngress(door: ScimDoor, tenant: string): Promise<void> {
  await Promise.all(
    peopleOf(tenant).map((userName, i) =>
      post(door, '/Users', {
        schemas: [SCIM.user],
        userName,
        externalId: `${tenant}-${i + 1}`,
        displayName: userName.split('@')[0],
        active: true,
      }),
    ),
  );
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Makes the administrative roles and everybody's role in the PostgreSQL target; some own tables and belong to groups. */
export async function seedPostgresTarget(
  adminUrl: string,
  connectorPassword: string,
  personPassword: string,
): Promise<void> {
  const people = peopleOf('acme');
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const role = (name: string, options: string): string =>
      `do $$ begin create role ${quoted(name)} ${options}; exception when duplicate_object then alter role ${quoted(name)} ${options}; end $$`;
    await client.query(role(TARGET_CONNECTOR_ROLE, `superuser login password '${connectorPassword}'`));
    await client.query(role(HEIR, 'nologin'));
    await client.query(role('readers', 'nologin'));
    await client.query(role('writers', 'nologin'));
    for (const name of people) await client.query(role(name, `login password '${personPassword}'`));
    for (const [i, name] of people.slice(0, HOLDERS * 2).entries()) {
      await client.query(`grant readers to ${quoted(name)}`);
      if (i >= HOLDERS) continue;
      await client.query(`grant writers to ${quoted(name)}`);
      await client.query(`create table if not exists notes_${i + 1} (note text)`);
      await client.query(`alter table notes_${i + 1} owner to ${quoted(name)}`);
    }
  } finally {
    await client.end();
  }
}

/** Opens database sessions as some of the people: live things worth cutting. They are not opened again once cut. */
export async function holdSessions(adminUrl: string, personPassword: string): Promise<Client[]> {
  const sessions: Client[] = [];
  for (const name of peopleOf('acme').slice(0, HOLDERS)) {
    const url = new URL(adminUrl);
    url.username = encodeURIComponent(name);
    url.password = personPassword;
    const client = new Client({ connectionString: url.toString(), application_name: 'sandbox-person' });
    client.on('error', () => undefined);
    try {
      await client.connect();
      sessions.push(client);
    } catch {
      // Opted out in an earlier run.
    }
  }
  return sessions;
}
