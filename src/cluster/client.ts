import type { KubeConfig } from '@kubernetes/client-node';
import { EnvironmentError, errorText } from '../base/errors.js';
import { apiGroup, type KubeObject } from '../base/kubernetes.js';
import { type HttpAnswer, type HttpOptions, httpRequest } from './http.js';

/** Under this name managedFields remember the writes of a run. */
const USER_AGENT = 'weighbridge';

export interface ClusterOptions {
  /** Path of a kubeconfig file; default: KUBECONFIG's value, else the user's default, else the pod's service account. */
  readonly kubeconfig?: string;
  /** Default: the file's current context. */
  readonly context?: string;
}

/** Names an object for the API server. */
export interface ObjectKey {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

export const keyOf = (object: KubeObject): ObjectKey => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  namespace: object.metadata.namespace,
  name: object.metadata.name,
});

/** An answer of the API server that is no success. `status` is HTTP's, `reason` Kubernetes' (`NotFound`, `Conflict`, ...). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

interface Resource {
  readonly plural: string;
  readonly namespaced: boolean;
}

/**
 * The Kubernetes API as raw JSON. The official client reads kubeconfigs, credentials and certificates; objects do not pass through its
 * typed models, which drop unknown fields and would make an exact restore impossible.
 */
export class ClusterClient {
  readonly kubeConfig: KubeConfig;
  readonly server: string;
  readonly context: string;
  private requestOptions: HttpOptions | undefined;
  private readonly resources = new Map<string, Promise<Map<string, Resource>>>();

  constructor(kubeConfig: KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster();
    if (!cluster) {
      throw new EnvironmentError(
        'E_KUBECONFIG',
        'the kubeconfig has no current context',
        'name one with --context, or set it with `kubectl config use-context NAME`',
      );
    }
    this.kubeConfig = kubeConfig;
    this.server = cluster.server;
    this.context = kubeConfig.getCurrentContext();
  }

