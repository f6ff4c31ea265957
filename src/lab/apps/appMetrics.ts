/** What an application counts of itself: the requests that it answered, by method and status. */
export class AppMetrics {
  private readonly startedSeconds: number;
  private readonly answered = new Map<string, number>();

  /** @param startedMs wall clock. */
  constructor(startedMs: number) {
    this.startedSeconds = startedMs / 1000;
  }

  /** @param method as it came: Node lets only the known ones through. */
  count(method: string, status: number): void {
    const labels = `code="${status}",method="${method}"`;
    this.answered.set(labels, (this.answered.get(labels) ?? 0) + 1);
  }

  /** Text exposition format 0.0.4. */
  render(): string {
    const lines = [...this.answered].map(([labels, count]) => `http_requests_total{${labels}} ${count}\n`);
    return [
      '# HELP http_requests_total Requests that the application has answered.\n# TYPE http_requests_total counter\n',
      ...lines,
      '# HELP process_start_time_seconds Start of the process, since the epoch.\n# TYPE process_start_time_seconds gauge\n',
      `process_start_time_seconds ${this.startedSeconds}\n`,
    ].join('');
  }
}
