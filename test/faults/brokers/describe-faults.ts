import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Pipeline } from '../../harness/pipeline.js';
import { sever } from '../../harness/sever-command.js';
import { checkHistory } from '../history/check-history.js';
import { dumpHistory } from '../history/pipeline/dump.js';
import { kafka } from '../history/pipeline/kafka-profile.js';
import { Workload } from '../history/pipeline/workload.js';
import { embeddedDigest, liveDigest } from './embedded-digest.js';
import type { Fault } from './fault.js';
import { Site } from './site.js';

const FAULT_MS = 420_000;
const REST_MS = 240_000;
const PEOPLE = 10;
/** For people: `SEVER_FAULT_SEED` repeats the choices of a run, `SEVER_FAULT_DUMP=DIR` keeps the history of what went wrong. */
const SEED = Number(process.env.SEVER_FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Options of the pipelines that are hurt. */
export const OPTIONS = ['--profile', 'kafka', '--hold', '3s', '--rate-limit', 'off', '--governor', 'off'];

/**
 * Declares a test per fault. One workload goes on through all of them; after each everything comes to rest, and the whole history
 * so far must show nothing wrong. What an earlier fault has shown is not told again.
 */
export function describeFaults(
  title: string,
  open: () => Promise<{ pipeline: Pipeline; close: () => Promise<unknown> }>,
  faults: readonly Fault[],
): void {
  describe(title, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let workload: Workload;
    let site: Site;
    const told = new Set<string>();
    /** The fault after which nothing came to rest any more. */
    let lastFault: string | undefined;

    beforeAll(async () => {
      opened = await open();
      process.stderr.write(`faults: SEVER_FAULT_SEED=${SEED} repeats the choices of this run\n`);
      const { pipeline } = opened;
      workload = await Workload.start({
        ...{ pipeline, profile: kafka, seed: SEED, people: PEOPLE, mayOverlap: false },
      });
      site = new Site(pipeline, member => workload.join(member));
    }, FAULT_MS);
    afterAll(async () => {
      await workload?.stop();
      await opened?.close();
    }, FAULT_MS);

    it.each(faults.map(fault => [fault.name, fault] as const))(
      'survives %s',
      async (name, fault) => {
        if (lastFault !== undefined)
          throw new Error(`not tried: the pipeline has not recovered from ${lastFault}`);
        const began = Date.now();
        const failure = await workload
          .during(() => fault.happen(site))
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        const over = Date.now();
        const seen = await workload.rest(REST_MS);
        if (seen.unrest !== undefined) lastFault = name;
        const fresh = checkHistory(seen.operations).filter(f => !told.has(f.explanation));
        fresh.forEach(f => told.add(f.explanation));
        process.stderr.write(
          `${name}: ${Math.round((over - began) / 1_000)} s, at rest and checked after ${Math.round((Date.now() - over) / 1_000)} s; ${seen.asked.list.length} requests, ${seen.operations.filter(o => o.kind === 'record').length} records\n`,
        );
        const folder = process.env.SEVER_FAULT_DUMP;
        if (folder && (failure !== undefined || seen.unrest !== undefined || fresh.length > 0))
          await dumpHistory(folder, opened.pipeline, seen.operations);
        if (failure !== undefined) throw failure;
        expect(seen.unrest).toBeUndefined();
        expect(fresh).toEqual([]);
        const verified = await sever(opened.pipeline, ['replay', 'verify', '--json']);
        expect(JSON.parse(verified.stdout)).toMatchObject({
          equal: true,
          audit: { missing: 0, differing: 0 },
        });
        expect(verified.status).toBe(0);
      },
      FAULT_MS + REST_MS + 180_000,
    );

    it(
      'has the state that the embedded profile has after the same log',
      async () => {
        expect(await liveDigest(opened.pipeline)).toBe(await embeddedDigest(opened.pipeline));
      },
      FAULT_MS,
    );
  });
}
