import { randomBytes } from 'node:crypto';
import type { Connector, SubjectRef } from '@sever/connector-sdk';
import type {
  AccountState,
  AccountWish,
  ContractAccount,
  ContractTarget,
  Fault,
  HttpFaultGate,
  InjectedFault,
  NegativeConfig,
  Place,
} from '@sever/connector-sdk/testing';
import { scim } from '../connector.js';
import { openScimGate, scimList } from './scim-gate.js';
import { ScimServer } from './scim-server.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const PAGE_SIZE = 3;
const PROTECTED = 'break.glass@acme.example';
const TWIN = 'twin@acme.example';

type Door = { server: ScimServer; gate: HttpFaultGate; groups: string[] };

/** Two SCIM services, each behind a gate of its own. */
export class ScimContractTarget implements ContractTarget {
  readonly scopes = [{ userType: 'acme' }, { userType: 'globex' }] as const;
  private people = 0;
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(private readonly doors: Readonly<Record<Place, Door>>) {}

  static async start(): Promise<ScimContractTarget> {
    const [first, second] = await Promise.all([ScimServer.start(), ScimServer.start()]);
    const target = new ScimContractTarget({
      first: { server: first, gate: await openScimGate(first.origin), groups: [] },
      second: { server: second, gate: await openScimGate(second.origin), groups: [] },
    });
    target.doors.first.gate.script = ({ path }) =>
      path.includes(encodeURIComponent(`"${TWIN}"`))
        ? scimList([
            { schemas: [USER], id: 'one', userName: TWIN, active: true },
            { schemas: [USER], id: 'two', userName: TWIN.toUpperCase(), active: true },
          ])
        : undefined;
    return target;
  }

  connect(at: Place): Connector {
    return this.open(this.settings(at), this.doors[at].server.token);
  }

  async makeAccount(wish: AccountWish = {}): Promise<ContractAccount> {
    const at = wish.at ?? 'first';
    const { server } = this.doors[at];
    const userName = wish.userName ?? this.unusedName();
    const { id } = await server.must('POST', '/Users', {
      schemas: [USER],
      userName,
      externalId: `ext-${userName}`,
      active: true,
      displayName: 'Somebody',
      ...wish.scope,
    });
    await this.alone(async () => {
      for (const group of await this.groups(at, wish.entitlements ?? 2))
        await server.must('PATCH', `/Groups/${group}`, {
          schemas: [PATCH],
          Operations: [{ op: 'add', path: 'members', value: [{ value: id }] }],
        });
    });
    return { ref: this.ref(userName), id: String(id), at };
  }

  async stateOf({ id, at }: ContractAccount): Promise<AccountState> {
    const { server } = this.doors[at];
    const user = await server.call('GET', `/Users/${id}`);
    const list = await server.must('GET', '/Groups?startIndex=1&count=500');
    const groups = (list.Resources ?? []) as { id: string; members?: { value: string }[] }[];
    return {
      exists: user.status === 200,
      canEnter: user.status === 200 && user.body.active !== false,
      sessions: null,
      entitlements: groups
        .filter(group => group.members?.some(member => member.value === id))
        .map(group => group.id)
        .sort(),
    };
  }

  async removeAccount({ id, at }: ContractAccount): Promise<void> {
    await this.doors[at].server.must('DELETE', `/Users/${id}`);
  }

