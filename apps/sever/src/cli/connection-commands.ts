import { readFileSync } from 'node:fs';
import type { Connection as StoredConnection } from '@sever/directory';
import type { Command } from 'commander';
import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';
import {
  clientText,
  connectionTable,
  connectionText,
  refusalTable,
  rotatedText,
  type Connection,
  type Made,
  type MadeClient,
  type Refusal,
  type Rotated,
} from './connection-view.js';
import { alternatives, duration, entraTenant, lifetime, oneOf, rateLimit } from './option-values.js';
import { guarded, print, type CommonFlags } from './output.js';
import { addRebindCommands, REBIND, rebindPolicy } from './rebind-commands.js';
import { retire, type RetireFlags } from './retire-command.js';
import { api, runningInstance } from './running-instance.js';

type CreateFlags = CommonFlags & {
  tenant: string;
  dialect: string;
  id?: string;
  bind?: string;
  rateLimit?: number | 'off';
  rebind?: string;
  oauth?: boolean;
  expires?: string;
};
type RotateFlags = CommonFlags & { overlap?: string; now?: boolean; expires?: string };
type ClientFlags = CommonFlags & { jwks?: string; jwksUrl?: string; remove?: string };
type TrustFlags = CommonFlags & {
  issuer?: string;
  audience?: string[];
  claim?: string[];
  algorithm?: string[];
  jwks?: string;
  jwksUrl?: string;
  entraTenant?: string;
  remove?: boolean;
};

/** All of them: a missing or an unknown one does not compile. Loading the library for their names would delay every command. */
const DIALECTS = Object.keys({
  strict: true,
  entra: true,
  okta: true,
  keycloak: true,
  jumpcloud: true,
  ping: true,
  authentik: true,
  lenient: true,
} satisfies Record<StoredConnection['dialect'], true>);

/** What Entra ID's provisioning service says of itself in its tokens for an application of one's own. */
const ENTRA = {
  audience: '8adf8e6e-67b2-4cf2-a259-e3dc5476c621',
  app: '00000014-0000-0000-c000-000000000000',
};

/** Identity providers: making, listing and ending their connections, and what proves that it is they. */
export function addConnectionCommands(program: Command, common: (command: Command) => Command): void {
  const connection = program.command('connection').description('identity providers');
  common(connection.command('create').description('make a connection; its token is shown once'))
    .requiredOption('--tenant <tenant>', 'tenant it belongs to')
    .requiredOption('--dialect <dialect>', alternatives(DIALECTS), oneOf(DIALECTS))
    .option('--id <id>', 'id of the connection')
    .option('--bind <instances>', 'connector instances to bind a new tenant to, separated by commas')
    .option('--rate-limit <n>', 'requests per second, or off', rateLimit)
    .option('--rebind <policy>', REBIND, rebindPolicy)
    .option('--oauth', 'a client for the token endpoint instead of a token')
    .option(
      '--expires <duration>',
      'how long the token is valid, for instance 90d; without it for ever',
      lifetime,
    )
    .action((flags: CreateFlags) => guarded(() => create(flags)));
  common(connection.command('list').description('connections, and what may open them'))
    .option('--tenant <tenant>', 'only this tenant')
    .action((flags: CommonFlags & { tenant?: string }) => guarded(() => list(flags)));
  common(
    connection
      .command('refusals')
      .description('what it sent that was refused, without values')
      .argument('<id>'),
  ).action((id: string, flags: CommonFlags) => guarded(() => refusals(id, flags)));
  common(connection.command('rotate').description('a new token; former ones end later').argument('<id>'))
    .option('--overlap <duration>', 'how long former tokens live on (default 24h)', duration)
    .option('--now', 'end the former tokens at once')
    .option('--expires <duration>', 'how long the new token is valid', lifetime)
    .action((id: string, flags: RotateFlags) => guarded(() => rotate(id, flags)));
  common(connection.command('client').description('a client for the token endpoint').argument('<id>'))
    .option('--jwks <file>', 'public keys of the client (private_key_jwt), instead of a secret')
    .option('--jwks-url <url>', 'address of its public keys')
    .option('--remove <client>', 'end this client and its tokens')
    .action((id: string, flags: ClientFlags) => guarded(() => client(id, flags)));
  common(
    connection.command('trust').description('let JWTs of an issuer open the connection').argument('<id>'),
  )
    .option('--issuer <iss>', 'who issues them')
    .option('--audience <aud...>', 'audiences of which one must be named')
    .option('--claim <name=value...>', 'claims that must have exactly this value')
    .option('--algorithm <alg...>', 'signature algorithms (default RS256)')
    .option('--jwks-url <url>', "address of the issuer's public keys")
    .option('--jwks <file>', "the issuer's public keys")
    .option(
      '--entra-tenant <tenant>',
      'tokens of the provisioning service of this Entra ID tenant',
      entraTenant,
    )
    .option('--remove', 'trust this issuer no more')
    .action((id: string, flags: TrustFlags) => guarded(() => trust(id, flags)));
  common(connection.command('retire').description('end a connection for good').argument('<id>'))
    .requiredOption('--reason <text>', 'why')
    .option('--opt-out-all', 'opt out everybody who is active through it')
    .option('--keep', 'leave everybody as they are')
    .action((id: string, flags: RetireFlags) => guarded(() => retire(id, flags)));
  addRebindCommands(connection, common);
}

