import type { Granularity } from '../judge/types.js';
import { freshShareFor } from '../judge/unit/fresh.js';
import type { LoadRun } from '../load/loadRun.js';
import type { Scenario } from '../scenario/types.js';
import type { RunEventBody } from './events.js';

interface Parts {
  readonly scenario: Scenario;
  /** Name of the stage. */
  readonly stage: string;
  readonly load: LoadRun;
  readonly emit: (event: RunEventBody) => void;
}

/**
 * Turns the requests of a stage into draws: where whole connections of the load are drawn for a version, requests get connections of their own
 * for as long as the stage lasts. Where that would not help it says so instead. Either is told once.
 */
export class FreshConnections {
  readonly #parts: Parts;
  #told: 'nothing' | 'useless' | 'switched' = 'nothing';

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param granularity what the judge knows now; nothing happens as long as requests are draws. */
  follow({ sentence, fresh }: Granularity): void {
    if (!fresh || this.#told === 'switched') return;
    const { scenario, stage, load, emit } = this.#parts;
    const own = scenario.load.freshConnections ?? 0;
    const able = fresh.helps && load.setFreshShare !== undefined;
    if (!able) {
      if (this.#told === 'useless') return;
      this.#told = 'useless';
      const why = fresh.helps ? 'the engine of this load cannot open them' : fresh.why;
      emit({ type: 'fresh-connections', stage, share: own, switched: false, why, unit: sentence });
      return;
    }
    this.#told = 'switched';
    const share = freshShareFor(scenario);
    if (share <= own) return;
    load.setFreshShare?.(share);
    emit({ type: 'fresh-connections', stage, share, switched: true, why: fresh.why, unit: sentence });
  }

  /** The next stage begins with the connections that the scenario asks for. */
  end(): void {
    const { scenario, load } = this.#parts;
    if (this.#told === 'switched') load.setFreshShare?.(scenario.load.freshConnections ?? 0);
  }
}
