import { parseQuery } from '../../src/lab/prometheus/promql/parse.js';
import { comparable, EXACT, isClose, type Tolerance } from './answers.js';
import { compared } from './comparisons.js';

export interface Asked {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What functions may be apart by; raw samples may not. */
const FUNCTIONS: Tolerance = { relative: 1e-9, absolute: 0 };

export async function askPrometheus(base: string, { path, parameters }: Asked): Promise<Answer> {
  const response = await fetch(`${base}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  return { status: response.status, body: await response.json() };
}

/** True for a query that only reads samples as they were scraped: a selector of either kind. */
function isRaw(query: string): boolean {
  try {
    let expr = parseQuery(query);
    while (expr.kind === 'paren') expr = expr.inner;
    return expr.kind === 'selector' || expr.kind === 'matrix';
  } catch {
    return false;
  }
}

/**
 * What an error is compared by. The grammar's own complaints are not followed to the letter, and which of several duplicate series is
 * named depends on the order of a map.
 */
function refusal({ status, body }: Answer): unknown {
  const { errorType, error } = body as { errorType?: string; error?: string };
  const reason = /parse error/.test(error ?? '') ? 'parse error' : error?.replace(/\{[^}]*\}/g, '{}');
  return { status, errorType, reason };
}

/** How two answers to one question differ; undefined when they do not. */
function difference(asked: Asked, ours: Answer, real: Answer, tolerance = FUNCTIONS): string | undefined {
  const query = asked.parameters.query ?? '';
  const same =
    ours.status === 200 && real.status === 200
      ? isClose(comparable(ours.body, query), comparable(real.body, query), isRaw(query) ? EXACT : tolerance)
      : isClose(refusal(ours), refusal(real), EXACT);
  if (same) return undefined;
  const text = ({ status, body }: Answer) => `${status} ${JSON.stringify(body)}`;
  return `${asked.path} ${JSON.stringify(asked.parameters)}\n  lab  ${text(ours)}\n  real ${text(real)}`;
}

/** The lab's Prometheus and a real one that hold the same samples. */
export class BothPrometheus {
  readonly #ours: string;
  readonly #real: string;

  constructor(ours: string, real: string) {
    this.#ours = ours;
    this.#real = real;
  }

  /** @returns how the answers differ, or undefined. */
  async difference(asked: Asked, tolerance?: Tolerance): Promise<string | undefined> {
    const [ours, real] = await Promise.all([askPrometheus(this.#ours, asked), askPrometheus(this.#real, asked)]);
    compared('prometheus');
    return difference(asked, ours, real, tolerance);
  }
}
