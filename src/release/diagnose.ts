import { type Clock, sleep } from '../base/clock.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { Millis } from '../base/units.js';
import { diagnose, type HeldRoutes } from '../judge/causes.js';
import { HistoryKeeper } from '../judge/history.js';
import { StageJudge } from '../judge/stageJudge.js';
import type { Cause, Look, StageAssessment } from '../judge/types.js';
import { gatherEvidence } from '../observe/evidence.js';
import { explain } from '../observe/istioProxies.js';
import type { Observer } from '../observe/types.js';
import type { Scenario, Stage } from '../scenario/types.js';

const LOOK_MS = 1000;

export interface WatchedTraffic {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly objects: readonly KubeObject[];
  /** What the caller's proxies hold; undefined: not known. */
  readonly routes: readonly HeldRoutes[] | undefined;
  readonly observers: readonly Observer[];
  /** How long the traffic is watched; 0: not at all. */
  readonly windowMs: Millis;
  readonly clock: Clock;
  /** Ends the window early; what was seen until then counts. */
  readonly signal: AbortSignal;
  /** Told at every look. */
  readonly progress: (look: Look) => void;
}

export interface Diagnosis {
  readonly scenario: Scenario;
  readonly stage: Stage;
  /** The last one; vantage points without data say why. */
  readonly look: Look;
  readonly assessment: StageAssessment;
  /** The likeliest first. */
  readonly causes: readonly Cause[];
}

/**
 * Watches the traffic that others send for a while, and looks for causes of a wrong split in it and in the objects. Changes nothing, and
 * never throws for what cannot be seen: a vantage point that does not answer has no data, with the reason.
 */
export async function diagnoseTraffic(input: WatchedTraffic): Promise<Diagnosis> {
  const { scenario, stage, objects, clock, signal } = input;
  const judge = new StageJudge(scenario, stage, objects);
  const watched = new TrafficWatch(input);
  await watched.open();
  const openedAt = clock.wallMs();
  const history = new HistoryKeeper();
  let look = await watched.look();
  let assessment = judge.look(look);
  while (watched.worthWatching && !signal.aborted && look.at < input.windowMs) {
    await sleep(clock, LOOK_MS, signal);
    look = await watched.look();
    assessment = judge.look(look);
    history.look(look);
    input.progress(look);
  }
  const evidence = await gatherEvidence(input.observers, signal);
  const causes = diagnose({
    scenario,
    stage,
    objects,
    assessment,
    observations: look,
    evidence,
    history: history.history(openedAt),
    ...(input.routes ? { routes: input.routes } : {}),
  });
  return { scenario, stage, look, assessment, causes };
}

/** A counting window that waits for nobody: a vantage point that cannot be read is asked no more. */
class TrafficWatch {
  private readonly input: WatchedTraffic;
  private readonly broken = new Map<Observer, string>();
  private openedAt = 0;

  constructor(input: WatchedTraffic) {
    this.input = input;
  }

  async open(): Promise<void> {
    const { observers, clock, signal, windowMs } = this.input;
    await Promise.all(
      observers.map(async (observer) => {
        try {
          if (windowMs === 0) throw new Error('no traffic was to be watched');
          await observer.check(signal);
          await observer.open(signal);
        } catch (error) {
          this.broken.set(observer, explain(error));
        }
      }),
    );
    this.openedAt = clock.now();
  }

  /** Some vantage point can be read. */
  get worthWatching(): boolean {
    return this.broken.size < this.input.observers.length;
  }

  /** What was counted until now; the signal does not cut it short, since it may be the last one. */
  async look(): Promise<Look> {
    const { observers, clock } = this.input;
    const observations = await Promise.all(
      observers.map((observer) => {
        const reason = this.broken.get(observer);
        const { vantagePoint } = observer;
        return reason === undefined ? observer.look() : ({ status: 'no-data', vantagePoint, reason } as const);
      }),
    );
    return { at: Math.round(clock.now() - this.openedAt), observations, settled: false };
  }
}
