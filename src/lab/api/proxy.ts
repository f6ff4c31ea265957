import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { errorText } from '../../base/errors.js';
import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import type { ApiContext } from './context.js';
import { type Dict, isDict } from './lists.js';
import { ApiStatusError, badRequest, notFound, unknownPath } from './status.js';
import type { Target } from './target.js';

const dicts = (value: unknown): Dict[] => (Array.isArray(value) ? value.filter(isDict) : []);
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'authorization',
  'host',
];

const unavailable = (message: string): ApiStatusError => new ApiStatusError(503, 'ServiceUnavailable', message);

function containerPort(pod: KubeObject, port: string): number | undefined {
  if (/^\d+$/.test(port)) return Number(port);
  const ports = dicts(pod.spec?.containers).flatMap((container) => dicts(container.ports));
  const named = ports.find(({ name }) => name === port)?.containerPort;
  return typeof named === 'number' ? named : undefined;
}

const isReady = ({ status, metadata }: KubeObject): boolean =>
  !metadata.deletionTimestamp &&
  dicts(status?.conditions).some(({ type, status: is }) => type === 'Ready' && is === 'True');

/** The pod and the container port that a Service port leads to. @throws ApiStatusError 503 without a ready pod. */
function behindService(context: ApiContext, service: KubeObject, port: string): { pod: KubeObject; port: string } {
  const ports = dicts(service.spec?.ports);
  const wanted =
    port === '' ? ports[0] : ports.find(({ name, port: number }) => name === port || String(number) === port);
  const { name, namespace } = service.metadata;
  if (!wanted) throw unavailable(`no service port "${port}" found for service "${name}"`);
  const selector = service.spec?.selector as Record<string, string> | undefined;
  const pod =
    selector &&
    context.store.list('pods', namespace).find((p) => labelsMatch(selector, p.metadata.labels) && isReady(p));
  if (!pod) throw unavailable(`no endpoints available for service "${name}"`);
  return { pod, port: String(wanted.targetPort ?? wanted.port) };
}

function upstream(context: ApiContext, target: Target): { host: string; port: number } {
  // [scheme:]name[:port]
  const parts = (target.name ?? '').split(':');
  const [name = '', port = ''] = parts.length === 3 ? parts.slice(1) : parts;
  const object = context.store.get(target.entry.resource, target.namespace, name);
  if (!object) throw notFound(target.entry, name);
  const place =
    target.entry.resource === 'services'
      ? behindService(context, object, port)
      : { pod: object, port: port || String(dicts(dicts(object.spec?.containers)[0]?.ports)[0]?.containerPort ?? 80) };
  const number = containerPort(place.pod, place.port);
  const { name: pod, namespace = '' } = place.pod.metadata;
  const address = number === undefined ? undefined : context.resolvePodPort(namespace, pod, number);
  if (!address)
    throw unavailable(`error trying to reach service: nothing listens on port ${place.port} of pod "${pod}"`);
  return address;
}

/**
 * Passes a request below `services/{name[:port]}/proxy/` or `pods/{name[:port]}/proxy/` on to the pod.
 * @throws ApiStatusError 404 and 503 before anything was sent.
 */
export function proxyRequest(
  context: ApiContext,
  target: Target,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (target.entry.resource !== 'services' && target.entry.resource !== 'pods') throw unknownPath();
  const { host, port } = upstream(context, target);
  const query = request.url?.includes('?') ? request.url.slice(request.url.indexOf('?')) : '';
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
  return new Promise((resolve, reject) => {
    let outgoing: ReturnType<typeof httpRequest>;
    try {
      outgoing = httpRequest({ host, port, method: request.method, path: `/${target.rest}${query}`, headers });
    } catch (error) {
      reject(badRequest(errorText(error)));
      return;
    }
    outgoing.on('response', (answer) => {
      const passed = Object.entries(answer.headers).filter(
        ([name]) => !['connection', 'keep-alive', 'transfer-encoding'].includes(name),
      );
      response.writeHead(answer.statusCode ?? 502, Object.fromEntries(passed));
      pipeline(answer, response, () => resolve());
    });
    outgoing.on('error', (error) => {
      if (response.headersSent) response.destroy();
      reject(unavailable(`error trying to reach service: ${errorText(error)}`));
    });
    response.on('close', () => outgoing.destroy());
    request.pipe(outgoing);
  });
}
