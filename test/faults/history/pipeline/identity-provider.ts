import { call, type Reply } from '../../../harness/clients.js';
import type { Ready } from '../../../harness/pipeline.js';
import type { Random } from '../simulation/random.js';
import { ask, isSuccess, statusOf, type Answer } from './asking.js';
import type { AskedRequests } from './asked-requests.js';
import { RESTORING, RUNNING, type Turns } from './turns.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ATTEMPT_MS = 30_000;

/** One connection's dealings with one person, one request after the other. */
export class IdentityProvider {
  private resource: string | undefined;
  private isActive = false;
  private updates = 0;
  private readonly client: string;

  constructor(
    private readonly connection: Ready['connections'][number],
    private readonly userName: string,
    private readonly asked: AskedRequests,
    private readonly random: Random,
    private readonly turns: Turns,
  ) {
    this.client = `${connection.id}/${userName}`;
  }

  /** One request, whatever fits what the connection believes of the person. */
  async step(): Promise<void> {
    const luck = this.random.next();
    if (this.resource === undefined) return this.turns.take(RUNNING, () => this.create());
    if (luck < 0.35) return this.update();
    return this.turns.take(RESTORING, () => this.leaveOrReturn(luck));
  }

  private leaveOrReturn(luck: number): Promise<void> {
    if (luck < 0.45) return this.remove();
    if (this.isActive) return this.setActive(false);
    return luck < 0.6 ? this.create() : this.setActive(true);
  }

  /** A new user, or the return of the inactive one with the same external id. */
  private async create(): Promise<void> {
    const returning = this.resource;
    const end = this.asked.begin(this.client, returning === undefined ? 'create' : 'activate');
    const body = {
      schemas: [USER],
      userName: this.userName,
      externalId: `ext-${this.userName}`,
      active: true,
    };
    const answer = await this.ask('POST', '/Users', body);
    const id = isSuccess(answer) ? String(answer.reply.body.id) : await this.lookUp(answer);
    if (id !== undefined) {
      this.resource = id;
      this.isActive = true;
    }
    end({ status: id === undefined ? statusOf(answer) : 'acked', ...this.tries(answer) });
  }

  /** A conflict after a lost answer means that the first try was done: its user is found by name. */
  private async lookUp({ reply, unanswered }: Answer): Promise<string | undefined> {
    if (reply.status !== 409 || unanswered === 0) return undefined;
    const filter = encodeURIComponent(`userName eq "${this.userName}"`);
    const found = await this.ask('GET', `/Users?filter=${filter}`);
    const [user] = (found.reply.body.Resources ?? []) as { id: string }[];
    return user?.id;
  }

  private async update(): Promise<void> {
    this.updates += 1;
    const displayName = `${this.client} ${this.updates}`;
    const end = this.asked.begin(this.client, 'update');
    const operation = { op: 'replace', path: 'displayName', value: displayName };
    const answer = await this.ask('PATCH', this.path(), { schemas: [PATCH], Operations: [operation] });
    end({ status: statusOf(answer), ...this.tries(answer) });
  }

  private async setActive(active: boolean): Promise<void> {
    const end = this.asked.begin(this.client, active ? 'activate' : 'deactivate');
    const answer = await this.ask('PATCH', this.path(), {
      schemas: [PATCH],
      Operations: [activeOperation(this.connection.dialect, active)],
    });
    if (isSuccess(answer)) this.isActive = active;
    end({ status: statusOf(answer), ...this.tries(answer) });
  }

  private async remove(): Promise<void> {
    const end = this.asked.begin(this.client, 'delete');
    const answer = await this.ask('DELETE', this.path());
    // Gone after a lost answer: the lost one did it.
    const isDone = isSuccess(answer) || (answer.reply.status === 404 && answer.unanswered > 0);
    end({ status: isDone ? 'acked' : statusOf(answer), ...this.tries(answer) });
    if (isDone) this.resource = undefined;
  }

  private path(): string {
    return `/Users/${this.resource}`;
  }

  private tries(answer: Answer): { tries: number; stream: string | undefined } {
    const stream = this.resource === undefined ? undefined : `${this.connection.id}/${this.resource}`;
    return { tries: answer.unanswered + 1, stream };
  }

  private ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const { baseUrl, token } = this.connection;
    return ask(`${method} of ${this.client}`, (): Promise<Reply> =>
      call(method, baseUrl + path, token, body, {}, ATTEMPT_MS),
    );
  }
}

/** How identity providers spell it. */
function activeOperation(dialect: string, active: boolean): object {
  if (dialect === 'entra') return { op: 'Replace', path: 'active', value: active ? 'True' : 'False' };
  if (dialect === 'okta') return { op: 'replace', value: { active } };
  return { op: 'replace', path: 'active', value: active };
}
