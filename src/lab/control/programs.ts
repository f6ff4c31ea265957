import type { KubeObject } from '../../base/kubernetes.js';
import type { ContainerSpec } from './objects.js';

/** Why a container does not start, as a kubelet reports it: `ErrImagePull`, `CreateContainerConfigError`, ... */
export class ContainerProblem extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ContainerExit {
  readonly container: string;
  readonly exitCode: number;
}

/** What a program may know of the pod that it runs in. */
export interface ProgramEnvironment {
  readonly pod: KubeObject;
  readonly container: ContainerSpec;
  /**
   * The real port of this machine where connections of this pod to a Service go: through its sidecar, or without one to a ready pod,
   * drawn per connection.
   */
  route(service: KubeObject, port: number): Promise<number>;
  /** Lets the pod's port be reached at a real one. */
  open(port: number, real: number): void;
}

/** A container that ends by itself, unlike the applications that serve until they are stopped. */
export interface RunningProgram {
  /** Resolves when it serves what its readiness probe asks for. */
  readonly ready: Promise<void>;
  /** Its exit code. Never rejects. */
  readonly ended: Promise<number>;
  /** Ends it and everything it started; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a container that is a program, or undefined: it is an application. Rejects with a ContainerProblem when it cannot start. */
export type StartProgram = (pod: KubeObject, container: ContainerSpec) => ProgramStart | undefined;
export type ProgramStart = (environment: ProgramEnvironment) => Promise<RunningProgram>;

/** Output of containers, what `kubectl logs` shows; of each the newest part, and only while its pod is there. */
export class PodLogs {
  private static readonly MOST = 1024 * 1024;
  private readonly texts = new Map<string, string>();

  append(pod: KubeObject, container: string, text: string): void {
    const key = keyOf(pod.metadata.namespace ?? '', pod.metadata.name, container);
    this.texts.set(key, ((this.texts.get(key) ?? '') + text).slice(-PodLogs.MOST));
  }

  read(namespace: string, pod: string, container: string): string {
    return this.texts.get(keyOf(namespace, pod, container)) ?? '';
  }

  forget({ metadata: { namespace = '', name } }: KubeObject): void {
    for (const key of this.texts.keys()) if (key.startsWith(`${namespace}/${name}/`)) this.texts.delete(key);
  }
}

const keyOf = (namespace: string, pod: string, container: string): string => `${namespace}/${pod}/${container}`;
