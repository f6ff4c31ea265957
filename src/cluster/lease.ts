import { hostname } from 'node:os';
import type { Clock } from '../base/clock.js';
import { EnvironmentError } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { ApiError, type ClusterClient, type ObjectKey } from './client.js';

const DURATION_S = 30;
const RENEW_MS = 10_000;

export interface Lease {
  release(): Promise<void>;
}

/**
 * Takes the Lease `weighbridge` of the namespace, so that two runs never change one release at the same time, and renews it until released.
 * A lease whose holder died (it expired, or its process on this machine is gone) is taken over.
 * @param onLost called once when somebody else has taken it.
 * @throws EnvironmentError when another run holds it.
 */
export async function takeLease(
  client: ClusterClient,
  namespace: string,
  runId: string,
  clock: Clock,
  onLost: () => void,
): Promise<Lease> {
  const key: ObjectKey = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'weighbridge' };
  const holder = `${hostname()}/${process.pid}/${runId}`;
  const content = (live: KubeObject | undefined): KubeObject => ({
    apiVersion: key.apiVersion,
    kind: key.kind,
    metadata: live?.metadata ?? { name: key.name, namespace },
    spec: { holderIdentity: holder, leaseDurationSeconds: DURATION_S, renewTime: microTime(clock.wallMs()) },
  });

  const live = await client.get(key);
  const other = live && holderOf(live);
  if (live && other && other !== holder && isAlive(live, other, clock.wallMs())) {
    throw new EnvironmentError(
      'E_LEASE',
      `another run (${other}) is working in namespace ${namespace}`,
      `wait until it ends; if it is gone, its lease expires ${DURATION_S} s after its last sign of life`,
    );
  }
  try {
    if (live) await client.replace(content(live));
    else await client.create(content(undefined));
  } catch (error) {
    if (error instanceof ApiError && error.status === 409)
      throw new EnvironmentError(
        'E_LEASE',
        `another run took namespace ${namespace} at this moment`,
        'wait until it ends',
      );
    throw error;
  }

  let released = false;
  const timer = setInterval(async () => {
    try {
      const now = await client.get(key);
      if (released) return;
      if (!now || holderOf(now) !== holder) {
        clearInterval(timer);
        onLost();
        return;
      }
      await client.replace(content(now));
    } catch {
      // The next renewal tries again; the lease outlives two failures.
    }
  }, RENEW_MS);
  timer.unref();

  return {
    async release() {
      released = true;
      clearInterval(timer);
      const now = await client.get(key);
      if (now && holderOf(now) === holder) await client.remove(key);
    },
  };
}

const holderOf = (lease: KubeObject): string => String(lease.spec?.holderIdentity ?? '');

function isAlive(lease: KubeObject, holder: string, nowMs: number): boolean {
  const renewed = Date.parse(String(lease.spec?.renewTime ?? ''));
  const durationS = Number(lease.spec?.leaseDurationSeconds ?? DURATION_S);
  if (!(renewed + durationS * 1000 > nowMs)) return false;
  const [host, pid] = holder.split('/');
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Kubernetes' MicroTime: six decimals. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
