import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from '../../../harness/clients.js';

/** How a request ended: with an answer that settles it, after a number of tries without one. */
export type Answer = { reply: Reply; unanswered: number };

const GIVE_UP_MS = 120_000;
const AGAIN_MS = 300;

/** No answer, or one that says that the request should be sent again. */
const isUnsettled = (reply: Reply | undefined): boolean =>
  reply === undefined || reply.status >= 500 || reply.status === 408;

/**
 * Sends until an answer settles it, as identity providers do.
 * @throws Error when nothing did within two minutes
 */
export async function ask(what: string, send: () => Promise<Reply>): Promise<Answer> {
  const until = Date.now() + GIVE_UP_MS;
  for (let unanswered = 0; ; unanswered += 1) {
    const reply = await send().catch(() => undefined);
    if (reply && !isUnsettled(reply)) return { reply, unanswered };
    if (Date.now() > until)
      throw new Error(`${what} was not answered within ${GIVE_UP_MS / 1_000} s; last: ${reply?.status}`);
    await sleep(AGAIN_MS);
  }
}

export const isSuccess = ({ reply }: Answer): boolean => reply.status >= 200 && reply.status < 300;

/** Refused after a try without an answer: that try may have done it. */
export const statusOf = (answer: Answer): 'acked' | 'failed' | 'indeterminate' => {
  if (isSuccess(answer)) return 'acked';
  return answer.unanswered > 0 ? 'indeterminate' : 'failed';
};