  async renameAccount({ id, at }: ContractAccount, userName: string): Promise<void> {
    await this.doors[at].server.must('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'userName', value: userName }],
    });
  }

  unusedName(): string {
    this.people += 1;
    return `Person.${this.people}.${randomBytes(3).toString('hex')}@acme.example`;
  }

  inject(fault: Fault): Promise<InjectedFault> {
    return this.doors.first.gate.inject(fault);
  }

  traffic(): { calls: number; writes: number } {
    const [a, b] = [this.doors.first.gate.traffic(), this.doors.second.gate.traffic()];
    return { calls: a.calls + b.calls, writes: a.writes + b.writes };
  }

  secrets(): readonly string[] {
    return [this.doors.first.server.token, this.doors.second.server.token];
  }

  async protectedAccount(): Promise<ContractAccount> {
    const { server } = this.doors.first;
    const list = await server.must(
      'GET',
      `/Users?filter=${encodeURIComponent(`userName eq "${PROTECTED}"`)}`,
    );
    const [known] = (list.Resources ?? []) as { id: string }[];
    return known
      ? { ref: this.ref(PROTECTED), id: known.id, at: 'first' }
      : this.makeAccount({ userName: PROTECTED });
  }

  ambiguous(): Promise<SubjectRef> {
    return Promise.resolve(this.ref(TWIN));
  }

  negativeConfigs(): readonly NegativeConfig[] {
    const good = this.settings('first');
    const { token } = this.doors.first.server;
    const parse = (changes: object) => () => scim.parseSettings({ ...good, ...changes });
    const refused = (name: string, changes: object): NegativeConfig => ({
      name,
      expected: 'settings refused',
      parse: parse(changes),
    });
    return [
      { name: 'a wrong token', expected: 'AuthFailed', connect: () => this.open(good, 'not-the-token') },
      {
        name: 'a token of the other tenant',
        expected: 'AuthFailed',
        connect: () => this.open(good, this.doors.second.server.token),
      },
      {
        name: 'a token that cannot be read',
        expected: 'AuthFailed',
        connect: () => this.open(good, new Error(`no such file; it held ${token}`)),
      },
      {
        name: 'a token with a line break',
        expected: 'AuthFailed',
        connect: () => this.open(good, `${token}\nx`),
      },
      {
        name: 'an address where nobody listens',
        expected: 'Transient',
        connect: () => this.open({ ...good, baseUrl: 'http://127.0.0.1:1/scim/v2' }, token),
      },
      {
        name: 'an address that is not SCIM',
        expected: 'Malformed',
        connect: () => this.open({ ...good, baseUrl: `${this.doors.first.gate.origin}/no/such` }, token),
      },
      refused('a field that nobody knows', { unknown: true }),
      refused('no address', { baseUrl: undefined }),
      refused('an address that is not HTTP', { baseUrl: 'file:///etc/passwd' }),
      refused('an address with a credential in it', { baseUrl: `http://user:${token}@127.0.0.1/scim` }),
      refused('an address with a query', { baseUrl: 'http://127.0.0.1/scim?x=1' }),
      refused('a token in the settings', { tokenRef: token }),
      refused('a page size of nothing', { pageSize: 0 }),
    ];
  }

  async dispose(): Promise<void> {
    for (const { gate, server } of Object.values(this.doors)) {
      await gate.close();
      await server.stop();
    }
  }

  private settings(at: Place): object {
    return {
      baseUrl: `${this.doors[at].gate.origin}/scim/v2`,
      tokenRef: 'env:UNUSED',
      pageSize: PAGE_SIZE,
      protectedUserNames: [PROTECTED.toUpperCase()],
    };
  }

  private open(settings: object, secret: string | Error): Connector {
    return scim.connect({
      id: 'scim',
      settings: scim.parseSettings(settings),
      secret: () => (typeof secret === 'string' ? Promise.resolve(secret) : Promise.reject(secret)),
    });
  }

  private ref(userName: string): SubjectRef {
    return { tenant: 'acme', subject: 'subject', userName, externalId: `ext-${userName}` };
  }

  /** The first `count` of the groups that everybody shares. */
  private async groups(at: Place, count: number): Promise<string[]> {
    const { server, groups } = this.doors[at];
    while (groups.length < count) {
      const { id } = await server.must('POST', '/Groups', {
        schemas: [GROUP],
        displayName: `group ${groups.length + 1}`,
      });
      groups.push(String(id));
    }
    return groups.slice(0, count);
  }

  /** The bundled service loses one of two changes of a group that arrive together. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.writing.then(work);
    this.writing = mine.catch(() => undefined);
    return mine;
  }
}