  /** @returns undefined when the object, its kind or its namespace does not exist. */
  async get(key: ObjectKey): Promise<KubeObject | undefined> {
    try {
      return (await this.call('GET', await this.path(key, key.name))) as KubeObject;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** @returns false for a kind that the server does not know: its CustomResourceDefinition is not installed. */
  async serves(apiVersion: string, kind: string): Promise<boolean> {
    try {
      await this.path({ apiVersion, kind, namespace: undefined, name: '' });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  /**
   * All objects of a kind; a kind that the server does not know is an empty list.
   * @param labels that they must have; default: any
   */
  async list(
    apiVersion: string,
    kind: string,
    namespace?: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<KubeObject[]> {
    const selector = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const query = selector.length > 0 ? `?labelSelector=${encodeURIComponent(selector.join(','))}` : '';
    try {
      const list = (await this.call('GET', (await this.path({ apiVersion, kind, namespace, name: '' })) + query)) as {
        items?: KubeObject[];
      };
      return (list.items ?? []).map((item) => ({ ...item, apiVersion, kind }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  async create(object: KubeObject): Promise<KubeObject> {
    return (await this.call('POST', await this.path(keyOf(object)), object)) as KubeObject;
  }

  /** PUT; `metadata.resourceVersion`, when present, must be the live one (else Conflict). */
  async replace(object: KubeObject): Promise<KubeObject> {
    return (await this.call('PUT', await this.path(keyOf(object), object.metadata.name), object)) as KubeObject;
  }

  /** Deletes with its dependents. @returns false when it was not there. */
  async remove(key: ObjectKey): Promise<boolean> {
    try {
      await this.call('DELETE', await this.path(key, key.name), { propagationPolicy: 'Background' });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }

  /** What a container of a pod has printed. @param tailLines only the last ones; default: all that is kept */
  async logs(namespace: string, pod: string, container: string, tailLines?: number): Promise<string> {
    const path = await this.path({ apiVersion: 'v1', kind: 'Pod', namespace, name: pod }, pod);
    const query = new URLSearchParams({
      container,
      ...(tailLines === undefined ? {} : { tailLines: String(tailLines) }),
    });
    const answer = await this.authorized('GET', `${path}/log?${query}`);
    if (answer.status !== 200) throw refusal(answer, `GET ${path}/log`);
    return answer.text;
  }

  /** The server's version; the first call of a run, so its failure is told for a person. */
  async check(): Promise<string> {
    try {
      const version = (await this.call('GET', '/version')) as { gitVersion?: string };
      return version.gitVersion ?? 'unknown';
    } catch (error) {
      throw error instanceof EnvironmentError ? error : this.silent(error);
    }
  }

  private silent(error: unknown): EnvironmentError {
    return new EnvironmentError(
      'E_CLUSTER',
      `the Kubernetes API server ${this.server} (context ${this.context}) does not answer: ${errorText(error)}`,
      'try `kubectl version` with the same kubeconfig; choose another cluster with --kubeconfig or --context',
    );
  }

  private async path(key: ObjectKey, name?: string): Promise<string> {
    const base = apiGroup(key.apiVersion) ? `/apis/${key.apiVersion}` : `/api/${key.apiVersion}`;
    let kinds = this.resources.get(base);
    if (!kinds) {
      kinds = this.discover(base);
      this.resources.set(base, kinds);
      kinds.catch(() => this.resources.delete(base));
    }
    const resource = (await kinds).get(key.kind);
    if (!resource) throw new ApiError(404, 'NotFound', `the server has no kind ${key.kind} in ${key.apiVersion}`);
    const scope = resource.namespaced && key.namespace ? `/namespaces/${encodeURIComponent(key.namespace)}` : '';
    return `${base}${scope}/${resource.plural}${name ? `/${encodeURIComponent(name)}` : ''}`;
  }

  private async discover(base: string): Promise<Map<string, Resource>> {
    const list = (await this.call('GET', base)) as {
      resources?: { name: string; kind: string; namespaced: boolean }[];
    };
    const top = (list.resources ?? []).filter((resource) => !resource.name.includes('/'));
    return new Map(top.map(({ kind, name, namespaced }) => [kind, { plural: name, namespaced }]));
  }

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.authorized(method, path, body);
    const parsed = parseJson(answer.text);
    if (answer.status >= 200 && answer.status < 300) {
      if (parsed === undefined)
        throw new ApiError(
          answer.status,
          'NotJson',
          `${this.server}${path} answered ${answer.status} with something that is no JSON`,
        );
      return parsed;
    }
    throw refusal(answer, `${method} ${path}`);
  }

  private async authorized(method: string, path: string, body?: unknown): Promise<HttpAnswer> {
    const answer = await this.send(method, path, body);
    if (answer.status !== 401) return answer;
    // Tokens of exec plugins expire in the middle of long runs: read the credentials again, once.
    this.requestOptions = undefined;
    return this.send(method, path, body);
  }

  /** @throws EnvironmentError when nobody answers. */
  private async send(method: string, path: string, body: unknown): Promise<HttpAnswer> {
    if (!this.requestOptions) {
      const options: HttpOptions = {};
      await this.kubeConfig.applyToHTTPSOptions(options as never);
      this.requestOptions = options;
    }
    const { headers, ...rest } = this.requestOptions;
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Node frames the body of a DELETE only when its length is said.
    const bodyHeaders =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
    return httpRequest(new URL(this.server.replace(/\/$/, '') + path), {
      ...rest,
      method,
      headers: {
        ...(headers as Record<string, string>),
        accept: 'application/json',
        'user-agent': USER_AGENT,
        ...bodyHeaders,
      },
      ...(text === undefined ? {} : { body: text }),
    }).catch((error: unknown) => {
      throw this.silent(error);
    });
  }
}

function refusal(answer: HttpAnswer, request: string): ApiError {
  const { message, reason } = (parseJson(answer.text) ?? {}) as { message?: unknown; reason?: unknown };
  return new ApiError(
    answer.status,
    String(reason ?? 'Unknown'),
    String(message ?? `${request}: HTTP ${answer.status}`),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads the kubeconfig; talks to nobody yet.
 * @throws EnvironmentError when there is none, it cannot be read, or the context does not exist.
 */
export async function connectCluster(options: ClusterOptions): Promise<ClusterClient> {
  // Imported on use: it costs most of a second, which commands without a cluster should not pay.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const file = options.kubeconfig;
  try {
    if (file) config.loadFromFile(file);
    else config.loadFromDefault();
  } catch (error) {
    throw new EnvironmentError(
      'E_KUBECONFIG',
      `cannot read the kubeconfig${file ? ` ${file}` : ''}: ${errorText(error)}`,
      'give its path with --kubeconfig, or set KUBECONFIG',
    );
  }
  if (options.context) {
    const known = config.getContexts().map((context) => context.name);
    if (!known.includes(options.context)) {
      throw new EnvironmentError(
        'E_KUBECONFIG',
        `the kubeconfig has no context ${options.context}`,
        `it has: ${known.join(', ') || 'none'}`,
      );
    }
    config.setCurrentContext(options.context);
  }
  return new ClusterClient(config);
}
