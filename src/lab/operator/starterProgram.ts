import { errorText } from '../../base/errors.js';
import type { PodLogs, ProgramEnvironment, RunningProgram } from '../control/programs.js';
import type { Store } from '../control/store.js';

const CALL = /-X PATCH .*?http:\/\/([\w-]+)\.([\w-]+)\.svc\.cluster\.local:(\d+)(\/\S*) -d '([^']*)'/;

/** The starter's container: sends the PATCH requests of its command line, all at once. */
export async function startStarter(
  store: Store,
  logs: PodLogs,
  { pod, container, route }: ProgramEnvironment,
): Promise<RunningProgram> {
  const [, , line = ''] = (container.command ?? []) as readonly string[];
  const stopped = new AbortController();
  const call = async (text: string): Promise<boolean> => {
    const [, name = '', namespace, port = '', path = '', body = ''] = CALL.exec(text) ?? [];
    try {
      const service = store.get('services', namespace, name);
      if (!service) throw new Error(`Could not resolve host: ${name}`);
      const real = await route(service, Number(port));
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${real}${path}`, {
        method: 'PATCH',
        headers,
        body,
        signal: stopped.signal,
      });
      logs.append(pod, container.name, `${await answer.text()}\n`);
      return answer.ok;
    } catch (error) {
      logs.append(pod, container.name, `curl: ${errorText(error)}\n`);
      return false;
    }
  };
  const ended = Promise.all(line.split(';').map(call)).then((answered) => (answered.every(Boolean) ? 0 : 6));
  return {
    ready: Promise.resolve(),
    ended,
    stop: async () => {
      stopped.abort();
      await ended;
      logs.forget(pod);
    },
  };
}
