import { randomUUID } from 'node:crypto';
import { call, type Reply } from '../../../harness/clients.js';
import type { Ready } from '../../../harness/pipeline.js';
import type { Random } from '../simulation/random.js';
import { ask, isSuccess, statusOf, type Answer } from './asking.js';
import type { AskedRequests } from './asked-requests.js';
import { RESTORING, type Turns } from './turns.js';

const ATTEMPT_MS = 30_000;

/** Somebody who opts one person out through the REST door, and sometimes thinks better of it. */
export class RestCaller {
  private readonly client: string;
  private optOut: { id: string; stream: string } | undefined;

  constructor(
    private readonly api: Ready['api'],
    private readonly tenant: string,
    private readonly userName: string,
    private readonly asked: AskedRequests,
    private readonly random: Random,
    private readonly turns: Turns,
  ) {
    this.client = `rest/${userName}`;
  }

  step(): Promise<void> {
    return this.turns.take(RESTORING, () =>
      this.optOut && this.random.chance(0.5) ? this.restore(this.optOut) : this.request(),
    );
  }

  private async request(): Promise<void> {
    const end = this.asked.begin(this.client, 'opt-out');
    const headers = { 'idempotency-key': randomUUID() };
    const body = { tenant: this.tenant, userName: this.userName };
    const answer = await this.ask('/v1/opt-outs', body, headers);
    if (isSuccess(answer)) {
      const { id, subject } = answer.reply.body;
      this.optOut = { id: String(id), stream: `rest/${this.tenant}:${String(subject)}` };
    }
    end({
      status: statusOf(answer),
      tries: answer.unanswered + 1,
      stream: isSuccess(answer) ? this.optOut?.stream : undefined,
    });
  }

  private async restore({ id, stream }: { id: string; stream: string }): Promise<void> {
    const end = this.asked.begin(this.client, 'restore');
    const answer = await this.ask(`/v1/opt-outs/${id}/restore`, { reason: 'asked by mistake' });
    end({ status: statusOf(answer), tries: answer.unanswered + 1, stream });
    this.optOut = undefined;
  }

  private ask(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const { baseUrl, token } = this.api;
    return ask(`POST ${path} of ${this.client}`, (): Promise<Reply> =>
      call('POST', baseUrl + path, token, body, headers, ATTEMPT_MS),
    );
  }
}