async function create(flags: CreateFlags): Promise<ExitStatus> {
  if (flags.oauth && flags.expires !== undefined)
    throw new SeverError('usage', '--expires is for tokens; those of --oauth live for an hour', EXIT.usage);
  const body = {
    tenant: flags.tenant,
    dialect: flags.dialect,
    id: flags.id,
    bind: flags.bind?.split(',').filter(Boolean),
    rateLimit: flags.rateLimit,
    rebind: flags.rebind,
    oauth: flags.oauth,
    expiresIn: flags.expires,
  };
  print(flags, await api<Made>(runningInstance(flags.data), 'POST', '/v1/connections', body), connectionText);
  return EXIT.ok;
}

async function list(flags: CommonFlags & { tenant?: string }): Promise<ExitStatus> {
  const query = flags.tenant === undefined ? '' : `?tenant=${encodeURIComponent(flags.tenant)}`;
  const { items } = await api<{ items: Connection[] }>(
    runningInstance(flags.data),
    'GET',
    `/v1/connections${query}`,
  );
  print(flags, items, connectionTable);
  return EXIT.ok;
}

async function refusals(id: string, flags: CommonFlags): Promise<ExitStatus> {
  const { items } = await api<{ items: Refusal[] }>(runningInstance(flags.data), 'GET', `${at(id)}/refusals`);
  print(flags, items, refusalTable);
  return EXIT.ok;
}

async function rotate(id: string, flags: RotateFlags): Promise<ExitStatus> {
  if (flags.now && flags.overlap !== undefined)
    throw new SeverError('usage', 'use --now or --overlap, not both', EXIT.usage);
  const body = { overlap: flags.overlap, now: flags.now, expiresIn: flags.expires };
  print(
    flags,
    await api<Rotated>(runningInstance(flags.data), 'POST', `${at(id)}/rotate`, body),
    rotatedText,
  );
  return EXIT.ok;
}

async function client(id: string, flags: ClientFlags): Promise<ExitStatus> {
  const ready = runningInstance(flags.data);
  if (flags.remove !== undefined) {
    await api(ready, 'DELETE', `${at(id)}/clients/${encodeURIComponent(flags.remove)}`);
    print(flags, { id, removed: flags.remove }, r => `client ${r.removed} and its tokens have ended`);
    return EXIT.ok;
  }
  const body = { jwks: keysIn(flags.jwks), jwksUrl: flags.jwksUrl };
  print(flags, await api<MadeClient>(ready, 'POST', `${at(id)}/clients`, body), clientText);
  return EXIT.ok;
}

async function trust(id: string, flags: TrustFlags): Promise<ExitStatus> {
  const ready = runningInstance(flags.data);
  const body = issuerOf(flags);
  if (flags.remove) {
    await api(ready, 'DELETE', `${at(id)}/issuers?issuer=${encodeURIComponent(body.issuer)}`);
    print(flags, { id, removed: body.issuer }, r => `${r.removed} is trusted no more`);
    return EXIT.ok;
  }
  print(
    flags,
    await api<Connection>(ready, 'PUT', `${at(id)}/issuers`, body),
    c => `${c.id} trusts tokens of ${body.issuer}`,
  );
  return EXIT.ok;
}

type IssuerBody = {
  issuer: string;
  audiences: string[];
  claims: Record<string, string>;
  algorithms: string[] | undefined;
  jwks: unknown;
  jwksUrl: string | undefined;
};

/** What an issuer's tokens must say; `--entra-tenant` fills in what Entra ID's do, and the options go before it. */
function issuerOf(flags: TrustFlags): IssuerBody {
  const entra = flags.entraTenant;
  const issuer = flags.issuer ?? (entra === undefined ? undefined : `https://sts.windows.net/${entra}/`);
  if (issuer === undefined)
    throw new SeverError('usage', 'name the issuer with --issuer or --entra-tenant', EXIT.usage);
  const claims = Object.fromEntries((flags.claim ?? []).map(claimOf));
  const jwks = keysIn(flags.jwks);
  const entraKeys =
    entra === undefined || jwks !== undefined
      ? undefined
      : `https://login.microsoftonline.com/${entra}/discovery/keys`;
  return {
    issuer,
    audiences: flags.audience ?? (entra === undefined ? [] : [ENTRA.audience]),
    claims: { ...(entra !== undefined && { tid: entra, appid: ENTRA.app }), ...claims },
    algorithms: flags.algorithm,
    jwks,
    jwksUrl: flags.jwksUrl ?? entraKeys,
  };
}

function claimOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new SeverError('usage', '--claim takes NAME=VALUE', EXIT.usage);
  return [text.slice(0, at), text.slice(at + 1)];
}

function keysIn(file: string | undefined): unknown {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read';
    throw new SeverError('usage', `${file} ${why}; it holds a JWK set: {"keys": [...]}`, EXIT.usage);
  }
}

const at = (id: string): string => `/v1/connections/${encodeURIComponent(id)}`;
