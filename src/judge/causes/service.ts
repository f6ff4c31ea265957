import { asCounted } from './counted.js';
import { tcpPortOf } from './flow.js';
import type { CauseKind, Prediction } from './kind.js';
import { at, type DiagnosisInput, items, service, text } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { routesOfConnections } from './stickiness.js';

/** 4: a port whose connections the mesh does not look into; with weighted routes of connections it is meant so, and those are the cause. */
export const portNotHttp: CauseKind = {
  code: 'PORT_NOT_HTTP',
  number: 4,
  title: 'the port is no HTTP port to the mesh, so whole connections are balanced',
  confirm: (input) => fromObjects(byWeight(input) && routesOfConnections(input).length === 0 ? tcpPort(input) : []),
  predict: (_candidate, input) => byConnections(input),
};

/** 29: a Service without an address: the caller dials a pod itself. */
export const serviceBypassed: CauseKind = {
  code: 'SERVICE_BYPASSED',
  number: 29,
  title: 'the Service is headless, so the caller dials a pod and routes have no effect',
  confirm: (input) => fromObjects(byWeight(input) ? headless(input) : []),
  // A pod is drawn for a connection, and a caller may keep a few of them: any share can come of that.
  predict: (_candidate, input) => ({ ...asCounted(input, ['client', 'source', 'destination']), unit: 'connection' }),
};

const byWeight = ({ stage }: DiagnosisInput): boolean => stage.expect.by !== 'balancing';

/** Proxies count connections of the calls, no requests. How few a caller keeps, and where, decides the share. */
function byConnections(input: DiagnosisInput): Prediction {
  const silent = { share: {}, silent: true };
  const { points, fitted = 0, residuals = [] } = asCounted(input, ['client', 'source', 'destination']);
  return {
    points: { ...points, source: silent, destination: silent },
    residuals: residuals.filter(({ sign }) => sign === 'fewer'),
    unit: 'connection',
    fitted,
  };
}

function tcpPort(input: DiagnosisInput): Place[] {
  const target = service(input);
  const index = tcpPortOf(input);
  if (!target || index === undefined) return [];
  const port = items(target.spec?.ports)[index];
  const appProtocol = text(at(port, 'appProtocol'));
  const name = text(at(port, 'name'));
  const [field, found] = appProtocol === undefined ? ['name', name ?? 'absent'] : ['appProtocol', appProtocol];
  return [
    placeAt(input, target, `spec.ports[${index}].${field}`, {
      found,
      expected: 'http',
      fix: `Name the port http, or set appProtocol: http. As it is the mesh treats port ${text(at(port, 'port')) ?? ''} as TCP and balances whole connections over all ready pods, past every HTTP route.`,
    }),
  ];
}

function headless(input: DiagnosisInput): Place[] {
  const target = service(input);
  if (target?.spec?.clusterIP !== 'None') return [];
  return [
    placeAt(input, target, 'spec.clusterIP', {
      found: 'None',
      expected: 'an address of the cluster',
      fix: 'Give the Service an address (delete it and apply it without clusterIP): callers resolve a headless one to its pods and dial them, so weights have no effect.',
    }),
  ];
}
