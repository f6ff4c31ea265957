import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { canaryOf, largeMesh } from '../support/largeMesh.js';
import { caller, pod } from '../support/mesh.js';
import type { Bench } from './measure.js';
import { type Measured, row } from './row.js';

const SERVICES = 2000;
const WHOLE_GOAL_MS = 1000;
const CHANGE_GOAL_MS = 10;
const CHANGES = 20;

/** One proxy's configuration from 10,000 objects; and the next one after a route's weight, or a pod's readiness, has changed. */
export async function mesh({ pairs }: Bench): Promise<Measured> {
  const whole: number[] = [];
  const change: number[] = [];
  for (let round = 0; round < pairs; round++) {
    // Nothing is kept of objects that were never seen.
    let objects: KubeObject[] = largeMesh(SERVICES);
    whole.push(timeMs(() => compileProxyConfig(objects, caller())));
    const changed = Array.from({ length: CHANGES }, (_, index) => {
      const name = `app-${index * 7}`;
      const object = index % 2 === 0 ? canaryOf(name, 20 + index) : pod(name, 'v2', 0, { ready: false });
      objects = objects.map((other) =>
        other.kind === object.kind && other.metadata.name === object.metadata.name ? object : other,
      );
      return timeMs(() => compileProxyConfig(objects, caller()));
    });
    change.push(changed.reduce((sum, ms) => sum + ms, 0) / CHANGES);
  }
  return {
    rows: [
      row('mesh', `a proxy's routes from ${SERVICES * 5} objects with ${SERVICES} Services`, whole, 'ms', {
        atMost: WHOLE_GOAL_MS,
      }),
      row('mesh', 'the same after a change of one of them', change, 'ms', { atMost: CHANGE_GOAL_MS }),
    ],
    skipped: [],
  };
}

function timeMs(run: () => unknown): number {
  const { user } = process.cpuUsage();
  run();
  return (process.cpuUsage().user - user) / 1000;
}
