import type { Step } from '@sever/event-contracts';

/** What the coordinator says next about an opt-out. `key` names the decision: each is made once. */
export type Decision = { key: string } & (
  | {
      kind: 'cut';
      residualAccessUntil: string | null;
      waived: { instance: string; step: Step }[];
      noAccount: string[];
    }
  | { kind: 'held'; purgeAfter: string }
  | { kind: 'purge-started'; instances: string[] }
  | { kind: 'closed'; outcome: 'purged' | 'cut-only' | 'nothing-bound' }
  | { kind: 'restore-started'; instances: string[] }
  | { kind: 'restored' }
  | { kind: 'attention-raised'; code: string; instance: string | null; step: Step | null; nextAction: string }
  | { kind: 'attention-cleared'; code: string; instance: string | null; step: Step | null }
  | { kind: 'deadline-missed'; instance: string; step: Step; deadline: string }
  | { kind: 'reverification-requested'; instances: string[]; round: number }
  | { kind: 'account-reclaimed'; instance: string; otherSubject: string }
  | { kind: 'access-returned'; instance: string; step: Step }
);

/** What a decision needs to know beside the two folds. */
export type DecisionContext = {
  now: Date;
  /** Another subject of the tenant, not opted out, who now has the same user name. */
  otherLiveSubject: string | undefined;
  /** Seconds after the close at which everything is observed again. */
  reverifyAfterSeconds: readonly number[];
};
