import { list } from '../words.js';
import { at, type DiagnosisInput, find, items, namespaceOf, text } from './objects.js';
import { type Place, placeAt } from './place.js';
import { liveRoutes } from './routes.js';

/** Backends of the route in force that are no Service, or a port that it lacks: their share of the calls is answered 500. */
export function unresolvedBackends(input: DiagnosisInput): Place[] {
  const [route] = liveRoutes(input);
  if (route?.object.kind !== 'HTTPRoute') return [];
  return route.entries.flatMap(({ field, share }): Place[] => {
    const place = field.replace(/\.weight$/, '');
    const [rule = 0, position = 0] = [...place.matchAll(/\d+/g)].map(([index]) => Number(index));
    const ref = at(route.object.spec, 'rules', rule, 'backendRefs', position);
    const name = text(at(ref, 'name')) ?? '';
    const home = text(at(ref, 'namespace')) ?? namespaceOf(route.object);
    const kind = text(at(ref, 'kind')) ?? 'Service';
    // Services of other namespaces are not read.
    if (share === 0 || kind !== 'Service' || home !== input.scenario.namespace) return [];
    const backend = find(input, 'Service', home, name);
    const lost = 'its share of the calls is answered 500';
    if (!backend) {
      const fix = `Write the name of a Service, or apply Service ${name}: as it is, ${lost}.`;
      return [placeAt(input, route.object, `${place}.name`, { found: name, expected: `a Service of ${home}`, fix })];
    }
    const ports = items(backend.spec?.ports).map((each) => at(each, 'port'));
    const port = at(ref, 'port');
    if (ports.length === 0 || ports.includes(port)) return [];
    const expected = list(ports.map((each) => text(each) ?? ''));
    const fix = `Write a port that Service ${name} has (${expected}): as it is, ${lost}.`;
    return [placeAt(input, route.object, `${place}.port`, { found: text(port) ?? 'absent', expected, fix })];
  });
}
