import { changed, oneRow, type Queryable } from '@sever/postgres';

export type KillSwitch = { on: boolean; since: string; actor: string };

/** Channel on which a change of the switch or of an instance's pause is announced. */
export const SWITCH_CHANNEL = 'sever_switch';

export async function readKillSwitch(on: Queryable): Promise<KillSwitch> {
  const row = await oneRow<{ is_on: boolean; since: Date; actor: string }>(
    on,
    'select is_on, since, actor from kill_switch',
  );
  return {
    on: row?.is_on ?? true,
    since: (row?.since ?? new Date(0)).toISOString(),
    actor: row?.actor ?? 'system',
  };
}

/** Turns the switch; false when it stands that way already. */
export async function setKillSwitch(on: Queryable, isOn: boolean, actor: string): Promise<boolean> {
  return (
    (await changed(
      on,
      'update kill_switch set is_on = $1, since = clock_timestamp(), actor = $2 where is_on <> $1',
      [isOn, actor],
    )) > 0
  );
}
