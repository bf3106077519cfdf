import {
  addBindingWaiver,
  bindInstance,
  createConnection,
  ensureTenant,
  putInstance,
} from '@sever/directory';
import { rows } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { manifestOf } from '../registry/connector-apps.js';
import type { DataFolder } from '../up/data-folder.js';

/** Connections of the sandbox: id, tenant, dialect. */
export const SANDBOX_CONNECTIONS = [
  { id: 'entra', tenant: 'acme', dialect: 'entra' },
  { id: 'okta', tenant: 'acme', dialect: 'okta' },
  { id: 'strict', tenant: 'acme', dialect: 'strict' },
  { id: 'lenient', tenant: 'acme', dialect: 'lenient' },
  { id: 'globex', tenant: 'globex', dialect: 'entra' },
] as const;

/** Instances of the sandbox: which system, which tenant uses it. */
export const SANDBOX_INSTANCES = [
  { id: 'scim', system: 'scim', tenant: 'acme' },
  { id: 'postgres', system: 'postgres', tenant: 'acme' },
  { id: 'scim-globex', system: 'scim', tenant: 'globex' },
] as const;

export const HEIR = 'sever_heir';
export const TARGET_CONNECTOR_ROLE = 'sever_connector_admin';

export type SandboxTargets = {
  scimPort: number;
  scimGlobexPort: number;
  postgresPort: number;
  postgresDatabase: string;
};

/** Registers tenants, connections, instances, bindings and the visible waivers of the sandbox; repeating it changes nothing. */
export async function registerSandbox(
  owner: DataSource,
  folder: DataFolder,
  targets: SandboxTargets,
): Promise<void> {
  await owner.transaction(async em => {
    for (const tenant of ['acme', 'globex']) await ensureTenant(em, tenant);
    for (const { id, system, tenant } of SANDBOX_INSTANCES) {
      const { steps } = manifestOf(system);
      await putInstance(em, {
        id,
        system,
        settings: settingsOf(id, folder, targets),
        steps: steps.map(({ step, support, stage }) => ({ step, support, stage })),
      });
      await bindInstance(em, { tenant, instance: id, match: { by: 'userName' } });
      for (const { step, support } of steps)
        if (support === 'unsupported')
          await addBindingWaiver(em, {
            tenant,
            instance: id,
            step,
            owner: 'sandbox',
            reason: 'the sandbox target has no such thing',
            expiresAt: null,
          });
    }
    const known = await rows<{ id: string }>(em, 'select id from connection');
    for (const connection of SANDBOX_CONNECTIONS)
      if (!known.some(k => k.id === connection.id))
        await createConnection(em, { ...connection, token: folder.secret(`connection-${connection.id}`) });
  });
}

function settingsOf(id: string, folder: DataFolder, targets: SandboxTargets): unknown {
  if (id === 'postgres')
    return {
      host: '127.0.0.1',
      port: targets.postgresPort,
      database: targets.postgresDatabase,
      user: TARGET_CONNECTOR_ROLE,
      passwordRef: `file:${folder.file('secrets', 'target-postgres-connector')}`,
      heir: HEIR,
      protectedRoles: ['sever_admin'],
    };
  const port = id === 'scim' ? targets.scimPort : targets.scimGlobexPort;
  return {
    baseUrl: `http://127.0.0.1:${port}/scim/v2`,
    tokenRef: `file:${folder.file('secrets', `target-${id}`)}`,
  };
}
