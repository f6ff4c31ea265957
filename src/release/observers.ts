import type { Clock } from '../base/clock.js';
import type { LoadRun } from '../load/types.js';
import { clientObserver } from '../observe/client.js';
import { istioObserver } from '../observe/istioProxies.js';
import { type KialiAuth, kialiObserver } from '../observe/kiali.js';
import { PrometheusClient } from '../observe/prometheus.js';
import type { Observer } from '../observe/types.js';
import type { Scenario } from '../scenario/types.js';

/** Where the vantage points of a target answer. */
export interface ObservedTarget {
  readonly prometheusUrl: string;
  readonly kialiUrl: string;
  readonly kialiAuth: KialiAuth;
}
