import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import type { AppClient } from './client.js';

/** A request as an application's handler sees it. */
export interface AppRequest {
  readonly method: string;
  /** Decoded path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The whole body as text; empty without one. */
  readonly body: string;
}

export interface AppResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export type AppHandler = (request: AppRequest) => AppResponse | Promise<AppResponse>;

/** What an application knows of itself and may use. */
export interface AppEnvironment {
  readonly pod: string;
  readonly namespace: string;
  readonly workload: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly client: AppClient;
  readonly clock: Clock;
  readonly random: Random;
}

export const html = (status: number, body: string): AppResponse => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body,
});

export const json = (status: number, value: unknown): AppResponse => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
});

export const redirect = (location: string): AppResponse => ({ status: 302, headers: { location }, body: '' });
