import type { KubeObject } from '../../base/kubernetes.js';

/** Where one runner stands. */
export interface RunnerState {
  /** 1 to parallelism; k6's tag `instance_id`. */
  readonly index: number;
  /** Undefined: there is none yet. */
  readonly pod: string | undefined;
  readonly state: 'absent' | 'waiting' | 'running' | 'ended';
  /** Why it waits, in the words of the cluster: `ErrImagePull: ...`. */
  readonly reason?: string;
  /** Once it has ended. */
  readonly exitCode?: number;
}

interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}
interface ContainerStatus {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: object;
    readonly terminated?: { readonly exitCode?: number; readonly reason?: string };
  };
}

/** The container that the operator gives every runner. */
export const K6_CONTAINER = 'k6';
/** Every container waits for these; they are no reason. */
const ON_THE_WAY = ['ContainerCreating', 'PodInitializing'];
const JOB_LABELS = ['batch.kubernetes.io/job-name', 'job-name'];

/** The pods that the operator made for one Job of a TestRun. @param suffix `initializer`, `starter` or a runner's number */
export function podOfJob(pods: readonly KubeObject[], testRun: string, suffix: string): KubeObject | undefined {
  const job = `${testRun}-${suffix}`;
  return pods.find(({ metadata }) => JOB_LABELS.some((label) => metadata.labels?.[label] === job));
}

/**
 * Where each runner stands. It has ended when its k6 has, even if a sidecar keeps its pod alive, and when the pod itself was ended from
 * outside (evicted, out of memory).
 */
export function runnerStates(pods: readonly KubeObject[], testRun: string, parallelism: number): RunnerState[] {
  return Array.from({ length: parallelism }, (_, i) => {
    const index = i + 1;
    const pod = podOfJob(pods, testRun, String(index));
    return pod ? { index, pod: pod.metadata.name, ...podState(pod) } : { index, pod: undefined, state: 'absent' };
  });
}

export function podState(pod: KubeObject): Pick<RunnerState, 'state' | 'reason' | 'exitCode'> {
  const status = (pod.status ?? {}) as PodStatus;
  const k6 = status.containerStatuses?.find(({ name }) => name === K6_CONTAINER)?.state;
  if (k6?.terminated) {
    const { exitCode = 1, reason } = k6.terminated;
    return { state: 'ended', exitCode, ...(exitCode !== 0 && reason ? { reason } : {}) };
  }
  if (status.phase === 'Failed' || status.phase === 'Succeeded') {
    return { state: 'ended', exitCode: status.phase === 'Failed' ? 1 : 0, ...reasonOf(status.reason, status.message) };
  }
  if (k6?.running) return { state: 'running' };
  const unscheduled = status.conditions?.find(
    ({ type, status: holds }) => type === 'PodScheduled' && holds === 'False',
  );
  if (unscheduled) return { state: 'waiting', ...reasonOf('Unschedulable', unscheduled.message) };
  const waiting = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find(
    ({ state }) => state?.waiting?.reason && !ON_THE_WAY.includes(state.waiting.reason),
  )?.state?.waiting;
  return { state: 'waiting', ...reasonOf(waiting?.reason, waiting?.message) };
}

function reasonOf(reason: string | undefined, message: string | undefined): { readonly reason?: string } {
  const text = [reason, message].filter((part) => part).join(': ');
  return text === '' ? {} : { reason: text };
}
