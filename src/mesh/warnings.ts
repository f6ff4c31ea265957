import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { connectionWarnings } from './connectionWarnings.js';
import { destinationWarnings } from './destinationWarnings.js';
import { hostWarnings } from './hostWarnings.js';
import { mutualTlsWarnings } from './mutualTlsWarnings.js';
import { number, record, records, text } from './read.js';
import { compileRegex } from './router.js';
import { telemetryWarnings } from './telemetryWarnings.js';
import type { MeshWarning, Route } from './types.js';
import type { WarningInput } from './warningInput.js';

/** What is likely not meant in the objects, as far as this proxy is concerned. */
export function warningsOf(input: WarningInput): MeshWarning[] {
  const { inventory, config } = input;
  const routes = config.ports.flatMap(({ virtualHosts }) => virtualHosts.flatMap((host) => host.routes));
  return [
    ...inventory.refused,
    ...inventory.attachments.warnings,
    ...hostWarnings(input),
    ...inventory.virtualServices.flatMap(ruleWarnings),
    ...routes.flatMap(refusedByProxy),
    ...destinationWarnings(input),
    ...connectionWarnings(input),
    ...mutualTlsWarnings(input),
    ...telemetryWarnings(input),
  ];
}

/** Rules that are stored and do not do what they seem to say. */
function ruleWarnings(object: KubeObject): MeshWarning[] {
  const found: MeshWarning[] = [];
  const warn = (code: string, field: string, message: string): void => {
    found.push({ code, object: objectRef(object), field, message });
  };
  records(object.spec?.http).forEach((rule, index) => {
    const field = `spec.http[${index}]`;
    const entries = records(rule.route);
    if (entries.length > 1) {
      const sum = entries.reduce((total, entry) => total + (number(entry.weight) ?? 0), 0);
      if (sum !== 100) {
        warn(
          'WEIGHTS_NOT_100',
          `${field}.route`,
          `The weights sum to ${sum}; the share of a destination is its weight divided by ${sum}.`,
        );
      }
      entries.forEach((entry, position) => {
        if (entry.weight !== undefined && entry.weight !== null) return;
        warn(
          'WEIGHT_OMITTED',
          `${field}.route[${position}]`,
          'A destination without weight beside others gets no requests at all.',
        );
      });
    }
    if (number(rule.mirrorPercent) !== undefined) {
      const instead = `mirrorPercentage: {value: ${rule.mirrorPercent}}`;
      warn('FIELD_DEPRECATED', `${field}.mirrorPercent`, `It still works; Istio asks for \`${instead}\` instead.`);
    }
    const { delay, abort } = record(rule.fault);
    for (const [kind, fault] of [
      ['delay', delay],
      ['abort', abort],
    ] as const) {
      if (fault === undefined) continue;
      const percent = number(record(record(fault).percentage).value) ?? number(record(fault).percent);
      if (!percent) warn('FAULT_WITHOUT_EFFECT', `${field}.fault.${kind}`, `Without a percentage nothing is injected.`);
    }
    const status = record(abort);
    if (abort !== undefined && status.httpStatus === undefined && text(status.grpcStatus) === undefined) {
      warn('FAULT_WITHOUT_EFFECT', `${field}.fault.abort`, 'An abort without httpStatus or grpcStatus does nothing.');
    }
  });
  return found;
}

const LARGEST_WEIGHT_SUM = 4_294_967_295;

/** Accepted by the control plane and refused by Envoy: the proxy then keeps its previous routes for the whole port. */
function refusedByProxy(route: Route): MeshWarning[] {
  const found: MeshWarning[] = [];
  const refuse = (field: string, what: string): void => {
    found.push({
      code: 'PROXY_REFUSES',
      object: route.source ?? '',
      field,
      message: `Envoy refuses ${what}: every host of this port keeps its previous routes in this proxy.`,
    });
  };
  const status = route.fault.abort?.status;
  if (status !== undefined && (status < 200 || status >= 600))
    refuse(`${route.field}.fault.abort.httpStatus`, `the status ${status}`);
  if (route.action.kind === 'forward') {
    const sum = route.action.destinations.reduce((total, destination) => total + destination.weight, 0);
    if (sum > LARGEST_WEIGHT_SUM) refuse(`${route.field}.route`, `weights that sum to ${sum}`);
  }
  for (const match of route.matches) {
    const conditions = [match.path, match.method, match.authority, ...match.headers.map((header) => header.match)];
    for (const condition of [...conditions, ...match.query.map((query) => query.match)]) {
      if (condition?.kind !== 'regex' || compileRegex(condition.value)) continue;
      refuse(`${route.field}.match`, `the expression ${condition.value}`);
    }
  }
  return found;
}
