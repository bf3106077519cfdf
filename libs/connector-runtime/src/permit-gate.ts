import { PermitDenied } from '@sever/connector-sdk';
import { readKillSwitch } from '@sever/directory';
import type { DataSource } from 'typeorm';

/** How long an answer is believed, in milliseconds: the switch takes effect within it. */
const TTL_MS = 200;

/** Asked before every side effect. */
export class PermitGate {
  private answer: { on: boolean; until: number } | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly isPaused: () => boolean,
  ) {}

  /** @throws PermitDenied while the kill switch is on or the instance is paused */
  async check(): Promise<void> {
    if (this.isPaused()) throw new PermitDenied('connector.paused');
    const now = performance.now();
    if (!this.answer || this.answer.until < now) {
      const { on } = await readKillSwitch(this.dataSource);
      this.answer = { on, until: performance.now() + TTL_MS };
    }
    if (this.answer.on) throw new PermitDenied('kill-switch.on');
  }
}
