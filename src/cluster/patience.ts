import { type Clock, sleep } from '../base/clock.js';
import { EnvironmentError, errorText } from '../base/errors.js';
import { ApiError } from './client.js';

/** An API server that is restarted, or elects another leader, is back within seconds. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 250;

export interface PatienceOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Told why it is waited, once for every reason. */
  readonly waiting?: (why: string) => void;
}

/** No answer, overload, or a server that has just started: worth waiting for. */
const passes = (error: unknown): boolean =>
  error instanceof ApiError
    ? error.status === 429 || error.status >= 500
    : error instanceof EnvironmentError && error.code === 'E_CLUSTER';

/**
 * Bears with an API server that has answered before and does not now: what it is given is repeated for 30 s, counted from the first silence of
 * several operations together. Only for what may be repeated: an operation whose answer was lost has perhaps been done.
 */
export class Patience {
  private readonly options: PatienceOptions;
  private deadline: number | undefined;
  private last = '';

  constructor(options: PatienceOptions) {
    this.options = options;
  }

  /** @throws whatever the operation threw last, when the patience has ended or waiting is of no use. */
  async with<T>(operation: () => Promise<T>): Promise<T> {
    const { clock, signal, waiting } = this.options;
    for (;;) {
      try {
        const result = await operation();
        this.deadline = undefined;
        return result;
      } catch (error) {
        if (!passes(error)) throw error;
        this.deadline ??= clock.now() + PATIENCE_MS;
        if (clock.now() >= this.deadline || signal?.aborted) throw error;
        const why = errorText(error);
        if (why !== this.last) waiting?.(why);
        this.last = why;
        await sleep(clock, PAUSE_MS, signal);
      }
    }
  }
}
