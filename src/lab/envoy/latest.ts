/**
 * Runs a task one at a time. Whoever asks while it runs shares the next run, which begins afterwards and therefore sees
 * everything that was asked for.
 */
export class Latest {
  private readonly task: () => Promise<void>;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(task: () => Promise<void>) {
    this.task = task;
  }

  run(): Promise<void> {
    if (!this.running) {
      this.running = this.task().finally(() => {
        this.running = undefined;
      });
      return this.running;
    }
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.run();
      });
    return this.next;
  }

  /** Resolves when nothing runs or waits any more, whatever came of it. */
  async settled(): Promise<void> {
    while (this.running) await (this.next ?? this.running).catch(() => undefined);
  }
}
