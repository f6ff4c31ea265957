import type { ScrapeTarget } from '../control/types.js';
import { type ScrapeContext, ScrapeLoop, type TargetState, targetKey } from './scrape.js';

/** Keeps one scrape loop for every target that the source names; a target with other labels is another target. */
export class TargetManager {
  private readonly loops = new Map<string, ScrapeLoop>();
  private readonly ending = new Set<Promise<void>>();
  private readonly source: () => readonly ScrapeTarget[];
  private readonly context: ScrapeContext;

  constructor(source: () => readonly ScrapeTarget[], context: ScrapeContext) {
    this.source = source;
    this.context = context;
  }

  get states(): TargetState[] {
    return [...this.loops.values()].map((loop) => loop.state);
  }

  /** Starts loops of new targets, ends those of targets that are gone. */
  reconcile(): void {
    const wanted = new Map(this.source().map((target) => [targetKey(target), target]));
    for (const [key, loop] of this.loops) {
      if (wanted.has(key)) continue;
      this.loops.delete(key);
      this.end(loop);
    }
    for (const [key, target] of wanted) {
      if (!this.loops.has(key)) this.loops.set(key, new ScrapeLoop(target, this.context));
    }
  }

  async stop(): Promise<void> {
    for (const loop of this.loops.values()) this.end(loop);
    this.loops.clear();
    await Promise.all(this.ending);
  }

  private end(loop: ScrapeLoop): void {
    const done: Promise<void> = loop.stop().finally(() => this.ending.delete(done));
    this.ending.add(done);
  }
}
